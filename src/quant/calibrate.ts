import { StepContext } from '../autograd/context.ts';
import { withDevice } from '../autograd/device.ts';
import { execute } from '../autograd/execute.ts';
import { ParameterStore } from '../autograd/parameters.ts';
import { Tape } from '../autograd/tape.ts';
import { rangeError } from '../core/errors.ts';
import type { Ref } from '../core/op.ts';
import { sizeOf } from '../core/shape.ts';
import type { Graph, QuantizerSpec, ValueId } from '../graph/graph.ts';
import { rangeFromBounds } from './movingAverage.ts';
import {
  activationCandidates,
  addErrors,
  type Candidate,
  searchWeightScales,
} from './mseSearch.ts';

/** A batch as calibration wants it: real values [size, …] in the shape of the graph's input. */
export interface CalibrationBatch {
  readonly x: Float32Array;
  readonly size: number;
}

/**
 * Sets the ranges of all quantizers from data: the float graph runs over `batches` with running statistics, once for
 * minima and maxima and once for errors. Learned methods start where Σ (x̂ − x)² is least; observers from the bounds.
 */
export async function calibrate(graph: Graph, batches: readonly CalibrationBatch[]): Promise<void> {
  if (batches.length === 0) throw rangeError('calibrate', 'at least one batch', 0);
  calibrateWeights(graph);
  await withDevice(async (device) => {
    const store = new ParameterStore(device, graph);
    const run = (visit: (cx: StepContext, id: ValueId, x: Ref) => void) => {
      for (const batch of batches) {
        const cx = new StepContext(device, false);
        observeBatch(cx, store, graph, batch, (id, x) => visit(cx, id, x));
        cx.end();
      }
    };
    const bounds = new Map<ValueId, [number, number]>();
    run((cx, id, x) => widen(cx, bounds, id, x));
    const candidates = new Map<ValueId, Candidate[]>();
    for (const [id, [min, max]] of bounds) {
      candidates.set(id, activationCandidates(min, max, graph.quantizers.get(id)!));
    }
    run((cx, id, x) => addErrors(cx, x, candidates.get(id)!, graph.quantizers.get(id)!));
    for (const [id, spec] of graph.quantizers) {
      if (spec.target === 'activation') settle(spec, bounds.get(id)!, candidates.get(id)!);
    }
  });
  for (const spec of graph.quantizers.values()) checkScale(spec);
}

/** A network that has diverged has no ranges. */
function checkScale({ name, scale }: QuantizerSpec): void {
  const bad = Array.from(scale.data).find((s) => !(s > 0 && Number.isFinite(s)));
  if (bad !== undefined) throw rangeError('calibrate', `${name} must have finite values`, bad);
}

function calibrateWeights(graph: Graph): void {
  for (const [id, spec] of graph.quantizers) {
    const weights = graph.parameters.get(id);
    if (!weights) continue;
    spec.scale.data.set(searchWeightScales(weights.data as Float32Array, weights.shape, spec));
  }
}

function observeBatch(
  cx: StepContext,
  store: ParameterStore,
  graph: Graph,
  { x, size }: CalibrationBatch,
  visit: (id: ValueId, x: Ref) => void,
): void {
  const [, ...sample] = graph.values[graph.inputs[0]!]!.shape;
  const input = cx.alloc([size, ...sample]);
  cx.f32(input).set(x);
  const tap = (id: ValueId, { ref }: { ref: Ref }) => {
    if (graph.quantizers.get(id)?.target === 'activation') visit(id, ref);
  };
  execute(new Tape(cx, store), graph, [input], { tap });
}

function widen(cx: StepContext, bounds: Map<ValueId, [number, number]>, id: ValueId, x: Ref): void {
  const out = cx.alloc([2]);
  cx.kernels.f32_min_max(sizeOf(x.shape), x.ptr, out.ptr);
  const [min, max] = cx.f32(out) as unknown as [number, number];
  const known = bounds.get(id) ?? [0, 0];
  bounds.set(id, [Math.min(known[0], min), Math.max(known[1], max)]);
}

function settle(spec: QuantizerSpec, [min, max]: [number, number], candidates: Candidate[]): void {
  let best = candidates[0]!;
  for (const candidate of candidates) if (candidate.error < best.error) best = candidate;
  const range = spec.state ? rangeFromBounds(min, max, spec) : best.range;
  spec.scale.data[0] = range.scale;
  if (spec.zeroPoint) spec.zeroPoint.data[0] = range.zeroPoint;
  // The observer's average begins at these bounds with the weight of one step.
  spec.state?.data.set([min * 0.01, max * 0.01, 0.01]);
}
