import { rangeError } from '../core/errors.ts';
import { factors, type IntForm } from '../core/form.ts';
import type { F32Rule, IntRule, OpDef, QatRescaleRule } from '../core/op.ts';
import { type Shape, showShape, sizeOf } from '../core/shape.ts';
import { rescaleFields } from './reduce.ts';
import { checkTable, softmaxBackward, softmaxForward, softmaxTable } from './softmax.ts';

export interface AttentionAttrs {
  /** Factor before the exponential: 1 / sqrt(K) where scores are products of K terms. */
  readonly beta: number;
  /** Whether a query sees no key that is later than itself; the last query is that of the last key. */
  readonly causal: boolean;
}

/**
 * y[…, t, j] = exp(beta·x[…, t, j]) / Σ exp(beta·x[…, t, i]) over the keys i that query t sees, 0 for the others
 *
 * x [N,…,T,S]: the scores of T queries for S keys. Causal ones have T ≤ S; query t sees the keys up to S − T + t.
 */
export const attentionSoftmax = {
  name: 'attentionSoftmax',
  inferShape([x], { beta, causal }) {
    if (!x || x.length < 3) {
      throw rangeError('attentionSoftmax', 'the input must be [N,…,T,S]', x && showShape(x));
    }
    if (!(beta > 0 && Number.isFinite(beta))) {
      throw rangeError('attentionSoftmax', 'beta must be a finite number > 0', beta);
    }
    if (!causal || x.at(-2)! <= x.at(-1)!) return x;
    const expected = 'with a causal mask there must be a key for each query';
    throw rangeError('attentionSoftmax', expected, showShape(x));
  },
} as const satisfies OpDef<AttentionAttrs>;

interface Scores {
  readonly matrices: number;
  readonly queries: number;
  readonly keys: number;
}

function scoresOf(shape: Shape): Scores {
  const [queries, keys] = [shape.at(-2)!, shape.at(-1)!];
  return { matrices: sizeOf(shape) / (queries * keys), queries, keys };
}

export const attentionSoftmaxF32: F32Rule<AttentionAttrs> = {
  forward(cx, [x], { beta, causal }) {
    return { output: softmaxForward(cx, x!, beta, causal ? x!.shape.at(-2)! : 0) };
  },
  backward: (cx, dy, { output }, { beta }) => [softmaxBackward(cx, dy, output, beta)],
};

/**
 * Unlike that of `softmax` the range is learned: with many keys no weight comes near 1, and steps of 1/256 would round
 * most of them to 0.
 */
export const attentionSoftmaxQat: QatRescaleRule<AttentionAttrs> = {
  kind: 'rescale',
  table: ([inScale], { beta }) => softmaxTable(inScale!, beta),
  multipliers: (_inScales, outScale) => Float32Array.of(1 / outScale),
  evaluate(cx, [x], out, multipliers, { beta, causal }) {
    const { matrices, queries, keys } = scoresOf(x!.q.shape);
    const y = cx.alloc(x!.q.shape, 'i8');
    const table = cx.alloc([256]);
    cx.f32(table).set(softmaxTable(x!.scale, beta));
    const params = cx.struct('RescaleParams', rescaleFields(x!, multipliers[0]!, out));
    const { kernels } = cx;
    const [from, e, to] = [x!.q.ptr, table.ptr, y.ptr];
    if (causal) kernels.qs8_causal_softmax(matrices, queries, keys, from, e, to, params);
    else kernels.qs8_softmax(matrices * queries, keys, from, e, to, params);
    return y;
  },
};

export const attentionSoftmaxForm: IntForm<AttentionAttrs> = {
  activations: 1,
  constants: () => [{ name: 'table', dtype: 'f32', lengths: [256] }, ...factors(1)],
  attrs: { beta: 'real', causal: 'boolean' },
  check: checkTable,
};

export const attentionSoftmaxInt: IntRule<AttentionAttrs> = {
  inPlace: true,
  lower(cx, { causal }) {
    const [x] = cx.x;
    const { y } = cx;
    const [table, multiplier] = cx.constants;
    const { matrices, queries, keys } = scoresOf(y.shape);
    const entries = cx.constant(Float32Array.from(table!.data));
    const fields = rescaleFields(x!.qparams, multiplier!.data[0]!, y.qparams);
    const params = cx.struct('RescaleParams', fields);
    const size = queries * keys;
    if (causal) {
      cx.parallel('qs8_causal_softmax', matrices, 60 * size, (first, count) => {
        const at = first * size;
        return [count, queries, keys, x!.ptr + at, entries, y.ptr + at, params];
      });
      return;
    }
    cx.parallel('qs8_softmax', matrices * queries, 60 * keys, (first, count) => {
      return [count, keys, x!.ptr + first * keys, entries, y.ptr + first * keys, params];
    });
  },
};
