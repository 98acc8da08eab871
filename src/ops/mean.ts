import { checkInteger, rangeError } from '../core/errors.ts';
import { factors, type IntForm } from '../core/form.ts';
import type { F32Rule, IntRule, OpDef, QatRescaleRule } from '../core/op.ts';
import { MAX_ACCUMULATOR, maxDistance } from '../core/overflow.ts';
import type { Shape } from '../core/shape.ts';
import { applyBinary } from './binaryF32.ts';
import { type Block, blockOf, rescaleFields } from './reduce.ts';

export interface MeanAttrs {
  /** Neighbours, counted with the batch axis, which is not among them. */
  readonly axes: readonly number[];
  /** Whether they stay, with extent 1. */
  readonly keepDims: boolean;
}

/** Throws a RangeError unless `axes` are neighbours of `x` behind the batch. */
function checkAxes(x: Shape, axes: readonly number[]): void {
  if (axes.length === 0) throw rangeError('mean', 'there must be an axis', 'none');
  axes.forEach((axis, i) => {
    checkInteger('mean', 'an axis', axis, 1, x.length - 1);
    if (axis === axes[0]! + i) return;
    throw rangeError('mean', 'the axes must be neighbours in order', axes);
  });
}

/** y = mean of x over `axes` */
export const mean = {
  name: 'mean',
  inferShape([x = []], { axes, keepDims }) {
    checkAxes(x, axes);
    return x.flatMap((extent, axis) => {
      if (!axes.includes(axis)) return [extent];
      return keepDims ? [1] : [];
    });
  },
} as const satisfies OpDef<MeanAttrs>;

function blockOfMean(x: Shape, { axes }: MeanAttrs): Block {
  return blockOf(x, axes[0]!, axes.at(-1));
}

/** Sums in f64, rounded once; dx = dy / n, repeated. */
export const meanF32: F32Rule<MeanAttrs> = {
  forward(cx, [x], attrs) {
    const { outer, n, inner } = blockOfMean(x!.shape, attrs);
    const output = cx.alloc(mean.inferShape([x!.shape], attrs));
    cx.kernels.f32_mean(outer, n, inner, x!.ptr, output.ptr);
    return { output };
  },
  backward(cx, dy, { inputs: [x] }, attrs) {
    const { n } = blockOfMean(x!.shape, attrs);
    const share = cx.alloc([1]);
    cx.f32(share)[0] = 1 / n;
    const kept = { ...dy, shape: mean.inferShape([x!.shape], { ...attrs, keepDims: true }) };
    return [applyBinary(cx, 'multiply', [kept, share], x!.shape)];
  },
};

/** M = s_x / (s_y · n)      quantization.md eq. (13) */
export const meanQat: QatRescaleRule<MeanAttrs> = {
  kind: 'rescale',
  multipliers: ([inScale], outScale, [x], attrs) =>
    // Whatever the batch is: none of the axes is its.
    Float32Array.of(inScale! / (outScale * blockOfMean(x!, attrs).n)),
  evaluate(cx, [x], out, multipliers, attrs) {
    const { shape } = x!.q;
    const { outer, n, inner } = blockOfMean(shape, attrs);
    const y = cx.alloc(mean.inferShape([shape], attrs), 'i8');
    const params = cx.struct('RescaleParams', rescaleFields(x!, multipliers[0]!, out));
    cx.kernels.qs8_mean(params, outer, n, inner, x!.q.ptr, y.ptr);
    return y;
  },
};

export const meanForm: IntForm<MeanAttrs> = {
  activations: 1,
  constants: () => factors(1),
  attrs: { axes: { list: 1 }, keepDims: 'boolean' },
  check({ x: [x], attrs }, where) {
    const { n } = blockOfMean(x!.shape, attrs);
    if (n * maxDistance(x!.qparams!.zeroPoint) <= MAX_ACCUMULATOR) return;
    throw rangeError(where, 'the sum of a mean must stay below 2^31', `${n} terms`);
  },
};

export const meanInt: IntRule<MeanAttrs> = {
  lower(cx, attrs) {
    const [x] = cx.x;
    const { y } = cx;
    const { outer, n, inner } = blockOfMean(x!.shape, attrs);
    const multiplier = cx.constants[0]!.data[0]!;
    const params = cx.struct('RescaleParams', rescaleFields(x!.qparams, multiplier, y.qparams));
    cx.parallel('qs8_mean', outer, 2 * n * inner, (first, count) => [
      params,
      count,
      n,
      inner,
      x!.ptr + first * n * inner,
      y.ptr + first * inner,
    ]);
  },
};
