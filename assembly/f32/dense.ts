import { storeTile } from './conv2d';
import { initOf, rowsOf, tileOf } from './layout';
import { tiles4x8 } from './tile';

/**
 * Rows of w that meet a panel of x together, and the floats of each. Both operands of such a block fit L1, and w is read
 * once.
 */
// @ts-ignore: decorator
@inline
const DENSE_ROWS: i32 = 16;
// @ts-ignore: decorator
@inline
const DENSE_TERMS: i32 = 512;

/** Columns of w that the input gradient packs together: long enough runs to be fetched ahead. */
// @ts-ignore: decorator
@inline
const STRIP: i32 = 32;

/** Floats of x that stay in L2 while all outputs of the weight gradient pass over them. */
// @ts-ignore: decorator
@inline
const STRIP_FLOATS: i32 = 32768;

/** Bytes of the sums of a block: f32[DENSE_ROWS][8]. */
// @ts-ignore: decorator
@inline
const BLOCK_BYTES: usize = 512;

/**
 * y[r, o] = bias[o] + Σ_i x[r, i] · w[o, i]      i rising
 *
 * f32_conv2d of few rows, with its operands exchanged: x is packed, and weights are read where they lie. The same bits.
 *
 * rows, n, k  extents of y [rows, n] and of the sum
 * x    [ceil(rows/8)][k][8] f32    from f32_pack_weights(rows, k, x)
 * w    [n, k] f32
 * bias [n] f32                     or pointer 0: none
 * y    [rows, n] f32               rows yStride elements apart; writes n of each
 * scratch                          f32DenseScratchBytes(rows)
 */
export function f32_dense__scalar(
  rows: i32, n: i32, k: i32, x: usize, w: usize, bias: usize, y: usize, yStride: i32, scratch: usize,
): void {
  for (let r = 0; r < rows; r++) {
    const panel = x + (<usize>((r >> 3) * k * 8 + (r & 7)) << 2);
    for (let o = 0; o < n; o++) {
      let acc: f32 = bias ? load<f32>(bias + (<usize>o << 2)) : 0;
      for (let i = 0; i < k; i++) {
        acc += load<f32>(w + (<usize>(o * k + i) << 2)) * load<f32>(panel + (<usize>i << 5));
      }
      store<f32>(y + (<usize>(r * yStride + o) << 2), acc);
    }
  }
}

export function f32_dense__simd128(
  rows: i32, n: i32, k: i32, x: usize, w: usize, bias: usize, y: usize, yStride: i32, scratch: usize,
): void {
  const wStep = <usize>k << 2, yStep = <usize>yStride << 2;
  const panel = <usize>k << 5;
  const sums = rowsOf(scratch);
  for (let o = 0; o < n; o += DENSE_ROWS) {
    const height = min(DENSE_ROWS, n - o);
    start(rows, height, bias ? bias + (<usize>o << 2) : 0, sums);
    for (let i = 0; i < k; i += DENSE_TERMS) {
      const terms = min(DENSE_TERMS, k - i);
      const source = w + (<usize>i << 2);
      let b = x + (<usize>i << 5), c = sums;
      for (let r = 0; r < rows; r += 8, b += panel, c += BLOCK_BYTES) {
        tiles4x8(terms, height, source, wStep, b, c, 32, c, 32);
      }
    }
    finish(rows, height, sums, y + (<usize>o << 2), yStep);
    w += <usize>height * wStep;
  }
}

/** Sets the sums of a block to the bias of each output. */
function start(rows: i32, height: i32, bias: usize, sums: usize): void {
  for (let r = 0; r < rows; r += 8, sums += BLOCK_BYTES) {
    for (let o: usize = 0; o < <usize>height; o++) {
      const value = bias ? v128.load32_splat(bias + (o << 2)) : f32x4.splat(0);
      v128.store(sums + (o << 5), value);
      v128.store(sums + (o << 5), value, 16);
    }
  }
}

/** The sums of a block, which are transposed, to the rows of y. */
function finish(rows: i32, height: i32, sums: usize, y: usize, yStep: usize): void {
  for (let r = 0; r < rows; r++, y += yStep) {
    const from = sums + <usize>(r >> 3) * BLOCK_BYTES + (<usize>(r & 7) << 2);
    for (let o: usize = 0; o < <usize>height; o++) {
      store<f32>(y + (o << 2), load<f32>(from + (o << 5)));
    }
  }
}

/**
 * dx[r, i] = Σ_o dy[r, o] · w[o, i]      o rising
 *
 * The adjoint of f32_dense in x. Strips of w are packed on the way and never leave the cache.
 *
 * dy [rows, n] f32    w [n, k] f32    dx [rows, k] f32, written
 * stride              elements from one row of w to the next, and of dx; k of each are used
 * scratch             f32DenseInputGradientScratchBytes(n)
 */
export function f32_dense_input_gradient__scalar(
  rows: i32, n: i32, k: i32, dy: usize, w: usize, dx: usize, stride: i32, scratch: usize,
): void {
  for (let r = 0; r < rows; r++) {
    for (let i = 0; i < k; i++) {
      let acc: f32 = 0;
      for (let o = 0; o < n; o++) {
        const value = load<f32>(w + (<usize>(o * stride + i) << 2));
        acc += load<f32>(dy + (<usize>(r * n + o) << 2)) * value;
      }
      store<f32>(dx + (<usize>(r * stride + i) << 2), acc);
    }
  }
}

export function f32_dense_input_gradient__simd128(
  rows: i32, n: i32, k: i32, dy: usize, w: usize, dx: usize, stride: i32, scratch: usize,
): void {
  const step = <usize>stride << 2, dyStep = <usize>n << 2;
  const init = initOf(scratch), packed = rowsOf(scratch);
  memory.fill(init, 0, 32);
  let i = 0;
  while (i + 8 <= k) {
    const width = min(STRIP, k - i) & ~7;
    packStrip(n, width, w, step, packed);
    for (let j = 0; j < width; j += 8) {
      const at = <usize>j << 2;
      tiles4x8(n, rows, dy, dyStep, packed + <usize>n * at, init, 0, dx + at, step);
    }
    i += width;
    w += <usize>width << 2;
    dx += <usize>width << 2;
  }
  f32_dense_input_gradient__scalar(rows, n, k - i, dy, w, dx, stride, scratch);
}

/** Columns of w as panels [width/8][n][8]. */
function packStrip(n: i32, width: i32, w: usize, step: usize, packed: usize): void {
  const panel = <usize>n << 5, end = packed + <usize>(width >> 3) * panel;
  for (let o = 0; o < n; o++, w += step, packed += 32) {
    for (let from = w, to = packed; to < end; from += 32, to += panel) {
      v128.store(to, v128.load(from));
      v128.store(to, v128.load(from, 16), 16);
    }
  }
}

/**
 * dw[o, i] = Σ_r dy[r, o] · x[r, i]      r rising
 *
 * The adjoint of f32_dense in w, which it writes once: where rows are few, dw is larger than all that it is made of.
 *
 * dy [rows, n] f32                 rows dyStride elements apart, n of each are read
 * x  [ceil(k/8)][rows][8] f32      from f32_pack_weights_transposed(rows, k, x)
 * dw [n, k] f32                    written
 * scratch                          f32DenseWeightGradientScratchBytes(rows)
 */
export function f32_dense_weight_gradient__scalar(
  rows: i32, n: i32, k: i32, dy: usize, dyStride: i32, x: usize, dw: usize, scratch: usize,
): void {
  for (let o = 0; o < n; o++) {
    for (let i = 0; i < k; i++, dw += 4) {
      const panel = x + (<usize>((i >> 3) * rows * 8 + (i & 7)) << 2);
      let acc: f32 = 0;
      for (let r = 0; r < rows; r++) {
        const gradient = load<f32>(dy + (<usize>(r * dyStride + o) << 2));
        acc += gradient * load<f32>(panel + (<usize>r << 5));
      }
      store<f32>(dw, acc);
    }
  }
}

export function f32_dense_weight_gradient__simd128(
  rows: i32, n: i32, k: i32, dy: usize, dyStride: i32, x: usize, dw: usize, scratch: usize,
): void {
  const dwStep = <usize>k << 2;
  memory.fill(initOf(scratch), 0, 32);
  const strip = max(64, (STRIP_FLOATS / max(1, rows)) & ~7);
  for (let i = 0; i < k; i += strip) {
    const width = min(strip, k - i);
    const from = x + <usize>rows * (<usize>i << 2);
    for (let o = 0; o < n; o += 8) {
      const height = min(8, n - o);
      turn(rows, height, dy + (<usize>o << 2), <usize>dyStride << 2, rowsOf(scratch));
      outputs(rows, height, width, from, dw + <usize>o * dwStep + (<usize>i << 2), dwStep, scratch);
    }
  }
}

/** `width` columns of up to eight outputs. */
function outputs(
  rows: i32, height: i32, width: i32, b: usize, c: usize, cStep: usize, scratch: usize,
): void {
  const step = <usize>rows << 2;
  const init = initOf(scratch), gradients = rowsOf(scratch), tile = tileOf(scratch);
  for (; width >= 8; width -= 8, b += 8 * step, c += 32) {
    tiles4x8(rows, height, gradients, step, b, init, 0, c, cStep);
  }
  for (let o = 0; width > 0 && o < height; o += 4) {
    const some = min(4, height - o);
    tiles4x8(rows, some, gradients + <usize>o * step, step, b, init, 0, tile, 32);
    storeTile(c + <usize>o * cStep, cStep, tile, some, width);
  }
}

/** Columns of dy as rows. */
function turn(rows: i32, height: i32, dy: usize, dyStep: usize, to: usize): void {
  const step = <usize>rows << 2;
  for (let r = 0; r < rows; r++, dy += dyStep, to += 4) {
    let target = to;
    for (let o: usize = 0; o < <usize>height; o++, target += step) {
      store<f32>(target, load<f32>(dy + (o << 2)));
    }
  }
}
