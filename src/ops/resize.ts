import { checkInteger, rangeError } from '../core/errors.ts';
import { ANY_TYPE, type IntForm } from '../core/form.ts';
import type {
  F32Rule,
  IntRule,
  Lowering,
  OpDef,
  QatKeepRule,
  Ref,
  TrainContext,
} from '../core/op.ts';
import { roundTiesToEven } from '../core/rounding.ts';
import type { Shape } from '../core/shape.ts';
import type { Pair } from './geometry.ts';
import { checkImage } from './movement.ts';
import { type Lists, lowerSelect, placeIn, select, selectBackward } from './selection.ts';

/** The options have the meaning that they have in TensorFlow Lite. */
export interface ResizeAttrs {
  /** Height and width of y. */
  readonly size: Pair;
  readonly method: 'nearest' | 'bilinear';
  /** Centres of the corner pixels of x and y fall together; excludes the next. */
  readonly alignCorners: boolean;
  /** A pixel is an area with its centre at one half. */
  readonly halfPixelCenters: boolean;
}

/** y [N,size,C]: x [N,H,W,C] scaled to another size */
export const resize = {
  name: 'resize',
  inferShape([x], { size, alignCorners, halfPixelCenters }) {
    checkImage('resize', x);
    for (const extent of size) checkInteger('resize', 'size', extent, 1);
    if (!(alignCorners && halfPixelCenters)) return [x[0]!, ...size, x[3]!];
    throw rangeError('resize', 'alignCorners excludes halfPixelCenters', 'both');
  },
} as const satisfies OpDef<ResizeAttrs>;

/** The index of x that each index of y takes, along one axis; f32 at each step. */
function nearest(from: number, to: number, { alignCorners, halfPixelCenters }: ResizeAttrs) {
  const corners = alignCorners && to > 1;
  const scale = Math.fround(corners ? (from - 1) / (to - 1) : from / to);
  const offset = halfPixelCenters ? 0.5 : 0;
  return Array.from({ length: to }, (_, i) => {
    const at = Math.fround((i + offset) * scale);
    return Math.min(Math.floor(alignCorners ? at + 0.5 : at), from - 1);
  });
}

function nearestLists([, height, width]: Shape, attrs: ResizeAttrs): Lists {
  const [outHeight, outWidth] = attrs.size;
  return [undefined, nearest(height!, outHeight, attrs), nearest(width!, outWidth, attrs)];
}

/** Two neighbours along an axis and the weight of the second in 1/2048. */
interface Tap {
  readonly lower: number;
  readonly upper: number;
  readonly fraction: number;
}

/** The neighbours of each index of y along one axis; coordinates are f32 at each step      eq. (25) */
function taps(from: number, to: number, { alignCorners, halfPixelCenters }: ResizeAttrs): Tap[] {
  const { fround } = Math;
  const corners = alignCorners && to > 1 ? 1 : 0;
  const scale = fround((from - corners) / (to - corners));
  const offset = halfPixelCenters ? fround(fround(0.5 * scale) - 0.5) : 0;
  return Array.from({ length: to }, (_, i) => {
    const at = Math.min(from - 1, Math.max(0, fround(fround(i * scale) + offset)));
    const lower = Math.floor(at);
    const upper = Math.min(lower + 1, from - 1);
    return { lower, upper, fraction: roundTiesToEven(2048 * (at - lower)) };
  });
}

function bothTaps([, height, width]: Shape, attrs: ResizeAttrs): readonly [Tap[], Tap[]] {
  const [outHeight, outWidth] = attrs.size;
  return [taps(height!, outHeight, attrs), taps(width!, outWidth, attrs)];
}

function interpolate(cx: TrainContext, x: Ref, attrs: ResizeAttrs): Ref {
  const y = cx.alloc(resize.inferShape([x.shape], attrs));
  const params = trainParams(cx, x.shape, attrs, 4);
  cx.kernels.f32_resize_bilinear(params, 0, x.shape[0]! * attrs.size[0], x.ptr, y.ptr);
  return y;
}

function interpolateBackward(cx: TrainContext, dy: Ref, x: Shape, attrs: ResizeAttrs): Ref {
  const dx = cx.alloc(x);
  const params = trainParams(cx, x, attrs, 4);
  cx.kernels.f32_resize_bilinear_backward(params, 0, x[0]!, dy.ptr, dx.ptr);
  return dx;
}

function backward(cx: TrainContext, dy: Ref, x: Shape, attrs: ResizeAttrs): Ref {
  if (attrs.method === 'bilinear') return interpolateBackward(cx, dy, x, attrs);
  return selectBackward(cx, dy, x, nearestLists(x, attrs));
}

/** Bilinear: with the neighbours and weights of the integers, in f32. */
export const resizeF32: F32Rule<ResizeAttrs> = {
  forward(cx, [x], attrs) {
    if (attrs.method === 'bilinear') return { output: interpolate(cx, x!, attrs) };
    return { output: select(cx, x!, nearestLists(x!.shape, attrs)) };
  },
  backward: (cx, dy, { inputs: [x] }, attrs) => [backward(cx, dy, x!.shape, attrs)],
};

interface Resizer {
  struct: Lowering['struct'];
  place(list: Int32Array<ArrayBuffer>): number;
}

/** A ResizeParams struct for x [N,H,W,C] with elements of `bytes`. */
function resizeParams(
  { struct, place }: Resizer,
  x: Shape,
  attrs: ResizeAttrs,
  bytes: 1 | 4,
): number {
  const [, height, width, channels] = x as [number, number, number, number];
  const table = (list: readonly Tap[], stride: number) =>
    place(
      Int32Array.from(
        list.flatMap(({ lower, upper, fraction }) => [lower * stride, upper * stride, fraction]),
      ),
    );
  const [rows, columns] = bothTaps(x, attrs);
  return struct('ResizeParams', {
    inBytes: height * width * channels * bytes,
    channels,
    outHeight: attrs.size[0],
    outWidth: attrs.size[1],
    rows: table(rows, width * channels * bytes),
    columns: table(columns, channels * bytes),
  });
}

function trainParams(cx: TrainContext, x: Shape, attrs: ResizeAttrs, bytes: 1 | 4): number {
  const struct: Resizer['struct'] = (name, fields) => cx.struct(name, fields);
  return resizeParams({ struct, place: placeIn(cx) }, x, attrs, bytes);
}

export const resizeQat: QatKeepRule<ResizeAttrs> = {
  kind: 'keep',
  forward(cx, { q }, attrs) {
    if (attrs.method === 'nearest') return select(cx, q, nearestLists(q.shape, attrs));
    const y = cx.alloc(resize.inferShape([q.shape], attrs), 'i8');
    const params = trainParams(cx, q.shape, attrs, 1);
    cx.kernels.qs8_resize_bilinear(params, 0, q.shape[0]! * attrs.size[0], q.ptr, y.ptr);
    return y;
  },
  backward: (cx, dy, { q }, _y, attrs) => backward(cx, dy, q.shape, attrs),
};

export const resizeForm: IntForm<ResizeAttrs> = {
  activations: 1,
  from: ANY_TYPE,
  keepsScale: true,
  attrs: {
    size: [1, 1],
    method: { oneOf: ['nearest', 'bilinear'] },
    alignCorners: 'boolean',
    halfPixelCenters: 'boolean',
  },
  check({ x: [x], attrs }, where) {
    if (attrs.method === 'nearest' || x!.dtype === 'i8') return;
    throw rangeError(where, 'bilinear resizing takes i8', x!.dtype);
  },
};

export const resizeInt: IntRule<ResizeAttrs> = {
  lower(cx, attrs) {
    const [x] = cx.x;
    if (attrs.method === 'nearest') {
      lowerSelect(cx, nearestLists(x!.shape, attrs));
      return;
    }
    const struct: Resizer['struct'] = (name, fields) => cx.struct(name, fields);
    const resizer: Resizer = { struct, place: (list) => cx.constant(list) };
    const params = resizeParams(resizer, x!.shape, attrs, 1);
    const units = x!.shape[0]! * attrs.size[0];
    // An element takes the time of some 20 multiply-accumulates.
    const worth = attrs.size[1] * x!.shape[3]! * 20;
    cx.parallel('qs8_resize_bilinear', units, worth, (first, count) => [
      params,
      first,
      count,
      x!.ptr,
      cx.y.ptr,
    ]);
  },
};
