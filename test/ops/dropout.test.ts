import { describe, expect, test } from 'vitest';
import { StepContext } from '../../src/autograd/context.ts';
import { withDevice } from '../../src/autograd/device.ts';
import { Rng } from '../../src/core/rng.ts';
import { dropout, dropoutF32 } from '../../src/ops/dropout.ts';

const SEED = 23;
const N = 4099;

/** The hash of the kernel, written again from its equation. */
function hash(i: number, seed: number): number {
  let h = (Math.imul(i, 0x9e3779b9) + seed) >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** y and dx of ones, and of a second step. */
function twoSteps(rate: number, random?: Rng, training = true) {
  return withDevice(async (device) => {
    const cx = new StepContext(device, training, random);
    return [0, 1].map(() => {
      const x = cx.alloc([1, N]);
      cx.f32(x).fill(1);
      const { output, extra } = dropoutF32.forward(cx, [x], { rate });
      const dy = cx.alloc([1, N]);
      cx.f32(dy).fill(2);
      const saved = { inputs: [x], output, extra, wants: [true] };
      const [dx] = dropoutF32.backward(cx, dy, saved, { rate });
      return { y: [...cx.f32(output)], dx: [...cx.f32(dx!)] };
    });
  });
}

describe('dropout', () => {
  test.each([0.1, 0.5, 0.9])('in training, rate %f: y = x / (1 − rate) or 0', async (rate) => {
    const [first, second] = await twoSteps(rate, new Rng(SEED));
    const seed = new Rng(SEED).uint32();
    const scale = Math.fround(1 / (1 - rate));
    const threshold = Math.round(rate * 2 ** 32);
    const expected = Array.from({ length: N }, (_, i) => (hash(i, seed) >= threshold ? scale : 0));
    expect(first!.y).toEqual(expected);
    // The same mask backwards; times 2 is exact.
    expect(first!.dx).toEqual(expected.map((value) => 2 * value));
    expect(second!.y).not.toEqual(first!.y);
    // Five standard deviations of a count of N drawings.
    const dropped = first!.y.filter((value) => value === 0).length;
    expect(Math.abs(dropped - N * rate)).toBeLessThan(5 * Math.sqrt(N * rate * (1 - rate)));
  });

  test('neighbours are dropped independently', async () => {
    const { y } = (await twoSteps(0.5, new Rng(SEED)))[0]!;
    for (const lag of [1, 2, 3, 4, 8, 64]) {
      const equal = y.filter((value, i) => i >= lag && value === y[i - lag]).length;
      expect(Math.abs(equal - (N - lag) / 2)).toBeLessThan((5 * Math.sqrt(N)) / 2);
    }
  });

  test.each([
    ['in evaluation', 0.5, new Rng(SEED), false],
    ['without random numbers', 0.5, undefined, true],
    ['with rate 0', 0, new Rng(SEED), true],
  ] as const)('is the identity %s', async (_, rate, random, training) => {
    const { y, dx } = (await twoSteps(rate, random, training))[0]!;
    expect([new Set(y), new Set(dx)]).toEqual([new Set([1]), new Set([2])]);
  });

  test.each([-0.1, 1, Number.NaN])('refuses rate %f', (rate) => {
    expect(() => dropout.inferShape([[1, 2]], { rate })).toThrow(
      `dropout: rate must be a number in [0, 1), got ${rate}`,
    );
  });
});
