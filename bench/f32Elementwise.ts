import type { TrainKernels } from '../src/core/kernels.ts';
import { BINARY_KINDS, type BinaryKind } from '../src/ops/binaryF32.ts';
import { unaryNames } from '../src/ops/unary.ts';
import { type Cases, type Rig, stream } from './rig.ts';

/** Elements of a vector: 64 KiB. */
const N = 1 << 14;
/** The same as a matrix of pixels and channels, and as an image. */
const [ROWS, CHANNELS] = [512, 32];
const [SIZE, DEPTH] = [32, 16];
const SHAPE = `${ROWS}x${CHANNELS}`;

/** Values in [−4, 4) that repeat late. */
const floats = ({ heap }: Rig, n: number) => heap.floats(n, (i) => ((i * 37) % 1009) / 126.125 - 4);

const vector = (rig: Rig) => floats(rig, N);

/** Zeros. */
const sums = ({ heap }: Rig) => heap.floats(2 * CHANNELS, () => 0);

/** Where a logarithm is one. */
const positive = ({ heap }: Rig) => heap.floats(N, (i) => ((i * 37) % 1009) / 126.125 + 0.1);

const RESIZED = `${SIZE / 2}²→${SIZE}²x${DEPTH}`;

/** An image and one of twice its sides, with halves as weights. */
function resized(rig: Rig) {
  const half = SIZE / 2;
  const taps = (stride: number) =>
    rig.heap.integers(3 * SIZE, (i) => {
      const at = Math.floor(i / 3) >> 1;
      return [at * stride, Math.min(at + 1, half - 1) * stride, 1024][i % 3]!;
    });
  const params = rig.heap.struct('ResizeParams', {
    ...{ inBytes: N, channels: DEPTH, outHeight: SIZE, outWidth: SIZE },
    ...{ rows: taps(4 * half * DEPTH), columns: taps(4 * DEPTH) },
  });
  return { params, small: floats(rig, N / 4), large: vector(rig) };
}

/** Functions of one and of two reals, rows, means and resizing. */
export const f32ElementwiseCases = {
  f32_softmax: (rig) => {
    const [x, y, constants] = [vector(rig), vector(rig), rig.heap.alloc(128)];
    return [CHANNELS, 10].map((n) => {
      const rows = Math.floor(N / n);
      return stream(`f32 softmax of rows ${rows}x${n}`, 8 * rows * n, () =>
        rig.kernels.f32_softmax(0, rows, n, 0, x, 1, y, constants),
      );
    });
  },
  f32_softmax_backward: (rig) => {
    const [y, dy, dx] = [vector(rig), vector(rig), vector(rig)];
    const run = () => rig.kernels.f32_softmax_backward(ROWS, CHANNELS, y, dy, 1, dx);
    return [stream(`f32 softmax backward ${SHAPE}`, 12 * N, run)];
  },
  f32_l2norm: (rig) => {
    const [x, y] = [vector(rig), vector(rig)];
    const run = () => rig.kernels.f32_l2norm(ROWS, CHANNELS, x, y);
    return [stream(`f32 l2norm ${SHAPE}`, 8 * N, run)];
  },
  f32_l2norm_backward: (rig) => {
    const [x, y, dy, dx] = [vector(rig), vector(rig), vector(rig), vector(rig)];
    const run = () => rig.kernels.f32_l2norm_backward(ROWS, CHANNELS, x, y, dy, dx);
    return [stream(`f32 l2norm backward ${SHAPE}`, 16 * N, run)];
  },
  f32_mean: (rig) => {
    const [x, y] = [vector(rig), vector(rig)];
    return [
      stream('f32 mean 2x256x32', 4 * N, () => rig.kernels.f32_mean(2, 256, CHANNELS, x, y)),
      stream(`f32 mean ${SHAPE}x1`, 4 * N, () => rig.kernels.f32_mean(ROWS, CHANNELS, 1, x, y)),
    ];
  },
  f32_resize_bilinear: (rig) => {
    const { params, small, large } = resized(rig);
    const run = () => rig.kernels.f32_resize_bilinear(params, 0, SIZE, small, large);
    return [stream(`f32 resize bilinear ${RESIZED}`, 5 * N, run)];
  },
  f32_resize_bilinear_backward: (rig) => {
    const { params, small, large } = resized(rig);
    const run = () => rig.kernels.f32_resize_bilinear_backward(params, 0, 1, large, small);
    return [stream(`f32 resize bilinear backward ${RESIZED}`, 5 * N, run)];
  },
  f32_scatter_add: (rig) => {
    const [dy, dx] = [vector(rig), rig.heap.floats(N / 4, () => 0)];
    const places = (stride: number) => rig.heap.integers(SIZE, (i) => (i >> 1) * stride);
    const params = rig.heap.struct('GatherParams', {
      ...{ rows: SIZE, columns: SIZE, bytes: 4 * DEPTH, inBytes: N },
      ...{ rowOffsets: places(2 * SIZE * DEPTH), columnOffsets: places(4 * DEPTH) },
    });
    const run = () => rig.kernels.f32_scatter_add(params, 0, 1, dy, dx);
    return [stream(`f32 scatter add ${RESIZED}`, 6 * N, run)];
  },
  f32_vbinary: (rig) => {
    const [a, b, dy, y] = [vector(rig), vector(rig), vector(rig), vector(rig)];
    const run = (rows: number, n: number, kind: BinaryKind, bRow: number, bStep: number) => () =>
      rig.kernels.f32_vbinary(
        ...([rows, n, BINARY_KINDS[kind], a, n, 1, b, bRow, bStep, dy, y] as const),
      );
    return [
      stream('f32 multiply', 12 * N, run(1, N, 'multiply', N, 1)),
      stream(`f32 multiply ${SHAPE} by a row`, 8 * N, run(ROWS, CHANNELS, 'multiply', 0, 1)),
      stream(`f32 multiply ${SHAPE} by a column`, 8 * N, run(ROWS, CHANNELS, 'multiply', 1, 0)),
      stream('f32 maximum backward', 16 * N, run(1, N, 'maximumLeft', N, 1)),
      stream(`f32 prelu ${SHAPE}`, 8 * N, run(ROWS, CHANNELS, 'prelu', 0, 1)),
    ];
  },
  f32_product_sums: (rig) => {
    const [a, b, to] = [vector(rig), vector(rig), sums(rig)];
    const run = () => rig.kernels.f32_product_sums(ROWS, CHANNELS, a, b, to);
    return [stream(`f32 product sums ${SHAPE}`, 8 * N, run)];
  },
  f32_row_sums: (rig) => {
    const [x, to] = [vector(rig), rig.heap.floats(ROWS, () => 0)];
    const run = () => rig.kernels.f32_row_sums(ROWS, CHANNELS, x, to);
    return [stream(`f32 row sums ${SHAPE}`, 4 * N, run)];
  },
  f32_vfunction: (rig) => {
    const [x, y, constants] = [positive(rig), vector(rig), rig.heap.alloc(128)];
    return unaryNames.map((name, kind) =>
      stream(`f32 ${name}`, 8 * N, () => rig.kernels.f32_vfunction(N, kind, 0.3, x, y, constants)),
    );
  },
  f32_vfunction_backward: (rig) => {
    const [x, y, dy, dx] = [positive(rig), positive(rig), vector(rig), vector(rig)];
    const constants = rig.heap.alloc(128);
    const both: readonly string[] = ['elu', 'rsqrt', 'swish'];
    return unaryNames.map((name, kind) => {
      const bytes = (name === 'negate' ? 8 : both.includes(name) ? 16 : 12) * N;
      return stream(`f32 ${name} backward`, bytes, () =>
        rig.kernels.f32_vfunction_backward(N, kind, 0.3, x, y, dy, dx, constants),
      );
    });
  },
} satisfies Partial<Record<keyof TrainKernels, Cases>>;
