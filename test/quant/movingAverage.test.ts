import { describe, expect, test } from 'vitest';
import type { QuantizerSpec } from '../../src/graph/graph.ts';
import { movingAverage } from '../../src/quant/movingAverage.ts';
import { graphOf, parameterOf, withTape } from '../autograd/eager.ts';

const U = 2 ** -24;

describe('movingAverage', () => {
  const spec = (rest: object = {}): QuantizerSpec => ({
    ...{ name: 'x', method: 'movingAverage', target: 'activation', qmin: -128, qmax: 127 },
    scale: parameterOf('scale', [1], [1]),
    zeroPoint: parameterOf('zeroPoint', [1], [0]),
    state: parameterOf('state', [3], [0, 0, 0]),
    ...rest,
  });

  /** Scale and zero point after each of some batches. */
  async function observe(batches: readonly Float32Array[], one: QuantizerSpec, training = true) {
    const parameters = [one.scale, one.zeroPoint ?? [], one.state!].flat();
    return withTape(
      graphOf(parameters),
      ({ tape, constant }) =>
        batches.map((x) => {
          const { scale, zeroPoint } = tape.quantize(constant([1, x.length], x), one, movingAverage)
            .quantized!;
          return { scale, zeroPoint };
        }),
      training,
    );
  }

  test('constant data give their own range from the first step on', async () => {
    const data = Float32Array.of(-1, 0.25, 3);
    for (const { scale, zeroPoint } of await observe(Array(200).fill(data), spec())) {
      // Each step rounds the averages of min, max and weight to f32 after two products, and carries 99 % of the errors:
      // at most 3·U/(1 − 0.99) relative, with two more for the division.
      expect(Math.abs(scale - 4 / 255)).toBeLessThan((4 / 255) * 602 * U);
      expect(zeroPoint).toBe(-128 + Math.round(255 / 4));
    }
    const [first] = await observe([data], spec());
    expect(Math.abs(first!.scale - 4 / 255)).toBeLessThan((4 / 255) * 8 * U);
  });

  test('follows its formula on moving data', async () => {
    const batches = Array.from({ length: 50 }, (_, t) => Float32Array.of(-1 - t / 10, 2 + t / 5));
    const got = await observe(batches, spec());
    let [lo, hi, weight] = [0, 0, 0];
    batches.forEach(([min, max], t) => {
      lo = 0.99 * lo + 0.01 * min!;
      hi = 0.99 * hi + 0.01 * max!;
      weight = 0.99 * weight + 0.01;
      const scale = (hi - lo) / weight / 255;
      expect(Math.abs(got[t]!.scale - scale), `step ${t}`).toBeLessThan(602 * U * scale);
    });
  });

  test('a range holds 0, also of data that do not', async () => {
    const [positive] = await observe([Float32Array.of(2, 5)], spec());
    expect(positive!.zeroPoint).toBe(-128);
    expect(positive!.scale).toBeCloseTo(5 / 255, 7);
    const [negative] = await observe([Float32Array.of(-5, -2)], spec());
    expect(negative!.zeroPoint).toBe(127);
    const [nothing] = await observe([new Float32Array(3)], spec());
    expect(nothing!.scale).toBe(2 ** -40);
  });

  test('evaluation looks and does not move', async () => {
    const one = spec();
    one.scale.data[0] = 0.5;
    const seen = await observe([Float32Array.of(-9, 9), Float32Array.of(-99, 99)], one, false);
    expect(seen).toEqual([
      { scale: 0.5, zeroPoint: 0 },
      { scale: 0.5, zeroPoint: 0 },
    ]);
  });
});
