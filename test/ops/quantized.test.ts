import { describe, expect, test } from 'vitest';
import { StepContext } from '../../src/autograd/context.ts';
import { withDevice } from '../../src/autograd/device.ts';
import { qatRule } from '../../src/autograd/rules.ts';
import type { Attrs, QRef, Ref } from '../../src/core/op.ts';
import { Rng } from '../../src/core/rng.ts';
import { type Shape, sizeOf } from '../../src/core/shape.ts';
import { ops } from '../../src/ops/table.ts';
import { allCases, type NamedCase } from './cases.ts';
import { references, type Tensor64 } from './reference.ts';
import { expectClose, inFloat64, tensors64 } from './run.ts';

const SEED = 31;
const f = Math.fround;

function randomIntegers(shape: Shape, rng: Rng, limit = 128): Int8Array {
  return Int8Array.from({ length: sizeOf(shape) }, () => rng.below(2 * limit) - limit);
}

function place(cx: StepContext, shape: Shape, data: Int8Array): Ref {
  const ref = cx.alloc(shape, 'i8');
  cx.i8(ref).set(data);
  return ref;
}

const RANGE = { scale: f(0.11), zeroPoint: -7, qmin: -128, qmax: 127 };

/** Runs `work` with a context whose memory goes back afterwards. */
function withContext<T>(work: (cx: StepContext) => T): Promise<T> {
  return withDevice(async (device) => {
    const cx = new StepContext(device, true);
    const result = work(cx);
    cx.end();
    return result;
  });
}

const linear = allCases.filter(({ op }) =>
  ['conv2d', 'depthwiseConv2d', 'dense', 'transposedConv2d'].includes(op),
);

describe('linear ops on integers', () => {
  test.each(linear)('$title: y is f32(f32(acc) · M) + B in every bit', async (one) => {
    const { op, inputs, attrs, output } = one;
    const rng = new Rng(SEED);
    const x = randomIntegers(inputs[0]!, rng);
    const w = randomIntegers(inputs[1]!, rng, 127);
    const channels = output.at(-1)!;
    const multiplier = Float32Array.from({ length: channels }, () => (rng.uniform() - 0.5) / 64);
    const addend = Float32Array.from({ length: channels }, () => 9 * (rng.uniform() - 0.5));
    const y = await withContext((cx) => {
      const rule = qatRule(op);
      if (rule?.kind !== 'linear') throw new Error(`${op} is not linear`);
      const quantized: QRef = { q: place(cx, inputs[0]!, x), ...RANGE };
      const weights = place(cx, inputs[1]!, w);
      const epilogue = { multiplier, addend };
      return cx.f32(rule.forward(cx, quantized, weights, attrs as never, epilogue)).slice();
    });
    const noBias = { ...one, inputs: inputs.slice(0, 2) };
    const distances = Float64Array.from(x, (q) => q - RANGE.zeroPoint);
    const acc = inFloat64(noBias)(tensors64(noBias, [distances, w]));
    const expected = Float32Array.from(acc, (sum, i) =>
      f(f(f(sum) * multiplier[i % channels]!) + addend[i % channels]!),
    );
    expectClose(one, 'y', SEED, y, expected, () => 0);
  });
});

/** x̂ of integers that cover the int8 range, each one twice, as a [1, 4, 32, 4] image. */
const image: Shape = [1, 4, 32, 4];
const everyInteger = Int8Array.from({ length: 512 }, (_, i) => (i % 256) - 128);

function runKeep(op: 'relu' | 'relu6' | 'maxPool2d', x: Int8Array, attrs: Attrs, range = RANGE) {
  const output = ops[op].inferShape([image], attrs as never);
  return withContext((cx) => {
    const rule = qatRule(op);
    if (rule?.kind !== 'keep') throw new Error(`${op} does not keep`);
    const quantized: QRef = { q: place(cx, image, x), ...range };
    const y = rule.forward(cx, quantized, attrs as never, []);
    const dy = cx.alloc(output);
    cx.f32(dy).fill(1);
    const dx = rule.backward(cx, dy, quantized, y, attrs as never, []);
    return { y: cx.i8(y).slice(), dx: cx.f32(dx).slice() };
  });
}

describe('clamps on integers', () => {
  // The integer of 6 stands for 6.05, 5.98, 6 exactly, or is beyond 127.
  const scales = [RANGE.scale, f(0.13), f(0.0625), f(0.02)];

  test.each(scales)('relu at scale %d: max(q, zeroPoint), gradient where x̂ > 0', async (scale) => {
    const { y, dx } = await runKeep('relu', everyInteger, {}, { ...RANGE, scale });
    expect([...y]).toEqual(Array.from(everyInteger, (q) => Math.max(q, -7)));
    expect([...dx]).toEqual(Array.from(everyInteger, (q) => (q > -7 ? 1 : 0)));
  });

  test.each(scales)(
    'relu6 at scale %d: also min(q, q of 6), gradient where x̂ < 6',
    async (scale) => {
      const { y, dx } = await runKeep('relu6', everyInteger, {}, { ...RANGE, scale });
      const top = Math.min(127, Math.round(6 / scale) - 7);
      expect([...y]).toEqual(Array.from(everyInteger, (q) => Math.min(top, Math.max(q, -7))));
      const inside = (q: number) => q > -7 && f((q + 7) * scale) < 6;
      expect([...dx]).toEqual(Array.from(everyInteger, (q) => (inside(q) ? 1 : 0)));
    },
  );
});

test('max pooling of integers sends the gradient to one pixel of a window', async () => {
  const attrs = {
    poolSize: [2, 2],
    strides: [2, 2],
    padding: [
      [0, 0],
      [0, 0],
    ],
    dilation: [1, 1],
  };
  const x = randomIntegers(image, new Rng(SEED), 4);
  const { y, dx } = await runKeep('maxPool2d', x, attrs);
  const pooled: NamedCase = {
    ...{ op: 'maxPool2d', name: '', title: 'maxPool2d i8', attrs },
    ...{ inputs: [image], output: [1, 2, 16, 4] },
  };
  const x64: Tensor64 = { shape: image, data: Float64Array.from(x) };
  expect([...y]).toEqual([...references.maxPool2d([x64], pooled.output, attrs as never)]);
  expect(dx.reduce((sum, g) => sum + g, 0)).toBe(y.length);
  dx.forEach((g, i) => {
    const [row, column] = [Math.floor(i / 128), Math.floor(i / 4) % 32];
    const at = (Math.floor(row / 2) * 16 + Math.floor(column / 2)) * 4 + (i % 4);
    if (g !== 0) expect([g, x[i]]).toEqual([1, y[at]]);
  });
});
