import type { StepContext } from '../autograd/context.ts';
import { deriveRanges, type Range, valuesOf } from '../autograd/quantizer.ts';
import { checkFlag, checkNumber, checkOptions, kindOf, rangeError } from '../core/errors.ts';
import { power } from '../core/math.ts';
import type { Ref } from '../core/op.ts';
import { sizeOf } from '../core/shape.ts';
import type { Graph, Parameter, QuantizerSpec, ValueId } from '../graph/graph.ts';
import { largestWeightScales } from './bounds.ts';
import {
  type Bounds,
  type Calibrator,
  type CalibratorName,
  calibrators,
  type Observed,
} from './calibrators.ts';
import type { MethodTable } from './method.ts';
import { quantizerRules } from './methods.ts';
import { searchWeightScales } from './mseSearch.ts';
import { type CalibrationBatch, runBatches } from './runBatches.ts';

export interface CalibrateOptions {
  /**
   * How ranges of activations are chosen: 'mse', the default of methods that learn, takes the least squared error; 'minMax', that of the others,
   * all that was seen; 'movingAverage' the mean of the bounds of batches; 'percentile' cuts off the outermost values; 'entropy' keeps the
   * distribution, and of the graph's inputs all that was seen.
   */
  readonly method?: CalibratorName;
  /** With 'percentile', the share of values that is kept on either side: above 50, at most 100; default 99.99. */
  readonly percentile?: number;
  /** How scales of weights are chosen: 'mse', the default, by the least squared error; 'minMax' by the largest weight. */
  readonly weights?: 'mse' | 'minMax';
  /**
   * Moves biases by what rounding of the weights moves the mean of each channel by (quantization.md eq. (44)): worth most for few bits that are
   * not trained. Default false.
   */
  readonly biasCorrection?: boolean;
}

/** What calibration knows of a scale. */
interface Scale {
  readonly spec: QuantizerSpec;
  readonly observed: Observed;
  calibrator?: Calibrator;
}

/** Weight of the older batches in averages, as `movingAverage` has it while it trains. */
const DECAY = 0.99;

/** Throws a TypeError or RangeError for options that there are not. */
export function checkCalibrateOptions(where: string, options: CalibrateOptions): void {
  checkOptions(where, options, ['method', 'percentile', 'weights', 'biasCorrection']);
  const { method, percentile = 100, weights = 'mse', biasCorrection = false } = options;
  if (method !== undefined && !Object.hasOwn(calibrators, method)) {
    const expected = `method must be one of ${Object.keys(calibrators).join(', ')}`;
    throw rangeError(where, expected, kindOf(method));
  }
  checkNumber(where, 'percentile', percentile, 50, 100);
  checkFlag(where, 'biasCorrection', biasCorrection);
  if (percentile === 50) throw rangeError(where, 'percentile must be above 50', percentile);
  if (weights === 'mse' || weights === 'minMax') return;
  throw rangeError(where, 'weights must be one of mse, minMax', kindOf(weights));
}

/**
 * Sets the ranges of all quantizers, or of the `wanted`, from data: the float graph runs over `batches` with running statistics, once for
 * bounds and, where a method wants it, once more. Throws a RangeError for no batches, or values that are not finite.
 */
export async function calibrate(
  graph: Graph,
  batches: readonly CalibrationBatch[],
  options: CalibrateOptions = {},
  table: MethodTable = quantizerRules,
  wanted: (spec: QuantizerSpec) => boolean = () => true,
): Promise<void> {
  if (batches.length === 0) throw rangeError('calibrate', 'at least one batch', 0);
  const specs = new Map([...graph.quantizers].filter(([, spec]) => wanted(spec)));
  calibrateWeights(graph, specs, options.weights ?? 'mse');
  await calibrateActivations(graph, specs, batches, options);
  for (const spec of specs.values()) {
    checkScale(spec);
    table[spec.method]!.start?.(valuesOf(spec), spec);
  }
  deriveRanges(graph, table);
}

async function calibrateActivations(
  graph: Graph,
  specs: ReadonlyMap<ValueId, QuantizerSpec>,
  batches: readonly CalibrationBatch[],
  options: CalibrateOptions,
): Promise<void> {
  const run = (visit: (cx: StepContext, spec: QuantizerSpec, x: Ref, id: ValueId) => void) => {
    return runBatches(graph, batches, (cx, id, x) => {
      const spec = specs.get(id);
      if (spec?.target === 'activation' && spec.method !== 'fixed') visit(cx, spec, x, id);
    });
  };
  const seen = new Map<ValueId, Observer>();
  await run((cx, _, x, id) => {
    const observer = seen.get(id) ?? new Observer();
    seen.set(id, observer);
    observer.see(boundsOf(cx, x));
  });
  const scales = gather(graph, seen);
  const inputs = new Set(graph.inputs.map((id) => graph.quantizers.get(id)?.scale));
  for (const [key, scale] of scales) {
    scale.calibrator = calibratorOf(scale, inputs.has(key), options);
  }
  if ([...scales.values()].some(({ calibrator }) => calibrator?.see)) {
    await run((cx, { scale }, x) => scales.get(scale)!.calibrator!.see?.(cx, x));
  }
  for (const { spec, calibrator } of scales.values()) settle(spec, calibrator!.range());
  for (const [id, { bounds }] of seen) begin(specs.get(id)!, bounds, batches.length);
}

/** Divergence finds tails of activations; pixels have none, and 'entropy' would cut off what images are made of. */
function calibratorOf(
  { spec, observed }: Scale,
  given: boolean,
  options: CalibrateOptions,
): Calibrator {
  const { method = spec.state ? 'minMax' : 'mse', percentile = 99.99 } = options;
  const chosen = given && method === 'entropy' ? 'minMax' : method;
  return calibrators[chosen](observed, spec, { percentile });
}

/** The bounds of one value over batches. */
class Observer {
  bounds: Bounds = [0, 0];
  #sums: Bounds = [0, 0];
  #weight = 0;

  see(batch: Bounds): void {
    this.bounds = union(this.bounds, batch);
    const [min, max] = this.#sums;
    this.#sums = [DECAY * min + (1 - DECAY) * batch[0], DECAY * max + (1 - DECAY) * batch[1]];
    this.#weight = DECAY * this.#weight + (1 - DECAY);
  }

  /** Right from the first batch on: divided by the weight that was collected. */
  get averages(): Bounds {
    const [min, max] = this.#sums;
    return union([0, 0], [min / this.#weight, max / this.#weight]);
  }
}

/** Quantizers with one scale have one range, over all that their values hold. */
function gather(graph: Graph, seen: ReadonlyMap<ValueId, Observer>): Map<Parameter, Scale> {
  const scales = new Map<Parameter, Scale>();
  for (const [id, { bounds, averages }] of seen) {
    const spec = graph.quantizers.get(id)!;
    const known = scales.get(spec.scale)?.observed;
    const observed = {
      bounds: union(known?.bounds, bounds),
      averages: union(known?.averages, averages),
    };
    scales.set(spec.scale, { spec, observed });
  }
  return scales;
}

/** A network that has diverged has no ranges. */
function checkScale({ name, scale }: QuantizerSpec): void {
  const bad = Array.from(scale.data).find((s) => !(s > 0 && Number.isFinite(s)));
  if (bad !== undefined) throw rangeError('calibrate', `${name} must have finite values`, bad);
}

function calibrateWeights(
  graph: Graph,
  specs: ReadonlyMap<ValueId, QuantizerSpec>,
  method: 'mse' | 'minMax',
): void {
  const search = method === 'mse' ? searchWeightScales : largestWeightScales;
  for (const [id, spec] of specs) {
    if (spec.target !== 'weight') continue;
    const { data, shape } = graph.parameters.get(id)!;
    spec.scale.data.set(search(data as Float32Array, shape, spec));
  }
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

/**
 * What a method that follows the data has seen when training begins: what calibration saw of this value and its range rounds to no more
 * than half a step, with the weight of so many steps.
 */
function begin(spec: QuantizerSpec, [min, max]: Bounds, steps: number): void {
  const { state, scale, zeroPoint, fixedZeroPoint, qmin, qmax } = spec;
  if (!state) return;
  const [step, zero] = [scale.data[0]!, fixedZeroPoint ?? zeroPoint!.data[0]!];
  const weight = 1 - power(DECAY, steps);
  const low = Math.max(min, (qmin - 0.5 - zero) * step);
  const high = Math.min(max, (qmax + 0.5 - zero) * step);
  state.data.set([low * weight, high * weight, weight]);
}

function settle(spec: QuantizerSpec, range: Range): void {
  spec.scale.data[0] = range.scale;
  if (spec.zeroPoint) spec.zeroPoint.data[0] = range.zeroPoint;
}
