import { checkInteger, checkOptions, kindOf, rangeError, typeError } from '../core/errors.ts';
import type { Dataset } from '../data/dataset.ts';
import { checkLoss, crossEntropy, type Loss } from '../nn/losses.ts';
import { type Optimizer, sgd } from '../optim/optimizer.ts';
import { type Callback, checkCallbacks, type EpochReport, type StepReport } from './callbacks.ts';
import type { Position } from './state.ts';

export interface CheckpointOptions {
  /** The file that each checkpoint replaces, on hosts with files. It, `save`, or both. */
  readonly path?: string;
  /** Gets the bytes of each checkpoint, and how much is done; training waits for it. */
  readonly save?: (bytes: Uint8Array<ArrayBuffer>, position: Position) => void | Promise<void>;
  /** Steps from one checkpoint to the next, besides those between epochs. */
  readonly everySteps?: number;
  /** Epochs from one checkpoint to the next; 1 unless given. The end of training always has one. */
  readonly everyEpochs?: number;
}

export interface FitOptions {
  /** Default 1. */
  readonly epochs?: number;
  /** Default SGD with learning rate 0.01 and momentum 0.9. */
  readonly optimizer?: Optimizer;
  /** Default cross-entropy over class indices. */
  readonly loss?: Loss;
  /** Evaluated after each epoch. */
  readonly validation?: Dataset;
  /** Of what is random in training besides the order of samples: dropout. Default 0. */
  readonly seed?: number;
  readonly callbacks?: readonly Callback[];
  /** The same as a callback that has nothing else. */
  readonly onStep?: (report: StepReport) => void;
  /** Parameters hold the trained values while it runs. */
  readonly onEpoch?: (report: EpochReport) => void | Promise<void>;
  /** Ends training after the current step; what was learned stays, and a last checkpoint is made. */
  readonly signal?: AbortSignal;
  readonly checkpoint?: CheckpointOptions;
  /** Bytes of a checkpoint to go on from, or true for the file of `checkpoint.path`, if there is one. */
  readonly resume?: Uint8Array | boolean;
  /** Names the op that first makes a NaN or an infinity, at the price of slower steps. Default false. */
  readonly checkNumerics?: boolean;
  /**
   * Threads that share the work of a step, this one included: 1 by default. The bytes of the weights are the same for any number.
   * Hosts without shared memory or workers say so once and use one.
   */
  readonly threads?: number;
}

/** More than any machine has use for. */
const MOST_THREADS = 64;

const OPTIONS = [
  'epochs',
  'optimizer',
  'loss',
  'validation',
  'seed',
  'callbacks',
  'onStep',
  'onEpoch',
  'signal',
  'checkpoint',
  'resume',
  'checkNumerics',
  'threads',
];

type Defaults =
  | 'epochs'
  | 'optimizer'
  | 'loss'
  | 'seed'
  | 'callbacks'
  | 'checkNumerics'
  | 'threads';

/** The options of one run, all defaults filled in. */
export type RunOptions = FitOptions & Required<Pick<FitOptions, Defaults>>;

/** Throws a RangeError or TypeError for options that make no sense. */
export function checkFitOptions(options: FitOptions): RunOptions {
  checkOptions('fit', options, OPTIONS);
  const { epochs = 1, loss = crossEntropy(), optimizer = sgd({ momentum: 0.9 }) } = options;
  const { seed = 0, callbacks = [], checkNumerics = false, threads = 1 } = options;
  const { checkpoint, resume } = options;
  checkInteger('fit', 'epochs', epochs, 0);
  checkInteger('fit', 'seed', seed, Number.MIN_SAFE_INTEGER);
  checkInteger('fit', 'threads', threads, 1, MOST_THREADS);
  checkLoss('fit', loss);
  checkCallbacks('fit', callbacks);
  if (typeof optimizer?.update !== 'function') {
    const expected = 'optimizer must be made by a function of optimizers';
    throw typeError('fit', expected, kindOf(optimizer));
  }
  if (checkpoint !== undefined) checkCheckpoint(checkpoint);
  if (resume !== undefined) checkResume(resume, checkpoint);
  const all = [...callbacks, ...shorthand(options)];
  return { ...options, epochs, loss, optimizer, seed, callbacks: all, checkNumerics, threads };
}

/** `onStep` and `onEpoch` as a callback, after all others. */
function shorthand({ onStep, onEpoch }: FitOptions): Callback[] {
  if (!onStep && !onEpoch) return [];
  return [
    {
      name: 'options',
      onStep: (report) => onStep?.(report),
      onEpoch: (report) => onEpoch?.(report),
    },
  ];
}

function checkCheckpoint(checkpoint: CheckpointOptions): void {
  const where = 'fit: checkpoint';
  checkOptions(where, checkpoint, ['path', 'save', 'everySteps', 'everyEpochs']);
  const { path, save, everySteps = 1, everyEpochs = 1 } = checkpoint;
  if (path === undefined && save === undefined) {
    throw rangeError(where, 'a path, or a function save', 'none');
  }
  if (path !== undefined && (typeof path !== 'string' || path === '')) {
    throw typeError(where, 'path must be the name of a file', kindOf(path));
  }
  if (save !== undefined && typeof save !== 'function') {
    throw typeError(where, 'save must be a function', kindOf(save));
  }
  checkInteger(where, 'everySteps', everySteps, 1);
  checkInteger(where, 'everyEpochs', everyEpochs, 1);
}

function checkResume(resume: Uint8Array | boolean, checkpoint?: CheckpointOptions): void {
  if (resume instanceof Uint8Array || resume === false) return;
  if (resume !== true) throw typeError('fit', 'resume must be bytes or true', kindOf(resume));
  if (checkpoint?.path !== undefined) return;
  throw rangeError('fit', 'resume: true needs checkpoint.path', 'none');
}
