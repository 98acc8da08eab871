import { checkInteger, rangeError } from '../core/errors.ts';
import { ANY_TYPE, type IntForm } from '../core/form.ts';
import type { F32Rule, IntRule, OpDef, QatKeepRule, Ref, TrainContext } from '../core/op.ts';
import { checkAxes, checkAxis } from './movement.ts';
import { type Lists, lowerSelect, select, selectBackward } from './selection.ts';

export interface GatherAttrs {
  /** Counted with the batch axis, which it cannot be. */
  readonly axis: number;
}

/** y[…, i, …] = x[…, indices[i], …]     the axes of indices take the place of `axis` */
export const gather = {
  name: 'gather',
  inferShape([x, indices], { axis }) {
    checkAxes('gather', x);
    checkAxis('gather', axis, x);
    if (!indices) throw rangeError('gather', 'there must be indices', indices);
    return [...x.slice(0, axis), ...indices, ...x.slice(axis + 1)];
  },
} as const satisfies OpDef<GatherAttrs>;

/** Throws a RangeError unless all indices count elements of an axis of `extent`. */
export function checkIndices(where: string, indices: ArrayLike<number>, extent: number): void {
  for (let i = 0; i < indices.length; i++) {
    checkInteger(where, 'indices', indices[i]!, 0, extent - 1);
  }
}

function listsOf(indices: ArrayLike<number>, { axis }: GatherAttrs): Lists {
  return [...Array<undefined>(axis), Array.from(indices)];
}

/** y of any type. Indices come as parameters do, in f32, which is exact up to 2²⁴. */
function take(cx: TrainContext, x: Ref, indices: Ref, attrs: GatherAttrs) {
  const list = cx.f32(indices).slice();
  checkIndices('gather', list, x.shape[attrs.axis]!);
  const shape = gather.inferShape([x.shape, indices.shape], attrs);
  const lists = listsOf(list, attrs);
  return { output: { ...select(cx, x, lists), shape }, extra: lists };
}

/** Indices have no gradient. */
export const gatherF32: F32Rule<GatherAttrs> = {
  forward: (cx, [x, indices], attrs) => take(cx, x!, indices!, attrs),
  backward: (cx, dy, { inputs: [x], extra }) => [
    selectBackward(cx, dy, x!.shape, extra as Lists),
    undefined,
  ],
};

export const gatherQat: QatKeepRule<GatherAttrs> = {
  kind: 'keep',
  forward: (cx, { q }, attrs, [indices]) => take(cx, q, indices!, attrs).output,
  backward: (cx, dy, { q }, _y, attrs, [indices]) =>
    selectBackward(cx, dy, q.shape, listsOf(cx.f32(indices!), attrs)),
};

export const gatherForm: IntForm<GatherAttrs> = {
  activations: 1,
  from: ANY_TYPE,
  keepsScale: true,
  attrs: { axis: 1 },
  constants: () => [{ name: 'indices', dtype: 'i32' }],
  shapedByConstants: true,
  check({ x: [x], constants: [indices], attrs }, where) {
    checkIndices(where, indices!.data!, x!.shape[attrs.axis]!);
  },
};

export const gatherInt: IntRule<GatherAttrs> = {
  lower: (cx, attrs) => lowerSelect(cx, listsOf(cx.constants[0]!.data, attrs)),
};
