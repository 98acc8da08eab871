import type { Shape } from '../../src/core/shape.ts';
import type { AttentionAttrs } from '../../src/ops/attentionSoftmax.ts';
import type { LayerNormAttrs } from '../../src/ops/layerNormalization.ts';
import type { MatmulAttrs } from '../../src/ops/matmul.ts';
import type { OpCase } from './cases.ts';
import type { Tensor64 } from './reference.ts';

function product(name: string, a: Shape, b: Shape, transposeB: boolean): OpCase {
  const output = [...a.slice(0, -1), transposeB ? b.at(-2)! : b.at(-1)!];
  return { name, inputs: [a, b], attrs: { transposeB }, output, activations: 2 };
}

function norm(name: string, x: Shape, rest: Partial<OpCase> = {}): OpCase {
  const inputs = [x, x.slice(-1), x.slice(-1)];
  return { name, inputs, attrs: { epsilon: 1e-3 }, output: x, ...rest };
}

function scores(name: string, x: Shape, beta: number, causal: boolean): OpCase {
  return { name, inputs: [x], attrs: { beta, causal }, output: x };
}

/** Sizes around tiles of 4 x 8 and odd ones; heads as a second batch axis. */
export const attentionCases = {
  matmul: [
    product('matrices', [2, 4, 3], [2, 3, 8], false),
    product('matrices by rows', [2, 4, 3], [2, 8, 3], true),
    product('heads', [2, 3, 5, 7], [2, 3, 7, 9], false),
    product('heads by rows', [2, 3, 5, 7], [2, 3, 9, 7], true),
    product('single numbers', [3, 1, 1], [3, 1, 1], false),
    product('one row, many terms', [1, 1, 33], [1, 33, 17], false),
  ],
  embedding: [
    {
      name: 'sequences',
      inputs: [
        [3, 4],
        [6, 5],
      ],
      attrs: {},
      output: [3, 4, 5],
    },
    {
      name: 'images of single features',
      inputs: [
        [2, 3, 2],
        [6, 1],
      ],
      attrs: {},
      output: [2, 3, 2, 1],
    },
  ],
  layerNormalization: [
    norm('vectors', [3, 7]),
    norm('channels of images', [9, 2, 2, 5]),
    norm('sequences far from 0', [2, 3, 8], { offset: 30 }),
    norm('single numbers', [3, 1]),
  ],
};

/** Softmax of arithmetic's precision. */
export const attentionSoftmaxCases = [
  scores('all keys', [2, 3, 5], 0.5, false),
  scores('causal', [2, 2, 4, 4], 0.3, true),
  scores('causal, more keys than queries', [2, 3, 5], 1, true),
  scores('one query', [3, 1, 1], 2, true),
];

function matmul([a, b]: readonly Tensor64[], yShape: Shape, { transposeB }: MatmulAttrs) {
  const [rows, columns, terms] = [yShape.at(-2)!, yShape.at(-1)!, a!.shape.at(-1)!];
  const y: number[] = [];
  for (let row = 0; row < a!.data.length / terms; row++) {
    const matrix = Math.floor(row / rows) * terms * columns;
    for (let column = 0; column < columns; column++) {
      let sum = 0;
      for (let k = 0; k < terms; k++) {
        const place = transposeB ? column * terms + k : k * columns + column;
        sum += a!.data[row * terms + k]! * b!.data[matrix + place]!;
      }
      y.push(sum);
    }
  }
  return Float64Array.from(y);
}

function layerNormalization(
  [x, gamma, beta]: readonly Tensor64[],
  _yShape: Shape,
  { epsilon }: LayerNormAttrs,
) {
  const n = x!.shape.at(-1)!;
  return x!.data.map((value, at) => {
    const row = Array.from(x!.data.subarray(at - (at % n), at - (at % n) + n));
    const mean = row.reduce((a, b) => a + b, 0) / n;
    const variance = row.reduce((sum, other) => sum + (other - mean) ** 2, 0) / n;
    const normal = (value - mean) / Math.sqrt(variance + epsilon);
    return normal * gamma!.data[at % n]! + beta!.data[at % n]!;
  });
}

function attentionSoftmax(
  [x]: readonly Tensor64[],
  [...shape]: Shape,
  { beta, causal }: AttentionAttrs,
) {
  const [queries, keys] = [shape.at(-2)!, shape.at(-1)!];
  const sees = (at: number, other: number) =>
    !causal || other - (Math.floor(at / keys) % queries) <= keys - queries;
  return x!.data.map((value, at) => {
    if (!sees(at, at % keys)) return 0;
    const row = Array.from(x!.data.subarray(at - (at % keys), at - (at % keys) + keys));
    const powers = row.filter((_, key) => sees(at, key)).map((score) => Math.exp(beta * score));
    return Math.exp(beta * value) / powers.reduce((a, b) => a + b, 0);
  });
}

function embedding([x, table]: readonly Tensor64[]) {
  const width = table!.shape[1]!;
  const rows = Array.from(x!.data, (row) => [...table!.data.slice(row * width, (row + 1) * width)]);
  return Float64Array.from(rows.flat());
}

export const attentionReferences = {
  embedding,
  attentionSoftmax,
  layerNormalization,
  matmul,
};
