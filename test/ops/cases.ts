import type { Attrs } from '../../src/core/op.ts';
import { Rng } from '../../src/core/rng.ts';
import { type Shape, sizeOf } from '../../src/core/shape.ts';
import type { Padding, Pair } from '../../src/ops/geometry.ts';
import type { OpName } from '../../src/ops/table.ts';
import { ARITHMETIC, arithmeticCases, broadcasting, drawArithmetic } from './arithmeticCases.ts';
import { attentionCases } from './attentionCases.ts';
import { movementCases } from './movementCases.ts';
import { drawRecurrent, RECURRENT, recurrentCases } from './recurrentCases.ts';

/** One call of an op: what it is given and the shape that comes out. */
export interface OpCase {
  readonly name: string;
  /** Inputs in order: x, then weights and the rest. */
  readonly inputs: readonly Shape[];
  readonly attrs: Attrs;
  readonly output: Shape;
  /** Batch statistics; running ones when false. */
  readonly training?: boolean;
  /** Added to every element of x. */
  readonly offset?: number;
  /** How many times the batch the first axis of x stands for, 1 if not given. */
  readonly openBatch?: number;
  /** How many of the first inputs have a batch, 1 if not given. */
  readonly activations?: number;
  /**
   * Computed by transformed tiles of this stride (`assembly/f32/winograd.ts`, `stridedWinograd.ts`), whose terms are larger than
   * those of the sum.
   */
  readonly tiles?: 1 | 2;
}

const NO_PADDING: Padding = [
  [0, 0],
  [0, 0],
];

function window(strides: Pair, padding: Padding = NO_PADDING, dilation: Pair = [1, 1]): Attrs {
  return { strides, padding, dilation };
}

function pooled(poolSize: Pair, strides: Pair, padding: Padding = NO_PADDING): Attrs {
  return { ...window(strides, padding), poolSize };
}

const SAME: Padding = [
  [1, 1],
  [1, 1],
];
const UNEVEN: Padding = [
  [0, 2],
  [1, 0],
];
const NORM = { epsilon: 1e-3, momentum: 0.9 };

function norm(name: string, x: Shape, rest: Partial<OpCase> = {}): OpCase {
  const channels = [x.at(-1)!];
  const inputs = [x, channels, channels, channels, channels];
  return { name, inputs, attrs: NORM, output: x, training: true, ...rest };
}

/** Sums over the batch run in 8 chunks: batches of 1, 3, 9 and 17 leave some empty, short and long. */
export const cases = {
  ...movementCases,
  ...arithmeticCases,
  ...recurrentCases,
  ...attentionCases,
  conv2d: [
    {
      name: '3x3 same',
      inputs: [
        [2, 5, 4, 3],
        [5, 3, 3, 3],
      ],
      attrs: window([1, 1], SAME),
      output: [2, 5, 4, 5],
    },
    {
      name: '3x3 valid with bias, one channel',
      inputs: [[9, 4, 4, 1], [9, 3, 3, 1], [9]],
      attrs: window([1, 1]),
      output: [9, 2, 2, 9],
    },
    {
      name: '1x1 with bias',
      inputs: [[17, 2, 2, 5], [3, 1, 1, 5], [3]],
      attrs: window([1, 1]),
      output: [17, 2, 2, 3],
    },
    {
      name: '3x3 same as transformed tiles',
      inputs: [[2, 4, 5, 8], [9, 3, 3, 8], [9]],
      attrs: window([1, 1], SAME),
      output: [2, 4, 5, 9],
      tiles: 1,
    },
    {
      name: '3x3 valid as transformed tiles',
      inputs: [
        [1, 6, 6, 8],
        [8, 3, 3, 8],
      ],
      attrs: window([1, 1]),
      output: [1, 4, 4, 8],
      tiles: 1,
    },
    {
      name: 'strides 2 as transformed tiles',
      inputs: [[1, 7, 8, 16], [16, 3, 3, 16], [16]],
      attrs: window([2, 2], SAME),
      output: [1, 4, 4, 16],
      tiles: 2,
    },
    {
      name: 'strides 2, uneven padding, odd sizes',
      inputs: [[1, 7, 6, 2], [4, 2, 3, 2], [4]],
      attrs: window([2, 2], UNEVEN),
      output: [1, 4, 3, 4],
    },
    {
      name: 'strides 2 and 1 with a 1x1 kernel',
      inputs: [
        [3, 5, 5, 4],
        [2, 1, 1, 4],
      ],
      attrs: window([2, 1]),
      output: [3, 3, 5, 2],
    },
    {
      name: 'dilation 2 and 3',
      inputs: [
        [2, 7, 7, 2],
        [3, 3, 2, 2],
      ],
      attrs: window([1, 2], SAME, [2, 3]),
      output: [2, 5, 3, 3],
    },
    {
      name: 'a window larger than the image',
      inputs: [[1, 2, 2, 1], [1, 5, 5, 1], [1]],
      attrs: window(
        [1, 1],
        [
          [2, 2],
          [2, 2],
        ],
      ),
      output: [1, 2, 2, 1],
    },
  ],
  depthwiseConv2d: [
    {
      name: '3x3 same',
      inputs: [
        [3, 5, 5, 5],
        [3, 3, 5],
      ],
      attrs: window([1, 1], SAME),
      output: [3, 5, 5, 5],
    },
    {
      name: '3x3 strides 2 with bias',
      inputs: [[2, 7, 6, 9], [3, 3, 9], [9]],
      attrs: window([2, 2], SAME),
      output: [2, 4, 3, 9],
    },
    {
      name: '2x4, uneven padding, dilation 2 and 1, with bias',
      inputs: [[9, 6, 5, 2], [2, 4, 2], [2]],
      attrs: window([1, 1], UNEVEN, [2, 1]),
      output: [9, 6, 3, 2],
    },
  ],
  dense: [
    {
      name: 'with bias',
      inputs: [[9, 13], [10, 13], [10]],
      attrs: {},
      output: [9, 10],
    },
    {
      name: 'without bias, one sample',
      inputs: [
        [1, 8],
        [3, 8],
      ],
      attrs: {},
      output: [1, 3],
    },
    {
      name: 'one unit, one feature, 17 samples',
      inputs: [[17, 1], [1, 1], [1]],
      attrs: {},
      output: [17, 1],
    },
  ],
  batchNormalization: [
    norm('batch statistics of images', [5, 3, 3, 5]),
    norm('batch statistics of vectors', [17, 3]),
    norm('batch statistics far from 0', [3, 4, 4, 2], { offset: 30 }),
    norm('running statistics of images', [2, 3, 3, 6], { training: false }),
    norm('running statistics of vectors', [4, 7], { training: false }),
  ],
  maxPool2d: [
    {
      name: '2x2',
      inputs: [[3, 4, 6, 5]],
      attrs: pooled([2, 2], [2, 2]),
      output: [3, 2, 3, 5],
    },
    {
      name: 'overlapping 3x3 strides 2 with padding, odd sizes',
      inputs: [[2, 7, 5, 3]],
      attrs: pooled([3, 3], [2, 2], SAME),
      output: [2, 4, 3, 3],
    },
    {
      name: '1x2 strides 1, uneven padding',
      inputs: [[1, 3, 3, 9]],
      attrs: pooled(
        [1, 2],
        [1, 1],
        [
          [0, 0],
          [0, 1],
        ],
      ),
      output: [1, 3, 3, 9],
    },
  ],
  averagePool2d: [
    {
      name: '2x2',
      inputs: [[3, 4, 6, 5]],
      attrs: pooled([2, 2], [2, 2]),
      output: [3, 2, 3, 5],
    },
    {
      name: 'overlapping 3x3 strides 2 with padding, odd sizes',
      inputs: [[2, 7, 5, 3]],
      attrs: pooled([3, 3], [2, 2], SAME),
      output: [2, 4, 3, 3],
    },
  ],
  globalAveragePool2d: [
    { name: 'odd sizes', inputs: [[3, 5, 3, 9]], attrs: {}, output: [3, 9] },
    { name: 'one pixel', inputs: [[2, 1, 1, 4]], attrs: {}, output: [2, 4] },
  ],
  add: [
    {
      name: 'images',
      inputs: [
        [3, 3, 3, 5],
        [3, 3, 3, 5],
      ],
      attrs: {},
      output: [3, 3, 3, 5],
    },
    {
      name: 'vectors',
      inputs: [
        [2, 7],
        [2, 7],
      ],
      attrs: {},
      output: [2, 7],
    },
    ...broadcasting,
    {
      name: 'a row of channels, nine samples',
      inputs: [[9, 2, 2, 5], [5]],
      attrs: {},
      output: [9, 2, 2, 5],
      activations: 1,
    },
  ],
  dropout: [
    {
      name: 'in evaluation',
      inputs: [[3, 2, 5]],
      attrs: { rate: 0.5 },
      output: [3, 2, 5],
      training: false,
    },
  ],
  relu: [{ name: 'odd size', inputs: [[3, 3, 3, 5]], attrs: {}, output: [3, 3, 3, 5] }],
  relu6: [{ name: 'odd size', inputs: [[3, 3, 3, 5]], attrs: {}, output: [3, 3, 3, 5] }],
  flatten: [
    { name: 'images', inputs: [[3, 2, 2, 5]], attrs: {}, output: [3, 20] },
    { name: 'vectors', inputs: [[3, 4]], attrs: {}, output: [3, 4] },
  ],
} satisfies Record<OpName, OpCase[]>;

export interface NamedCase extends OpCase {
  readonly op: OpName;
  readonly title: string;
}

export const allCases: NamedCase[] = Object.entries(cases).flatMap(([op, list]) =>
  (list as OpCase[]).map((one) => ({ ...one, op: op as OpName, title: `${op}: ${one.name}` })),
);

/** f32 inputs of a case: at least 1/64 away from every kink, so that no step of 1/128 meets one. */
export function drawInputs({ op, inputs, offset = 0 }: NamedCase, seed: number): Float32Array[] {
  const rng = new Rng(seed);
  return inputs.map((shape, i) => {
    const size = sizeOf(shape);
    if (op === 'maxPool2d') return distinct(size, rng);
    if (op === 'gather' && i === 1) return Float32Array.from({ length: size }, () => rng.below(5));
    if (RECURRENT.has(op)) return drawRecurrent(i, shape, rng);
    if (op === 'embedding' && i === 0) {
      return Float32Array.from({ length: size }, () => rng.below(6));
    }
    if (ARITHMETIC.has(op)) return drawArithmetic(op, i, size, rng);
    if (op === 'relu' || op === 'relu6') return aroundKinks(size, rng);
    const data = Float32Array.from({ length: size }, () => 2 * rng.uniform() - 1);
    if (op === 'batchNormalization' && i === 4) return data.map((value) => 0.25 + Math.abs(value));
    return i === 0 ? data.map((value) => value + offset) : data;
  });
}

/** 1/16, 2/16, …: no two are closer than a kink allows. */
function distinct(size: number, rng: Rng): Float32Array {
  return rng.shuffle(Float32Array.from({ length: size }, (_, i) => (i + 1) / 16));
}

/** From −10 to 10, in odd multiples of 1/32, which neither 0 nor 6 is. */
function aroundKinks(size: number, rng: Rng): Float32Array {
  return Float32Array.from({ length: size }, () => (2 * rng.below(320) - 319) / 32);
}
