/** What a segment's norm and clamp become: numbers for the requantization, and bounds of its output. */

import type { NormInput } from '../../core/foldRequant.ts';
import type { QParams } from '../../core/qparams.ts';
import type { NormAttrs } from '../../ops/batchNormalization.ts';
import { clampBounds } from '../../ops/relu.ts';
import type { Graph, Node, ValueId } from '../graph.ts';

export function parameterData(
  graph: Graph,
  id: ValueId | undefined,
): ArrayLike<number> | undefined {
  return id === undefined ? undefined : graph.parameters.get(id)?.data;
}

/** Frozen batch normalization of the node `norm`. */
export function normInput(graph: Graph, { inputs, attrs }: Node): NormInput {
  const [, gamma, beta, mean, variance] = inputs.map((id) => parameterData(graph, id));
  const { epsilon } = attrs as unknown as NormAttrs;
  return { gamma, beta, mean: mean!, variance: variance!, epsilon };
}

/** The output's parameters with the bounds of `clamp`, a relu or relu6. */
export function clamped<T extends QParams>(qparams: T, clamp: Node | undefined): T {
  if (!clamp) return qparams;
  const { scale, zeroPoint, qmin, qmax } = qparams;
  const hi = clamp.op === 'relu6' ? 6 : Infinity;
  return { ...qparams, ...clampBounds({ scale: scale[0]!, zeroPoint, qmin, qmax }, hi) };
}
