import { rangeError } from '../core/errors.ts';
import type { F32Rule, OpDef, TrainContext } from '../core/op.ts';
import { sizeOf } from '../core/shape.ts';

export interface DropoutAttrs {
  /** Share of the elements that become 0, in [0, 1). */
  readonly rate: number;
}

/** Throws a RangeError unless `rate` is in [0, 1). */
export function checkRate(where: string, rate: number): void {
  if (typeof rate === 'number' && rate >= 0 && rate < 1) return;
  throw rangeError(where, 'rate must be a number in [0, 1)', rate);
}

/**
 * y = x / (1 − rate), or 0 with probability rate, in training (inverted dropout: Srivastava et al. 2014); y = x in evaluation and
 * among integers, where it is taken out of the graph.
 */
export const dropout = {
  name: 'dropout',
  inferShape([x], { rate }) {
    if (!x) throw rangeError('dropout', 'one input', 'none');
    checkRate('dropout', rate);
    return x;
  },
} as const satisfies OpDef<DropoutAttrs>;

type Mask = (cx: TrainContext, from: number, to: number, n: number) => void;

/** The mask is a function of one random word and of the place of the element: the gradient makes the same again. */
function maskOf({ random }: TrainContext, rate: number): Mask {
  const seed = random!.uint32() | 0;
  const threshold = Math.min(Math.round(rate * 2 ** 32), 2 ** 32 - 1) | 0;
  const scale = Math.fround(1 / (1 - rate));
  return (cx, from, to, n) => cx.kernels.f32_dropout(n, seed, threshold, scale, from, to);
}

export const dropoutF32: F32Rule<DropoutAttrs> = {
  forward(cx, [x], { rate }) {
    if (!cx.training || !cx.random || rate === 0) return { output: x! };
    const extra = maskOf(cx, rate);
    const output = cx.alloc(x!.shape);
    extra(cx, x!.ptr, output.ptr, sizeOf(x!.shape));
    return { output, extra };
  },
  backward(cx, dy, { extra }) {
    if (!extra) return [dy];
    const dx = cx.alloc(dy.shape);
    (extra as Mask)(cx, dy.ptr, dx.ptr, sizeOf(dy.shape));
    return [dx];
  },
};
