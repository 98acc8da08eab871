import { requantize } from '../../core/rounding.ts';
import type { Activation, Constant } from './operands.ts';

/** The requantization of a linear op's channel c, from its constants [w, multiplier, addend, bias?]      eq. (7) */
export function channelRequant(
  [, multiplier, addend, bias]: readonly Constant[],
  { qparams: { zeroPoint, qmin, qmax } }: Activation,
): (acc: number, c: number) => number {
  const [m, b] = [multiplier!.data, addend!.data];
  return (acc, c) => requantize(acc, bias?.data[c] ?? 0, m[c]!, b[c]!, zeroPoint, qmin, qmax);
}
