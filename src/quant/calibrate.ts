import { StepContext } from '../autograd/context.ts';
import { withDevice } from '../autograd/device.ts';
import { execute } from '../autograd/execute.ts';
import { ParameterStore } from '../autograd/parameters.ts';
import { Tape } from '../autograd/tape.ts';
import { rangeError } from '../core/errors.ts';
import type { Ref } from '../core/op.ts';
import { sizeOf } from '../core/shape.ts';
import type { Graph, Parameter, QuantizerSpec, ValueId } from '../graph/graph.ts';
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

type Bounds = readonly [min: number, max: number];

/** What calibration knows of a scale. */
interface Range {
  readonly spec: QuantizerSpec;
  readonly bounds: Bounds;
  candidates: Candidate[];
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
    const seen = new Map<ValueId, Bounds>();
    run((cx, id, x) => seen.set(id, union(seen.get(id), boundsOf(cx, x))));
    const ranges = new Map<Parameter, Range>();
    for (const [id, bounds] of seen) widen(ranges, graph.quantizers.get(id)!, bounds);
    for (const range of ranges.values()) {
      range.candidates = activationCandidates(...range.bounds, range.spec);
    }
    run((cx, id, x) => {
      const spec = graph.quantizers.get(id)!;
      addErrors(cx, x, ranges.get(spec.scale)!.candidates, spec);
    });
    for (const range of ranges.values()) settle(range);
    for (const [id, [min, max]] of seen) {
      // The observer's average begins at these bounds with the weight of one step.
      graph.quantizers.get(id)!.state?.data.set([min * 0.01, max * 0.01, 0.01]);
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
    if (spec.target !== 'weight') continue;
    const { data, shape } = graph.parameters.get(id)!;
    spec.scale.data.set(searchWeightScales(data as Float32Array, shape, spec));
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
    const spec = graph.quantizers.get(id);
    if (spec?.target === 'activation' && spec.method !== 'fixed') visit(id, ref);
  };
  execute(new Tape(cx, store), graph, [input], { tap });
}

function boundsOf(cx: StepContext, x: Ref): Bounds {
  const out = cx.alloc([2]);
  cx.kernels.f32_min_max(sizeOf(x.shape), x.ptr, out.ptr);
  const [min, max] = cx.f32(out) as unknown as Bounds;
  return [min, max];
}

/** Every range holds 0. */
function union(known: Bounds = [0, 0], [min, max]: Bounds): Bounds {
  return [Math.min(known[0], min), Math.max(known[1], max)];
}

/** Quantizers with one scale have one range, over all that their values hold. */
function widen(ranges: Map<Parameter, Range>, spec: QuantizerSpec, bounds: Bounds): void {
  const known = ranges.get(spec.scale);
  ranges.set(spec.scale, { spec, bounds: union(known?.bounds, bounds), candidates: [] });
}

function settle({ spec, bounds, candidates }: Range): void {
  let best = candidates[0]!;
  for (const candidate of candidates) if (candidate.error < best.error) best = candidate;
  const range = spec.state ? rangeFromBounds(...bounds, spec) : best.range;
  spec.scale.data[0] = range.scale;
  if (spec.zeroPoint) spec.zeroPoint.data[0] = range.zeroPoint;
}
