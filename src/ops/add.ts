import { rangeError } from '../core/errors.ts';
import { factors, type IntForm } from '../core/form.ts';
import { sameShape, showShape } from '../core/shape.ts';
import { binaryForm, binaryInt, binaryOp, binaryQat, GRAIN, type IntBinary } from './binary.ts';
import { binaryF32 } from './binaryF32.ts';
import { expandValue } from './broadcast.ts';

/** y = a + b      shapes as `broadcastShapes` */
export const add = /* @__PURE__ */ binaryOp('add');

export const addF32 = /* @__PURE__ */ binaryF32(add, 'add');

/** M_a = s_a / s_y, M_b = s_b / s_y      quantization.md eq. (12) */
const integers: IntBinary = {
  multipliers: (a, b, y) => [a / y, b / y],
  factors: ([a, b]) => [a!, b!],
  run: (kernels, args) => kernels.qs8_vadd(...args),
  lower: (cx, n, part) => cx.parallel('qs8_vadd', n, 13, part, GRAIN),
};

export const addQat = /* @__PURE__ */ binaryQat(add, integers);
/** Operands of one shape: the rule that every runtime has. */
export const addForm: IntForm = {
  activations: 2,
  constants: () => factors(2),
  check({ x: [a, b] }, where) {
    if (sameShape(a!.shape, b!.shape)) return;
    const got = `${showShape(a!.shape)} and ${showShape(b!.shape)}`;
    throw rangeError(where, 'both operands must have one shape', got);
  },
};
export const addInt = /* @__PURE__ */ binaryInt(integers, (_cx, { ptr }) => ptr);

/** Operands that may be repeated: it needs the ops that move elements. */
export const addRepeatedForm = /* @__PURE__ */ binaryForm(2);
export const addRepeatedInt = /* @__PURE__ */ binaryInt(integers, expandValue);
