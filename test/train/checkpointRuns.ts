import type { Dataset } from '../../src/data/dataset.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { layers } from '../../src/nn/layers.ts';
import { sequential } from '../../src/nn/models.ts';
import { adam, type Optimizer, sgd } from '../../src/optim/optimizer.ts';
import { schedules } from '../../src/optim/schedules.ts';
import type { MethodName } from '../../src/quant/methods.ts';
import { type QuantizedModel, quantizeModel } from '../../src/quant/quantizeModel.ts';
import { fit } from '../../src/train/fit.ts';
import type { FitOptions } from '../../src/train/options.ts';
import { blobs, SAMPLE } from '../quant/networks.ts';

export const SEED = 131;
export const EPOCHS = 3;
/** 70 samples in batches of 16: the last batch of an epoch is short. */
export const SAMPLES = 70;
export const STEPS = 5;
const { conv2d, batchNormalization, relu, globalAveragePool2d, dense } = layers;

export function network(units = 3) {
  return sequential(
    [
      conv2d({ filters: 4, kernelSize: 3, strides: 2, useBias: false }),
      batchNormalization({ momentum: 0.9 }),
      relu(),
      globalAveragePool2d(),
      dense({ units }),
    ],
    { seed: SEED },
  );
}

/** All that a run is made of, new each time: what another process would have. */
export interface Setup {
  readonly model: ReturnType<typeof network> | QuantizedModel;
  readonly graph: () => Graph;
  readonly dataset: Dataset;
  readonly optimizer: Optimizer;
  readonly more?: FitOptions;
}

export const momentum = () => sgd({ learningRate: 0.1, momentum: 0.9, weightDecay: 1e-3 });
export const cosine = () =>
  adam({ learningRate: schedules.cosine({ learningRate: 0.02, warmup: 4 }) });

export function floatSetup(optimizer: Optimizer, more: FitOptions = {}): Setup {
  const model = network();
  const graph = () => model.build(SAMPLE);
  return { model, graph, dataset: blobs(SAMPLES, SEED), optimizer, more };
}

export function quantizedSetup(method: MethodName): Setup {
  const model = quantizeModel(network().build(SAMPLE), { method });
  return { model, graph: () => model.graph, dataset: blobs(SAMPLES, SEED), optimizer: cosine() };
}

export function run({ model, dataset, optimizer, more }: Setup, options: FitOptions) {
  return fit(model, dataset, { epochs: EPOCHS, optimizer, seed: SEED, ...more, ...options });
}

/** Takes the checkpoints of a run and keeps the newest. */
export function newest(more: Omit<NonNullable<FitOptions['checkpoint']>, 'save'> = {}) {
  const kept = { bytes: new Uint8Array() };
  const save = (bytes: Uint8Array<ArrayBuffer>) => {
    kept.bytes = bytes;
  };
  return { kept, checkpoint: { ...more, save } };
}
