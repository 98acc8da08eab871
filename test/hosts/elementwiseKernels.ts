import { FUNCTION_SCRATCH_BYTES } from '../../src/core/f32Layout.ts';
import { BINARY_KINDS } from '../../src/ops/binaryF32.ts';
import { unaryNames } from '../../src/ops/unary.ts';
import { over, type Rig } from './rig.ts';
import { lengths, tables } from './shapes.ts';

const floats = (n: number) => new Float32Array(n);

/** Address of n random floats that the kernel reads. */
const drawn = (rig: Rig, n: number, size = 1) => rig.put(rig.floats(n, size));

const depths = [1, 3, 4, 5, 8, 17];

/** Two images of 3x4 as ones of 5x7. */
function resizing(rig: Rig, channels: number) {
  const taps = (from: number, to: number, stride: number) => {
    const list = Array.from({ length: to }, () => {
      const lower = rig.below(from);
      return [lower * stride, Math.min(lower + 1, from - 1) * stride, rig.below(2049)];
    });
    return rig.put(Int32Array.from(list.flat()));
  };
  const params = rig.params('ResizeParams', {
    ...{ inBytes: 48 * channels, channels, outHeight: 5, outWidth: 7 },
    ...{ rows: taps(3, 5, 16 * channels), columns: taps(4, 7, 4 * channels) },
  });
  return { params, small: 24 * channels };
}

/** Functions of one and of two reals, rows, means and resizing. */
export const elementwiseKernels = {
  f32_softmax: over(tables, (rig, [rows, n]) => {
    const constants = rig.scratch(FUNCTION_SCRATCH_BYTES);
    for (const queries of [0, Math.min(n, 3)]) {
      const [x, y] = [drawn(rig, rows * n, 9), rig.out(floats(rows * n))];
      rig.kernels.f32_softmax(0, rows, n, queries, x, 0.7, y, constants);
    }
  }),
  f32_softmax_backward: over(tables, (rig, [rows, n]) => {
    const [y, dy] = [drawn(rig, rows * n), drawn(rig, rows * n)];
    rig.kernels.f32_softmax_backward(rows, n, y, dy, 0.7, rig.out(floats(rows * n)));
  }),
  f32_l2norm: over(tables, (rig, [rows, n]) => {
    rig.kernels.f32_l2norm(rows, n, drawn(rig, rows * n), rig.out(floats(rows * n)));
  }),
  f32_l2norm_backward: over(tables, (rig, [rows, n]) => {
    const [x, y, dy] = [drawn(rig, rows * n), drawn(rig, rows * n), drawn(rig, rows * n)];
    rig.kernels.f32_l2norm_backward(rows, n, x, y, dy, rig.out(floats(rows * n)));
  }),
  f32_mean: over(tables, (rig, [rows, inner]) => {
    rig.kernels.f32_mean(2, rows, inner, drawn(rig, 2 * rows * inner), rig.out(floats(2 * inner)));
    rig.kernels.f32_mean(rows, inner, 1, drawn(rig, rows * inner), rig.out(floats(rows)));
  }),
  f32_resize_bilinear: over(depths, (rig, channels) => {
    const { params, small } = resizing(rig, channels);
    const y = rig.out(floats(2 * 35 * channels));
    rig.kernels.f32_resize_bilinear(params, 0, 10, drawn(rig, small), y);
  }),
  f32_resize_bilinear_backward: over(depths, (rig, channels) => {
    const { params, small } = resizing(rig, channels);
    const dy = drawn(rig, 2 * 35 * channels);
    rig.kernels.f32_resize_bilinear_backward(params, 0, 2, dy, rig.out(floats(small)));
  }),
  f32_scatter_add: over(depths, (rig, run) => {
    const offsets = (list: readonly number[]) => rig.put(Int32Array.from(list, (i) => 4 * i * run));
    const params = rig.params('GatherParams', {
      ...{ rows: 3, columns: 2, bytes: 4 * run, inBytes: 16 * run },
      ...{ rowOffsets: offsets([2, 0, 2]), columnOffsets: offsets([1, 1]) },
    });
    const dx = rig.inout(rig.floats(8 * run));
    rig.kernels.f32_scatter_add(params, 0, 2, drawn(rig, 12 * run), dx);
  }),
  f32_vbinary: over(lengths, (rig, n) => {
    const [a, b, dy] = [drawn(rig, 3 * n), drawn(rig, 3 * n), drawn(rig, 3 * n)];
    for (const kind of Object.values(BINARY_KINDS)) {
      for (const [row, step] of [
        [n, 1],
        [0, 1],
        [1, 0],
      ] as const) {
        const operands = [a, n, 1, b, row, step, dy] as const;
        rig.kernels.f32_vbinary(3, n, kind, ...operands, rig.out(floats(3 * n)));
      }
    }
  }),
  f32_product_sums: over(tables, (rig, [rows, channels]) => {
    const sums = rig.inout(rig.floats(channels));
    const [a, b] = [drawn(rig, rows * channels), drawn(rig, rows * channels)];
    rig.kernels.f32_product_sums(rows, channels, a, b, sums);
  }),
  f32_row_sums: over(tables, (rig, [rows, n]) => {
    rig.kernels.f32_row_sums(rows, n, drawn(rig, rows * n), rig.inout(rig.floats(rows)));
  }),
  f32_vfunction: over(lengths, (rig, n) => {
    const constants = rig.scratch(FUNCTION_SCRATCH_BYTES);
    for (const kind of unaryNames.keys()) {
      const x = drawn(rig, n, kind % 2 === 0 ? 9 : 100);
      rig.kernels.f32_vfunction(n, kind, 0.3, x, rig.out(floats(n)), constants);
    }
  }),
  f32_vfunction_backward: over(lengths, (rig, n) => {
    const constants = rig.scratch(FUNCTION_SCRATCH_BYTES);
    for (const kind of unaryNames.keys()) {
      const [x, y, dy] = [drawn(rig, n, 9), drawn(rig, n), drawn(rig, n)];
      const dx = rig.out(floats(n));
      rig.kernels.f32_vfunction_backward(n, kind, 0.3, x, y, dy, dx, constants);
    }
  }),
};
