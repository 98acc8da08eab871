import type { TrainKernels } from '../src/core/kernels.ts';
import { type Cases, poolParams, type Rig, stream } from './rig.ts';

/** Elements of a vector: 64 KiB. */
const N = 1 << 14;
/** The same as a matrix of pixels and channels, and as an image. */
const [ROWS, CHANNELS] = [512, 32];
const [SIZE, DEPTH] = [32, 16];
const SHAPE = `${ROWS}x${CHANNELS}`;
const IMAGE = `2x2 ${SIZE}²x${DEPTH}`;

/** OHWI weights of a 3x3 convolution, and HWC ones of a depthwise one. */
const WEIGHTS = [
  { name: '64x3x3x32', outer: 1, channels: 64, inner: 288 },
  { name: 'depthwise 3x3x576', outer: 9, channels: 576, inner: 1 },
];

const LABELLED = [
  [1024, 10],
  [16, 1000],
] as const;

/** Values in [−4, 4) that repeat late. */
const floats = ({ heap }: Rig, n: number) => heap.floats(n, (i) => ((i * 37) % 1009) / 126.125 - 4);

const vector = (rig: Rig) => floats(rig, N);

/** Gradients as they are. */
const UNCLIPPED = { gradientScale: 1, gradientLimit: Infinity };

/** Zeros, for f32 and f64 alike. */
/** f64 [2·CHANNELS + 3], the longest that a kernel adds to. */
const sums = ({ heap }: Rig) => heap.floats(2 * (2 * CHANNELS + 3), () => 0);

function fakeQuantizer({ heap }: Rig): number {
  const grid = { zeroPoint: 4, qmin: -128, qmax: 127 };
  return heap.struct('QuantizeParams', { scale: 0.025, inverseScale: 40, ...grid });
}

function weights(rig: Rig, { outer, channels, inner }: (typeof WEIGHTS)[number]) {
  const size = outer * channels * inner;
  const scale = rig.heap.floats(channels, (c) => 0.03 + c * 1e-5);
  return { size, scale, w: floats(rig, size), g: floats(rig, size) };
}

/** Input, output and gradients of a pooling layer. */
function pooled(rig: Rig) {
  const params = poolParams(rig.heap, 2, SIZE, DEPTH);
  const [x, dx] = [vector(rig), vector(rig)];
  return { params, x, dx, y: rig.heap.alloc(N), dy: floats(rig, N / 4) };
}

/** A time step of 128 units over 16 samples. */
const UNITS = 128;
const BATCH = N / 8 / UNITS;

function recurrentStep(rig: Rig, gates: number) {
  const strides = { gateStride: gates * UNITS, stateStride: UNITS, outStride: UNITS };
  const params = rig.heap.struct('RecurrentParams', {
    ...{ batch: BATCH, units: UNITS, table: 0 },
    ...strides,
  });
  const rows = () => floats(rig, BATCH * gates * UNITS);
  return { params, rows, states: () => floats(rig, BATCH * UNITS) };
}

/** Vector kernels of training. */
export const f32VectorCases = {
  f32_column_sums: (rig) => {
    const [x, to] = [vector(rig), sums(rig)];
    const run = () => rig.kernels.f32_column_sums(ROWS, CHANNELS, x, to);
    return [stream(`f32 column sums ${SHAPE}`, 4 * N, run)];
  },
  f32_moments: (rig) => {
    const [x, shift, to, squares] = [vector(rig), floats(rig, CHANNELS), sums(rig), sums(rig)];
    const run = () => rig.kernels.f32_moments(ROWS, CHANNELS, x, shift, to, squares);
    return [stream(`f32 moments ${SHAPE}`, 4 * N, run)];
  },
  f32_vaffine: (rig) => {
    const [x, y] = [vector(rig), vector(rig)];
    const [a, b] = [floats(rig, CHANNELS), floats(rig, CHANNELS)];
    const run = () => rig.kernels.f32_vaffine(ROWS, CHANNELS, x, a, b, y, 0, 6);
    return [stream(`f32 vaffine ${SHAPE}`, 8 * N, run)];
  },
  f32_qs8_vaffine: (rig) => {
    const [x, y, params] = [vector(rig), rig.heap.alloc(N), fakeQuantizer(rig)];
    const [a, b] = [floats(rig, CHANNELS), floats(rig, CHANNELS)];
    const run = () => rig.kernels.f32_qs8_vaffine(ROWS, CHANNELS, x, a, b, y, params);
    return [stream(`f32 qs8 vaffine ${SHAPE}`, 5 * N, run)];
  },
  f32_batchnorm_sums: (rig) => {
    const [x, dy, params] = [vector(rig), vector(rig), fakeQuantizer(rig)];
    const [a, b, mean] = [floats(rig, CHANNELS), floats(rig, CHANNELS), floats(rig, CHANNELS)];
    const to = sums(rig);
    const cases = [
      ['', -Infinity, Infinity, 0],
      [' relu', 0, Infinity, 0],
      [' relu quantized', 0, Infinity, params],
    ] as const;
    return cases.map(([name, lo, hi, quantizer]) =>
      stream(`f32 batchnorm sums${name} ${SHAPE}`, 8 * N, () =>
        rig.kernels.f32_batchnorm_sums(
          ...([ROWS, CHANNELS, x, dy, a, b, mean, to, lo, hi, quantizer] as const),
        ),
      ),
    );
  },
  f32_batchnorm_backward: (rig) => {
    const [x, dy, dx] = [vector(rig), vector(rig), vector(rig)];
    const per = () => floats(rig, CHANNELS);
    const [a, b, p, q, r] = [per(), per(), per(), per(), per()];
    return [
      [' relu', 0],
      ['', -Infinity],
    ].map(([name, lo]) =>
      stream(`f32 batchnorm backward${name} ${SHAPE}`, 12 * N, () =>
        rig.kernels.f32_batchnorm_backward(
          ...([ROWS, CHANNELS, x, dy, a, b, p, q, r, dx, lo as number, Infinity] as const),
        ),
      ),
    );
  },
  f32_vclamp: (rig) => {
    const [x, y] = [vector(rig), vector(rig)];
    return [stream('f32 vclamp', 8 * N, () => rig.kernels.f32_vclamp(N, x, y, 0, 6))];
  },
  f32_vclamp_backward: (rig) => {
    const [y, dy, dx] = [vector(rig), vector(rig), vector(rig)];
    const run = () => rig.kernels.f32_vclamp_backward(N, y, dy, dx, 0, 6);
    return [stream('f32 vclamp backward', 12 * N, run)];
  },
  f32_vadd: (rig) => {
    const [a, b, y] = [vector(rig), vector(rig), vector(rig)];
    return [stream('f32 vadd', 12 * N, () => rig.kernels.f32_vadd(N, a, b, y))];
  },
  f32_vscale: (rig) => {
    const [x, y] = [vector(rig), vector(rig)];
    return [stream('f32 vscale', 8 * N, () => rig.kernels.f32_vscale(N, x, 0.7, y))];
  },
  f32_dropout: (rig) => {
    const [x, y] = [vector(rig), vector(rig)];
    const run = () => rig.kernels.f32_dropout(N, 5, 2 ** 30, 1.3, x, y);
    return [stream('f32 dropout', 8 * N, run)];
  },
  f32_lstm_gates: (rig) => {
    const { params, rows, states } = recurrentStep(rig, 4);
    const [x, h, c, squashed, y] = [rows(), rows(), states(), states(), states()];
    const run = () => rig.kernels.f32_lstm_gates(params, x, h, c, c, squashed, y);
    return [stream(`f32 lstm gates ${BATCH}x${UNITS}`, 64 * BATCH * UNITS, run)];
  },
  f32_lstm_gates_backward: (rig) => {
    const { params, rows, states } = recurrentStep(rig, 4);
    const [gates, dx, c, squashed, dy, dc] = [
      rows(),
      rows(),
      states(),
      states(),
      states(),
      states(),
    ];
    const run = () => rig.kernels.f32_lstm_gates_backward(params, gates, c, squashed, dy, dc, dx);
    return [stream(`f32 lstm gates backward ${BATCH}x${UNITS}`, 52 * BATCH * UNITS, run)];
  },
  f32_gru_gates: (rig) => {
    const { params, rows, states } = recurrentStep(rig, 3);
    const [x, h, before, inner, y] = [rows(), rows(), states(), states(), states()];
    const run = () => rig.kernels.f32_gru_gates(params, x, h, before, y, inner, y);
    return [stream(`f32 gru gates ${BATCH}x${UNITS}`, 52 * BATCH * UNITS, run)];
  },
  f32_gru_gates_backward: (rig) => {
    const { params, rows, states } = recurrentStep(rig, 3);
    const [gates, dx, dh] = [rows(), rows(), rows()];
    const [before, inner, dy, dh0] = [states(), states(), states(), states()];
    const run = () =>
      rig.kernels.f32_gru_gates_backward(params, gates, before, inner, dy, dh0, dx, dh);
    return [stream(`f32 gru gates backward ${BATCH}x${UNITS}`, 52 * BATCH * UNITS, run)];
  },
  f32_maxpool2d: (rig) => {
    const { params, x, y } = pooled(rig);
    return [
      stream(`f32 maxpool ${IMAGE}`, 5 * N, () => rig.kernels.f32_maxpool2d(params, 1, x, y)),
    ];
  },
  f32_maxpool2d_backward: (rig) => {
    const { params, x, y, dy, dx } = pooled(rig);
    rig.kernels.f32_maxpool2d(params, 1, x, y);
    const run = () => rig.kernels.f32_maxpool2d_backward(params, 1, x, y, dy, dx);
    return [stream(`f32 maxpool backward ${IMAGE}`, 10 * N, run)];
  },
  qs8_maxpool2d_backward: (rig) => {
    const { params, y, dy, dx } = pooled(rig);
    const x = rig.heap.random(N);
    rig.kernels.qs8_maxpool2d(params, 0, SIZE / 2, x, y);
    const run = () => rig.kernels.qs8_maxpool2d_backward(params, 1, x, y, dy, dx);
    return [stream(`maxpool backward ${IMAGE}`, 6.25 * N, run)];
  },
  f32_avgpool2d: (rig) => {
    const { params, x, y } = pooled(rig);
    return [
      stream(`f32 avgpool ${IMAGE}`, 5 * N, () => rig.kernels.f32_avgpool2d(params, 1, x, y)),
    ];
  },
  f32_avgpool2d_backward: (rig) => {
    const { params, dy, dx } = pooled(rig);
    const run = () => rig.kernels.f32_avgpool2d_backward(params, 1, dy, dx);
    return [stream(`f32 avgpool backward ${IMAGE}`, 5 * N, run)];
  },
  f32_softmax_cross_entropy: (rig) =>
    LABELLED.map(([rows, classes]) => {
      const n = rows * classes;
      const [x, dx, losses] = [floats(rig, n), floats(rig, n), floats(rig, rows)];
      const labels = rig.heap.alloc(4 * rows);
      new Int32Array(rig.heap.memory.buffer, labels, rows).fill(3);
      return stream(`f32 softmax ${rows}x${classes}`, 8 * n + 8 * rows, () =>
        rig.kernels.f32_softmax_cross_entropy(rows, classes, x, labels, dx, losses, 1 / rows),
      );
    }),
  f32_softmax_targets: (rig) =>
    LABELLED.map(([rows, classes]) => {
      const n = rows * classes;
      const [x, dx, losses] = [floats(rig, n), floats(rig, n), floats(rig, rows)];
      const q = rig.heap.floats(n, () => 1 / classes);
      return stream(`f32 softmax targets ${rows}x${classes}`, 12 * n + 4 * rows, () =>
        rig.kernels.f32_softmax_targets(rows, classes, x, q, dx, losses, 0.5, 1 / rows),
      );
    }),
  f32_sigmoid_cross_entropy: (rig) => {
    const [x, y, dx, sum] = [vector(rig), vector(rig), vector(rig), rig.heap.alloc(8)];
    const run = () => rig.kernels.f32_sigmoid_cross_entropy(N, x, y, dx, sum, 1 / N);
    return [stream('f32 sigmoid cross-entropy', 12 * N, run)];
  },
  f32_squared_error: (rig) => {
    const [x, y, dx, sums] = [vector(rig), vector(rig), vector(rig), rig.heap.alloc(16)];
    const run = () => rig.kernels.f32_squared_error(N, x, y, dx, sums, 1 / N);
    return [stream('f32 squared error', 12 * N, run)];
  },
  f32_absolute_error: (rig) => {
    const [x, y, dx, sums] = [vector(rig), vector(rig), vector(rig), rig.heap.alloc(16)];
    const run = () => rig.kernels.f32_absolute_error(N, x, y, dx, sums, 1 / N);
    return [stream('f32 absolute error', 12 * N, run)];
  },
  f32_huber: (rig) => {
    const [x, y, dx, sums] = [vector(rig), vector(rig), vector(rig), rig.heap.alloc(16)];
    const run = () => rig.kernels.f32_huber(N, x, y, dx, sums, 1, 1 / N);
    return [stream('f32 huber', 12 * N, run)];
  },
  f32_sgd: (rig) => {
    const [w, g, m] = [vector(rig), vector(rig), vector(rig)];
    const rates = {
      learningRate: 1e-6,
      momentum: 0.9,
      weightDecay: 1e-4,
      nesterov: 0,
      ...UNCLIPPED,
    };
    const params = rig.heap.struct('SgdParams', rates);
    return [stream('f32 sgd', 20 * N, () => rig.kernels.f32_sgd(N, w, g, m, params))];
  },
  f32_adam: (rig) => {
    const [w, g, m] = [vector(rig), vector(rig), vector(rig)];
    const v = rig.heap.floats(N, () => 1);
    const params = rig.heap.struct('AdamParams', {
      ...{ learningRate: 1e-6, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 1e-4 },
      ...{ correction1: 1, correction2: 1, ...UNCLIPPED },
    });
    return [stream('f32 adam', 28 * N, () => rig.kernels.f32_adam(N, w, g, m, v, params))];
  },
  f32_rmsprop: (rig) => {
    const [w, g, m] = [vector(rig), vector(rig), vector(rig)];
    const v = rig.heap.floats(N, () => 1);
    const params = rig.heap.struct('RmspropParams', {
      ...{ learningRate: 1e-6, rho: 0.9, momentum: 0.9, epsilon: 1e-7, weightDecay: 1e-4 },
      ...{ centered: 0, ...UNCLIPPED },
    });
    return [stream('f32 rmsprop', 28 * N, () => rig.kernels.f32_rmsprop(N, w, g, v, m, 0, params))];
  },
  f32_average: (rig) => {
    const [a, w] = [vector(rig), vector(rig)];
    return [stream('f32 average', 12 * N, () => rig.kernels.f32_average(N, a, w, 1e-3))];
  },
  f32_sum_of_squares: (rig) => {
    const [x, sum] = [vector(rig), rig.heap.alloc(8)];
    return [stream('f32 sum of squares', 4 * N, () => rig.kernels.f32_sum_of_squares(N, x, sum))];
  },
  f32_min_max: (rig) => {
    const [x, out] = [vector(rig), rig.heap.alloc(8)];
    return [stream('f32 min max', 4 * N, () => rig.kernels.f32_min_max(N, x, out))];
  },
  f32_count_nonfinite: (rig) => {
    const [x, count] = [vector(rig), rig.heap.alloc(4)];
    const run = () => rig.kernels.f32_count_nonfinite(N, x, count);
    return [stream('f32 count nonfinite', 4 * N, run)];
  },
  f32_quantize_error: (rig) => {
    const [x, params] = [vector(rig), fakeQuantizer(rig)];
    const run = () => void rig.kernels.f32_quantize_error(N, 1, x, params);
    return [stream('f32 quantize error', 4 * N, run)];
  },
  f32_fakequant_backward: (rig) => {
    const [x, dy, dx] = [vector(rig), vector(rig), vector(rig)];
    const [to, params] = [sums(rig), fakeQuantizer(rig)];
    const run = () => rig.kernels.f32_fakequant_backward(N, x, dy, dx, to, 0, Infinity, params);
    return [stream('f32 fakequant backward', 12 * N, run)];
  },
  f32_qc8w_quantize: (rig) =>
    WEIGHTS.map((layer) => {
      const { size, scale, w, g: wq } = weights(rig, layer);
      const [{ outer, channels, inner }, q] = [layer, rig.heap.alloc(size)];
      return stream(`qc8w quantize ${layer.name}`, 9 * size, () =>
        rig.kernels.f32_qc8w_quantize(outer, channels, inner, w, scale, -127, 127, q, wq),
      );
    }),
  f32_qc8w_lsq_backward: (rig) =>
    WEIGHTS.map((layer) => {
      const { size, scale, w, g } = weights(rig, layer);
      const { outer, channels, inner } = layer;
      const [dw, ds] = [rig.heap.alloc(4 * size), rig.heap.alloc(4 * channels)];
      return stream(`qc8w lsq backward ${layer.name}`, 12 * size, () =>
        rig.kernels.f32_qc8w_lsq_backward(
          ...([outer, channels, inner, w, scale, -127, 127, g, dw, ds, -127, 127] as const),
        ),
      );
    }),
  f32_ewgs: (rig) =>
    WEIGHTS.map((layer) => {
      const { size, scale, w, g } = weights(rig, layer);
      const { outer, channels, inner } = layer;
      return stream(`ewgs ${layer.name}`, 12 * size, () =>
        rig.kernels.f32_ewgs(outer, channels, inner, w, scale, g, 1e-6),
      );
    }),
} satisfies Partial<Record<keyof TrainKernels, Cases>>;
