/** What the papers say of one element: its part in the gradient of each parameter of a range, in float64. */

import { fakequantGradient, type Gradient, lsqGradient } from './fakequant.ts';
import type { QuantizeParams } from './params.ts';

/** Gradients by the name of the parameter, and the size to which errors are relative. */
export type Terms = Readonly<Record<string, { readonly value: number; readonly size: number }>>;

export interface Element {
  /** Straight through. */
  readonly dx: number;
  readonly terms: Terms;
}

type Activation = (gradient: Gradient, p: QuantizeParams, elements: number) => Terms;

const LN2 = Math.log(2);
const h = (elements: number, levels: number) => 1 / Math.sqrt(elements * levels);
const term = (value: number, size = Math.abs(value)) => ({ value, size });
const scaled = (g: Gradient, by: number) => term(g.dscale * by, g.size * Math.abs(by));

/** Esser 2020: N features of an example, Q_P integers above 0. */
const lsq: Activation = (g, p, n) => ({
  scale: scaled(g, h(n, Math.max(1, p.qmax - p.zeroPoint))),
});

const methods: Readonly<Record<string, Activation>> = {
  lsq,
  ewgs: lsq,
  learnedScale(g, p, n) {
    const by = h(n, p.qmax - p.qmin);
    return { scale: scaled(g, by), zeroPoint: term(-p.scale * (g.below + g.above) * by) };
  },
  /** Bhalgat 2020, eq. (4) and (5): outside, the slope for s is the integer n or p, that for β is 1. */
  lsqPlus(g, p, n) {
    const by = h(n, Math.max(1, p.qmax - p.zeroPoint));
    const outside = g.below + g.above;
    if (outside === 0) return { scale: scaled(g, by), beta: term(0) };
    const slope = g.below === 0 ? p.qmax : p.qmin;
    // (qmax − z) and z are summed apart.
    const size = g.size + Math.abs(p.zeroPoint * outside);
    return { scale: term(slope * outside * by, size * by), beta: term(outside * by) };
  },
  /** Choi 2018, eq. (3), and the same for a bound on the other side. */
  pact: (g) => ({ alpha: term(g.above), beta: term(-g.below) }),
  /** Jain 2020, eq. (7), before it is normed. */
  tqt: (g, p) => ({ log2Threshold: scaled(g, p.scale * LN2) }),
};

/** An activation; v is the kernel's own f32. */
export function activationElement(
  method: string,
  p: QuantizeParams,
  x: number,
  dy: number,
  elements: number,
): Element {
  const gradient = fakequantGradient(p, x, dy);
  return { dx: gradient.dx, terms: methods[method]!(gradient, p, elements) };
}

/** A weight, of `elements` that share its scale. */
export function weightElement(
  method: string,
  [qmin, qmax]: readonly [number, number],
  scale: number,
  w: number,
  dy: number,
  elements: number,
): Element {
  const params = { scale, inverseScale: Math.fround(1 / scale), zeroPoint: 0, qmin, qmax };
  const gradient =
    method === 'learnedScale'
      ? fakequantGradient(params, w, dy)
      : lsqGradient(qmin, qmax, scale, w, dy);
  const { dx } = gradient;
  if (method === 'tqt') return { dx, terms: { log2Threshold: scaled(gradient, scale * LN2) } };
  return { dx, terms: { scale: scaled(gradient, h(elements, qmax)) } };
}

/** Lee 2021, eq. (6), of what passes straight through. */
export function scaledGradient(
  dx: number,
  v: number,
  rounded: number,
  delta: number,
  levels: number,
): number {
  return dx * (1 + ((delta * Math.sign(dx)) / levels) * (v - rounded));
}
