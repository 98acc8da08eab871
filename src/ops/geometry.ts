import type { StructFields } from '../core/abi.ts';
import { checkInteger, rangeError } from '../core/errors.ts';
import type { Template } from '../core/form.ts';
import { type Shape, showShape } from '../core/shape.ts';

/** A pair for the height and the width. */
export type Pair = readonly [number, number];
/** [[top, bottom], [left, right]] */
export type Padding = readonly [Pair, Pair];

/** What a convolution's window looks like; as attributes of a node, always written out in full. */
export interface WindowAttrs {
  readonly strides: Pair;
  readonly padding: Padding;
  readonly dilation: Pair;
}

const NO_PADDING: Padding = [
  [0, 0],
  [0, 0],
];

/** Each step moves by one pixel, and nothing is padded. */
export const PLAIN_WINDOW = {
  strides: [1, 1],
  padding: NO_PADDING,
  dilation: [1, 1],
} as const satisfies WindowAttrs;

/** The attributes of a window in an integer node. */
export const WINDOW_TEMPLATE = {
  strides: [1, 1],
  padding: [
    [0, 0],
    [0, 0],
  ],
  dilation: [1, 1],
} as const satisfies Readonly<Record<string, Template>>;

export const POOL_TEMPLATE = { ...WINDOW_TEMPLATE, poolSize: [1, 1] } as const;

/** Pooling adds its window; a convolution takes it from the weights. */
export interface PoolAttrs extends WindowAttrs {
  readonly poolSize: Pair;
}

/** Extent of the output of a sliding window along one axis. Throws a RangeError when the window does not fit. */
function slide(
  op: string,
  extent: number,
  kernel: number,
  axis: 0 | 1,
  attrs: WindowAttrs,
): number {
  const [before, after] = attrs.padding[axis];
  const reach = (kernel - 1) * attrs.dilation[axis] + 1;
  const room = extent + before + after - reach;
  if (room >= 0) return Math.floor(room / attrs.strides[axis]) + 1;
  const where = axis === 0 ? 'height' : 'width';
  throw rangeError(op, `the padded input must hold a window of ${where} ${reach}`, extent);
}

/** [N, outHeight, outWidth] for a window of `kernel` over x [N,H,W,C]. */
export function slideWindow(op: string, x: Shape, kernel: Pair, attrs: WindowAttrs): Shape {
  if (x.length !== 4) throw rangeError(op, 'the input must be [N,H,W,C]', showShape(x));
  for (const axis of [0, 1] as const) {
    checkInteger(op, 'kernelSize', kernel[axis], 1);
    checkInteger(op, 'strides', attrs.strides[axis], 1);
    checkInteger(op, 'dilation', attrs.dilation[axis], 1);
    for (const pad of attrs.padding[axis]) checkInteger(op, 'padding', pad, 0);
  }
  const [n, height, width] = x as [number, number, number];
  return [n, slide(op, height, kernel[0], 0, attrs), slide(op, width, kernel[1], 1, attrs)];
}

/** [N, outHeight, outWidth, C] of a pool. A window with no pixel of the image would have no mean and no maximum. */
export function slidePool(op: string, x: Shape, attrs: PoolAttrs): Shape {
  const window = slideWindow(op, x, attrs.poolSize, attrs);
  const { poolSize, padding, dilation } = attrs;
  if (dilation.some((step) => step !== 1)) {
    throw rangeError(op, 'the dilation of a pool must be 1', `[${dilation}]`);
  }
  if (padding.every((sides, axis) => Math.max(...sides) < poolSize[axis]!)) {
    return [...window, x[3]!];
  }
  const expected = `the padding must be below the window ${showShape(poolSize)}`;
  throw rangeError(op, expected, `[${padding.map(showShape)}]`);
}

/**
 * Padding in full. 'same' gives ceil(extent / stride) outputs with the odd pixel at the end, as TensorFlow does;
 * 'valid' is 0; a number pads all four sides.
 */
export function resolvePadding(
  padding: 'same' | 'valid' | number | Padding,
  input: Pair,
  kernel: Pair,
  strides: Pair,
  dilation: Pair,
): Padding {
  if (typeof padding === 'number')
    return [
      [padding, padding],
      [padding, padding],
    ];
  if (typeof padding !== 'string') return padding;
  if (padding === 'valid') return NO_PADDING;
  const sides = ([0, 1] as const).map((axis): Pair => {
    const reach = (kernel[axis] - 1) * dilation[axis] + 1;
    const outputs = Math.ceil(input[axis] / strides[axis]);
    const total = Math.max(0, (outputs - 1) * strides[axis] + reach - input[axis]);
    return [total >> 1, total - (total >> 1)];
  });
  return sides as unknown as Padding;
}

type ConvFields = StructFields<'ConvParams'>;

const NO_REQUANT = {
  inZeroPoint: 0,
  outZeroPoint: 0,
  qmin: 0,
  qmax: 0,
  bias: 0,
  multiplier: 0,
  addend: 0,
  magic: 0,
};

/** Geometry of a convolution, dense in channels; requantization fields are 0. */
export function convFields(x: Shape, y: Shape, kernel: Pair, attrs: WindowAttrs): ConvFields {
  const [, inHeight, inWidth, inChannels] = x as [number, number, number, number];
  const [, outHeight, outWidth, outChannels] = y as [number, number, number, number];
  return {
    inHeight,
    inWidth,
    inChannels,
    inStride: inChannels,
    outHeight,
    outWidth,
    outChannels,
    outStride: outChannels,
    kernelHeight: kernel[0],
    kernelWidth: kernel[1],
    strideHeight: attrs.strides[0],
    strideWidth: attrs.strides[1],
    dilationHeight: attrs.dilation[0],
    dilationWidth: attrs.dilation[1],
    padTop: attrs.padding[0][0],
    padLeft: attrs.padding[1][0],
    ...NO_REQUANT,
  };
}

/** A dense layer is a 1x1 convolution over one row of `batch` pixels. */
export function denseFields(inChannels: number, outChannels: number): ConvFields {
  return convFields([1, 1, 1, inChannels], [1, 1, 1, outChannels], [1, 1], PLAIN_WINDOW);
}

/** Whether output pixel p is a product of input pixel p. */
export function isPointwise(fields: ConvFields): boolean {
  const { inHeight, inWidth, outHeight, outWidth } = fields;
  const still = inHeight === outHeight && inWidth === outWidth;
  return (
    still &&
    fields.kernelHeight * fields.kernelWidth === 1 &&
    fields.padTop === 0 &&
    fields.padLeft === 0
  );
}

/** Rows of the whole batch of y [N, outHeight, …]. */
export function rowsOf(y: Shape): number {
  return y[0]! * y[1]!;
}

/** Geometry of a pooling; requantization fields are 0. */
export function poolFields(x: Shape, y: Shape, attrs: PoolAttrs): StructFields<'PoolParams'> {
  const [, inHeight, inWidth, channels] = x as [number, number, number, number];
  const [, outHeight, outWidth] = y as [number, number, number, number];
  return {
    inHeight,
    inWidth,
    channels,
    outHeight,
    outWidth,
    kernelHeight: attrs.poolSize[0],
    kernelWidth: attrs.poolSize[1],
    strideHeight: attrs.strides[0],
    strideWidth: attrs.strides[1],
    padTop: attrs.padding[0][0],
    padLeft: attrs.padding[1][0],
    inZeroPoint: 0,
    outZeroPoint: 0,
    qmin: 0,
    qmax: 0,
    multiplier: 0,
    multiplierStride: 0,
  };
}

/** The global pool as a pool whose window is the image. */
export function globalPool(x: Shape): PoolAttrs {
  const [, height, width] = x as [number, number, number, number];
  return { poolSize: [height, width], ...PLAIN_WINDOW };
}
