import { checkInteger, rangeError } from '../core/errors.ts';
import type { IntForm } from '../core/form.ts';
import type { F32Rule, IntRule, Lowering, OpDef, Ref, TrainContext } from '../core/op.ts';
import { type Shape, showShape, sizeOf } from '../core/shape.ts';
import { biasGradient } from './chunks.ts';
import { convFields, type Padding, type Pair } from './geometry.ts';
import { weightsOf } from './linear.ts';
import { lowerCopy, runCopies, type StridedCopy, strided, stridedValue } from './movement.ts';
import {
  lowerProduct,
  type Product,
  productForward,
  productInputGradient,
  productWeightGradient,
} from './product.ts';

export interface TransposedConvAttrs {
  readonly strides: Pair;
  /** [[top, bottom], [left, right]] cut off the full output */
  readonly padding: Padding;
  /** Rows and columns added at the bottom and on the right, which no or fewer taps reach */
  readonly outputPadding: Pair;
}

/**
 * y[n, iy·s + i − top, ix·s + j − left, o] += x[n,iy,ix,c] · w[o,i,j,c], and b[o] everywhere
 *
 * x [N,H,W,Ci], w [Co,Kh,Kw,Ci], b [Co], y [N, (H − 1)·s + Kh − top − bottom + outputPadding, …, Co]
 */
export const transposedConv2d = {
  name: 'transposedConv2d',
  inferShape([x, w, b], attrs) {
    const op = 'transposedConv2d';
    if (x?.length !== 4) throw rangeError(op, 'the input must be [N,H,W,C]', x && showShape(x));
    if (w?.length !== 4) {
      throw rangeError(op, 'weights must be [Co,Kh,Kw,Ci]', w && showShape(w));
    }
    if (x[3] !== w[3]) {
      const shapes = `x ${showShape(x)}, w ${showShape(w)}`;
      throw rangeError(op, `the weights expect ${w[3]} input channels`, `${x[3]} (${shapes})`);
    }
    if (b && (b.length !== 1 || b[0] !== w[0])) {
      throw rangeError(op, `the bias must be [${w[0]}]`, showShape(b));
    }
    const extent = (axis: 0 | 1) => outExtent(x[axis + 1]!, w[axis + 1]!, axis, attrs);
    return [x[0]!, extent(0), extent(1), w[0]!];
  },
} as const satisfies OpDef<TransposedConvAttrs>;

function outExtent(input: number, kernel: number, axis: 0 | 1, attrs: TransposedConvAttrs): number {
  const op = 'transposedConv2d';
  const stride = attrs.strides[axis];
  checkInteger(op, 'kernelSize', kernel, 1);
  checkInteger(op, 'strides', stride, 1);
  for (const side of attrs.padding[axis]) checkInteger(op, 'padding', side, 0);
  checkInteger(op, 'outputPadding', attrs.outputPadding[axis], 0, stride - 1);
  const [before, after] = attrs.padding[axis];
  const extent = (input - 1) * stride + kernel - before - after + attrs.outputPadding[axis];
  if (extent >= 1) return extent;
  throw rangeError(op, 'the padding must leave an output', `an extent of ${extent}`);
}

/** The convolution from y to x whose input gradient this is; its weights are [Ci,Kh,Kw,Co]. */
function adjoint(x: Shape, w: Shape, y: Shape, attrs: TransposedConvAttrs): Product {
  const [co, height, width, ci] = w as [number, number, number, number];
  const window = { strides: attrs.strides, padding: attrs.padding, dilation: [1, 1] } as const;
  const fields = convFields(y, x, [height, width], window);
  return { n: ci, k: height * width * co, fields };
}

/** [Co,Kh,Kw,Ci] as [Ci,Kh,Kw,Co], and back. */
function swapChannels(cx: TrainContext, w: Ref): Ref {
  const { shape, strides } = strided(w.shape);
  const swap = ([a, i, j, c]: readonly number[]) => [c!, i!, j!, a!];
  const swapped = swap(shape);
  const outStrides = strided(swapped).strides;
  const copy = { extents: swapped, inStrides: swap(strides), outStrides };
  return runCopies(cx, [copy], w, swapped, 0);
}

export const transposedConv2dF32: F32Rule<TransposedConvAttrs> = {
  forward(cx, [x, w, b], attrs) {
    const shape = transposedConv2d.inferShape([x!.shape, w!.shape], attrs);
    const product = adjoint(x!.shape, w!.shape, shape, attrs);
    const y = productInputGradient(cx, product, x!, swapChannels(cx, w!), shape);
    if (b) addBias(cx, y, b);
    return { output: y };
  },
  backward(cx, dy, { inputs: [x, w], wants }, attrs) {
    const product = adjoint(x!.shape, w!.shape, dy.shape, attrs);
    const swapped = swapChannels(cx, w!);
    const dw = () => productWeightGradient(cx, product, x!, dy, swapped.shape);
    return [
      wants[0] ? productForward(cx, product, [dy, swapped], x!.shape) : undefined,
      wants[1] ? swapChannels(cx, dw()) : undefined,
      wants[2] ? biasGradient(cx, dy) : undefined,
    ];
  },
};

/** y[…, c] += b[c], in place */
function addBias(cx: TrainContext, y: Ref, b: Ref): void {
  const channels = b.shape[0]!;
  const ones = cx.alloc(b.shape);
  cx.f32(ones).fill(1);
  cx.kernels.f32_vaffine(sizeOf(y.shape) / channels, channels, y.ptr, ones.ptr, b.ptr, y.ptr);
}

/** Each phase is a convolution of its own. */
const MAX_PHASES = 256;

export const transposedConv2dForm: IntForm<TransposedConvAttrs> = {
  activations: 1,
  channelAxis: 0,
  attrs: {
    strides: [1, 1],
    padding: [
      [0, 0],
      [0, 0],
    ],
    outputPadding: [0, 0],
  },
  check({ attrs: { strides } }, where) {
    const phases = strides[0] * strides[1];
    if (phases <= MAX_PHASES) return;
    throw rangeError(where, `the product of the strides may be ${MAX_PHASES}`, phases);
  },
};

/**
 * Along one axis, outputs phase, phase + stride, …: tap i reaches output o where o + before − i is a multiple of the
 * stride, so they share the taps first, first + stride, …, and read x like a convolution of stride 1 with these taps
 * in reverse order.
 */
interface Phase {
  /** The first output. */
  readonly at: number;
  readonly outputs: number;
  /** The tap that comes last in reverse order. */
  readonly first: number;
  /** Taps of the convolution: where some lie past the kernel they are 0, and without them there would be none. */
  readonly taps: number;
  readonly padding: number;
}

function phasesOf(kernel: number, extent: number, stride: number, before: number): Phase[] {
  return Array.from({ length: Math.min(stride, extent) }, (_, at) => {
    const reach = Math.floor((at + before) / stride);
    const first = (at + before) % stride;
    // At least reach + 1: a convolution pads, and cannot crop.
    const taps = Math.max(Math.ceil((kernel - first) / stride), reach + 1);
    const outputs = Math.ceil((extent - at) / stride);
    return { at, outputs, first, taps, padding: taps - 1 - reach };
  });
}

/** The weights [Co, taps, taps, Ci] of a phase, out of [Co,Kh,Kw,Ci]. */
function phaseWeights(cx: Lowering, rows: Phase, columns: Phase, [sh, sw]: Pair): Int8Array {
  const { shape, qparams } = cx.constants[0]!;
  const [co, height, width, ci] = shape as [number, number, number, number];
  const w = weightsOf(cx);
  const part = new Int8Array(co * rows.taps * columns.taps * ci).fill(qparams?.zeroPoint ?? 0);
  let to = 0;
  for (let o = 0; o < co; o++) {
    for (let a = rows.taps - 1; a >= 0; a--) {
      for (let b = columns.taps - 1; b >= 0; b--, to += ci) {
        const [i, j] = [rows.first + a * sh, columns.first + b * sw];
        if (i >= height || j >= width) continue;
        const from = ((o * height + i) * width + j) * ci;
        part.set(w.subarray(from, from + ci), to);
      }
    }
  }
  return part;
}

export const transposedConv2dInt: IntRule<TransposedConvAttrs> = {
  strided: true,
  lower(cx, { strides, padding }) {
    const [, kernelHeight, kernelWidth] = cx.constants[0]!.shape as [number, number, number];
    const [batch, height, width, channels] = cx.y.shape as [number, number, number, number];
    const rows = phasesOf(kernelHeight, height, strides[0], padding[0][0]);
    const columns = phasesOf(kernelWidth, width, strides[1], padding[1][0]);
    const whole = rows.length * columns.length === 1;
    const largest = batch * rows[0]!.outputs * columns[0]!.outputs * channels;
    const ptr = whole ? cx.y.ptr : cx.scratch(largest);
    for (const row of rows) {
      for (const column of columns) {
        const shape = [batch, row.outputs, column.outputs, channels];
        const y = whole ? cx.y : { ...cx.y, shape, ptr, stride: channels };
        lowerPhase(cx, y, row, column, strides);
        if (!whole) lowerCopy(cx, interleave(cx, shape, row, column, strides), 1, ptr, cx.y.ptr);
      }
    }
  },
};

/** The convolution of one phase into y. */
function lowerPhase(cx: Lowering, y: Lowering['y'], row: Phase, column: Phase, strides: Pair) {
  const data = phaseWeights(cx, row, column, strides);
  const [w, ...rest] = cx.constants;
  const [co, , , ci] = w!.shape as [number, number, number, number];
  const kernel: Pair = [row.taps, column.taps];
  const constants = [{ ...w!, shape: [co, ...kernel, ci], data }, ...rest];
  const fields = convFields(cx.x[0]!.shape, y.shape, kernel, {
    strides: [1, 1],
    padding: [
      [row.padding, 0],
      [column.padding, 0],
    ],
    dilation: [1, 1],
  });
  const phase: Lowering = Object.assign(Object.create(cx), { y, constants });
  lowerProduct(phase, { n: co, k: row.taps * column.taps * ci, fields });
}

/** From a phase of `shape` to its places in y. */
function interleave(
  cx: Lowering,
  shape: Shape,
  row: Phase,
  column: Phase,
  [sh, sw]: Pair,
): StridedCopy {
  const [image, line, pixel] = stridedValue(cx.y).strides as [number, number, number];
  return {
    extents: shape,
    inStrides: strided(shape).strides,
    outStrides: [image, sh * line, sw * pixel, 1],
    outOffset: row.at * line + column.at * pixel,
  };
}
