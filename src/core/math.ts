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

/** ln 2 in two parts, the first with so many zero bits at its end that k times it is exact for the k of an f64. */
const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.9082149292705877e-10;

const words = /* @__PURE__ */ new DataView(/* @__PURE__ */ new ArrayBuffer(8));

/** 2^k for whole k in [−1022, 1023], exactly. */
function powerOfTwo(k: number): number {
  words.setUint32(0, (k + 1023) << 20);
  words.setUint32(4, 0);
  return words.getFloat64(0);
}

/** Σ r^n / n! from n = first to 17: for |r| ≤ 0.35 the rest is below 1e-23 of the sum. */
function exponentialSeries(r: number, first: 0 | 1): number {
  let sum = 1;
  for (let n = 17; n > first; n--) sum = 1 + (r / n) * sum;
  return first === 0 ? sum : r * sum;
}

/** e^x, relative error below 1e-15 where the result is a normal number; 0 and ∞ beyond the ends of f64. */
export function exp(x: number): number {
  if (Number.isNaN(x)) return x;
  if (x > 709.8) return Infinity;
  if (x < -745.2) return 0;
  const k = Math.round(x * Math.LOG2E);
  const r = x - k * LN2_HIGH - k * LN2_LOW;
  // 2^k may lie outside f64 where the result does not.
  const half = Math.trunc(k / 2);
  return exponentialSeries(r, 0) * powerOfTwo(half) * powerOfTwo(k - half);
}

/** e^x − 1, relative error below 4e-15, for small x too. */
export function expm1(x: number): number {
  return Math.abs(x) <= 0.35 && x !== 0 ? exponentialSeries(x, 1) : exp(x) - 1;
}

/** log x, error below 1e-15 of the larger of |log x| and |x − 1|; −∞ at 0, NaN below. */
export function log(x: number): number {
  if (!(x > 0)) return x === 0 ? -Infinity : NaN;
  if (x === Infinity) return x;
  if (x < powerOfTwo(-1022)) return log(x * powerOfTwo(54)) - 54 * LN2_LOW - 54 * LN2_HIGH;
  words.setFloat64(0, x);
  const top = words.getUint32(0);
  let k = (top >>> 20) - 1023;
  words.setUint32(0, (top & 0xfffff) | 0x3ff00000);
  let m = words.getFloat64(0);
  if (m > Math.SQRT2) {
    m /= 2;
    k += 1;
  }
  // log m = 2·artanh(s), |s| < 0.172: the rest of the series is below 1e-18 of it.
  const s = (m - 1) / (m + 1);
  let sum = 1 / 23;
  for (let n = 21; n >= 1; n -= 2) sum = 1 / n + s * s * sum;
  return k * LN2_HIGH + (k * LN2_LOW + 2 * s * sum);
}

/** tanh x, relative error below 1e-14. */
export function tanh(x: number): number {
  if (Math.abs(x) > 20) return Math.sign(x);
  const e = expm1(2 * Math.abs(x));
  return (Math.sign(x) * e) / (e + 2);
}

/** 1 / (1 + e^−x), relative error below 1e-14. */
export function sigmoid(x: number): number {
  // e^−|x| cannot overflow.
  const e = exp(-Math.abs(x));
  return (x < 0 ? e : 1) / (1 + e);
}

/** The error function, absolute error below 1e-15: e^(−x²)·2/√π · Σ 2^n x^(2n+1) / (1·3·…·(2n+1)), all terms of one sign. */
export function erf(x: number): number {
  if (Number.isNaN(x)) return x;
  if (Math.abs(x) > 6) return Math.sign(x);
  let sum = 0;
  let term = x;
  for (let n = 1; sum + term !== sum; n++) {
    sum += term;
    term *= (2 * x * x) / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * exp(-x * x) * sum;
}
