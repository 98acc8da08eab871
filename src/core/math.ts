/**
 * Functions whose last bit differs between engines when taken from `Math`, from + − × ÷ alone. For whatever leads to
 * stored or compared bytes.
 */

/** cos(π·t) for t in [0, 1], absolute error below 1e-15: the Taylor series about the nearer of 0, π/2 and π. */
export function cosPi(t: number): number {
  if (t > 0.75) return -cosPi(1 - t);
  if (t > 0.25) return -sineSeries((t - 0.5) * Math.PI);
  return cosineSeries(t * Math.PI);
}

/** |x| ≤ π/4 */
function cosineSeries(x: number): number {
  let term = 1;
  let sum = 1;
  for (let n = 2; n <= 18; n += 2) {
    term *= (-x * x) / (n * (n - 1));
    sum += term;
  }
  return sum;
}

function sineSeries(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 3; n <= 19; n += 2) {
    term *= (-x * x) / (n * (n - 1));
    sum += term;
  }
  return sum;
}

/** base^exponent for a whole exponent ≥ 0, by squaring. */
export function power(base: number, exponent: number): number {
  let result = 1;
  for (let square = base, n = exponent; n > 0; n = Math.floor(n / 2), square *= square) {
    if (n % 2 === 1) result *= square;
  }
  return result;
}
