import {
  binaryForm,
  binaryInt,
  binaryOp,
  binaryQat,
  GRAIN,
  type IntBinary,
  MOST_PRODUCT,
} from './binary.ts';
import { binaryF32 } from './binaryF32.ts';
import { expandValue } from './broadcast.ts';

/** y = a · b      shapes as `broadcastShapes` */
export const multiply = /* @__PURE__ */ binaryOp('multiply');

export const multiplyF32 = /* @__PURE__ */ binaryF32(multiply, 'multiply');

/** M = s_a · s_b / s_y      quantization.md eq. (20) */
const integers: IntBinary = {
  multipliers: (a, b, y) => [(a * b) / y],
  factors: ([m]) => [m!, 0],
  most: ([m]) => MOST_PRODUCT * Math.abs(m!),
  run: (kernels, args) => kernels.qs8_vmul(...args),
  lower: (cx, n, part) => cx.parallel('qs8_vmul', n, 13, part, GRAIN),
};

export const multiplyQat = /* @__PURE__ */ binaryQat(multiply, integers);
export const multiplyForm = /* @__PURE__ */ binaryForm(1);
export const multiplyInt = /* @__PURE__ */ binaryInt(integers, expandValue);
