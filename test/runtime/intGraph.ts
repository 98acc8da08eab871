import { arrayOf, type DType, type TypedArray } from '../../src/core/dtype.ts';
import type { Attrs } from '../../src/core/op.ts';
import type { QParams } from '../../src/core/qparams.ts';
import { Rng } from '../../src/core/rng.ts';
import { BATCH, type Shape, sizeOf, withBatch } from '../../src/core/shape.ts';
import type { Graph, Parameter, Value, ValueId } from '../../src/graph/graph.ts';
import { integerOp } from '../../src/graph/integer/ops.ts';
import { validateGraph } from '../../src/graph/validate.ts';
import type { PoolAttrs, WindowAttrs } from '../../src/ops/geometry.ts';
import type { RecurrentAttrs } from '../../src/ops/recurrent.ts';
import { type OpName, ops } from '../../src/ops/table.ts';

export const PLAIN: WindowAttrs = {
  strides: [1, 1],
  padding: [
    [0, 0],
    [0, 0],
  ],
  dilation: [1, 1],
};

type Requant = Partial<Pick<QParams, 'scale' | 'zeroPoint' | 'qmin' | 'qmax'>>;

/**
 * Writes integer graphs op by op. Constants come from the seed, scaled so that outputs fill the int8 range and
 * saturate now and then; multipliers have both signs and some are 0.
 */
export class IntGraph {
  readonly rng: Rng;
  readonly #values: Value[] = [];
  readonly #nodes: Graph['nodes'][number][] = [];
  readonly #parameters = new Map<ValueId, Parameter>();
  readonly #inputs: ValueId[] = [];

  constructor(seed: number) {
    this.rng = new Rng(seed);
  }

  shapeOf(id: ValueId): Shape {
    return this.#values[id]!.shape;
  }

  /** `shape` is that of one sample. */
  input(shape: Shape, qparams?: Requant, dtype?: DType): ValueId {
    const name = this.#inputs.length === 0 ? 'input' : `input_${this.#inputs.length}`;
    const id = this.#activation(name, [BATCH, ...shape], qparams, dtype);
    this.#inputs.push(id);
    return id;
  }

  /** `kernel` is [Co,Kh,Kw]. */
  conv2d(x: ValueId, [co, kh, kw]: Shape, attrs: Partial<WindowAttrs> = {}, bias = false): ValueId {
    const channels = this.shapeOf(x)[3]!;
    const constants = this.#linear([co!, kh!, kw!, channels], 0, bias);
    return this.#node('conv2d', [x, ...constants], { ...PLAIN, ...attrs });
  }

  /** `kernel` is [Kh,Kw]. */
  depthwise(x: ValueId, [kh, kw]: Shape, attrs: Partial<WindowAttrs> = {}, bias = false): ValueId {
    const channels = this.shapeOf(x)[3]!;
    const constants = this.#linear([kh!, kw!, channels], 2, bias);
    return this.#node('depthwiseConv2d', [x, ...constants], { ...PLAIN, ...attrs });
  }

  dense(x: ValueId, units: number, bias = false): ValueId {
    return this.#node('dense', [x, ...this.#linear([units, this.shapeOf(x)[1]!], 0, bias)], {});
  }

  add(a: ValueId, b: ValueId): ValueId {
    const multipliers = Float32Array.of(0.4 + this.rng.uniform(), 0.4 + this.rng.uniform());
    return this.#node('add', [a, b, this.#constant([2], multipliers)], {});
  }

  averagePool(x: ValueId, attrs: Pick<PoolAttrs, 'poolSize'> & Partial<PoolAttrs>): ValueId {
    const full = { ...PLAIN, ...attrs };
    const padded = full.padding.flat().some((pad) => pad > 0);
    const length = padded ? full.poolSize[0] * full.poolSize[1] : 1;
    const count = (i: number) => (padded ? i + 1 : full.poolSize[0] * full.poolSize[1]);
    const ratio = 0.5 + this.rng.uniform();
    const multipliers = Float32Array.from({ length }, (_, i) => ratio / count(i));
    return this.#node('averagePool2d', [x, this.#constant([length], multipliers)], full);
  }

  globalAveragePool(x: ValueId): ValueId {
    const [, height, width] = this.shapeOf(x) as [number, number, number];
    const multiplier = Float32Array.of((0.5 + this.rng.uniform()) / (height * width));
    return this.#node('globalAveragePool2d', [x, this.#constant([1], multiplier)], {});
  }

  maxPool(x: ValueId, attrs: Pick<PoolAttrs, 'poolSize'> & Partial<PoolAttrs>): ValueId {
    return this.#node('maxPool2d', [x], { ...PLAIN, ...attrs }, this.#values[x]!.qparams);
  }

  clamp(x: ValueId, op: 'relu' | 'relu6' = 'relu'): ValueId {
    const { zeroPoint, qmax } = this.#values[x]!.qparams!;
    const top = op === 'relu' ? qmax : Math.min(qmax, zeroPoint + 40);
    const range = { zeroPoint, qmin: zeroPoint, qmax: Math.max(top, zeroPoint + 1) };
    return this.#node(op, [x], {}, range);
  }

  flatten(x: ValueId): ValueId {
    return this.#node('flatten', [x], {}, this.#values[x]!.qparams);
  }

  /** `kernel` is [Co,Kh,Kw]. */
  transposedConv2d(x: ValueId, [co, kh, kw]: Shape, attrs: object, bias = false): ValueId {
    const constants = this.#linear([co!, kh!, kw!, this.shapeOf(x)[3]!], 0, bias);
    return this.#node('transposedConv2d', [x, ...constants], attrs);
  }

  /** An op that keeps the scale and zero point of its inputs. */
  keep(op: OpName, inputs: readonly ValueId[], attrs: object): ValueId {
    return this.#node(op, inputs, attrs, this.#values[inputs[0]!]!.qparams);
  }

  gather(x: ValueId, indices: Shape, axis: number): ValueId {
    const extent = this.shapeOf(x)[axis]!;
    const list = Int32Array.from({ length: sizeOf(indices) }, () => this.rng.below(extent));
    return this.keep('gather', [x, this.#constant(indices, list)], { axis });
  }

  /** Rows of a random table of shape [V,C]. */
  embedding(x: ValueId, shape: Shape): ValueId {
    const table = this.constantActivation(shape);
    return this.#node('embedding', [x, table], {}, this.#values[table]!.qparams);
  }

  /** An op with the given constants after its activations, and an output of the given type. */
  operate(
    op: OpName,
    inputs: readonly ValueId[],
    constants: readonly TypedArray[],
    attrs: object = {},
    dtype?: DType,
  ): ValueId {
    const ids = constants.map((data) => this.#constant([data.length], data));
    return this.#node(op, [...inputs, ...ids], attrs, undefined, dtype);
  }

  /** Pre-activations of some hundred entries of the table; now and then all of them saturate. */
  recurrent(op: 'lstm' | 'gru', x: ValueId, attrs: RecurrentAttrs, y: Requant): ValueId {
    const { rng } = this;
    const rows = { lstm: 4, gru: 3 }[op] * attrs.units;
    const features = this.shapeOf(x)[2]!;
    const [kernel, recurrent] = [features, attrs.units].map(
      (columns) => this.#linear([rows, columns], 0, false)[0]!,
    );
    const wild = rng.below(5) === 0 ? 1000 : 1;
    const size = (row: number) => {
      const columns = row === 0 ? features : attrs.units;
      return row % 2 === 1 ? 200 : (0.05 * wild) / Math.sqrt(columns);
    };
    const factors = Float32Array.from({ length: 4 * rows }, (_, i) => {
      return (2 * rng.uniform() - 1) * size(Math.floor(i / rows));
    });
    const table = Float32Array.from({ length: 1024 }, (_, i) => 1 / (1 + Math.exp((512 - i) / 64)));
    const ids = [this.#constant([4, rows], factors), this.#constant([1024], table)];
    return this.#node(op, [x, kernel!, recurrent!, ...ids], attrs, y);
  }

  /** Random integers with a scale, that stand for an activation. */
  constantActivation(shape: Shape): ValueId {
    const { rng } = this;
    const data = Int8Array.from({ length: sizeOf(shape) }, () => rng.below(256) - 128);
    const range = { zeroPoint: rng.below(120) - 60, qmin: -128, qmax: 127 };
    return this.#constant(shape, data, { scale: [Math.fround(0.05)], ...range });
  }

  build(outputs: readonly ValueId[], extra: Partial<Graph> = {}): Graph {
    const graph: Graph = {
      name: 'test',
      values: this.#values,
      nodes: this.#nodes,
      inputs: this.#inputs,
      outputs,
      parameters: this.#parameters,
      quantizers: new Map(),
      ...extra,
    };
    validateGraph(graph);
    return graph;
  }

  #node(
    op: OpName,
    inputs: readonly ValueId[],
    attrs: object,
    qparams?: Requant,
    dtype?: DType,
  ): ValueId {
    const name = `${op}_${this.#nodes.length}`;
    const shapes = inputs.map((id) => this.shapeOf(id));
    const { activations, channelAxis, shapedByConstants } = integerOp(op)!.form;
    const every = activations === 'many' || shapedByConstants;
    const count = every ? inputs.length : activations + (channelAxis === undefined ? 0 : 1);
    const shape = ops[op].inferShape(shapes.slice(0, count), attrs as never);
    const output = this.#activation(name, shape, qparams, dtype);
    this.#nodes.push({ op, name, inputs, output, attrs: attrs as Attrs });
    return output;
  }

  #activation(name: string, shape: Shape, given?: Requant, dtype: DType = 'i8'): ValueId {
    if (dtype === 'f32' || dtype === 'i32') return this.#values.push({ name, shape, dtype }) - 1;
    const shift = dtype === 'u8' ? 128 : 0;
    const { zeroPoint = this.rng.below(120) - 60 + shift } = given ?? {};
    const { qmin = shift - 128, qmax = shift + 127 } = given ?? {};
    const { scale = [Math.fround(0.05)] } = given ?? {};
    const qparams = { scale, zeroPoint, qmin, qmax };
    return this.#values.push({ name, shape, dtype, qparams }) - 1;
  }

  #constant(shape: Shape, data: TypedArray, qparams?: QParams): ValueId {
    const types = ['i8', 'u8', 'i32', 'f32'] as const;
    const dtype = types.find((type) => data instanceof arrayOf[type])!;
    const name = `constant_${this.#values.length}`;
    const id = this.#values.push({ name, shape, dtype, ...(qparams && { qparams }) }) - 1;
    this.#parameters.set(id, { name, shape, trainable: false, decay: false, data });
    return id;
  }

  #linear(shape: Shape, axis: number, bias: boolean): ValueId[] {
    const { rng } = this;
    const channels = shape[axis]!;
    const scale = Array.from({ length: channels }, () => Math.fround(0.01));
    const weights = Int8Array.from({ length: sizeOf(shape) }, () => rng.below(255) - 127);
    const spread = 5000 * Math.sqrt(sizeOf(shape) / channels);
    const multiplier = () => (rng.below(12) === 0 ? 0 : ((rng.uniform() * 2 - 0.5) * 80) / spread);
    const ids = [
      this.#constant(shape, weights, { scale, zeroPoint: 0, qmin: -127, qmax: 127, axis }),
      this.#constant([channels], Float32Array.from({ length: channels }, multiplier)),
      this.#constant(
        [channels],
        Float32Array.from(scale, () => rng.uniform() * 60 - 30),
      ),
    ];
    if (!bias) return ids;
    const biases = Int32Array.from(scale, () => Math.round((rng.uniform() - 0.5) * spread));
    return [...ids, this.#constant([channels], biases)];
  }
}

type InputArray = Exclude<TypedArray, Float64Array>;

/** Random integers for every input of a graph; reals from −10 to 10 where it takes reals. */
export function randomInputs(graph: Graph, batch: number, rng: Rng): InputArray[] {
  return graph.inputs.map((id) => {
    const { shape, dtype } = graph.values[id]!;
    const length = sizeOf(withBatch(shape, batch));
    const values = Array.from({ length }, () => rng.below(256) - 128);
    if (dtype === 'u8') return Uint8Array.from(values);
    if (dtype === 'i32') return Int32Array.from(values);
    if (dtype !== 'f32') return Int8Array.from(values);
    return Float32Array.from(values, (q) => (q + rng.uniform()) / 12.7);
  });
}

/** A small network with every integer op, a residual branch and one output. */
export function smallNetwork(seed = 1, extra: Partial<Graph> = {}): Graph {
  const b = new IntGraph(seed);
  const pad1 = {
    padding: [
      [1, 1],
      [1, 1],
    ],
  } as const;
  const x = b.input([9, 8, 3]);
  const stem = b.clamp(b.conv2d(x, [8, 3, 3], pad1, true), 'relu6');
  const branch = b.conv2d(b.depthwise(stem, [3, 3], pad1), [8, 1, 1]);
  const sum = b.clamp(b.add(stem, branch));
  const max = b.maxPool(sum, { poolSize: [2, 2], strides: [2, 2] });
  const average = b.averagePool(max, { poolSize: [3, 3], ...pad1 });
  const flat = b.flatten(average);
  const hidden = b.dense(flat, 13, true);
  return b.build([b.dense(hidden, 5)], extra);
}
