import type { DType } from '../../src/core/dtype.ts';
import type { Shape } from '../../src/core/shape.ts';
import type { OpName } from '../../src/ops/table.ts';
import type { IntGraph } from './intGraph.ts';

/** What the random cases of `layers.test.ts` vary. */
interface Case {
  readonly image: readonly [number, number];
  readonly channels: number;
}

type Make = (b: IntGraph, c: Case) => number;

function image(b: IntGraph, { image, channels }: Case, dtype?: DType): number {
  return b.input([...image, channels], undefined, dtype);
}

/** From 0.3 to 1.3, now and then negative, or so large that no rounding without a clamp holds. */
function factor(b: IntGraph): number {
  const size = 0.3 + b.rng.uniform();
  return [size, size, size, size, -size, 0, 30000 * size][b.rng.below(7)]!;
}

/** Operands of one shape, of shapes that are repeated, constants; either one may be the larger. */
function operands(b: IntGraph, c: Case): [number, number] {
  const [height, width] = c.image;
  const { channels } = c;
  const constants: Shape[] = [[channels], [1], [height, 1, 1], [1, height, width, channels]];
  const others = [
    () => image(b, c),
    () => b.input([1, 1, channels]),
    () => b.input([height, width, 1]),
    () => b.constantActivation(constants[b.rng.below(4)]!),
  ];
  const first = b.rng.below(5) === 0 ? b.input([height, 1, 1]) : image(b, c);
  return [first, others[b.rng.below(4)]!()];
}

function binary(op: OpName, factors = 2): Make {
  return (b, c) => {
    const [p, q] = operands(b, c);
    const shared = b.rng.below(6) === 0 ? p : q;
    // The product of two distances is 64 times as far away.
    const size = factors === 2 ? 1 : 1 / 64;
    const multipliers = Float32Array.from({ length: factors }, () => size * factor(b));
    return b.operate(op, [p, shared], [multipliers]);
  };
}

function rows(op: OpName, ...tables: Float32Array<ArrayBuffer>[]): Make {
  return (b, c) => {
    const vectors = b.rng.below(2) === 0;
    const x = vectors ? b.input([c.channels * 7]) : image(b, c);
    return b.operate(op, [x], [...tables, Float32Array.of(100 * factor(b))]);
  };
}

/** Neighbouring axes behind the batch. */
const AXES = [[1], [2], [3], [1, 2], [2, 3], [1, 2, 3]];

/** One op on random shapes. */
export const arithmeticGraphs = {
  add: binary('add'),
  subtract: binary('subtract'),
  multiply: binary('multiply', 1),
  minimum: binary('minimum'),
  maximum: binary('maximum'),
  prelu: (b, c) => {
    const alpha = b.constantActivation([c.channels]);
    const multipliers = Float32Array.of(factor(b), factor(b) / 64);
    return b.operate('prelu', [image(b, c), alpha], [multipliers]);
  },
  lookup: (b, c) => {
    const flips = b.rng.below(3) === 0;
    const table = Uint8Array.from({ length: 256 }, (_, i) => (flips ? i ^ 128 : b.rng.below(256)));
    const [from, to] = [b.rng.below(2) ? 'u8' : 'i8', b.rng.below(2) ? 'u8' : 'i8'] as const;
    const entries = to === 'u8' ? table : Int8Array.from(table);
    return b.operate('lookup', [image(b, c, from)], [entries], {}, to);
  },
  mean: (b, c) => {
    const axes = AXES[b.rng.below(AXES.length)]!;
    const terms = axes.reduce((n, axis) => n * [...c.image, c.channels][axis - 1]!, 1);
    const multiplier = Float32Array.of(factor(b) / terms);
    return b.operate('mean', [image(b, c)], [multiplier], { axes, keepDims: b.rng.below(2) === 0 });
  },
  softmax: rows(
    'softmax',
    Float32Array.from({ length: 256 }, (_, d) => 1 / (1 + d)),
  ),
  l2Normalize: rows('l2Normalize'),
  layerNormalization: (b, c) => {
    const vectors = b.rng.below(2) === 0;
    const x = vectors ? b.input([c.channels * 7]) : image(b, c);
    const n = b.shapeOf(x).at(-1)!;
    const factors = Float32Array.from({ length: 2 * n }, () => 40 * factor(b));
    return b.operate('layerNormalization', [x], [Float32Array.of(n, ...factors)], { epsilon: 1 });
  },
  matmul: (b, c) => {
    const [height, width] = c.image;
    const transposeB = b.rng.below(2) === 0;
    const a = image(b, c);
    const other = transposeB ? [height, 9, c.channels] : [height, c.channels, 9];
    const square = transposeB && b.rng.below(3) === 0;
    const multiplier = Float32Array.of((factor(b) / 60) * (width / 8));
    return b.operate('matmul', [a, square ? a : b.input(other)], [multiplier], { transposeB });
  },
  embedding: (b, c) => b.embedding(image(b, c, 'i32'), [1 + b.rng.below(300), c.channels]),
  attentionSoftmax: (b, c) => {
    const [height, width] = c.image;
    const x = b.input([c.channels, Math.min(height, width), width]);
    const table = Float32Array.from({ length: 256 }, (_, d) => 1 / (1 + d));
    const attrs = { beta: 0.5, causal: b.rng.below(2) === 0 };
    return b.operate('attentionSoftmax', [x], [table, Float32Array.of(100 * factor(b))], attrs);
  },
  argMax: (b, c) => {
    return b.operate('argMax', [image(b, c)], [], { axis: 1 + b.rng.below(3) }, 'i32');
  },
  quantize: (b, c) => {
    return b.operate('quantize', [image(b, c, 'f32')], [], {}, b.rng.below(2) ? 'u8' : 'i8');
  },
  dequantize: (b, c) => {
    return b.operate('dequantize', [image(b, c, b.rng.below(2) ? 'u8' : 'i8')], [], {}, 'f32');
  },
} satisfies Partial<Record<OpName, Make>>;
