import type { Bundle, Golden } from '../../src/bundle/bundle.ts';
import type { DType, TypedArray } from '../../src/core/dtype.ts';
import { arrayOf } from '../../src/core/dtype.ts';
import type { Attrs } from '../../src/core/op.ts';
import type { QParams } from '../../src/core/qparams.ts';
import { Rng } from '../../src/core/rng.ts';
import { BATCH, type Shape, sizeOf } from '../../src/core/shape.ts';
import type { Graph, Node, Parameter, Value } from '../../src/graph/graph.ts';
import type { OpName } from '../../src/ops/table.ts';

/** Builds an integer graph value by value; random constants from a fixed seed. */
class Builder {
  readonly values: Value[] = [];
  readonly nodes: Node[] = [];
  readonly parameters = new Map<number, Parameter>();
  readonly #rng = new Rng(7);

  activation(name: string, shape: Shape, qparams: Partial<QParams> = {}): number {
    const full = { scale: [0.5], zeroPoint: -3, qmin: -128, qmax: 127, ...qparams };
    return this.values.push({ name, shape: [BATCH, ...shape], dtype: 'i8', qparams: full }) - 1;
  }

  constant(name: string, shape: Shape, dtype: DType, qparams?: QParams): number {
    const draw = () => (dtype === 'f32' ? this.#rng.uniform() - 0.5 : this.#rng.below(255) - 127);
    const data: TypedArray = new arrayOf[dtype](sizeOf(shape));
    for (let i = 0; i < data.length; i++) data[i] = draw();
    const id = this.values.push({ name, shape, dtype, ...(qparams && { qparams }) }) - 1;
    this.parameters.set(id, { name, shape, trainable: false, decay: false, data });
    return id;
  }

  weights(name: string, shape: Shape, axis: number): number {
    const scale = Array.from({ length: shape[axis]! }, (_, c) => Math.fround(0.01 * (c + 1)));
    return this.constant(name, shape, 'i8', { scale, zeroPoint: 0, qmin: -127, qmax: 127, axis });
  }

  /** w, multiplier, addend and, where asked for, bias. */
  linear(name: string, shape: Shape, axis: number, bias = false): number[] {
    const channels = [shape[axis]!];
    const ids = [
      this.weights(`${name}/kernel`, shape, axis),
      this.constant(`${name}/multiplier`, channels, 'f32'),
      this.constant(`${name}/addend`, channels, 'f32'),
    ];
    return bias ? [...ids, this.constant(`${name}/bias`, channels, 'i32')] : ids;
  }

  node(
    op: OpName,
    inputs: number[],
    shape: Shape,
    attrs: Attrs = {},
    qparams: Partial<QParams> = {},
  ) {
    const output = this.activation(op, shape, qparams);
    this.nodes.push({ op, name: op, inputs, output, attrs });
    return output;
  }
}

const window = (pad: number) => ({
  strides: [1, 1],
  padding: [
    [pad, pad],
    [pad, pad],
  ],
  dilation: [1, 1],
});

/** A graph with every integer op. */
export function tinyGraph(): Graph {
  const b = new Builder();
  const x = b.activation('input', [6, 6, 2], { scale: [0.25], zeroPoint: 0 });
  const conv = b.node('conv2d', [x, ...b.linear('c', [3, 3, 3, 2], 0, true)], [6, 6, 3], window(1));
  const dw = b.node(
    'depthwiseConv2d',
    [conv, ...b.linear('d', [3, 3, 3], 2)],
    [6, 6, 3],
    window(1),
  );
  const sum = b.node('add', [conv, dw, b.constant('add/m', [2], 'f32')], [6, 6, 3]);
  const relu = b.node('relu', [sum], [6, 6, 3], {}, { qmin: -3 });
  const relu6 = b.node('relu6', [relu], [6, 6, 3], {}, { qmin: -3, qmax: 9 });
  const pool = { ...window(0), strides: [2, 2], poolSize: [2, 2] };
  const max = b.node('maxPool2d', [relu6], [3, 3, 3], pool);
  const padded = { ...window(1), poolSize: [3, 3] };
  const avg = b.node('averagePool2d', [max, b.constant('avg/m', [9], 'f32')], [3, 3, 3], padded);
  const flat = b.node('flatten', [avg], [27]);
  const logits = b.node('dense', [flat, ...b.linear('f', [4, 27], 0)], [4]);
  const mean = b.node('globalAveragePool2d', [avg, b.constant('gap/m', [1], 'f32')], [3]);
  return {
    name: 'tiny',
    values: b.values,
    nodes: b.nodes,
    inputs: [x],
    outputs: [logits, mean],
    parameters: b.parameters,
    quantizers: new Map(),
    preprocessing: {
      mean: [0.5, 0.25],
      std: [0.5, 0.125],
      crop: { fraction: 0.9 },
      resize: { shorterSide: 8 },
    },
    labels: ['a', 'b', 'ü', '"d"'],
    labelOffset: 1,
  };
}

/** Two vectors of two samples and one; the integers are made up. */
export function tinyBundle(): Bundle {
  const rng = new Rng(1);
  const bytes = (length: number) => Int8Array.from({ length }, () => rng.below(256) - 128);
  const golden = (n: number): Golden => ({
    input: bytes(n * 72),
    outputs: [bytes(n * 4), bytes(n * 3)],
  });
  return {
    graph: tinyGraph(),
    golden: [golden(2), golden(1)],
    provenance: { tool: 'octavo 0.1.0', accuracy: 0.985, seed: 0 },
    license: 'Apache-2.0',
  };
}
