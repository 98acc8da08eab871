import { rangeError } from '../core/errors.ts';
import { f32DepthwiseGradientScratchBytes } from '../core/f32Layout.ts';
import type { IntForm } from '../core/form.ts';
import { dwconv2dScratchBytes, packedDepthwiseBytes } from '../core/int8Layout.ts';
import type { F32Rule, IntRule, OpDef, QatLinearRule, Ref, TrainContext } from '../core/op.ts';
import { type Shape, showShape } from '../core/shape.ts';
import { biasGradient, sampleBytes, sumChunks } from './chunks.ts';
import {
  convFields,
  type Pair,
  rowsOf,
  slideWindow,
  WINDOW_TEMPLATE,
  type WindowAttrs,
} from './geometry.ts';
import { epilogueParams, opaque, requantOf } from './linear.ts';

/** y[n,oy,ox,c] = Σ x[n, oy·s−p+i·d, ox·s−p+j·d, c] · w[i,j,c] + b[c]     x [N,H,W,C], w [Kh,Kw,C], b [C] */
export const depthwiseConv2d = {
  name: 'depthwiseConv2d',
  inferShape([x, w, b], attrs) {
    if (w?.length !== 3) {
      throw rangeError('depthwiseConv2d', 'weights must be [Kh,Kw,C]', w && showShape(w));
    }
    const [n, height, width] = slideWindow('depthwiseConv2d', x ?? [], kernelOf(w), attrs);
    if (x![3] !== w[2]) {
      const shapes = `x ${showShape(x!)}, w ${showShape(w)}`;
      const expected = `the weights expect ${w[2]} channels`;
      throw rangeError('depthwiseConv2d', expected, `${x![3]} (${shapes})`);
    }
    if (b && (b.length !== 1 || b[0] !== w[2])) {
      throw rangeError('depthwiseConv2d', `the bias must be [${w[2]}]`, showShape(b));
    }
    return [n!, height!, width!, w[2]!];
  },
} as const satisfies OpDef<WindowAttrs>;

function kernelOf(w: Shape): Pair {
  return [w[0]!, w[1]!];
}

function paramsOf(cx: TrainContext, x: Shape, w: Shape, y: Shape, attrs: WindowAttrs): number {
  return cx.struct('ConvParams', convFields(x, y, kernelOf(w), attrs));
}

export const depthwiseConv2dF32: F32Rule<WindowAttrs> = {
  forward(cx, [x, w, b], attrs) {
    const output = cx.alloc(depthwiseConv2d.inferShape([x!.shape, w!.shape], attrs));
    const params = paramsOf(cx, x!.shape, w!.shape, output.shape, attrs);
    const batch = x!.shape[0]!;
    cx.kernels.f32_dwconv2d(params, batch, x!.ptr, w!.ptr, b?.ptr ?? 0, output.ptr);
    return { output };
  },
  backward(cx, dy, { inputs: [x, w], wants }, attrs) {
    return [
      wants[0] ? inputGradient(cx, dy, w!, x!.shape, attrs) : undefined,
      wants[1] ? weightGradient(cx, dy, x!, w!.shape, attrs) : undefined,
      wants[2] ? biasGradient(cx, dy) : undefined,
    ];
  },
};

function inputGradient(cx: TrainContext, dy: Ref, w: Ref, xShape: Shape, attrs: WindowAttrs): Ref {
  const dx = cx.alloc(xShape);
  const params = paramsOf(cx, xShape, w.shape, dy.shape, attrs);
  cx.kernels.f32_dwconv2d_input_gradient(params, dy.shape[0]!, dy.ptr, w.ptr, dx.ptr);
  return dx;
}

function weightGradient(cx: TrainContext, dy: Ref, x: Ref, wShape: Shape, attrs: WindowAttrs): Ref {
  const params = paramsOf(cx, x.shape, wShape, dy.shape, attrs);
  const bytes = f32DepthwiseGradientScratchBytes(wShape[2]!);
  return sumChunks(cx, dy.shape[0]!, wShape, (first, count, into) =>
    cx.kernels.f32_dwconv2d_weight_gradient(
      params,
      count,
      dy.ptr + first * sampleBytes(dy),
      x.ptr + first * sampleBytes(x),
      into.ptr,
      cx.scratch(bytes),
    ),
  );
}

export const depthwiseConv2dQat: QatLinearRule<WindowAttrs> = {
  kind: 'linear',
  channelAxis: 2,
  forward(cx, x, w, attrs, epilogue) {
    const y = cx.alloc(depthwiseConv2d.inferShape([x.q.shape, w.shape], attrs));
    const [height, width, channels] = w.shape as [number, number, number];
    const fields = convFields(x.q.shape, y.shape, kernelOf(w.shape), attrs);
    const params = epilogueParams(cx, fields, x, epilogue);
    const packed = opaque(cx, packedDepthwiseBytes(channels, height, width)).ptr;
    cx.kernels.qs8_pack_dwconv_weights(channels, height, width, 0, w.ptr, packed);
    const scratch = cx.scratch(dwconv2dScratchBytes(channels, height, width));
    cx.kernels.qs8_f32_dwconv2d(params, 0, rowsOf(y.shape), x.q.ptr, packed, y.ptr, scratch);
    return y;
  },
  inputGradient,
  weightGradient,
};

export const depthwiseConv2dForm: IntForm<WindowAttrs> = {
  activations: 1,
  channelAxis: 2,
  attrs: WINDOW_TEMPLATE,
};

/** A multiply-accumulate here takes the time of three in a convolution. */
const TIME_OF_TAP = 3;

export const depthwiseConv2dInt: IntRule<WindowAttrs> = {
  strided: true,
  lower(cx, attrs) {
    const [x] = cx.x;
    const { shape } = cx.constants[0]!;
    const [height, width, channels] = shape as [number, number, number];
    const geometry = convFields(x!.shape, cx.y.shape, kernelOf(shape), attrs);
    const { fields, weights } = requantOf(cx, geometry, channels, 1);
    const { data, zeroPoint } = weights;
    const packed = cx.packed(packedDepthwiseBytes(channels, height, width), data, (from, to) =>
      cx.kernels.qs8_pack_dwconv_weights(channels, height, width, zeroPoint, from, to),
    );
    const params = cx.struct('ConvParams', fields);
    const rowTime = TIME_OF_TAP * fields.outWidth * channels * height * width;
    cx.parallel('qs8_dwconv2d', rowsOf(cx.y.shape), rowTime, (first, count) => {
      const scratch = cx.scratch(dwconv2dScratchBytes(channels, height, width));
      return [params, first, count, x!.ptr, packed, cx.y.ptr, scratch];
    });
  },
};
