import { describe, expect, test } from 'vitest';
import { IntGraph } from '../runtime/intGraph.ts';

const one = Float32Array.of(0.5);
const two = Float32Array.of(0.5, 0.25);
const table = Float32Array.from({ length: 256 }, (_, d) => 1 / (1 + d));

/** What an integer node of a stranger's file may get wrong, and the sentence that refuses it. */
const wrong: [string, (b: IntGraph) => number, RegExp][] = [
  [
    'add',
    (b) => b.operate('add', [b.input([4]), b.input([5])], [two]),
    /extents must be equal or 1/,
  ],
  [
    'add',
    (b) => b.operate('add', [b.input([4]), b.input([4])], [one]),
    /shape must be \[2\], got \[1\]$/,
  ],
  [
    'add',
    (b) => b.operate('add', [b.constantActivation([4]), b.input([4])], [two]),
    /the first inputs must be activations, got the parameter/,
  ],
  [
    'multiply',
    (b) => b.operate('multiply', [b.input([4]), b.input([4])], [Float32Array.of(1e30)]),
    /every entry must be finite and at most 2\^96, got 1.0/,
  ],
  [
    'prelu',
    (b) => b.operate('prelu', [b.input([4]), b.constantActivation([5])], [two]),
    /prelu: the input must be \[N,…,C\] and alpha \[C\], got \[N,4\] and \[5\]$/,
  ],
  [
    'lookup',
    (b) => b.operate('lookup', [b.input([4])], [new Int8Array(255)]),
    /table: the shape must be \[256\], got \[255\]$/,
  ],
  [
    'lookup',
    (b) => b.operate('lookup', [b.input([4])], [new Uint8Array(256)]),
    /table: the type must be i8, got u8$/,
  ],
  [
    'mean',
    (b) => b.operate('mean', [b.input([4, 4, 4])], [one], { axes: [1, 3], keepDims: false }),
    /the axes must be neighbours in order, got \[1,3\]$/,
  ],
  [
    'mean',
    (b) => b.operate('mean', [b.input([4])], [one], { axes: [], keepDims: false }),
    /mean: there must be an axis, got none$/,
  ],
  [
    'mean',
    (b) => b.operate('mean', [b.input([4096, 4096])], [one], { axes: [1, 2], keepDims: true }),
    /the sum of a mean must stay below 2\^31, got 16777216 terms$/,
  ],
  [
    'softmax',
    (b) => b.operate('softmax', [b.input([4])], [new Float32Array(256), one]),
    /the table must begin with 1 and lie in \[0, 1\], got 0$/,
  ],
  [
    'softmax',
    (b) => b.operate('softmax', [b.input([4])], [table.map((e, d) => (d === 9 ? 2 : e)), one]),
    /the table must begin with 1 and lie in \[0, 1\], got 2$/,
  ],
  [
    'l2Normalize',
    (b) => b.operate('l2Normalize', [b.input([140000])], [one]),
    /the sum of squares must stay below 2\^31, got 140000 terms$/,
  ],
  [
    'layerNormalization',
    (b) => {
      return b.operate('layerNormalization', [b.input([4])], [new Float32Array(9)], { epsilon: 1 });
    },
    /the first multiplier must be > 0, got 0$/,
  ],
  [
    'layerNormalization',
    (b) => b.operate('layerNormalization', [b.input([4])], [one], { epsilon: 1 }),
    /the multipliers must be \[9\], got \[1\]$/,
  ],
  [
    'layerNormalization',
    (b) => {
      const factors = new Float32Array(280001).fill(1);
      return b.operate('layerNormalization', [b.input([140000])], [factors], { epsilon: 1 });
    },
    /the sum of squares must stay below 2\^31, got 140000 terms$/,
  ],
  [
    'embedding',
    (b) =>
      b.operate('embedding', [b.input([4], undefined, 'i32'), b.constantActivation([5, 3])], []),
    /the table must have the scale 0.05\d* and zero point -?\d+ of the output, got 0.05\d* and -?\d+$/,
  ],
  ['embedding', (b) => b.embedding(b.input([4]), [5, 3]), /an activation must be i32, got i8$/],
  [
    'matmul',
    (b) => {
      const [p, q] = [b.input([1, 140000]), b.input([1, 140000])];
      return b.operate('matmul', [p, q], [one], { transposeB: true });
    },
    /the sum of a product must stay below 2\^31, got 140000 terms$/,
  ],
  [
    'attentionSoftmax',
    (b) => {
      const attrs = { beta: 1, causal: false };
      return b.operate('attentionSoftmax', [b.input([4, 4])], [new Float32Array(256), one], attrs);
    },
    /the table must begin with 1 and lie in \[0, 1\], got 0$/,
  ],
  [
    'argMax',
    (b) => b.operate('argMax', [b.input([4])], [], { axis: 2 }, 'i32'),
    /argMax: axis must be an integer in \[1, 1\], got 2$/,
  ],
  [
    'argMax',
    (b) => b.operate('argMax', [b.input([4])], [], { axis: 1 }),
    /output must be i32, got i8$/,
  ],
  ['quantize', (b) => b.operate('quantize', [b.input([4])], []), /activation must be f32, got i8$/],
  ['dequantize', (b) => b.operate('dequantize', [b.input([4])], []), /output must be f32, got i8$/],
];

describe('integer forms of arithmetic', () => {
  test.each(wrong)('%s is refused: %#', (_op, make, message) => {
    const b = new IntGraph(3);
    expect(() => b.build([make(b)])).toThrow(message);
  });
});
