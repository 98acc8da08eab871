import { describe, expect, test } from 'vitest';
import { foldRequant } from '../../src/core/foldRequant.ts';
import { Rng } from '../../src/core/rng.ts';

const f = Math.fround;

describe('foldRequant', () => {
  test('without batch normalization is s_x·s_w/s_y and bias/s_y, rounded once', () => {
    const { multiplier, addend } = foldRequant({
      channels: 3,
      inScale: 0.1,
      weightScale: [0.01, 0.02, 0.03],
      outScale: 0.7,
      bias: [1, -2, 0],
    });
    expect([...multiplier]).toEqual([0.01, 0.02, 0.03].map((s) => f((0.1 * s) / 0.7)));
    expect([...addend]).toEqual([f(1 / 0.7), f(-2 / 0.7), 0]);
  });

  test('one weight scale serves all channels', () => {
    const { multiplier } = foldRequant({ channels: 2, inScale: 2, weightScale: [3], outScale: 4 });
    expect([...multiplier]).toEqual([1.5, 1.5]);
  });

  test('gamma may be negative or zero and defaults to 1, beta to 0', () => {
    const norm = { mean: [1, 1, 1], variance: [3, 3, 3], epsilon: 1 };
    const base = { channels: 3, inScale: 1, weightScale: [1], outScale: 1 };
    const plain = foldRequant({ ...base, norm });
    expect([...plain.multiplier]).toEqual([0.5, 0.5, 0.5]);
    expect([...plain.addend]).toEqual([-0.5, -0.5, -0.5]);
    const signed = foldRequant({ ...base, norm: { ...norm, gamma: [-2, 0, 2], beta: [0, 5, 0] } });
    expect([...signed.multiplier].map((m) => m + 0)).toEqual([-1, 0, 1]);
    expect([...signed.addend]).toEqual([1, 5, -1]);
  });

  test('gives the real value of conv, bias and batch normalization', () => {
    const rng = new Rng(3);
    const draw = () => rng.uniform() * 2 - 1;
    for (let i = 0; i < 200; i++) {
      const [inScale, w, outScale] = [rng.uniform(), rng.uniform(), 0.1 + rng.uniform()];
      const [bias, gamma, beta, mean, variance] = [draw(), draw(), draw(), draw(), rng.uniform()];
      const norm = {
        gamma: [gamma],
        beta: [beta],
        mean: [mean],
        variance: [variance],
        epsilon: 1e-3,
      };
      const folded = foldRequant({
        channels: 1,
        inScale,
        weightScale: [w],
        outScale,
        bias: [bias],
        norm,
      });
      const acc = rng.below(2001) - 1000;
      const x = inScale * w * acc + bias;
      const y = (gamma * (x - mean)) / Math.sqrt(variance + 1e-3) + beta;
      const u = folded.multiplier[0]! * acc + folded.addend[0]!;
      // M and B are each rounded once to f32: a relative 2⁻²⁴ of either term, and a little f64.
      const bound =
        1.01 * 2 ** -24 * (Math.abs(folded.multiplier[0]! * acc) + Math.abs(folded.addend[0]!));
      expect(Math.abs(u - y / outScale), `draw ${i} of seed 3`).toBeLessThanOrEqual(bound);
    }
  });
});
