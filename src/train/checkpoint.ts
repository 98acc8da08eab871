import type { Elements } from '../core/dtype.ts';
import { rangeError } from '../core/errors.ts';
import type { Dataset, DatasetState } from '../data/dataset.ts';
import type { CallbackMemory, EpochReport } from './callbacks.ts';
import { checkFingerprint, fingerprintOf } from './fingerprint.ts';
import { readIfThere } from './node.ts';
import { checkSlots, numbersOf, restoreMemory, slotsOf } from './optimizerMemory.ts';
import type { RunOptions } from './options.ts';
import type { Model, Resolved } from './resolve.ts';
import { decodeState, type Sums, type TrainingState, withPrefix } from './state.ts';
import { checkWeights, namedParameters, writeWeights } from './weights.ts';

/** What a run trains, and how. */
export interface Task {
  readonly model: Model;
  readonly resolved: Resolved;
  readonly dataset: Dataset;
  readonly options: RunOptions;
}

/** Where a run stands, between two steps. */
export interface Standing {
  epoch: number;
  /** Steps done in the epoch. */
  step: number;
  sums: Sums;
  history: EpochReport[];
  /** Whether a callback ended training. */
  stopped: boolean;
}

/** The state of a run whose parameters and optimizer memory are those of this moment. `dataEpoch`: the dataset's own number. */
export function snapshot(task: Task, at: Standing, dataEpoch: number): TrainingState {
  const { resolved, dataset, options } = task;
  const memories = options.callbacks.map((callback) => callback.save?.());
  const callbacks = options.callbacks.map(({ name }, i) => {
    return { name, values: memories[i]?.values ?? null };
  });
  return {
    fingerprint: fingerprintOf(resolved.graph, dataset, options),
    position: { epoch: at.epoch, step: at.step },
    stopped: at.stopped,
    sums: at.sums,
    history: at.history,
    data: { epoch: dataEpoch, ...(dataset.state && { state: dataset.state.save() }) },
    optimizer: numbersOf(options.optimizer),
    callbacks,
    samples: resolved.samples?.size ?? 0,
    tensors: tensorsOf(task, memories),
  };
}

function tensorsOf(
  { resolved: { graph, samples }, options }: Task,
  memories: readonly (CallbackMemory | undefined)[],
): Map<string, Elements> {
  const tensors = new Map<string, Elements>();
  for (const [name, { data }] of namedParameters(graph)) tensors.set(`model/${name}`, data);
  for (const [name, data] of slotsOf(options.optimizer, graph)) {
    tensors.set(`optimizer/${name}`, data);
  }
  memories.forEach((memory, i) => {
    for (const [name, data] of memory?.weights ?? []) tensors.set(`callback/${i}/${name}`, data);
  });
  if (samples && samples.size > 0) tensors.set('samples', samples.x);
  return tensors;
}

/**
 * Puts model, optimizer and dataset where the checkpoint of `options.resume` has them, and returns it; undefined when there
 * is none to resume. Throws a RangeError or TypeError, before anything is changed, for one that is damaged or of another training.
 */
export async function resume(task: Task): Promise<TrainingState | undefined> {
  const { options } = task;
  const bytes = await savedBytes(options);
  if (!bytes) return undefined;
  const where = 'fit: resume';
  const state = decodeState(bytes, where);
  check(where, task, state);
  apply(task, state);
  return state;
}

async function savedBytes({ resume, checkpoint }: RunOptions): Promise<Uint8Array | undefined> {
  if (resume instanceof Uint8Array) return resume;
  return resume ? readIfThere(checkpoint!.path!, 'fit: resume') : undefined;
}

function check(where: string, { resolved, dataset, options }: Task, state: TrainingState): void {
  const { graph } = resolved;
  checkFingerprint(where, state.fingerprint, fingerprintOf(graph, dataset, options));
  checkWeights(where, graph, withPrefix(state.tensors, 'model/'));
  checkSlots(where, options.optimizer, graph, withPrefix(state.tensors, 'optimizer/'));
  const { epoch, step } = state.position;
  if (step > dataset.steps) {
    throw rangeError(where, `expected a position in an epoch of ${dataset.steps} steps`, step);
  }
  if (epoch > options.epochs) {
    throw rangeError(where, `expected a position in a run of ${options.epochs} epochs`, epoch);
  }
}

function apply({ resolved, dataset, options }: Task, state: TrainingState): void {
  const { graph } = resolved;
  const { tensors, data } = state;
  writeWeights(graph, withPrefix(tensors, 'model/'));
  const slots = withPrefix(tensors, 'optimizer/');
  restoreMemory(options.optimizer, graph, state.optimizer, slots);
  const x = tensors.get('samples');
  // With samples the ranges count as set: they are among the parameters.
  if (resolved.samples && x instanceof Float32Array) {
    resolved.samples = { x: x.slice(), size: state.samples };
  }
  dataset.epoch = data.epoch;
  if (dataset.state && data.state) dataset.state.restore(data.state as DatasetState);
}
