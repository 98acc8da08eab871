import { withDevice } from '../autograd/device.ts';
import { checkInteger, checkOptions, kindOf, typeError } from '../core/errors.ts';
import type { Dataset } from '../data/dataset.ts';
import { checkLoss, crossEntropy, type Loss } from '../nn/losses.ts';
import { type Optimizer, sgd } from '../optim/optimizer.ts';
import { claim } from './claim.ts';
import { type Evaluation, evaluate } from './evaluate.ts';
import { type Model, type Resolved, resolve } from './resolve.ts';
import { Trainer } from './trainer.ts';

export interface StepReport {
  /** From 0. */
  readonly epoch: number;
  readonly epochs: number;
  /** Steps done in this epoch, from 1. */
  readonly step: number;
  readonly steps: number;
  /** Means over the epoch so far. */
  readonly loss: number;
  readonly accuracy: number;
}

export interface EpochReport {
  readonly epoch: number;
  readonly loss: number;
  readonly accuracy: number;
  readonly validation?: Evaluation;
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
  readonly onStep?: (report: StepReport) => void;
  /** Parameters hold the trained values while it runs. */
  readonly onEpoch?: (report: EpochReport) => void | Promise<void>;
  /** Ends training after the current step; what was learned stays. */
  readonly signal?: AbortSignal;
}

const OPTIONS = ['epochs', 'optimizer', 'loss', 'validation', 'onStep', 'onEpoch', 'signal'];
/** How long steps may keep other work of the host waiting, in ms. */
const PATIENCE = 100;

/**
 * Trains a model, an imported Graph or a quantized model on batches of (x [N,…], class indices [N]). The model's
 * parameters are updated in place; the optimizer remembers, so a second call goes on. Returns one report per epoch.
 */
export async function fit(
  model: Model,
  dataset: Dataset,
  options: FitOptions = {},
): Promise<EpochReport[]> {
  checkOptions('fit', options, OPTIONS);
  const { epochs = 1, loss = crossEntropy(), optimizer = sgd({ momentum: 0.9 }) } = options;
  checkInteger('fit', 'epochs', epochs, 0);
  checkLoss('fit', loss);
  if (typeof optimizer?.update !== 'function') {
    const expected = 'optimizer must be made by optimizers.sgd() or optimizers.adam()';
    throw typeError('fit', expected, kindOf(optimizer));
  }
  const resolved = resolve('fit', model, dataset);
  const run = { ...options, epochs, loss, optimizer };
  return claim('fit', resolved.graph, () => runEpochs(model, resolved, dataset, run));
}

type Run = FitOptions & Required<Pick<FitOptions, 'epochs' | 'loss' | 'optimizer'>>;

async function runEpochs(
  model: Model,
  resolved: Resolved,
  dataset: Dataset,
  options: Run,
): Promise<EpochReport[]> {
  const { epochs, loss, optimizer, validation } = options;
  await resolved.prepare?.(dataset);
  return withDevice(async (device) => {
    const trainer = new Trainer(device, resolved, loss, optimizer, epochs * dataset.steps);
    const history: EpochReport[] = [];
    for (let epoch = 0; epoch < epochs && !options.signal?.aborted; epoch++) {
      const means = await runEpoch(trainer, dataset, options, epoch);
      trainer.save();
      const report = {
        epoch,
        ...means,
        ...(validation && { validation: await evaluate(model, validation, { loss }) }),
      };
      history.push(report);
      await options.onEpoch?.(report);
    }
    return history;
  });
}

async function runEpoch(
  trainer: Trainer,
  dataset: Dataset,
  options: Run,
  epoch: number,
): Promise<{ loss: number; accuracy: number }> {
  const sum = { loss: 0, correct: 0, samples: 0 };
  const { steps } = dataset;
  let step = 0;
  let rested = Date.now();
  for await (const batch of dataset) {
    const { loss, correct } = trainer.step(batch, epoch * steps + step);
    step++;
    sum.loss += loss * batch.size;
    sum.correct += correct;
    sum.samples += batch.size;
    const means = { loss: sum.loss / sum.samples, accuracy: sum.correct / sum.samples };
    options.onStep?.({ epoch, epochs: options.epochs, step, steps, ...means });
    if (options.signal?.aborted) break;
    if (Date.now() - rested < PATIENCE) continue;
    await new Promise((resolve) => setTimeout(resolve));
    rested = Date.now();
  }
  return { loss: sum.loss / sum.samples, accuracy: sum.correct / sum.samples };
}
