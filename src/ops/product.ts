/**
 * The passes that convolution and dense share: both are a product of patches [pixels, k] with weights [n, k], and the
 * kernels take either through the geometry of ConvParams.
 */

import {
  f32Conv2dScratchBytes,
  f32InputGradientScratchBytes,
  f32StridedWinogradWeightGradientScratchBytes,
  f32WeightGradientScratchBytes,
  f32WinogradGradientScratchBytes,
  packedF32Bytes,
  packedTransposedF32Bytes,
} from '../core/f32Layout.ts';
import {
  conv2dScratchBytes,
  gemvScratchBytes,
  packedWeightsBytes,
  paddedDepth,
} from '../core/int8Layout.ts';
import type { Lowering, QRef, Ref, TrainContext } from '../core/op.ts';
import { type Shape, sizeOf } from '../core/shape.ts';
import { CHUNKS, sampleBytes, sumChunks } from './chunks.ts';
import {
  fewRowsForward,
  fewRowsInputGradient,
  fewRowsWeightGradient,
  hasFewRows,
} from './fewRows.ts';
import { isPointwise } from './geometry.ts';
import {
  type ConvFields,
  type Epilogue,
  epilogueParams,
  opaque,
  type Requant,
  requantOf,
} from './linear.ts';
import { dividesOutputs, parallelPanels } from './panels.ts';
import {
  stridedForward,
  stridedInputGradient,
  suitsStridedTiles,
  suitsStridedWeightGradient,
} from './stridedWinogradF32.ts';
import { lowerWinograd, suitsTraining, suitsWinograd, tilesQuantized } from './winograd.ts';
import {
  suitsGradientTiles,
  suitsTiles,
  suitsWeightGradientTiles,
  tilesForward,
  tilesInputGradient,
} from './winogradF32.ts';

export interface Product {
  /** Output channels. */
  readonly n: number;
  /** Taps × input channels. */
  readonly k: number;
  readonly fields: ConvFields;
}

export function productForward(
  cx: TrainContext,
  { n, k, fields }: Product,
  [x, w, b]: readonly Ref[],
  yShape: Shape,
): Ref {
  const y = cx.alloc(yShape);
  if (hasFewRows(fields, yShape)) {
    fewRowsForward(cx, { n, k }, [x!, w!, b!], y);
    return y;
  }
  if (suitsTiles(fields)) {
    tilesForward(cx, fields, [x!, w!, b!], y);
    return y;
  }
  if (suitsStridedTiles(fields)) {
    stridedForward(cx, fields, [x!, w!, b!], y);
    return y;
  }
  const params = cx.struct('ConvParams', fields);
  const packed = opaque(cx, packedF32Bytes(n, k)).ptr;
  cx.kernels.f32_pack_weights(n, k, w!.ptr, packed);
  const scratch = cx.scratch(f32Conv2dScratchBytes(k));
  cx.kernels.f32_conv2d(params, x!.shape[0]!, x!.ptr, packed, b?.ptr ?? 0, y.ptr, scratch);
  return y;
}

/** dx = dyᵀ·w scattered back to the pixels that each patch was gathered from. */
export function productInputGradient(
  cx: TrainContext,
  { n, k, fields }: Product,
  dy: Ref,
  w: Ref,
  xShape: Shape,
): Ref {
  const dx = cx.alloc(xShape);
  if (hasFewRows(fields, dy.shape)) {
    fewRowsInputGradient(cx, { n, k }, dy, w, dx);
    return dx;
  }
  if (suitsGradientTiles(fields)) {
    tilesInputGradient(cx, fields, dy, w, dx);
    return dx;
  }
  if (suitsStridedTiles(fields)) {
    stridedInputGradient(cx, fields, dy, w, dx);
    return dx;
  }
  const params = cx.struct('ConvParams', fields);
  const packed = opaque(cx, packedTransposedF32Bytes(n, k)).ptr;
  cx.kernels.f32_pack_weights_transposed(n, k, w.ptr, packed);
  const scratch = cx.scratch(f32InputGradientScratchBytes(k));
  cx.kernels.f32_conv2d_input_gradient(params, dy.shape[0]!, dy.ptr, packed, dx.ptr, scratch);
  return dx;
}

/** So few pixels in the batch that a copy of dw for each chunk would be larger than what they are made from. */
const FEW_PIXELS = 512;

/** dw = Σ over the batch of dy ⊗ patch: in fixed chunks, or over all pixels in order where they are few. */
export function productWeightGradient(
  cx: TrainContext,
  product: Product,
  dy: Ref,
  x: Ref,
  wShape: Shape,
): Ref {
  const { n, k, fields } = product;
  if (hasFewRows(fields, dy.shape)) {
    const dw = cx.alloc(wShape);
    fewRowsWeightGradient(cx, { n, k }, dy, x, dw);
    return dw;
  }
  const { kernel, bytes } = weightGradientKernel(product);
  const plain = kernel === 'f32_conv2d_weight_gradient';
  if (plain && pixelsOf(dy.shape) <= FEW_PIXELS) return sumByOutputs(cx, product, dy, x, wShape);
  const params = cx.struct('ConvParams', fields);
  return sumChunks(cx, dy.shape[0]!, wShape, (first, count, into) =>
    cx.kernels[kernel](
      params,
      count,
      dy.ptr + first * sampleBytes(dy),
      x.ptr + first * sampleBytes(x),
      into.ptr,
      cx.scratch(bytes),
    ),
  );
}

/** What sums over pixels or over tiles of them, and the scratch that it takes. */
function weightGradientKernel({ n, k, fields }: Product) {
  const c = fields.inChannels;
  if (suitsWeightGradientTiles(fields)) {
    const bytes = f32WinogradGradientScratchBytes(n, c);
    return { kernel: 'f32_winograd2d_weight_gradient', bytes } as const;
  }
  if (suitsStridedWeightGradient(fields)) {
    const bytes = f32StridedWinogradWeightGradientScratchBytes(n, c);
    return { kernel: 'f32_strided_winograd2d_weight_gradient', bytes } as const;
  }
  return { kernel: 'f32_conv2d_weight_gradient', bytes: f32WeightGradientScratchBytes(k) } as const;
}

/** Each element of dw is summed by one thread, over the whole batch: no part of dw is written twice. */
function sumByOutputs(
  cx: TrainContext,
  { n, k, fields }: Product,
  dy: Ref,
  x: Ref,
  wShape: Shape,
): Ref {
  const dw = cx.zeros(wShape);
  const parts = cx.concurrent ? CHUNKS : 1;
  // A tile has four outputs.
  const step = 4 * Math.ceil(n / parts / 4);
  cx.together(() => {
    for (let first = 0; first < n; first += step) {
      const outChannels = Math.min(step, n - first);
      const params = cx.struct('ConvParams', { ...fields, outChannels });
      const [from, to] = [dy.ptr + 4 * first, dw.ptr + 4 * k * first];
      const scratch = cx.scratch(f32WeightGradientScratchBytes(k));
      cx.kernels.f32_conv2d_weight_gradient(params, dy.shape[0]!, from, x.ptr, to, scratch);
    }
  });
  return dw;
}

/** Pixels of the whole batch of y [N, …, Co]. */
function pixelsOf(y: Shape): number {
  return sizeOf(y.slice(0, -1));
}

/** u of quantization.md eq. (7) from int8 activations and weights. */
export function productQuantized(
  cx: TrainContext,
  { n, fields }: Product,
  x: QRef,
  w: Ref,
  yShape: Shape,
  epilogue: Epilogue,
): Ref {
  const y = cx.alloc(yShape);
  const params = epilogueParams(cx, fields, x, epilogue);
  if (suitsTraining(fields, x.zeroPoint)) {
    tilesQuantized(cx, fields, params, [x.q, w], y);
    return y;
  }
  const depth = paddedDepth(fields);
  const packed = opaque(cx, packedWeightsBytes(n, depth)).ptr;
  const run = fields.kernelWidth * fields.inChannels;
  cx.kernels.qs8_pack_weights(n, fields.kernelHeight, run, 0, w.ptr, packed);
  const scratch = cx.scratch(conv2dScratchBytes(depth));
  cx.kernels.qs8_f32_conv2d(params, 0, pixelsOf(yShape), x.q.ptr, packed, y.ptr, scratch);
  return y;
}

/** With so few pixels a tile of four would be half empty, and reading the weights is most of the work. */
const FEWEST_PIXELS = 2;

export function lowerProduct(cx: Lowering, { n, k, fields }: Product): void {
  const requant = requantOf(cx, fields, n, k);
  const pixels = pixelsOf(cx.y.shape);
  if (suitsWinograd(requant)) {
    lowerWinograd(cx, requant, pixels / (fields.outHeight * fields.outWidth));
    return;
  }
  const { data, zeroPoint } = requant.weights;
  if (pixels <= FEWEST_PIXELS && zeroPoint === 0 && isPointwise(fields)) {
    lowerRows(cx, requant, pixels);
    return;
  }
  const depth = paddedDepth(fields);
  const run = fields.kernelWidth * fields.inChannels;
  const packed = cx.packed(packedWeightsBytes(n, depth), data, (from, to) =>
    cx.kernels.qs8_pack_weights(n, fields.kernelHeight, run, zeroPoint, from, to),
  );
  const bytes = conv2dScratchBytes(depth);
  if (dividesOutputs(pixels, n)) {
    parallelPanels(cx, 'qs8_conv2d', requant.fields, 8 * depth * pixels, (params, first) => {
      const w = packed + packedWeightsBytes(8 * first, depth);
      return [params, 0, pixels, cx.x[0]!.ptr, w, cx.y.ptr + 8 * first, cx.scratch(bytes)];
    });
    return;
  }
  const params = cx.struct('ConvParams', requant.fields);
  // A tile takes four pixels.
  const grain = 4;
  cx.parallel(
    'qs8_conv2d',
    pixels,
    n * k,
    (first, count) => [params, first, count, cx.x[0]!.ptr, packed, cx.y.ptr, cx.scratch(bytes)],
    grain,
  );
}

/** A product of a few rows with weights as they are. */
function lowerRows(cx: Lowering, { fields, weights }: Requant, rows: number): void {
  const { inChannels: k, outChannels: n } = fields;
  const params = cx.struct('ConvParams', { ...fields, outHeight: rows });
  const w = cx.constant(weights.data);
  cx.parallel('qs8_gemv', Math.ceil(n / 8), 8 * k * rows, (first, count) => {
    const scratch = cx.scratch(gemvScratchBytes(rows, k));
    return [params, first, count, cx.x[0]!.ptr, w, cx.y.ptr, scratch];
  });
}
