import { checkInteger } from '../core/errors.ts';
import type { IntForm } from '../core/form.ts';
import type { F32Rule, IntRule, OpDef } from '../core/op.ts';
import { blockOf } from './reduce.ts';

export interface ArgMaxAttrs {
  /** Counted with the batch axis, which it is not. */
  readonly axis: number;
}

/** y = where x is largest along `axis`, which goes; the first of equals. Integers, in a float graph as reals. */
export const argMax = {
  name: 'argMax',
  inferShape([x = []], { axis }) {
    checkInteger('argMax', 'axis', axis, 1, x.length - 1);
    return x.filter((_, i) => i !== axis);
  },
} as const satisfies OpDef<ArgMaxAttrs>;

/** It has no gradient. */
export const argMaxF32: F32Rule<ArgMaxAttrs> = {
  forward(cx, [x], attrs) {
    const { outer, n, inner } = blockOf(x!.shape, attrs.axis);
    const output = cx.alloc(argMax.inferShape([x!.shape], attrs));
    const [from, to] = [cx.f32(x!), cx.f32(output)];
    for (let o = 0; o < outer; o++) {
      for (let i = 0; i < inner; i++) {
        const value = (j: number) => from[(o * n + j) * inner + i]!;
        let at = 0;
        for (let j = 1; j < n; j++) if (value(j) > value(at)) at = j;
        to[o * inner + i] = at;
      }
    }
    return { output };
  },
  backward: () => [undefined],
};

export const argMaxForm: IntForm = { activations: 1, to: ['i32'], attrs: { axis: 1 } };

export const argMaxInt: IntRule<ArgMaxAttrs> = {
  lower(cx, { axis }) {
    const [x] = cx.x;
    const { outer, n, inner } = blockOf(x!.shape, axis);
    cx.parallel('qs8_argmax', outer, 3 * n * inner, (first, count) => {
      return [count, n, inner, x!.ptr + first * n * inner, cx.y.ptr + 4 * first * inner];
    });
  },
};
