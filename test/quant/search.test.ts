import { describe, expect, test } from 'vitest';
import { Rng } from '../../src/core/rng.ts';
import { roundTiesToEven } from '../../src/core/rounding.ts';
import type { QuantizerSpec } from '../../src/graph/graph.ts';
import { type MethodName, methods } from '../../src/quant/methods.ts';
import { searchWeightScales } from '../../src/quant/mseSearch.ts';
import { quantizeModel } from '../../src/quant/quantizeModel.ts';
import { blobs, networks, SAMPLE, unsettle } from './networks.ts';

/** Sums of twelve uniform numbers: variance 1, tails to ±6. */
function gaussian(length: number, seed: number): Float32Array {
  const rng = new Rng(seed);
  return Float32Array.from({ length }, () => {
    let sum = -6;
    for (let i = 0; i < 12; i++) sum += rng.uniform();
    return sum;
  });
}

/** Signal to quantization noise in dB. */
function sqnr(w: Float32Array, scale: number, qmin: number, qmax: number): number {
  let signal = 0;
  let noise = 0;
  for (const value of w) {
    const q = Math.min(qmax, Math.max(qmin, Math.round(value / scale)));
    signal += value ** 2;
    noise += (value - q * scale) ** 2;
  }
  return 10 * Math.log10(signal / noise);
}

/** The scale of the least squared error, the first of equals, by trying all. */
function exhaustive(row: Float32Array, qmin: number, qmax: number): number {
  const most = Math.max(...row.map(Math.abs));
  const scales = Array.from({ length: 80 }, (_, i) =>
    Math.fround((most / qmax) * (1 - ((qmax < 7 ? 0.95 : 0.8) * i) / 80)),
  );
  const errors = scales.map((scale) =>
    row.reduce((sum, w) => {
      const q = Math.min(qmax, Math.max(qmin, roundTiesToEven(w / scale)));
      return sum + (q * scale - w) ** 2;
    }, 0),
  );
  return scales[errors.indexOf(Math.min(...errors))]!;
}

function weightSpec(qmin: number, qmax: number, axis: number, scales = 1): QuantizerSpec {
  const data = new Float32Array(scales);
  const scale = { name: 's', shape: [scales], trainable: true, decay: false, data };
  return { name: 'w', method: 'lsq', target: 'weight', qmin, qmax, axis, scale };
}

describe('searchWeightScales', () => {
  test.each([
    [8, -127, 127],
    [4, -8, 7],
    [3, -4, 3],
    [2, -2, 1],
  ])('at %i bits beats the range of max |w| and the formula of LSQ', (bits, qmin, qmax) => {
    const w = gaussian(4096, 81);
    const [scale] = searchWeightScales(w, [1, 4096], weightSpec(qmin, qmax, 0));
    const found = sqnr(w, scale!, qmin, qmax);
    const most = Math.max(...w.map(Math.abs));
    const mean = w.reduce((sum, value) => sum + Math.abs(value), 0) / w.length;
    // The whole range is a candidate; at 8 bits shrinking gains little, below much.
    expect(found).toBeGreaterThanOrEqual(sqnr(w, most / qmax, qmin, qmax) + (bits === 8 ? 0 : 1));
    const formula = sqnr(w, (2 * mean) / Math.sqrt(qmax), qmin, qmax);
    if (bits === 8) expect(found).toBeGreaterThan(formula + 12);
    if (bits > 2) expect(found).toBeGreaterThan(formula);
  });

  test('is the best of 80 shrink factors, channel by channel, on both layouts', () => {
    const [channels, inner] = [5, 36];
    const w = gaussian(channels * inner, 82).map((value, i) => value * (1 + Math.floor(i / inner)));
    const scales = searchWeightScales(w, [channels, 2, 2, 9], weightSpec(-127, 127, 0, channels));
    const turned = w.map((_, i) => w[(i % channels) * inner + Math.floor(i / channels)]!);
    const last = weightSpec(-127, 127, 2, channels);
    expect(searchWeightScales(turned, [4, 9, channels], last)).toEqual(scales);
    for (let c = 0; c < channels; c++) {
      const row = w.subarray(c * inner, (c + 1) * inner);
      const most = Math.max(...row.map(Math.abs));
      const best = sqnr(row, scales[c]!, -127, 127);
      for (let i = 0; i < 80; i++) {
        const tried = (most / 127) * (1 - (0.8 * i) / 80);
        // Math.round and the rounding of scales to f32 move single elements.
        expect(best, `channel ${c}, factor ${i}`).toBeGreaterThan(
          sqnr(row, tried, -127, 127) - 0.01,
        );
      }
    }
  });

  test.each([
    [-127, 127],
    [-8, 7],
    [-2, 1],
  ])(
    'stops early without a loss: in [%i, %i] the scale is that of all 80 factors',
    (qmin, qmax) => {
      for (const [inner, seed] of [
        [1, 83],
        [9, 84],
        [200, 85],
      ] as const) {
        const w = gaussian(8 * inner, seed).map((value, i) => (i % 7 ? value : value * 4));
        const scales = searchWeightScales(w, [8, inner], weightSpec(qmin, qmax, 0, 8));
        const expected = scales.map((_, c) =>
          exhaustive(w.subarray(c * inner, (c + 1) * inner), qmin, qmax),
        );
        expect(scales).toEqual(expected);
      }
    },
  );

  test('one scale for all channels is that of all their weights', () => {
    const w = gaussian(60, 86);
    const scales = searchWeightScales(w, [4, 15], weightSpec(-7, 7, 0));
    expect(scales).toEqual(searchWeightScales(w, [1, 60], weightSpec(-7, 7, 0)));
    expect(scales.length).toBe(1);
  });

  test('a channel of zeros gets a positive scale', () => {
    const scales = searchWeightScales(new Float32Array(8), [2, 4], weightSpec(-127, 127, 0, 2));
    expect([...scales]).toEqual([2 ** -40, 2 ** -40]);
  });
});

describe.each(Object.keys(methods) as MethodName[])('calibrate with %s', (method) => {
  test.each(Object.keys(networks))('%s: finite ranges that hold 0', async (name) => {
    const net = networks[name]!()(83);
    unsettle(net.build(SAMPLE), 83);
    const model = quantizeModel(net, { method });
    expect(model.calibrated).toBe(false);
    await model.prepare(blobs(32, 83));
    expect(model.calibrated).toBe(true);
    for (const {
      scale,
      zeroPoint,
      fixedZeroPoint,
      qmin,
      qmax,
      name,
    } of model.graph.quantizers.values()) {
      const z = fixedZeroPoint ?? zeroPoint?.data[0] ?? 0;
      expect(z >= qmin && z <= qmax && Number.isInteger(z), `${name}: zero point ${z}`).toBe(true);
      for (const s of scale.data) expect(s > 0 && Number.isFinite(s), `${name}: ${s}`).toBe(true);
    }
  });

  test.each([Number.NaN, Infinity])('a network with %d in it has no ranges', async (value) => {
    const net = networks['a value added to itself']!()(85);
    [...net.build(SAMPLE).parameters.values()][0]!.data[3] = value;
    await expect(quantizeModel(net, { method }).calibrate(blobs(16, 85))).rejects.toThrow(
      /^calibrate: .* must have finite values, got (NaN|Infinity)$/,
    );
  });

  test('is the same for the same data, and does not move weights or statistics', async () => {
    const make = async () => {
      const net = networks['norm and relu after add']!()(84);
      const before = [...net.build(SAMPLE).parameters.values()].map(({ data }) => data.slice());
      const model = quantizeModel(net, { method });
      await model.calibrate(blobs(48, 84));
      const after = [...model.graph.parameters.values()].map(({ data }) => data);
      expect(after).toEqual(before);
      return [...model.graph.quantizers.values()].map(({ scale, zeroPoint }) => [
        scale.data,
        zeroPoint?.data,
      ]);
    };
    expect(await make()).toEqual(await make());
  });
});
