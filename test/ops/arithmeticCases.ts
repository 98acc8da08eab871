import type { Attrs } from '../../src/core/op.ts';
import type { Rng } from '../../src/core/rng.ts';
import type { Shape } from '../../src/core/shape.ts';
import type { OpName } from '../../src/ops/table.ts';
import { attentionSoftmaxCases } from './attentionCases.ts';
import type { OpCase } from './cases.ts';

const image: Shape = [3, 3, 2, 5];

function unary(...attrs: readonly Attrs[]): OpCase[] {
  return (attrs.length > 0 ? attrs : [{}]).map((attrs) => ({
    name: JSON.stringify(attrs),
    inputs: [image],
    attrs,
    output: image,
  }));
}

function rows(op: string): OpCase[] {
  return [
    { name: `${op} of vectors`, inputs: [[3, 7]], attrs: {}, output: [3, 7] },
    { name: `${op} of channels`, inputs: [image], attrs: {}, output: image },
    { name: `${op} of single numbers`, inputs: [[3, 1]], attrs: {}, output: [3, 1] },
  ];
}

/** One shape; each side repeated along some axes; constants of fewer axes, which have no batch. */
export const broadcasting: OpCase[] = [
  { name: 'one shape', inputs: [image, image], attrs: {}, output: image },
  { name: 'a pixel', inputs: [image, [3, 1, 1, 5]], attrs: {}, output: image },
  {
    name: 'both repeated',
    inputs: [
      [3, 3, 1, 5],
      [3, 1, 2, 1],
    ],
    attrs: {},
    output: image,
  },
  { name: 'a row of channels', inputs: [image, [5]], attrs: {}, output: image, activations: 1 },
  { name: 'one number', inputs: [image, [1]], attrs: {}, output: image, activations: 1 },
  {
    name: 'an image',
    inputs: [
      [3, 1, 1, 5],
      [3, 2, 1],
    ],
    attrs: {},
    output: image,
    activations: 1,
  },
].map((one) => ({ activations: 2, ...one }));

const MEANS: OpCase[] = [
  { name: 'pixels', inputs: [image], attrs: { axes: [1, 2], keepDims: false }, output: [3, 5] },
  { name: 'rows', inputs: [image], attrs: { axes: [1], keepDims: true }, output: [3, 1, 2, 5] },
  { name: 'channels', inputs: [image], attrs: { axes: [3], keepDims: false }, output: [3, 3, 2] },
  {
    name: 'all',
    inputs: [image],
    attrs: { axes: [1, 2, 3], keepDims: true },
    output: [3, 1, 1, 1],
  },
];

export const arithmeticCases = {
  abs: unary(),
  elu: unary({ alpha: 1 }, { alpha: 0.3 }),
  exp: unary(),
  gelu: unary(),
  hardSwish: unary(),
  leakyRelu: unary({ alpha: 0.2 }, { alpha: -1.5 }),
  log: unary(),
  negate: unary(),
  rsqrt: unary(),
  sigmoid: unary(),
  sqrt: unary(),
  square: unary(),
  swish: unary(),
  tanh: unary(),
  argMax: [
    { name: 'vectors', inputs: [[3, 7]], attrs: { axis: 1 }, output: [3] },
    { name: 'rows', inputs: [image], attrs: { axis: 1 }, output: [3, 2, 5] },
    { name: 'channels', inputs: [image], attrs: { axis: 3 }, output: [3, 3, 2] },
  ],
  attentionSoftmax: attentionSoftmaxCases,
  dequantize: unary(),
  l2Normalize: rows('length'),
  lookup: [],
  maximum: broadcasting,
  mean: MEANS,
  minimum: broadcasting,
  multiply: broadcasting,
  prelu: [
    { name: 'image', inputs: [image, [5]], attrs: {}, output: image },
    { name: 'vectors', inputs: [[3, 7], [7]], attrs: {}, output: [3, 7] },
    { name: 'seventeen vectors', inputs: [[17, 9], [9]], attrs: {}, output: [17, 9] },
  ],
  quantize: unary(),
  softmax: rows('softmax'),
  subtract: broadcasting,
} satisfies Partial<Record<OpName, OpCase[]>>;

export const ARITHMETIC: ReadonlySet<OpName> = new Set(Object.keys(arithmeticCases) as OpName[]);

/**
 * From −10 to 10 and at least 1/32 from 0 and ±3, where functions have kinks, and from the values of other inputs:
 * odd multiples of 1/32 for the first, even ones for the second. Positive where reals below 0 have no y.
 */
export function drawArithmetic(op: OpName, i: number, size: number, rng: Rng): Float32Array {
  const values = Float32Array.from({ length: size }, () => (2 * rng.below(320) - 319 - i) / 32);
  return ['log', 'rsqrt', 'sqrt'].includes(op) ? values.map((x) => 0.25 + Math.abs(x)) : values;
}
