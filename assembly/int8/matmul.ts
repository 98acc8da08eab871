import { ConvParams, MatmulParams } from '../abi';
import { qs8_conv2d__scalar, qs8_conv2d__simd128 } from './conv2d';
import { packColumns__scalar, packColumns__simd128 } from './packColumns';
import { qs8_pack_weights__scalar, qs8_pack_weights__simd128 } from './packWeights';

/**
 * Products of pairs of matrices, both of which are activations:
 *
 *     acc[m, n] = Σ_k (a[m, k] − aZeroPoint) · (b[k, n] − bZeroPoint)        b[n, k] where params.transposed
 *     y[m, n] = clamp(rte(u) + outZeroPoint, qmin, qmax)      u as in ConvParams, aZeroPoint its inZeroPoint
 *
 * a  [batch, M, K] i8     b  [batch, K, N] or [batch, N, K] i8     y  [batch, M, N] i8
 *
 * Computes the matrices first … first + count − 1; a, b and y point to the whole tensors. Each b is packed as weights
 * are, and then it is a matrix of weights. Reads 15 bytes past a, 7 past b.
 * Scratch: matmulScratchBytes(n, k): | packed b | scratch of qs8_conv2d |
 */
export function qs8_matmul__scalar(
  params: MatmulParams, first: i32, count: i32, a: usize, b: usize, y: usize, scratch: usize,
): void {
  const product = changetype<ConvParams>(<usize>params.product);
  const m = product.outHeight, n = product.outChannels, k = product.inChannels;
  for (let i = first; i < first + count; i++) {
    const from = b + i * k * n;
    if (params.transposed) qs8_pack_weights__scalar(n, 1, k, params.bZeroPoint, from, scratch);
    else packColumns__scalar(n, k, params.bZeroPoint, from, scratch);
    qs8_conv2d__scalar(product, 0, m, a + i * m * k, scratch, y + i * m * n, after(n, k, scratch));
  }
}

export function qs8_matmul__simd128(
  params: MatmulParams, first: i32, count: i32, a: usize, b: usize, y: usize, scratch: usize,
): void {
  const product = changetype<ConvParams>(<usize>params.product);
  const m = product.outHeight, n = product.outChannels, k = product.inChannels;
  for (let i = first; i < first + count; i++) {
    const from = b + i * k * n;
    if (params.transposed) qs8_pack_weights__simd128(n, 1, k, params.bZeroPoint, from, scratch);
    else packColumns__simd128(n, k, params.bZeroPoint, from, scratch);
    qs8_conv2d__simd128(product, 0, m, a + i * m * k, scratch, y + i * m * n, after(n, k, scratch));
  }
}

/** The end of the packed matrix. */
// @ts-ignore: decorator
@inline
function after(n: i32, k: i32, scratch: usize): usize {
  return scratch + <usize>((n + 7) >> 3) * <usize>((k + 1) >> 1) * 32;
}
