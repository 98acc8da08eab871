import { checkInteger, rangeError } from '../core/errors.ts';
import type { IntForm } from '../core/form.ts';
import type {
  F32Rule,
  IntRule,
  Lowering,
  OpDef,
  QatLinearRule,
  QRef,
  Ref,
  TrainContext,
} from '../core/op.ts';
import { type Shape, showShape, sizeOf } from '../core/shape.ts';
import { biasGradient } from './chunks.ts';
import { convFields, type Padding, type Pair } from './geometry.ts';
import { type Epilogue, weightsOf } from './linear.ts';
import { copyArray, lowerCopy, runCopies, runCopy, strided, stridedValue } from './movement.ts';
import { type Phase, phasesOf } from './phases.ts';
import {
  lowerProduct,
  type Product,
  productForward,
  productInputGradient,
  productQuantized,
  productWeightGradient,
} from './product.ts';

export interface TransposedConvAttrs {
  readonly strides: Pair;
  /** [[top, bottom], [left, right]] cut off the full output, less than the kernel */
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
  for (const side of attrs.padding[axis]) checkInteger(op, 'padding', side, 0, kernel - 1);
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
    const { inputGradient, weightGradient } = transposedConv2dQat;
    return [
      wants[0] ? inputGradient(cx, dy, w!, x!.shape, attrs) : undefined,
      wants[1] ? weightGradient(cx, dy, x!, w!.shape, attrs) : undefined,
      wants[2] ? biasGradient(cx, dy) : undefined,
    ];
  },
};

/** y[…, c] += b[c], in place */
function addBias(cx: TrainContext, y: Ref, b: Ref): void {
  const channels = b.shape[0]!;
  const ones = cx.alloc(b.shape);
  cx.f32(ones).fill(1);
  const rows = sizeOf(y.shape) / channels;
  const [lo, hi] = [-Infinity, Infinity];
  cx.kernels.f32_vaffine(rows, channels, y.ptr, ones.ptr, b.ptr, y.ptr, lo, hi);
}

/** One integer convolution a phase. */
function quantizedForward(
  cx: TrainContext,
  x: QRef,
  w: Ref,
  attrs: TransposedConvAttrs,
  epilogue: Epilogue,
): Ref {
  const shape = transposedConv2d.inferShape([x.q.shape, w.shape], attrs);
  const y = cx.alloc(shape);
  for (const { weights, taps, product, ...phase } of phasesOf(x.q.shape, w.shape, shape, attrs)) {
    const part = runCopies(cx, [taps], w, weights, 0);
    const u = productQuantized(cx, product, x, part, phase.shape, epilogue);
    runCopy(cx, phase.places(strided(shape)), u, y);
  }
  return y;
}

export const transposedConv2dQat: QatLinearRule<TransposedConvAttrs> = {
  kind: 'linear',
  channelAxis: 0,
  forward: quantizedForward,
  inputGradient(cx, dy, w, xShape, attrs) {
    const product = adjoint(xShape, w.shape, dy.shape, attrs);
    return productForward(cx, product, [dy, swapChannels(cx, w)], xShape);
  },
  weightGradient(cx, dy, x, wShape, attrs) {
    const [co, height, width, ci] = wShape as [number, number, number, number];
    const product = adjoint(x.shape, wShape, dy.shape, attrs);
    return swapChannels(cx, productWeightGradient(cx, product, x, dy, [ci, height, width, co]));
  },
};

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

/** Weights of a phase, out of those of the node. */
function phaseWeights(cx: Lowering, { weights, taps }: Phase): Int8Array {
  const { qparams } = cx.constants[0]!;
  const part = new Int8Array(sizeOf(weights)).fill(qparams?.zeroPoint ?? 0);
  copyArray(taps, weightsOf(cx), part);
  return part;
}

export const transposedConv2dInt: IntRule<TransposedConvAttrs> = {
  strided: true,
  lower(cx, attrs) {
    const [w, ...rest] = cx.constants;
    const phases = phasesOf(cx.x[0]!.shape, w!.shape, cx.y.shape, attrs);
    const whole = phases.length === 1;
    const ptr = whole ? cx.y.ptr : cx.scratch(sizeOf(phases[0]!.shape));
    for (const phase of phases) {
      const { shape } = phase;
      const y = whole ? cx.y : { ...cx.y, shape, ptr, stride: shape[3]! };
      const constants = [{ ...w!, shape: phase.weights, data: phaseWeights(cx, phase) }, ...rest];
      lowerProduct(Object.assign(Object.create(cx), { y, constants }), phase.product);
      if (!whole) lowerCopy(cx, phase.places(stridedValue(cx.y)), 1, ptr, cx.y.ptr);
    }
  },
};
