import type { StructFields } from '../core/abi.ts';

interface Output {
  readonly zeroPoint: number;
  readonly qmin: number;
  readonly qmax: number;
}

interface Operand {
  readonly zeroPoint: number;
}

/** The most that x − z, or the product of two of them, can be. */
export const MOST_DISTANCE = 255;
export const MOST_PRODUCT = 255 * 255;

/** `most` bounds |u|, up to some roundings: well below 2²² the kernels round without a clamp. */
export function binaryFields(
  [a, b]: readonly Operand[],
  [aMultiplier, bMultiplier = 0]: ArrayLike<number> & Iterable<number>,
  { zeroPoint, qmin, qmax }: Output,
  most: number,
): StructFields<'BinaryParams'> {
  return {
    aZeroPoint: a!.zeroPoint,
    bZeroPoint: b!.zeroPoint,
    aMultiplier: aMultiplier!,
    bMultiplier,
    outZeroPoint: zeroPoint,
    qmin,
    qmax,
    magic: most < 2 ** 21 ? 1 : 0,
  };
}
