/**
 * The params structs that TypeScript fills and kernels read. Every field is 4 bytes, in the order of
 * `src/core/abi.ts`, which a test compares with this file.
 */

/**
 * A two-dimensional convolution over NHWC.
 *
 * x  [N, inHeight, inWidth, …]    inStride elements from one pixel to the next (≥ inChannels)
 * y  [N, outHeight, outWidth, …]  outStride elements from one pixel to the next (≥ outChannels)
 *
 * Output (oy, ox) sees input row oy·strideHeight − padTop + i·dilationHeight, i in [0, kernelHeight), likewise
 * columns; what lies outside reads as real 0, which is inZeroPoint in int8.
 *
 * bias, multiplier, addend are pointers to i32, f32, f32 arrays of outChannels rounded up to 8 (the fill is 0):
 *
 *     u = f32(f32(f32(acc + bias[c]) · multiplier[c]) + addend[c])      q = clamp(rte(u) + outZeroPoint, qmin, qmax)
 *
 * magic ≠ 0 promises |acc + bias|·|multiplier| + |addend| < 2²², which allows rounding without a clamp before it.
 * A depthwise convolution has outChannels = inChannels. f32 kernels read the geometry alone.
 */
@unmanaged
export class ConvParams {
  inHeight: i32;
  inWidth: i32;
  inChannels: i32;
  inStride: i32;
  outHeight: i32;
  outWidth: i32;
  outChannels: i32;
  outStride: i32;
  kernelHeight: i32;
  kernelWidth: i32;
  strideHeight: i32;
  strideWidth: i32;
  dilationHeight: i32;
  dilationWidth: i32;
  padTop: i32;
  padLeft: i32;
  inZeroPoint: i32;
  outZeroPoint: i32;
  qmin: i32;
  qmax: i32;
  bias: i32;
  multiplier: i32;
  addend: i32;
  magic: i32;
}

/**
 * A two-dimensional pooling over NHWC, dense in channels. Taps outside the image do not count.
 *
 * multiplier is a pointer to f32: average pooling takes M = multiplier[(count − 1) · multiplierStride], where count
 * is the number of taps inside the image and multiplierStride is 0 (one M for all) or 1. Real averages use
 * M = s_x / (s_y · count). Max pooling reads neither it nor the zero points.
 */
@unmanaged
export class PoolParams {
  inHeight: i32;
  inWidth: i32;
  channels: i32;
  outHeight: i32;
  outWidth: i32;
  kernelHeight: i32;
  kernelWidth: i32;
  strideHeight: i32;
  strideWidth: i32;
  padTop: i32;
  padLeft: i32;
  inZeroPoint: i32;
  outZeroPoint: i32;
  qmin: i32;
  qmax: i32;
  multiplier: i32;
  multiplierStride: i32;
}

/**
 * Two operands with their own scales; each kernel says what the multipliers do. q = clamp(rte(u) + outZeroPoint, qmin, qmax).
 *
 * magic ≠ 0 promises |u| < 2²² for all operands; kernels with 0 take the plain loop.
 */
@unmanaged
export class BinaryParams {
  aZeroPoint: i32;
  bZeroPoint: i32;
  aMultiplier: f32;
  bMultiplier: f32;
  outZeroPoint: i32;
  qmin: i32;
  qmax: i32;
  magic: i32;
}

/** One operand: q = clamp(rte(f32(v · multiplier)) + outZeroPoint, qmin, qmax), v made of x − inZeroPoint. */
@unmanaged
export class RescaleParams {
  inZeroPoint: i32;
  multiplier: f32;
  outZeroPoint: i32;
  qmin: i32;
  qmax: i32;
}

/** Both operands of a product are activations: product points to the ConvParams of one, in which a is x and b is w. */
@unmanaged
export class MatmulParams {
  product: i32;
  bZeroPoint: i32;
  transposed: i32;
}

/** Layer normalization: multiplier and addend point to f32, one for each element of a row. */
@unmanaged
export class NormParams {
  inZeroPoint: i32;
  epsilon: f32;
  multiplier: i32;
  addend: i32;
  outZeroPoint: i32;
  qmin: i32;
  qmax: i32;
}

/**
 * A strided copy over six axes, outermost first, of runs of `bytes` that are contiguous on both sides:
 *
 *     y[Σ i_a · outStride_a + b] = x[Σ i_a · inStride_a + b]      i_a in [0, extent_a), b in [0, bytes)
 *
 * Strides are in bytes. They may be negative, those of the input also 0: one run for the whole axis. The extent of axis 0
 * is an argument of the kernel.
 */
@unmanaged
export class CopyParams {
  extent1: i32;
  extent2: i32;
  extent3: i32;
  extent4: i32;
  extent5: i32;
  inStride0: i32;
  inStride1: i32;
  inStride2: i32;
  inStride3: i32;
  inStride4: i32;
  inStride5: i32;
  outStride0: i32;
  outStride1: i32;
  outStride2: i32;
  outStride3: i32;
  outStride4: i32;
  outStride5: i32;
  bytes: i32;
}

/**
 * y [outer, rows, columns, bytes] dense, from runs of `bytes` that lie anywhere in x, which repeats every inBytes:
 * rowOffsets and columnOffsets point to i32 [rows] and [columns], in bytes.
 */
@unmanaged
export class GatherParams {
  rows: i32;
  columns: i32;
  bytes: i32;
  inBytes: i32;
  rowOffsets: i32;
  columnOffsets: i32;
}

/**
 * Bilinear interpolation over NHWC, dense. inBytes is the size of one image of x. rows and columns point to one Tap for
 * each row and column of the output.
 */
@unmanaged
export class ResizeParams {
  inBytes: i32;
  channels: i32;
  outHeight: i32;
  outWidth: i32;
  rows: i32;
  columns: i32;
}

/**
 * One time step of a recurrent layer over the samples of a batch. Strides lead from one sample to the next, in elements:
 * gateStride in the gates, stateStride in states, what else a step keeps and int8 copies, outStride in outputs.
 *
 * table points to f32 [1024], the sigmoid of −8, −8 + 1/64, …, 8 − 1/64. f32 kernels do not read it.
 */
@unmanaged
export class RecurrentParams {
  batch: i32;
  units: i32;
  gateStride: i32;
  stateStride: i32;
  outStride: i32;
  table: i32;
}

/** q = clamp(rte(f32(x · inverseScale)) + zeroPoint, qmin, qmax)      x̂ = f32((q − zeroPoint) · scale) */
@unmanaged
export class QuantizeParams {
  scale: f32;
  inverseScale: f32;
  zeroPoint: i32;
  qmin: i32;
  qmax: i32;
}

/**
 * g' = clamp(gradientScale·g, ±gradientLimit) + weightDecay·w    m = momentum·m + g'
 * w −= learningRate · (nesterov ? g' + momentum·m : m)
 */
@unmanaged
export class SgdParams {
  learningRate: f32;
  momentum: f32;
  weightDecay: f32;
  nesterov: i32;
  gradientScale: f32;
  gradientLimit: f32;
}

/**
 * Adam (Kingma 2015, algorithm 1) with decoupled weight decay (Loshchilov 2019):
 *
 *     m = beta1·m + (1 − beta1)·g      v = beta2·v + (1 − beta2)·g²
 *     w −= learningRate · (m·correction1 / (sqrt(v·correction2) + epsilon) + weightDecay·w)
 *
 * with correction1 = 1/(1 − beta1^t), correction2 = 1/(1 − beta2^t); g comes in as clamp(gradientScale·g, ±gradientLimit).
 */
@unmanaged
export class AdamParams {
  learningRate: f32;
  beta1: f32;
  beta2: f32;
  epsilon: f32;
  weightDecay: f32;
  correction1: f32;
  correction2: f32;
  gradientScale: f32;
  gradientLimit: f32;
}

/**
 * RMSProp (Tieleman and Hinton 2012) with decoupled weight decay; g comes in as clamp(gradientScale·g, ±gradientLimit):
 *
 *     v = rho·v + (1 − rho)·g²      a = rho·a + (1 − rho)·g
 *     m = momentum·m + learningRate·g / sqrt((centered ? v − a² : v) + epsilon)
 *     w −= m + learningRate·weightDecay·w
 */
@unmanaged
export class RmspropParams {
  learningRate: f32;
  rho: f32;
  momentum: f32;
  epsilon: f32;
  weightDecay: f32;
  centered: i32;
  gradientScale: f32;
  gradientLimit: f32;
}
