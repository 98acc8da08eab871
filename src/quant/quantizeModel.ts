import { checkInteger, checkOptions, kindOf, rangeError, typeError } from '../core/errors.ts';
import { peek } from '../core/peek.ts';
import { applyTable, normalizeTable } from '../core/preprocess.ts';
import { showShape } from '../core/shape.ts';
import { checkSamples } from '../graph/checkBatch.ts';
import type { Graph, QuantizerSpec, ValueId } from '../graph/graph.ts';
import { withoutDropout } from '../graph/passes/withoutDropout.ts';
import { type DataNotes, Module } from '../nn/module.ts';
import { biasShifts } from './biasCorrection.ts';
import { type CalibrateOptions, calibrate, checkCalibrateOptions } from './calibrate.ts';
import type { MethodTable } from './method.ts';
import { quantizerRules } from './methods.ts';
import { prepare } from './prepare.ts';
import type { CalibrationBatch } from './runBatches.ts';
import { resolveScheme, SCHEME_OPTIONS, type SchemeOptions } from './scheme.ts';

export interface QuantizeOptions extends SchemeOptions {
  /** Batches that the first ranges are taken from; default 8. */
  readonly calibrationBatches?: number;
}

/** The names of what `quantizeModel` takes. */
export const QUANTIZE_OPTIONS = [
  ...SCHEME_OPTIONS,
  'calibrationBatches',
] as const satisfies (keyof QuantizeOptions)[];

/** Batches of anything that has samples: a Dataset is one. */
export interface CalibrationData extends DataNotes, AsyncIterable<Samples> {
  epoch?: number;
  batches?(epoch: number): AsyncIterable<Samples>;
}

interface Samples {
  readonly x: Float32Array | Int32Array | Uint8Array;
  readonly size: number;
}

/** Samples that a bundle carries as golden vectors. */
const GOLDEN_SAMPLES = 4;

const NO_SAMPLES: CalibrationBatch = { x: new Float32Array(0), size: 0 };

/** A model under quantization-aware training: `fit`, `evaluate` and `convert` take it. */
export class QuantizedModel {
  /** Real inputs [count, …] that `convert` turns into golden vectors. */
  samples: CalibrationBatch = NO_SAMPLES;

  #graph: Graph;
  /** What bias correction has moved parameters by. */
  #shifts: ReadonlyMap<ValueId, Float64Array> = new Map();
  /** What `fix` has taken away. */
  readonly #released = new Map<ValueId, QuantizerSpec>();

  constructor(
    graph: Graph,
    readonly calibrationBatches: number,
    readonly quantizers: MethodTable = quantizerRules,
  ) {
    this.#graph = graph;
  }

  get graph(): Graph {
    return this.#graph;
  }

  /** Puts a quantizer in the place of that of value `id`. */
  fix(id: ValueId, spec: QuantizerSpec): void {
    const before = this.#graph.quantizers.get(id)!;
    if (!this.#released.has(id)) this.#released.set(id, before);
    this.#replace(id, spec);
  }

  /** Puts the one that `fix` took away back, its range to be set from data if it never was. */
  release(id: ValueId): void {
    const spec = this.#released.get(id);
    if (!spec) return;
    this.#released.delete(id);
    this.#replace(id, spec);
  }

  #replace(id: ValueId, spec: QuantizerSpec): void {
    this.#graph = { ...this.#graph, quantizers: new Map(this.#graph.quantizers).set(id, spec) };
  }

  /** Whether all ranges are set. */
  get calibrated(): boolean {
    return ![...this.graph.quantizers.values()].some(isUnset);
  }

  /** Sets the ranges that are not set yet from the first batches of `data`. */
  async prepare(data: CalibrationData): Promise<void> {
    this.#note(data);
    if (!this.calibrated) await this.#calibrate(data, {}, isUnset);
  }

  /** Sets the ranges from the first batches of `data`, in place of those that were set. */
  async calibrate(data: CalibrationData, options: CalibrateOptions = {}): Promise<void> {
    checkCalibrateOptions('calibrate', options);
    this.#note(data);
    this.#shift(new Map());
    const batches = await this.#calibrate(data, options, () => true);
    if (options.biasCorrection) this.#shift(await biasShifts(this.graph, batches));
  }

  async #calibrate(
    data: CalibrationData,
    options: CalibrateOptions,
    wanted: (spec: QuantizerSpec) => boolean,
  ): Promise<CalibrationBatch[]> {
    const batches: CalibrationBatch[] = [];
    for await (const { x, size } of peek(data)) {
      checkSamples('calibrate', this.graph, { x, size });
      batches.push({ x: this.#real(x), size });
      if (batches.length === this.calibrationBatches) break;
    }
    await calibrate(this.graph, batches, options, this.quantizers, wanted);
    const { x, size } = batches[0]!;
    const count = Math.min(GOLDEN_SAMPLES, size);
    this.samples = { x: x.slice(0, (x.length / size) * count), size: count };
    return batches;
  }

  /** Moves parameters, in place of how they were moved before. They become the model's own: those of the float model stay. */
  #shift(shifts: ReadonlyMap<ValueId, Float64Array>): void {
    const parameters = new Map(this.#graph.parameters);
    const move = (id: ValueId, by: (c: number) => number) => {
      const parameter = parameters.get(id)!;
      const data = Float32Array.from(parameter.data, (value, c) => value + by(c));
      parameters.set(id, { ...parameter, data });
    };
    for (const [id, shift] of this.#shifts) move(id, (c) => -shift[c]!);
    for (const [id, shift] of shifts) move(id, (c) => shift[c]!);
    this.#shifts = shifts;
    this.#graph = { ...this.#graph, parameters };
  }

  /** What the first data say of themselves goes into the graph, as in the training of a float model. */
  #note({ preprocessing, labels }: CalibrationData): void {
    const about = { ...(preprocessing && { preprocessing }), ...(labels && { labels }) };
    this.#graph = { ...about, ...this.#graph };
  }

  /** A copy of a batch as real values. */
  #real(x: Samples['x']): Float32Array {
    if (!(x instanceof Uint8Array)) return Float32Array.from(x);
    const real = new Float32Array(x.length);
    applyTable(x, normalizeTable(this.graph.preprocessing!), real);
    return real;
  }
}

/** A scale is positive once it is set. */
function isUnset({ scale }: QuantizerSpec): boolean {
  return scale.data[0] === 0;
}

/**
 * Puts quantizers into a trained model: weights of 8 bits or fewer, symmetric per output channel; activations of 8 bits or fewer,
 * asymmetric per tensor. Dropout is left out. Weights are shared with the model. Ranges are set from data at the first `fit` or `evaluate`, or by
 * `calibrate`. Throws a RangeError for a model that is quantized already.
 */
export function quantizeModel(
  model: Module | Graph,
  options: QuantizeOptions = {},
): QuantizedModel {
  checkOptions('quantizeModel', options, QUANTIZE_OPTIONS);
  const scheme = resolveScheme('quantizeModel', options);
  const { calibrationBatches = 8 } = options;
  checkInteger('quantizeModel', 'calibrationBatches', calibrationBatches, 1);
  const evaluated = withoutDropout(floatGraph('quantizeModel', model));
  checkOps(evaluated);
  const table = { ...quantizerRules, ...scheme.methods };
  return new QuantizedModel(prepare(evaluated, scheme), calibrationBatches, table);
}

/** The graph of a float model. Throws a TypeError or a RangeError that starts with `where` for anything else. */
export function floatGraph(where: string, model: Module | Graph): Graph {
  const known =
    typeof model === 'object' &&
    model !== null &&
    (model instanceof Module || 'nodes' in model || 'graph' in model);
  if (!known) throw typeError(where, 'a model or a Graph', kindOf(model));
  const graph = model instanceof Module ? model.build() : model;
  if (!('nodes' in graph) || graph.quantizers.size > 0) {
    throw rangeError(where, 'a float model', 'a quantized one');
  }
  const { dtype } = graph.values[graph.inputs[0]!]!;
  if (dtype !== 'f32') throw rangeError(where, 'a float model', `a graph of ${dtype}`);
  return graph;
}

/** An integer graph needs a node; its norms are layers over [N,C] or depthwise convolutions over [N,H,W,C]. */
function checkOps({ nodes, values }: Graph): void {
  if (nodes.length === 0) throw rangeError('quantizeModel', 'a model that computes', 'no layer');
  for (const { op, inputs } of nodes) {
    const { shape } = values[inputs[0]!]!;
    if (op !== 'batchNormalization' || shape.length === 2 || shape.length === 4) continue;
    const expected = 'batchNormalization over [N,C], [N,T,C] or [N,H,W,C]';
    throw rangeError('quantizeModel', expected, showShape(shape));
  }
}
