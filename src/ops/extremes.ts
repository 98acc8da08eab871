import { binaryForm, binaryInt, binaryOp, binaryQat, GRAIN, type IntBinary } from './binary.ts';
import { binaryF32 } from './binaryF32.ts';
import { expandValue } from './broadcast.ts';

/** y = min(a, b)      shapes as `broadcastShapes` */
export const minimum = /* @__PURE__ */ binaryOp('minimum');

/** y = max(a, b)      shapes as `broadcastShapes` */
export const maximum = /* @__PURE__ */ binaryOp('maximum');

/** The gradient goes to the chosen one, of equals to a. */
export const minimumF32 = /* @__PURE__ */ binaryF32(minimum, 'minimum');

export const maximumF32 = /* @__PURE__ */ binaryF32(maximum, 'maximum');

/** M_a = s_a / s_y, M_b = s_b / s_y; `larger` as the kernel has it      quantization.md eq. (21) */
function integers(larger: 0 | -1): IntBinary {
  return {
    multipliers: (a, b, y) => [a / y, b / y],
    factors: ([a, b]) => [a!, b!],
    run: (kernels, args) => kernels.qs8_vminmax(...args, larger),
    lower(cx, n, part) {
      cx.parallel('qs8_vminmax', n, 20, (first, count) => [...part(first, count), larger], GRAIN);
    },
  };
}

const least = /* @__PURE__ */ integers(0);
const most = /* @__PURE__ */ integers(-1);

export const minimumQat = /* @__PURE__ */ binaryQat(minimum, least);
export const maximumQat = /* @__PURE__ */ binaryQat(maximum, most);
export const minimumInt = /* @__PURE__ */ binaryInt(least, expandValue);
export const maximumInt = /* @__PURE__ */ binaryInt(most, expandValue);
export const extremeForm = /* @__PURE__ */ binaryForm(2);
