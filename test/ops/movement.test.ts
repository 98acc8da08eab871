import { describe, expect, test } from 'vitest';
import { StepContext } from '../../src/autograd/context.ts';
import { withDevice } from '../../src/autograd/device.ts';
import { qatRule } from '../../src/autograd/rules.ts';
import type { Attrs, QRef } from '../../src/core/op.ts';
import { Rng } from '../../src/core/rng.ts';
import { type Shape, sizeOf } from '../../src/core/shape.ts';
import { type OpName, ops } from '../../src/ops/table.ts';
import { resize } from '../../src/runtime/reference/resize.ts';
import { allCases, type NamedCase } from './cases.ts';
import { inFloat64, runRule, tensors64 } from './run.ts';

const SEED = 41;
const RANGE = { scale: 0.25, zeroPoint: -7, qmin: -128, qmax: 127 };

const keeping = allCases.filter(({ op }) =>
  'pad resize reshape transpose slice gather spaceToBatch depthToSpace'.split(' ').includes(op),
);
const joins = allCases.filter(({ op }) => op === 'concat');

function integers(shape: Shape, rng: Rng): Int8Array {
  return Int8Array.from({ length: sizeOf(shape) }, () => rng.below(256) - 128);
}

/** The op's integer training rule on quantized inputs: its output's integers and the gradients for `dy`. */
function runIntegers(one: NamedCase, data: readonly Int8Array[], dy: Float32Array) {
  return withDevice(async (device) => {
    const cx = new StepContext(device, true);
    const rule = qatRule(one.op);
    const xs = one.inputs.map((shape, i): QRef => {
      const q = cx.alloc(shape, 'i8');
      cx.i8(q).set(data[i]!);
      return { q, ...RANGE };
    });
    if (rule?.kind !== 'keep' && rule?.kind !== 'join') throw new Error(`${one.op} moves nothing`);
    const attrs = one.attrs as never;
    const gradient = cx.alloc(one.output);
    cx.f32(gradient).set(dy);
    if (rule.kind === 'join') {
      const y = cx.i8(rule.forward(cx, xs, attrs)).slice();
      return { y, dx: rule.backward(cx, gradient, xs, attrs).map((ref) => cx.f32(ref).slice()) };
    }
    const [x, ...rest] = xs as [QRef, ...QRef[]];
    const constants = rest.map(({ q }) => {
      const ref = cx.alloc(q.shape);
      cx.f32(ref).set(cx.i8(q));
      return ref;
    });
    const output = rule.forward(cx, x, attrs, constants);
    const y = cx.i8(output).slice();
    return { y, dx: [cx.f32(rule.backward(cx, gradient, x, output, attrs, constants)).slice()] };
  });
}

/** What y must be, from the interpreter on q − zeroPoint, where real 0 is 0 as well. */
function expectedIntegers(one: NamedCase, data: readonly Int8Array[]): number[] {
  if (one.attrs['method'] === 'bilinear') {
    const value = { dtype: 'i8', qparams: { ...RANGE, scale: [RANGE.scale] } } as const;
    const y = { ...value, shape: one.output, data: new Int8Array(sizeOf(one.output)) };
    const x = { ...value, shape: one.inputs[0]!, data: Int8Array.from(data[0]!) };
    resize({ x: [x], constants: [], y }, one.attrs as never);
    return [...y.data];
  }
  const real = (q: number) => (q - RANGE.zeroPoint) * RANGE.scale;
  const reals = tensors64(one, data, real);
  if (one.op === 'gather') reals[1] = tensors64(one, data)[1]!;
  const y = inFloat64(one)(reals);
  return Array.from(y, (value) => value / RANGE.scale + RANGE.zeroPoint);
}

describe('moving integers while training', () => {
  test.each([...keeping, ...joins])('$title', async (one) => {
    const rng = new Rng(SEED);
    const data = one.inputs.map((shape) => integers(shape, rng));
    if (one.op === 'gather') data[1] = data[1]!.map(() => rng.below(5));
    const dy = Float32Array.from({ length: sizeOf(one.output) }, () => rng.uniform());
    const { y, dx } = await runIntegers(one, data, dy);
    expect([...y]).toEqual(expectedIntegers(one, data));
    const reals = await runRule(
      one,
      data.map((q) => Float32Array.from(q)),
      dy,
    );
    expect(dx).toEqual(reals.gradients.filter((gradient) => gradient));
  });
});

const image = [-1, 8, 6, 12];
const window = { begin: [0, 0, 0], size: [1, 1, 1], strides: [1, 1, 1] };
const none = [
  [0, 0],
  [0, 0],
];
const plain = { size: [4, 4], method: 'nearest', alignCorners: false, halfPixelCenters: false };
const deconvolution = { strides: [2, 2], padding: none, outputPadding: [0, 0] };

/** What a wrong shape or attribute says: the op, what it expects, what it got. */
const wrong: [OpName, Shape[], Attrs, string][] = [
  [
    'reshape',
    [image],
    { shape: [-1, 5] },
    'the shape [N,5] must have the elements of the input, got [N,8,6,12]',
  ],
  [
    'reshape',
    [image],
    { shape: [3, 5] },
    'the first extent of shape must be an integer >= 1, got -3',
  ],
  ['reshape', [image], { shape: [-1, 0] }, 'extents of shape must be an integer >= 1, got 0'],
  [
    'transpose',
    [image],
    { perm: [1, 0, 2, 3] },
    'perm must be 0 and a permutation of 1 to 3, got [1,0,2,3]',
  ],
  [
    'transpose',
    [image],
    { perm: [0, 1, 1, 3] },
    'perm must be 0 and a permutation of 1 to 3, got [0,1,1,3]',
  ],
  [
    'transpose',
    [[-1, 2, 2, 2, 2, 2, 2]],
    { perm: [0] },
    'the input must be [N,…] with 2 to 6 axes, got [N,2,2,2,2,2,2]',
  ],
  [
    'slice',
    [image],
    { ...window, begin: [0, 0] },
    'begin must have an entry for each of 3 axes, got 2',
  ],
  ['slice', [image], { ...window, size: [0, 1, 1] }, 'size must be an integer >= 1, got 0'],
  ['slice', [image], { ...window, begin: [8, 0, 0] }, 'begin must be an integer in [0, 7], got 8'],
  ['slice', [image], { ...window, strides: [1, 0, 1] }, 'strides must be an integer >= 1, got 0'],
  [
    'slice',
    [image],
    { ...window, begin: [7, 0, 0], size: [2, 1, 1] },
    'the last element of axis 1 must be below 8, got 8',
  ],
  [
    'slice',
    [image],
    { ...window, size: [1, 2, 1], strides: [1, -1, 1] },
    'the last element of axis 2 must be below 6, got -1',
  ],
  ['concat', [image, [-1, 8, 6]], { axis: 3 }, 'all inputs must be like [N,8,6,12], got [N,8,6]'],
  [
    'concat',
    [image, [-1, 8, 5, 2]],
    { axis: 3 },
    'all inputs must be like [N,8,6,12], got [N,8,5,2]',
  ],
  ['concat', [image], { axis: 0 }, 'axis must be an integer in [1, 3], got 0'],
  [
    'pad',
    [image],
    { padding: [[0, 0]], mode: 'constant', value: 0 },
    'padding must have an entry for each of 3 axes, got 1',
  ],
  [
    'pad',
    [image],
    { padding: [[0, 8], ...none], mode: 'reflect', value: 0 },
    'padding of mode reflect must be at most 7, got [0,8]',
  ],
  [
    'pad',
    [image],
    { padding: [[9, 0], ...none], mode: 'symmetric', value: 0 },
    'padding of mode symmetric must be at most 8, got [9,0]',
  ],
  ['gather', [image], { axis: 1 }, 'there must be indices, got undefined'],
  ['gather', [image, [2]], { axis: 4 }, 'axis must be an integer in [1, 3], got 4'],
  [
    'depthToSpace',
    [image],
    { blockSize: 5 },
    'the channels must be a multiple of 25, got [N,8,6,12]',
  ],
  ['depthToSpace', [[-1, 8]], { blockSize: 1 }, 'the input must be [N,H,W,C], got [N,8]'],
  [
    'spaceToDepth',
    [image],
    { blockSize: 4 },
    'height and width must be multiples of 4, got [N,8,6,12]',
  ],
  [
    'spaceToBatch',
    [image],
    { blockShape: [3, 3], padding: none },
    'the padded height and width must be multiples of [3,3], got [N,8,6,12]',
  ],
  [
    'batchToSpace',
    [image],
    { blockShape: [2, 2], crops: none },
    'the input must have 4 times a batch and pixels that the crops leave, got [N,8,6,12]',
  ],
  [
    'batchToSpace',
    [[-4, 1, 1, 2]],
    { blockShape: [2, 2], crops: [[1, 1], ...none] },
    'the input must have 4 times a batch and pixels that the crops leave, got [4N,1,1,2]',
  ],
  ['resize', [image], { ...plain, size: [0, 4] }, 'size must be an integer >= 1, got 0'],
  [
    'resize',
    [image],
    { ...plain, alignCorners: true, halfPixelCenters: true },
    'alignCorners excludes halfPixelCenters, got both',
  ],
  [
    'transposedConv2d',
    [image, [4, 3, 3, 5]],
    deconvolution,
    'the weights expect 5 input channels, got 12 (x [N,8,6,12], w [4,3,3,5])',
  ],
  [
    'transposedConv2d',
    [image, [4, 3, 3, 12]],
    { ...deconvolution, outputPadding: [2, 0] },
    'outputPadding must be an integer in [0, 1], got 2',
  ],
  [
    'transposedConv2d',
    [image, [4, 3, 3, 12]],
    { ...deconvolution, padding: [[0, 3], none[0]!] },
    'padding must be an integer in [0, 2], got 3',
  ],
  [
    'transposedConv2d',
    [
      [-1, 1, 6, 12],
      [4, 3, 3, 12],
    ],
    { ...deconvolution, padding: [[2, 2], none[0]!] },
    'the padding must leave an output, got an extent of -1',
  ],
  ['transposedConv2d', [image, [4, 3, 3, 12], [5]], deconvolution, 'the bias must be [4], got [5]'],
];

test.each(wrong)('%s of %j with %j', (op, shapes, attrs, message) => {
  expect(() => ops[op].inferShape(shapes, attrs as never)).toThrow(
    new RangeError(`${op}: ${message}`),
  );
});

test('gather refuses an index outside the axis', async () => {
  const one = allCases.find(({ op }) => op === 'gather')!;
  const x = new Float32Array(sizeOf(one.inputs[0]!));
  const indices = new Float32Array(7).fill(5);
  const run = runRule(one, [x, indices], new Float32Array(sizeOf(one.output)));
  await expect(run).rejects.toThrow('gather: indices must be an integer in [0, 4], got 5');
});
