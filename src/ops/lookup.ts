import { internal } from '../core/errors.ts';
import type { IntForm } from '../core/form.ts';
import type { F32Rule, IntRule, OpDef } from '../core/op.ts';
import type { QParams } from '../core/qparams.ts';
import { quantize, roundToRange } from '../core/rounding.ts';
import { sizeOf } from '../core/shape.ts';

/**
 * y = table[byte of x]: every function of one real and every change of scale, from 8 bits to 8 bits. An integer −128 … −1
 * has the byte 128 … 255.
 */
export const lookup = {
  name: 'lookup',
  inferShape([x]) {
    if (!x) throw internal('lookup needs an input');
    return x;
  },
} as const satisfies OpDef;

/** Entry i is for the byte i of an i8. */
function tableOf(entry: (q: number) => number): Int8Array<ArrayBuffer> {
  return Int8Array.from({ length: 256 }, (_, byte) => entry((byte << 24) >> 24));
}

/** The quantized value of `real` for the real of each integer, i8 to i8: f64, rounded to f32, then (3). */
export function lookupTable(
  real: (x: number) => number,
  x: QParams,
  y: QParams,
): Int8Array<ArrayBuffer> {
  const inverse = Math.fround(1 / y.scale[0]!);
  return tableOf((q) => {
    const value = Math.fround(real((q - x.zeroPoint) * x.scale[0]!));
    return quantize(value, inverse, y.zeroPoint, y.qmin, y.qmax);
  });
}

/** The same reals in other integers: rte(f32((q − z_x) · f32(s_x / s_y))) + z_y, clamped. */
export function requantizeTable(x: QParams, y: QParams): Int8Array<ArrayBuffer> {
  const multiplier = Math.fround(x.scale[0]! / y.scale[0]!);
  return tableOf((q) => {
    const u = Math.fround((q - x.zeroPoint) * multiplier);
    return roundToRange(u, y.zeroPoint, y.qmin, y.qmax);
  });
}

/** There are no bytes in a float graph. */
export const lookupF32: F32Rule = {
  forward() {
    throw internal('lookup is an op of integer graphs');
  },
  backward: () => [],
};

export const lookupForm: IntForm = {
  activations: 1,
  from: ['i8', 'u8'],
  to: ['i8', 'u8'],
  constants: () => [{ name: 'table', dtype: 'output', lengths: [256] }],
};

/** Multiply-accumulates of a product in the time of one element. */
const WORTH = 15;

export const lookupInt: IntRule = {
  inPlace: true,
  lower(cx) {
    const [x] = cx.x;
    const { y } = cx;
    const entries = Array.from(cx.constants[0]!.data, (q) => q & 255);
    const n = sizeOf(y.shape);
    if (entries.every((q, byte) => q === (byte ^ 128))) {
      // u8 to i8 with the same reals, or back.
      cx.parallel('x8_xor', n, 1, (first, count) => [count, x!.ptr + first, y.ptr + first, 128]);
      return;
    }
    const table = cx.constant(Uint8Array.from(entries));
    const part = (first: number, count: number) =>
      [count, 1, x!.ptr + first, table, y.ptr + first] as [number, number, number, number, number];
    cx.parallel('u8_lut', n, WORTH, part, 64);
  },
};
