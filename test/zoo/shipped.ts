import { Rng } from '../../src/core/rng.ts';
import { type Shape, sizeOf } from '../../src/core/shape.ts';
import { fromArrays } from '../../src/data/fromArrays.ts';
import type { Module } from '../../src/nn/module.ts';
import { convert } from '../../src/quant/convert.ts';
import { quantizeModel } from '../../src/quant/quantizeModel.ts';
import { estimateStatistics } from '../../src/train/estimateStatistics.ts';
import { visitIntegers } from '../../src/train/integers.ts';
import { compareParity, interpreter, type Parity, runtime } from '../quant/parity.ts';

export interface Shipped {
  /** Evaluation against the planned runtime and against the plain interpreter. */
  readonly planned: Parity;
  readonly plain: Parity;
  /** Different integers of the layer that has the fewest. */
  readonly fewest: number;
  /** Of the integer graph, the input included. */
  readonly layers: number;
}

/** `count` noise images of any shape in [−1, 1]. */
function noise(shape: Shape, count: number, seed: number) {
  const rng = new Rng(seed);
  const x = Float32Array.from({ length: count * sizeOf(shape) }, () => 2 * rng.uniform() - 1);
  const y = new Int32Array(count);
  return fromArrays({ x, y, shape, classes: 1, batchSize: count, shuffle: false });
}

/**
 * Random weights, batch statistics and ranges from a few random images, converted and run on one more. Statistics of
 * the data keep the activations of deep networks alive.
 */
export async function ship(net: Module, seed: number): Promise<Shipped> {
  const shape = net.inputShape!;
  const known = noise(shape, 4, seed);
  await estimateStatistics(net, known);
  const model = quantizeModel(net);
  await model.calibrate(known);
  const { graph } = convert(model);
  const image = noise(shape, 1, seed + 1);
  const planned = await compareParity(model, graph, image, runtime());
  const plain = await compareParity(model, graph, image, interpreter);
  let fewest = Number.POSITIVE_INFINITY;
  await visitIntegers(model, image, (_, integers, names) => {
    for (const name of names) fewest = Math.min(fewest, new Set(integers(name)).size);
  });
  return { planned, plain, fewest, layers: graph.nodes.length + 1 };
}
