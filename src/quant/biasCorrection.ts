/** What rounding moves the outputs of layers by, and the biases that move them back (quantization.md eq. (44)). */

import { quantize } from '../core/rounding.ts';
import type { Graph, Node, Parameter, QuantizerSpec, Value, ValueId } from '../graph/graph.ts';
import { type Segment, segments } from '../graph/passes/segments.ts';
import { type CalibrationBatch, runBatches } from './runBatches.ts';
import { forEachWeight, scaleLayout } from './weightLayout.ts';

/** A layer whose mean output can be moved. */
interface Movable {
  readonly anchor: Node;
  /** The bias, or the mean that a batch normalization behind the layer takes away. */
  readonly moved: ValueId;
  /** Of the mean that `moved` has to follow. */
  readonly sign: 1 | -1;
}

/**
 * What each layer's bias has to move by, or the running mean of the batch normalization behind a layer without one, by channel: −E[(Ŵ − W)·x], or
 * plus that for a mean (Nagel 2019, arXiv 1906.04721, §4.2). x are the layer's inputs in the float network over `batches`; Ŵ are its weights on
 * their grids, whose scales are set.
 */
export async function biasShifts(
  graph: Graph,
  batches: readonly CalibrationBatch[],
): Promise<ReadonlyMap<ValueId, Float64Array>> {
  const movable = segments(graph).flatMap((segment) => movableOf(graph, segment));
  const { probed, probes } = probeErrors(graph, movable);
  const means = await channelMeans(probed, batches, probes);
  const shifts = new Map<ValueId, Float64Array>();
  for (const { moved, sign } of movable) {
    // A layer that is used twice moves by the mean over its uses.
    const uses = [...probes].flatMap(([id, one]) => (one.moved === moved ? means.get(id)! : []));
    const total = uses.reduce((a, b) => a.map((x, c) => x + b[c]!));
    shifts.set(
      moved,
      total.map((sum) => (sign * sum) / uses.length),
    );
  }
  return shifts;
}

function movableOf(graph: Graph, { kind, anchor, norm }: Segment): Movable[] {
  if (kind !== 'linear' || anchor.op === 'batchNormalization') return [];
  if (!graph.quantizers.has(anchor.inputs[1]!)) return [];
  const bias = anchor.inputs[2];
  if (bias !== undefined) return [{ anchor, moved: bias, sign: -1 }];
  return norm ? [{ anchor, moved: norm.inputs[3]!, sign: 1 }] : [];
}

/** The graph with one more node beside each layer: the same op with Ŵ − W in place of W, and no bias. */
function probeErrors(graph: Graph, movable: readonly Movable[]) {
  const values: Value[] = [...graph.values];
  const parameters = new Map(graph.parameters);
  const probes = new Map<ValueId, Movable>();
  const nodes = graph.nodes.flatMap((node): Node[] => {
    const one = movable.find(({ anchor }) => anchor === node);
    if (!one) return [node];
    const [x, w] = node.inputs as [ValueId, ValueId];
    const kernel = graph.parameters.get(w)!;
    const name = `${node.name}/error`;
    const id = values.push({ name: `${name}/kernel`, shape: kernel.shape, dtype: 'f32' }) - 1;
    parameters.set(id, { ...kernel, data: roundingErrors(kernel, graph.quantizers.get(w)!) });
    const output = values.push({ ...values[node.output]!, name }) - 1;
    probes.set(output, one);
    return [node, { ...node, name, inputs: [x, id], output }];
  });
  return { probed: { ...graph, values, nodes, parameters, quantizers: new Map() }, probes };
}

/** Ŵ − W. */
function roundingErrors(
  { data, shape }: Parameter,
  spec: QuantizerSpec,
): Float32Array<ArrayBuffer> {
  const errors = new Float32Array(data.length);
  const { qmin, qmax, scale } = spec;
  forEachWeight(scaleLayout(shape, spec), (c, i) => {
    const step = scale.data[c]!;
    const q = quantize(data[i]!, Math.fround(1 / step), 0, qmin, qmax);
    errors[i] = q * step - data[i]!;
  });
  return errors;
}

/** The mean of each channel, the last axis, of each wanted value. */
async function channelMeans(
  graph: Graph,
  batches: readonly CalibrationBatch[],
  wanted: ReadonlyMap<ValueId, unknown>,
): Promise<ReadonlyMap<ValueId, Float64Array>> {
  const sums = new Map<ValueId, { readonly sum: Float64Array; rows: number }>();
  await runBatches(graph, batches, (cx, id, ref) => {
    if (!wanted.has(id)) return;
    const channels = ref.shape.at(-1)!;
    const y = cx.f32(ref);
    const known = sums.get(id) ?? { sum: new Float64Array(channels), rows: 0 };
    for (let i = 0; i < y.length; i++) known.sum[i % channels]! += y[i]!;
    known.rows += y.length / channels;
    sums.set(id, known);
  });
  return new Map([...sums].map(([id, { sum, rows }]) => [id, sum.map((s) => s / rows)]));
}
