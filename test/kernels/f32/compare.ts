import type { Rng } from '../../../src/core/rng.ts';

/** Half a unit in the last place of f32, relative: the error of one rounding. */
export const ULP = 2 ** -24;

/** Uniform in [−size, size), rounded to f32. */
export function floats(rng: Rng, n: number, size = 1): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: n }, () => (2 * rng.uniform() - 1) * size);
}

type Numbers = ArrayLike<number>;

/** |got − want| ≤ tolerance at each index. */
export function expectClose(
  got: Numbers,
  want: Numbers,
  tolerance: (i: number) => number,
  context: string,
): void {
  if (got.length !== want.length)
    throw new Error(`${context}: expected ${want.length} values, got ${got.length}`);
  for (let i = 0; i < want.length; i++) {
    const error = Math.abs(got[i]! - want[i]!);
    if (!(error <= tolerance(i)))
      throw new Error(
        `${context}: [${i}] expected ${want[i]} ± ${tolerance(i)}, got ${got[i]} (error ${error})`,
      );
  }
}

/** Equal at each index; −0 equals 0, NaN equals NaN. */
export function expectSame(got: Numbers, want: Numbers, context: string): void {
  if (got.length !== want.length)
    throw new Error(`${context}: expected ${want.length} values, got ${got.length}`);
  for (let i = 0; i < want.length; i++) {
    if (got[i] === want[i] || (Number.isNaN(got[i]) && Number.isNaN(want[i]))) continue;
    throw new Error(`${context}: [${i}] expected ${want[i]}, got ${got[i]}`);
  }
}
