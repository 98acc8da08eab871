import { binaryForm, binaryInt, binaryOp, binaryQat, GRAIN, type IntBinary } from './binary.ts';
import { binaryF32 } from './binaryF32.ts';
import { expandValue } from './broadcast.ts';

/** y = a − b      shapes as `broadcastShapes` */
export const subtract = /* @__PURE__ */ binaryOp('subtract');

export const subtractF32 = /* @__PURE__ */ binaryF32(subtract, 'subtract');

/** Adding −f32(b · M_b) is subtracting it, and f32(b · −M_b) = −f32(b · M_b)      quantization.md eq. (12) */
const integers: IntBinary = {
  multipliers: (a, b, y) => [a / y, b / y],
  // a − b = −b − (−a): negation is exact.
  swapped: ([a, b]) => [-b!, -a!],
  factors: ([a, b]) => [a!, -b!],
  run: (kernels, args) => kernels.qs8_vadd(...args),
  lower: (cx, n, part) => cx.parallel('qs8_vadd', n, 13, part, GRAIN),
};

export const subtractQat = /* @__PURE__ */ binaryQat(subtract, integers);
export const subtractForm = /* @__PURE__ */ binaryForm(2);
export const subtractInt = /* @__PURE__ */ binaryInt(integers, expandValue);
