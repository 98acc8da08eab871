import { Rng } from '../../src/core/rng.ts';
import { parametersOf } from '../../src/graph/graph.ts';
import {
  convert,
  type Dataset,
  data,
  fit,
  type Graph,
  type Model,
  type Optimizer,
  optimizers,
  quantizeModel,
  schedules,
  zoo,
} from '../../src/index.ts';
import { Digest, digestOf } from './digest.ts';

const STEPS = 50;
const BATCH = 8;
const SIDE = 28;

/** Images of noise with a bright square, whose place is the class: data that needs no file. */
export function squares(count: number, seed: number): { x: Uint8Array; y: Int32Array } {
  const rng = new Rng(seed);
  const x = Uint8Array.from({ length: count * SIDE * SIDE }, () => rng.below(80));
  const y = Int32Array.from({ length: count }, () => rng.below(10));
  y.forEach((label, i) => {
    const top = 3 + 12 * (label & 1) + rng.below(4);
    const left = 1 + 5 * (label >> 1) + rng.below(2);
    for (let row = 0; row < 7; row++) {
      const from = (i * SIDE + top + row) * SIDE + left;
      x.fill(150 + rng.below(100), from, from + 5);
    }
  });
  return { x, y };
}

function images(seed: number): Dataset {
  const preprocessing = { mean: [0.2], std: [0.25] };
  return data.fromArrays({
    ...squares(STEPS * BATCH, seed),
    ...{ shape: [SIDE, SIDE, 1], classes: 10, batchSize: BATCH, seed, preprocessing },
  });
}

/** Digest of the losses of one epoch and of all parameters after it, quantizer scales included. */
async function trained(
  model: Model,
  graph: Graph,
  optimizer: Optimizer,
  threads: number,
): Promise<string> {
  const digest = new Digest();
  await fit(model, images(1), {
    ...{ optimizer, threads },
    onStep: ({ loss }) => {
      digest.add(Float64Array.of(loss));
    },
  });
  for (const { data } of parametersOf(graph)) digest.add(data);
  return digest.hex();
}

/** Trains `digits` for 50 steps each in float, with learned scales and with moving averages, and converts it. */
export async function train(threads = 1): Promise<{
  digests: Record<string, string>;
  bundle: Uint8Array;
}> {
  const net = zoo.digits({ seed: 5 });
  const cosine = schedules.cosine({ learningRate: 0.05 });
  const sgd = optimizers.sgd({ learningRate: cosine, momentum: 0.9, weightDecay: 1e-4 });
  const float = await trained(net, net.build(), sgd, threads);

  const qat = quantizeModel(net, { calibrationBatches: 4 });
  const lsq = await trained(qat, qat.graph, optimizers.adam({ weightDecay: 1e-3 }), threads);
  const bundle = convert(qat, { provenance: { steps: STEPS } }).toBytes();

  const observed = quantizeModel(net, { method: 'movingAverage', calibrationBatches: 2 });
  const movingAverage = await trained(
    observed,
    observed.graph,
    optimizers.sgd({ learningRate: 0.01, momentum: 0.9, nesterov: true }),
    threads,
  );
  const digests = { float, lsq, movingAverage, converted: await digestOf(bundle) };
  return { digests, bundle };
}
