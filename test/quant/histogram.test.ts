import { describe, expect, test } from 'vitest';
import { Rng } from '../../src/core/rng.ts';
import { Histogram } from '../../src/quant/histogram.ts';

const SEED = 71;
const rng = new Rng(SEED);
const gaussian = () => {
  let sum = -6;
  for (let i = 0; i < 12; i++) sum += rng.uniform();
  return sum;
};

describe(`Histogram, seed ${SEED}`, () => {
  test('counts each value once, the ends and what lies beyond in the outermost bins', () => {
    const histogram = new Histogram(-1, 1);
    histogram.add(Float32Array.of(-1, -3, 0, 1 / 2048, 0.9999, 1, 7));
    const { counts } = histogram;
    expect([counts[0], counts[1024], counts[2047]]).toEqual([2, 2, 3]);
    expect(counts.reduce((sum, count) => sum + count)).toBe(7);
  });

  test.each([0.9, 0.99, 0.9999])(
    'a share of %f lies within the percentiles, on either side',
    (kept) => {
      const values = Float32Array.from({ length: 50_000 }, gaussian);
      const [least, most] = [Math.min(...values.subarray(0, 1)), 0];
      let [min, max] = [least, most];
      for (const value of values) [min, max] = [Math.min(min, value), Math.max(max, value)];
      const histogram = new Histogram(min, max);
      histogram.add(values);
      const [low, high] = histogram.percentiles(kept);
      const sorted = values.slice().sort();
      const width = (max - min) / 2048;
      // An end is that of the bin that holds the percentile: within two widths, as the percentile may lie at a border.
      const at = Math.floor(50_000 * (1 - kept));
      expect(Math.abs(low - sorted[at]!)).toBeLessThanOrEqual(2 * width);
      expect(Math.abs(high - sorted[49_999 - at]!)).toBeLessThanOrEqual(2 * width);
    },
  );

  test('all of it is the whole range, to the bit', () => {
    const histogram = new Histogram(-0.1, 0.7);
    histogram.add(Float32Array.of(-0.1, 0.3, 0.7));
    expect(histogram.percentiles(1)).toEqual([-0.1, 0.7]);
  });

  test('percentiles hold 0 where hardly anything is near it', () => {
    const histogram = new Histogram(0, 10);
    histogram.add(new Float32Array(1000).fill(8));
    const [low, high] = histogram.percentiles(0.99);
    expect(low).toBe(0);
    expect(high).toBeGreaterThanOrEqual(8);
    expect(high).toBeLessThan(8.01);
  });

  test('the threshold of least divergence is the one of a search written from the definition', () => {
    for (const levels of [128, 16, 4]) {
      const values = Float32Array.from({ length: 4000 }, (_, i) =>
        Math.abs(gaussian() * (i % 50 ? 1 : 3)),
      );
      const max = values.reduce((most, value) => Math.max(most, value));
      const histogram = new Histogram(0, max);
      histogram.add(values);
      expect(histogram.entropyThreshold(levels), `${levels} levels`).toBe(
        exhaustive([...histogram.counts], max, levels),
      );
    }
  });

  test('values that 16 levels tell apart keep their range, one outlier in a million is cut off', () => {
    const even = new Histogram(0, 16);
    even.add(Float32Array.from({ length: 32_000 }, (_, i) => (i % 2048) / 128));
    expect(even.entropyThreshold(16)).toBe(16);
    const odd = new Histogram(0, 16);
    odd.add(Float32Array.from({ length: 1_000_000 }, (_, i) => (i ? (i % 1024) / 1024 : 16)));
    expect(odd.entropyThreshold(16)).toBeLessThan(2);
  });

  test('a tensor of zeros has no range', () => {
    const histogram = new Histogram(0, 0);
    histogram.add(new Float32Array(10));
    expect(histogram.percentiles(0.999)).toEqual([0, 0]);
    expect(histogram.entropyThreshold(128)).toBe(0);
  });
});

/** Σ P·ln(P/Q) for each end, as Migacz (2017) has it: clip, merge, spread, compare. */
function exhaustive(counts: readonly number[], max: number, levels: number): number {
  const all = counts.reduce((sum, count) => sum + count, 0);
  let [best, least] = [counts.length, Infinity];
  for (let end = counts.length; end >= levels; end -= 8) {
    const clipped = counts.slice(0, end);
    const kept = clipped.reduce((sum, count) => sum + count, 0);
    const p = [...clipped];
    p[end - 1] = p[end - 1]! + all - kept;
    const q = new Array<number>(end).fill(0);
    for (let level = 0; level < levels; level++) {
      const bins = q.flatMap((_, i) =>
        Math.floor(((i + 1) * levels - 1) / end) === level ? [i] : [],
      );
      const used = bins.filter((i) => p[i]! > 0);
      const sum = bins.reduce((total, i) => total + clipped[i]!, 0);
      for (const i of used) q[i] = (sum || 0.5) / used.length;
    }
    const terms = p.map((count, i) =>
      count > 0 ? (count / all) * Math.log(count / all / (q[i]! / kept)) : 0,
    );
    const divergence = terms.reduce((sum, term) => sum + term, 0);
    if (divergence < least) [best, least] = [end, divergence];
  }
  return best === counts.length ? max : (best * max) / counts.length;
}
