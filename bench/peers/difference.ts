/**
 * The largest difference between two outputs, in multiples of `unit`, and how many differ. NaN unless they are of one
 * length and all numbers.
 */
export function difference(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  unit = 1,
): { largest: number; count: number } {
  let largest = a.length === b.length ? 0 : Number.NaN;
  let count = 0;
  for (let i = 0; i < a.length; i++) {
    const apart = Math.abs(a[i]! - b[i]!) / unit;
    if (apart === 0) continue;
    count++;
    largest = Math.max(largest, apart);
  }
  return { largest, count };
}
