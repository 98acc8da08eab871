/**
 * Winograd's minimal filtering F(4x4, 3x3) of Lavin and Gray (2016): a tile of 4x4 outputs from a patch of 6x6 inputs
 * with 36 products where the sum takes 144.
 *
 *     y = Aᵀ·[(G·w·Gᵀ) ∘ (Bᵀ·d·B)]·A                 d 6x6, w 3x3, y 4x4
 *     ∂/∂w = Gᵀ·[Σ (A·dy·Aᵀ) ∘ (Bᵀ·d·B)]·G           over all tiles
 *
 *          | 4  0 −5  0  1  0 |        |  1/4    0    0  |
 *          | 0 −4 −4  1  1  0 |        | −1/6 −1/6 −1/6  |         | 1  1  1  1  1  0 |
 *     Bᵀ = | 0  4 −4 −1  1  0 |    G = | −1/6  1/6 −1/6  |    Aᵀ = | 0  1 −1  2 −2  0 |
 *          | 0 −2 −1  2  1  0 |        | 1/24 1/12  1/6  |         | 0  1  1  4  4  0 |
 *          | 0  2 −1 −2  1  0 |        | 1/24 −1/12 1/6  |         | 0  1 −1  8 −8  1 |
 *          | 0  4  0 −5  0  1 |        |   0     0    1  |
 *
 * Each function multiplies a line of six, four or three elements by one of the matrices; elements are f32, or v128 with
 * four channels. `…Step` are bytes between the elements of a line.
 */

/** Outputs, inputs and products of a tile. */
// @ts-ignore: decorator
@inline export const TILE: i32 = 4;
// @ts-ignore: decorator
@inline export const PATCH: i32 = 6;
// @ts-ignore: decorator
@inline export const POSITIONS: i32 = 36;

/** to = Bᵀ·from */
// @ts-ignore: decorator
@inline
export function inputLine<T>(from: usize, fromStep: usize, to: usize, toStep: usize, four: T): void {
  const d0 = load<T>(from), d1 = load<T>(from + fromStep), d2 = load<T>(from + 2 * fromStep);
  const d3 = load<T>(from + 3 * fromStep), d4 = load<T>(from + 4 * fromStep);
  const d5 = load<T>(from + 5 * fromStep);
  const even = sub<T>(d4, d2), odd = sub<T>(d3, d1), odd2 = add<T>(odd, odd);
  const even4 = sub<T>(d4, mul<T>(four, d2)), odd4 = sub<T>(d3, mul<T>(four, d1));
  store<T>(to, add<T>(mul<T>(four, sub<T>(d0, d2)), even));
  store<T>(to + toStep, add<T>(even4, odd4));
  store<T>(to + 2 * toStep, sub<T>(even4, odd4));
  store<T>(to + 3 * toStep, add<T>(even, odd2));
  store<T>(to + 4 * toStep, sub<T>(even, odd2));
  store<T>(to + 5 * toStep, sub<T>(sub<T>(d5, d3), mul<T>(four, odd)));
}

/** to = G·from */
// @ts-ignore: decorator
@inline
export function weightLine<T>(from: usize, fromStep: usize, to: usize, toStep: usize): void {
  const g0 = load<T>(from), g1 = load<T>(from + fromStep), g2 = load<T>(from + 2 * fromStep);
  const outer = add<T>(g0, g2);
  const wide = add<T>(g0, mul<T>(constant<T>(4), g2)), middle = add<T>(g1, g1);
  const sixth = constant<T>(-1.0 / 6), small = constant<T>(1.0 / 24);
  store<T>(to, mul<T>(constant<T>(0.25), g0));
  store<T>(to + toStep, mul<T>(sixth, add<T>(outer, g1)));
  store<T>(to + 2 * toStep, mul<T>(sixth, sub<T>(outer, g1)));
  store<T>(to + 3 * toStep, mul<T>(small, add<T>(wide, middle)));
  store<T>(to + 4 * toStep, mul<T>(small, sub<T>(wide, middle)));
  store<T>(to + 5 * toStep, g2);
}

/** to = Aᵀ·from + start */
// @ts-ignore: decorator
@inline
export function outputLine<T>(
  from: usize, fromStep: usize, to: usize, toStep: usize, four: T, start: T,
): void {
  const m1 = load<T>(from + fromStep), m2 = load<T>(from + 2 * fromStep);
  const m3 = load<T>(from + 3 * fromStep), m4 = load<T>(from + 4 * fromStep);
  const sum = add<T>(m1, m2), difference = sub<T>(m1, m2);
  const sum2 = add<T>(m3, m4), difference1 = sub<T>(m3, m4);
  const difference2 = add<T>(difference1, difference1);
  const first = add<T>(add<T>(load<T>(from), sum), sum2);
  const last = add<T>(mul<T>(four, difference2), load<T>(from + 5 * fromStep));
  store<T>(to, add<T>(first, start));
  store<T>(to + toStep, add<T>(add<T>(difference, difference2), start));
  store<T>(to + 2 * toStep, add<T>(add<T>(sum, mul<T>(four, sum2)), start));
  store<T>(to + 3 * toStep, add<T>(add<T>(difference, last), start));
}

/** to = A·from, the adjoint of `outputLine`: of gradients of four outputs. */
// @ts-ignore: decorator
@inline
export function outputGradientLine<T>(
  from: usize, fromStep: usize, to: usize, toStep: usize, four: T,
): void {
  const y0 = load<T>(from), y1 = load<T>(from + fromStep);
  const y2 = load<T>(from + 2 * fromStep), y3 = load<T>(from + 3 * fromStep);
  const even = add<T>(y0, y2), odd = add<T>(y1, y3);
  const even4 = add<T>(y0, mul<T>(four, y2)), odd4 = add<T>(y1, mul<T>(four, y3));
  const odd8 = add<T>(odd4, odd4);
  store<T>(to, y0);
  store<T>(to + toStep, add<T>(even, odd));
  store<T>(to + 2 * toStep, sub<T>(even, odd));
  store<T>(to + 3 * toStep, add<T>(even4, odd8));
  store<T>(to + 4 * toStep, sub<T>(even4, odd8));
  store<T>(to + 5 * toStep, y3);
}

/** to = Gᵀ·from, the adjoint of `weightLine`: to gradients of three weights. */
// @ts-ignore: decorator
@inline
export function weightGradientLine<T>(from: usize, fromStep: usize, to: usize, toStep: usize): void {
  const m1 = load<T>(from + fromStep), m2 = load<T>(from + 2 * fromStep);
  const m3 = load<T>(from + 3 * fromStep), m4 = load<T>(from + 4 * fromStep);
  const sixth = constant<T>(1.0 / 6), twelfth = constant<T>(1.0 / 12);
  const small = mul<T>(sixth, add<T>(m1, m2)), wide = add<T>(m3, m4);
  const first = sub<T>(mul<T>(constant<T>(0.25), load<T>(from)), small);
  const last = sub<T>(mul<T>(sixth, wide), small);
  store<T>(to, add<T>(first, mul<T>(constant<T>(1.0 / 24), wide)));
  store<T>(to + toStep, add<T>(mul<T>(sixth, sub<T>(m2, m1)), mul<T>(twelfth, sub<T>(m3, m4))));
  store<T>(to + 2 * toStep, add<T>(last, load<T>(from + 5 * fromStep)));
}

// @ts-ignore: decorator
@inline
export function constant<T>(value: f32): T {
  if (isVector<T>()) return f32x4.splat(value);
  return <T>value;
}

// @ts-ignore: decorator
@inline
function add<T>(a: T, b: T): T {
  if (isVector<T>()) return f32x4.add(a, b);
  // @ts-ignore: T is f32
  return a + b;
}

// @ts-ignore: decorator
@inline
function sub<T>(a: T, b: T): T {
  if (isVector<T>()) return f32x4.sub(a, b);
  // @ts-ignore: T is f32
  return a - b;
}

// @ts-ignore: decorator
@inline
function mul<T>(a: T, b: T): T {
  if (isVector<T>()) return f32x4.mul(a, b);
  // @ts-ignore: T is f32
  return a * b;
}
