import {
  f32Conv2dScratchBytes,
  f32DepthwiseGradientScratchBytes,
  f32InputGradientScratchBytes,
  f32WeightGradientScratchBytes,
  f32WinogradGradientScratchBytes,
  f32WinogradScratchBytes,
  packedF32Bytes,
  packedTransposedF32Bytes,
  winogradWeightsBytes,
} from '../../src/core/f32Layout.ts';
import type { RealSumName, trainKernels } from '../../src/core/kernels.ts';
import { attentionF32 } from './attentionKernels.ts';
import { denseF32 } from './denseKernels.ts';
import { elementwiseKernels } from './elementwiseKernels.ts';
import { type Line, over, type Rig } from './rig.ts';
import {
  convolutions,
  depthwise,
  lengths,
  matrices,
  pools,
  sized,
  sizedPool,
  tables,
  weights,
  winograds,
} from './shapes.ts';
import { stridedKernels } from './stridedKernels.ts';

/** Around lanes of four. */
const unitCounts = [1, 3, 4, 5, 8, 17];

const floats = (n: number) => new Float32Array(n);

/** Address of n random floats that the kernel reads. */
const drawn = (rig: Rig, n: number, size = 1) => rig.put(rig.floats(n, size));

/** Sums that a kernel adds to. */
const started = (rig: Rig, n: number) => rig.inout(Float64Array.from(rig.floats(n)));

function packing(
  name: 'f32_pack_weights' | 'f32_pack_weights_transposed',
  bytes: (n: number, k: number) => number,
): Line {
  return over(matrices, (rig, [n, k]) => {
    rig.kernels[name](n, k, drawn(rig, n * k), rig.out(new Uint8Array(bytes(n, k))));
  });
}

function maxPoolBackward(name: 'f32_maxpool2d_backward' | 'qs8_maxpool2d_backward'): Line {
  const real = name === 'f32_maxpool2d_backward';
  return over(pools, (rig, c) => {
    const { p, batch, inputs, outputs } = sizedPool(c);
    const params = rig.params('PoolParams', p);
    // Few distinct values, so that windows have ties.
    const values = rig.integers(inputs, -3, 3);
    const x = rig.put(real ? Float32Array.from(values) : values);
    const y = rig.out(real ? floats(outputs) : new Int8Array(outputs));
    if (real) rig.kernels.f32_maxpool2d(params, batch, x, y);
    else rig.kernels.qs8_maxpool2d(params, 0, batch * p.outHeight, x, y);
    rig.kernels[name](params, batch, x, y, drawn(rig, outputs), rig.out(floats(inputs)));
  });
}

/** Quantizers of activations and of a few bits. */
const quantizers = [
  { scale: 0.05, zeroPoint: 3, qmin: -128, qmax: 127 },
  { scale: 0.7, zeroPoint: 5, qmin: 0, qmax: 15 },
].map(({ scale, ...range }) => {
  const s = Math.fround(scale);
  return { ...range, scale: s, inverseScale: Math.fround(1 / s) };
});

const weightRanges = [
  [-127, 127],
  [-8, 7],
] as const;

/** w spread over and past its range, and the scales of its channels. */
function quantizedWeights(rig: Rig, [outer, channels, inner]: (typeof weights)[number]) {
  const n = outer * channels * inner;
  const scale = rig.put(rig.floats(channels).map((s) => 0.05 + s * s));
  return { n, scale, w: drawn(rig, n, 10) };
}

const convolutionKernels = {
  f32_pack_weights: packing('f32_pack_weights', packedF32Bytes),
  f32_pack_weights_transposed: packing('f32_pack_weights_transposed', packedTransposedF32Bytes),
  f32_conv2d: over(convolutions, (rig, c) => {
    const { p, batch, n, k, inputs, outputs } = sized(c);
    const x = drawn(rig, inputs);
    const packed = rig.scratch(packedF32Bytes(n, k));
    rig.kernels.f32_pack_weights(n, k, drawn(rig, n * k), packed);
    const params = rig.params('ConvParams', p);
    const scratch = rig.scratch(f32Conv2dScratchBytes(k));
    for (const bias of [0, drawn(rig, n)])
      rig.kernels.f32_conv2d(params, batch, x, packed, bias, rig.out(floats(outputs)), scratch);
  }),
  f32_conv2d_input_gradient: over(convolutions, (rig, c) => {
    const { p, batch, n, k, inputs, outputs } = sized(c);
    const dy = drawn(rig, outputs);
    const packed = rig.scratch(packedTransposedF32Bytes(n, k));
    rig.kernels.f32_pack_weights_transposed(n, k, drawn(rig, n * k), packed);
    const params = rig.params('ConvParams', p);
    const scratch = rig.scratch(f32InputGradientScratchBytes(k));
    const dx = rig.out(floats(inputs));
    rig.kernels.f32_conv2d_input_gradient(params, batch, dy, packed, dx, scratch);
  }),
  f32_conv2d_weight_gradient: over(convolutions, (rig, c) => {
    const { p, batch, n, k, inputs, outputs } = sized(c);
    const [dy, x] = [drawn(rig, outputs), drawn(rig, inputs)];
    const dw = rig.inout(rig.floats(n * k));
    const params = rig.params('ConvParams', p);
    const scratch = rig.scratch(f32WeightGradientScratchBytes(k));
    rig.kernels.f32_conv2d_weight_gradient(params, batch, dy, x, dw, scratch);
  }),
  f32_pack_winograd_weights: over(winograds, (rig, c) => {
    const { p, n } = sized(c);
    const [panels, depth] = [Math.ceil(n / 8), p.inChannels];
    const w = drawn(rig, panels * 9 * depth * 8);
    const u = rig.out(new Uint8Array(winogradWeightsBytes(panels, depth)));
    rig.kernels.f32_pack_winograd_weights(panels, depth, w, 9 * depth * 32, 32, depth * 32, u);
  }),
  f32_winograd2d: over(winograds, (rig, c) => {
    const { p, batch, n, inputs, outputs } = sized(c);
    const [panels, depth] = [Math.ceil(n / 8), p.inChannels];
    const [x, w] = [drawn(rig, inputs), drawn(rig, panels * 9 * depth * 8)];
    const u = rig.scratch(winogradWeightsBytes(panels, depth));
    rig.kernels.f32_pack_winograd_weights(panels, depth, w, 9 * depth * 32, 32, depth * 32, u);
    const params = rig.params('ConvParams', p);
    const scratch = rig.scratch(f32WinogradScratchBytes(depth));
    for (const bias of [0, drawn(rig, n)])
      rig.kernels.f32_winograd2d(params, batch, x, u, bias, rig.out(floats(outputs)), scratch);
  }),
  f32_winograd2d_weight_gradient: over(winograds, (rig, c) => {
    const { p, batch, n, k, inputs, outputs } = sized(c);
    const [dy, x] = [drawn(rig, outputs), drawn(rig, inputs)];
    const dw = rig.inout(rig.floats(n * k));
    const params = rig.params('ConvParams', p);
    const scratch = rig.scratch(f32WinogradGradientScratchBytes(n, p.inChannels));
    rig.kernels.f32_winograd2d_weight_gradient(params, batch, dy, x, dw, scratch);
  }),
  f32_dwconv2d: over(depthwise, (rig, c) => {
    const { p, batch, n, taps, inputs, outputs } = sized(c);
    const [x, w] = [drawn(rig, inputs), drawn(rig, n * taps)];
    const params = rig.params('ConvParams', p);
    for (const bias of [0, drawn(rig, n)])
      rig.kernels.f32_dwconv2d(params, batch, x, w, bias, rig.out(floats(outputs)));
  }),
  f32_dwconv2d_input_gradient: over(depthwise, (rig, c) => {
    const { p, batch, n, taps, inputs, outputs } = sized(c);
    const [dy, w] = [drawn(rig, outputs), drawn(rig, n * taps)];
    const params = rig.params('ConvParams', p);
    rig.kernels.f32_dwconv2d_input_gradient(params, batch, dy, w, rig.out(floats(inputs)));
  }),
  f32_dwconv2d_weight_gradient: over(depthwise, (rig, c) => {
    const { p, batch, n, taps, inputs, outputs } = sized(c);
    const [dy, x] = [drawn(rig, outputs), drawn(rig, inputs)];
    const dw = rig.inout(rig.floats(n * taps));
    const params = rig.params('ConvParams', p);
    const scratch = rig.scratch(f32DepthwiseGradientScratchBytes(n));
    rig.kernels.f32_dwconv2d_weight_gradient(params, batch, dy, x, dw, scratch);
  }),
};

const channelKernels = {
  f32_column_sums: over(tables, (rig, [rows, channels]) => {
    const sums = rig.inout(rig.floats(channels));
    rig.kernels.f32_column_sums(rows, channels, drawn(rig, rows * channels), sums);
  }),
  f32_moments: over(tables, (rig, [rows, channels]) => {
    const [x, shift] = [drawn(rig, rows * channels), drawn(rig, channels)];
    const [sums, squares] = [started(rig, channels), started(rig, channels)];
    rig.kernels.f32_moments(rows, channels, x, shift, sums, squares);
  }),
  f32_vaffine: over(tables, (rig, [rows, channels]) => {
    const [x, a, b] = [drawn(rig, rows * channels), drawn(rig, channels), drawn(rig, channels)];
    const y = rig.out(floats(rows * channels));
    rig.kernels.f32_vaffine(rows, channels, x, a, b, y, 0, Number.POSITIVE_INFINITY);
  }),
  f32_qs8_vaffine: over(tables, (rig, [rows, channels]) => {
    const [x, a, b] = [drawn(rig, rows * channels), drawn(rig, channels), drawn(rig, channels)];
    for (const quantizer of quantizers) {
      const params = rig.params('QuantizeParams', quantizer);
      const y = rig.out(new Int8Array(rows * channels));
      rig.kernels.f32_qs8_vaffine(rows, channels, x, a, b, y, params);
    }
  }),
  f32_batchnorm_sums: over(tables, (rig, [rows, channels]) => {
    const [x, dy] = [drawn(rig, rows * channels), drawn(rig, rows * channels)];
    const [a, b, mean] = [drawn(rig, channels), drawn(rig, channels), drawn(rig, channels)];
    const grids = quantizers.map((quantizer) => rig.params('QuantizeParams', quantizer));
    for (const params of [0, ...grids]) {
      for (const lo of [Number.NEGATIVE_INFINITY, 0]) {
        const sums = started(rig, 2 * channels + 3);
        const ends = [lo, Number.POSITIVE_INFINITY] as const;
        const table = [rows, channels, x, dy, a, b, mean, sums] as const;
        rig.kernels.f32_batchnorm_sums(...table, ...ends, params);
      }
    }
  }),
  f32_batchnorm_backward: over(tables, (rig, [rows, channels]) => {
    const [x, dy] = [drawn(rig, rows * channels), drawn(rig, rows * channels)];
    const per = () => drawn(rig, channels);
    const [a, b, p, q, r] = [per(), per(), per(), per(), per()];
    for (const [lo, hi] of [
      [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
      [0, 0.5],
    ] as const) {
      const dx = rig.out(floats(rows * channels));
      rig.kernels.f32_batchnorm_backward(
        ...([rows, channels, x, dy, a, b, p, q, r, dx, lo, hi] as const),
      );
    }
  }),
};

const vectorKernels = {
  f32_vclamp: over(lengths, (rig, n) => {
    const x = drawn(rig, n, 9);
    rig.kernels.f32_vclamp(n, x, rig.out(floats(n)), 0, 6);
    rig.kernels.f32_vclamp(n, x, rig.out(floats(n)), 0, Number.POSITIVE_INFINITY);
  }),
  f32_vclamp_backward: over(lengths, (rig, n) => {
    const y = rig.put(rig.floats(n, 9).map((v) => (v < 0 ? 0 : v > 6 ? 6 : v)));
    rig.kernels.f32_vclamp_backward(n, y, drawn(rig, n), rig.out(floats(n)), 0, 6);
  }),
  f32_vadd: over(lengths, (rig, n) => {
    rig.kernels.f32_vadd(n, drawn(rig, n), drawn(rig, n), rig.out(floats(n)));
  }),
  f32_vscale: over(lengths, (rig, n) => {
    rig.kernels.f32_vscale(n, drawn(rig, n), 0.3, rig.out(floats(n)));
  }),
  f32_dropout: over(lengths, (rig, n) => {
    rig.kernels.f32_dropout(n, 5, 2 ** 30, 1.3, drawn(rig, n), rig.out(floats(n)));
  }),
  f32_sgd: over(lengths, (rig, n) => {
    for (const nesterov of [0, 1]) {
      const params = rig.params('SgdParams', {
        ...{ learningRate: 0.1, momentum: 0.9, weightDecay: 1e-4, nesterov },
        ...{ gradientScale: 0.75, gradientLimit: 0.5 },
      });
      const [w, m] = [rig.inout(rig.floats(n)), rig.inout(rig.floats(n))];
      rig.kernels.f32_sgd(n, w, drawn(rig, n), m, params);
    }
  }),
  f32_adam: over(lengths, (rig, n) => {
    const params = rig.params('AdamParams', {
      ...{ learningRate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-7, weightDecay: 0.01 },
      ...{ correction1: 1 / (1 - 0.9), correction2: 1 / (1 - 0.999) },
      ...{ gradientScale: 0.75, gradientLimit: 0.5 },
    });
    const [w, m] = [rig.inout(rig.floats(n)), rig.inout(rig.floats(n))];
    const v = rig.inout(rig.floats(n).map((u) => u * u));
    rig.kernels.f32_adam(n, w, drawn(rig, n), m, v, params);
  }),
  f32_rmsprop: over(lengths, (rig, n) => {
    for (const centered of [0, 1]) {
      const params = rig.params('RmspropParams', {
        ...{ learningRate: 0.001, rho: 0.9, momentum: 0.9, epsilon: 1e-7, weightDecay: 0.01 },
        ...{ centered, gradientScale: 0.75, gradientLimit: 0.5 },
      });
      const [w, m] = [rig.inout(rig.floats(n)), rig.inout(rig.floats(n))];
      const v = rig.inout(rig.floats(n).map((u) => u * u));
      const a = rig.inout(rig.floats(n));
      rig.kernels.f32_rmsprop(n, w, drawn(rig, n), v, m, a, params);
    }
  }),
  f32_average: over(lengths, (rig, n) => {
    rig.kernels.f32_average(n, rig.inout(rig.floats(n)), drawn(rig, n), 0.01);
  }),
  f32_sum_of_squares: over(lengths, (rig, n) => {
    rig.kernels.f32_sum_of_squares(n, drawn(rig, n), started(rig, 1));
  }),
  f32_min_max: over(lengths, (rig, n) => {
    rig.kernels.f32_min_max(n, drawn(rig, n), rig.out(floats(2)));
  }),
  f32_count_nonfinite: over(lengths, (rig, n) => {
    const x = rig.floats(n).map((v, i) => (i % 3 === 0 ? v / 0 : v));
    rig.kernels.f32_count_nonfinite(n, rig.put(x), rig.inout(Int32Array.of(5)));
  }),
};

/** One time step of three samples that lie among others. */
function recurrentStep(rig: Rig, units: number, gates: number) {
  const [gateStride, stateStride, outStride] = [gates * units + 3, units + 1, units + 5];
  const params = rig.params('RecurrentParams', {
    ...{ batch: 3, units, gateStride, stateStride, outStride, table: 0 },
  });
  const states = () => drawn(rig, 3 * stateStride);
  return { params, rows: 3 * gateStride, states, stateStride, outStride };
}

function gatesForward(name: 'f32_lstm_gates' | 'f32_gru_gates', gates: number): Line {
  return over(unitCounts, (rig, units) => {
    const { params, rows, states, stateStride, outStride } = recurrentStep(rig, units, gates);
    const x = rig.inout(rig.floats(rows, 9));
    const h = drawn(rig, 3 * gates * units, 9);
    const [after, extra] = [rig.inout(floats(3 * stateStride)), rig.inout(floats(3 * stateStride))];
    const y = rig.inout(floats(3 * outStride));
    rig.kernels[name](params, x, h, states(), after, extra, y);
  });
}

const recurrentKernels = {
  f32_lstm_gates: gatesForward('f32_lstm_gates', 4),
  f32_lstm_gates_backward: over(unitCounts, (rig, units) => {
    const { params, rows, states } = recurrentStep(rig, units, 4);
    const [dy, dstate] = [drawn(rig, 3 * units), rig.inout(rig.floats(3 * units))];
    const dx = rig.inout(floats(rows));
    const gates = drawn(rig, rows);
    rig.kernels.f32_lstm_gates_backward(params, gates, states(), states(), dy, dstate, dx);
  }),
  f32_gru_gates: gatesForward('f32_gru_gates', 3),
  f32_gru_gates_backward: over(unitCounts, (rig, units) => {
    const { params, rows, states } = recurrentStep(rig, units, 3);
    const [dy, dstate] = [drawn(rig, 3 * units), rig.inout(rig.floats(3 * units))];
    const [dx, dh] = [rig.inout(floats(rows)), rig.inout(floats(rows))];
    const gates = drawn(rig, rows);
    rig.kernels.f32_gru_gates_backward(params, gates, states(), states(), dy, dstate, dx, dh);
  }),
};

const poolKernels = {
  f32_maxpool2d: over(pools, (rig, c) => {
    const { p, batch, inputs, outputs } = sizedPool(c);
    const params = rig.params('PoolParams', p);
    rig.kernels.f32_maxpool2d(params, batch, drawn(rig, inputs), rig.out(floats(outputs)));
  }),
  f32_maxpool2d_backward: maxPoolBackward('f32_maxpool2d_backward'),
  qs8_maxpool2d_backward: maxPoolBackward('qs8_maxpool2d_backward'),
  f32_avgpool2d: over(pools, (rig, c) => {
    const { p, batch, inputs, outputs } = sizedPool(c);
    const params = rig.params('PoolParams', p);
    rig.kernels.f32_avgpool2d(params, batch, drawn(rig, inputs), rig.out(floats(outputs)));
  }),
  f32_avgpool2d_backward: over(pools, (rig, c) => {
    const { p, batch, inputs, outputs } = sizedPool(c);
    const params = rig.params('PoolParams', p);
    const dx = rig.out(floats(inputs));
    rig.kernels.f32_avgpool2d_backward(params, batch, drawn(rig, outputs), dx);
  }),
  f32_softmax_cross_entropy: over([1, 2, 3, 5, 10, 33, 1000], (rig, classes) => {
    const rows = 5;
    const labels = rig.put(Int32Array.from({ length: rows }, () => rig.below(classes)));
    for (const size of [0.1, 5, 80]) {
      const logits = drawn(rig, rows * classes, size);
      const dlogits = rig.out(floats(rows * classes));
      const losses = rig.out(floats(rows));
      rig.kernels.f32_softmax_cross_entropy(rows, classes, logits, labels, dlogits, losses, 0.2);
    }
  }),
  f32_softmax_targets: over([1, 2, 3, 5, 10, 33], (rig, classes) => {
    const rows = 3;
    const q = rig.put(rig.floats(rows * classes).map(Math.abs));
    for (const size of [0.1, 80]) {
      const logits = drawn(rig, rows * classes, size);
      const [dx, losses] = [rig.out(floats(rows * classes)), rig.out(floats(rows))];
      rig.kernels.f32_softmax_targets(rows, classes, logits, q, dx, losses, 0.5, 0.3);
    }
  }),
  f32_sigmoid_cross_entropy: over(lengths, (rig, n) => {
    const y = rig.put(rig.floats(n).map(Math.abs));
    const sum = rig.out(new Float64Array(1));
    const dx = rig.out(floats(n));
    rig.kernels.f32_sigmoid_cross_entropy(n, drawn(rig, n, 9), y, dx, sum, 0.3);
  }),
  f32_squared_error: over(lengths, (rig, n) => {
    const [dx, sums] = [rig.out(floats(n)), rig.out(new Float64Array(2))];
    rig.kernels.f32_squared_error(n, drawn(rig, n), drawn(rig, n), dx, sums, 0.3);
  }),
  f32_absolute_error: over(lengths, (rig, n) => {
    const [dx, sums] = [rig.out(floats(n)), rig.out(new Float64Array(2))];
    rig.kernels.f32_absolute_error(n, drawn(rig, n), drawn(rig, n), dx, sums, 0.3);
  }),
  f32_huber: over(lengths, (rig, n) => {
    const [dx, sums] = [rig.out(floats(n)), rig.out(new Float64Array(2))];
    rig.kernels.f32_huber(n, drawn(rig, n), drawn(rig, n), dx, sums, 0.5, 0.3);
  }),
};

const fakeQuantKernels = {
  f32_quantize_error: over(lengths, (rig, n) => {
    for (const stride of [1, 3]) {
      for (const quantizer of quantizers) {
        const x = drawn(rig, n * stride, 12);
        const params = rig.params('QuantizeParams', quantizer);
        rig.returned(rig.kernels.f32_quantize_error(n, stride, x, params));
      }
    }
  }),
  f32_fakequant_backward: over(lengths, (rig, n) => {
    for (const quantizer of quantizers) {
      const [x, dy, sums] = [drawn(rig, n, 12), drawn(rig, n), started(rig, 3)];
      const params = rig.params('QuantizeParams', quantizer);
      const [lo, hi] = [-1, Number.POSITIVE_INFINITY];
      rig.kernels.f32_fakequant_backward(n, x, dy, rig.out(floats(n)), sums, lo, hi, params);
    }
  }),
  f32_qc8w_quantize: over(weights, (rig, shape) => {
    const { n, scale, w } = quantizedWeights(rig, shape);
    for (const [qmin, qmax] of weightRanges) {
      const [q, wq] = [rig.out(new Int8Array(n)), rig.out(floats(n))];
      rig.kernels.f32_qc8w_quantize(...shape, w, scale, qmin, qmax, q, wq);
    }
  }),
  f32_qc8w_lsq_backward: over(weights, (rig, shape) => {
    const { n, scale, w } = quantizedWeights(rig, shape);
    for (const [qmin, qmax] of weightRanges) {
      const [dwq, dw, dscale] = [drawn(rig, n), rig.out(floats(n)), rig.out(floats(shape[1]))];
      const args = [...shape, w, scale, qmin, qmax, dwq, dw, dscale, qmin, qmax] as const;
      rig.kernels.f32_qc8w_lsq_backward(...args);
    }
  }),
  f32_ewgs: over(weights, (rig, shape) => {
    const { n, scale, w } = quantizedWeights(rig, shape);
    rig.kernels.f32_ewgs(...shape, w, scale, rig.inout(rig.floats(n)), 0.25);
  }),
};

export const floatKernels = {
  ...convolutionKernels,
  ...channelKernels,
  ...vectorKernels,
  ...elementwiseKernels,
  ...poolKernels,
  ...recurrentKernels,
  ...fakeQuantKernels,
  ...attentionF32,
  ...denseF32,
  ...stridedKernels,
} satisfies Record<Exclude<keyof typeof trainKernels, RealSumName>, Line>;
