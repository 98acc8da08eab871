import { describe, expect, test } from 'vitest';
import { Rng } from '../../src/core/rng.ts';

const MASK = 2n ** 32n - 1n;
const rotl = (x: bigint, k: bigint) => ((x << k) | (x >> (32n - k))) & MASK;

/** xoshiro128** 1.1 as its authors' page states it, in BigInt. */
function* reference(state: number[]): Generator<number, never> {
  const s = state.map(BigInt) as [bigint, bigint, bigint, bigint];
  for (;;) {
    yield Number((rotl((s[1] * 5n) & MASK, 7n) * 9n) & MASK);
    const t = (s[1] << 9n) & MASK;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 11n);
  }
}

describe('Rng', () => {
  test.each([[0], [1], [-1], [2 ** 31], [123456789]])(
    'is xoshiro128** from splitmix32 of %i',
    (seed) => {
      const rng = new Rng(seed);
      const expected = reference(splitmix(seed));
      for (let i = 0; i < 1000; i++) expect(rng.uint32()).toBe(expected.next().value);
    },
  );

  test('goes on from a state that was read', () => {
    const rng = new Rng(14);
    for (let i = 0; i < 5; i++) rng.uint32();
    const other = new Rng(15);
    other.state = JSON.parse(JSON.stringify(rng.state)) as number[];
    const draw = (from: Rng) => Array.from({ length: 100 }, () => from.uint32());
    expect(draw(other)).toEqual(draw(rng));
  });

  test.each([[[1, 2, 3]], [[1, 2, 3, -1]], [[1, 2, 3, 0.5]], [[0, 0, 0, 0]]])(
    'refuses the state %j',
    (words) => {
      const set = () => {
        new Rng(0).state = words;
      };
      expect(set).toThrow(/^Rng: a state of four integers in \[0, 2³²\), not all 0, got \[/);
    },
  );

  test('gives other numbers for other seeds', () => {
    const first = Array.from({ length: 1000 }, (_, seed) => new Rng(seed).uint32());
    expect(new Set(first).size).toBe(1000);
  });

  test('uniform has the mean and variance of U[0, 1)', () => {
    const rng = new Rng(11);
    const draws = Float64Array.from({ length: 100_000 }, () => rng.uniform());
    const mean = draws.reduce((a, b) => a + b) / draws.length;
    const variance = draws.reduce((a, b) => a + (b - mean) ** 2, 0) / draws.length;
    // Five standard errors: sqrt(1/12 / n) and sqrt(1/180 / n).
    expect(Math.abs(mean - 0.5)).toBeLessThan(5 * Math.sqrt(1 / 12 / draws.length));
    expect(Math.abs(variance - 1 / 12)).toBeLessThan(5 * Math.sqrt(1 / 180 / draws.length));
    expect(draws.every((u) => u >= 0 && u < 1)).toBe(true);
  });

  test('below(n) reaches every integer alike', () => {
    const rng = new Rng(12);
    const counts = new Array<number>(7).fill(0);
    for (let i = 0; i < 70_000; i++) counts[rng.below(7)]!++;
    for (const count of counts)
      expect(Math.abs(count - 10_000)).toBeLessThan(5 * Math.sqrt(10_000));
    expect(rng.below(1)).toBe(0);
  });

  test('shuffle gives each order of three alike', () => {
    const rng = new Rng(13);
    const counts = new Map<string, number>();
    for (let i = 0; i < 60_000; i++) {
      const order = rng.shuffle([0, 1, 2]).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    for (const count of counts.values()) {
      expect(Math.abs(count - 10_000)).toBeLessThan(5 * Math.sqrt(10_000));
    }
  });
});

/** Four words of splitmix32 with the constants of Tommy Ettinger's version, in BigInt. */
function splitmix(seed: number): number[] {
  let s = BigInt(seed);
  return Array.from({ length: 4 }, () => {
    s = (s + 0x9e3779b9n) & MASK;
    let z = s;
    z = ((z ^ (z >> 16n)) * 0x21f0aaadn) & MASK;
    z = ((z ^ (z >> 15n)) * 0x735a2d97n) & MASK;
    return Number(z ^ (z >> 15n));
  });
}
