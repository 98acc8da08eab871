import {
  conv2dScratchBytes,
  dwconv2dScratchBytes,
  gemvScratchBytes,
  packedDepthwiseBytes,
  packedWeightsBytes,
  packedWinogradBytes,
  paddedDepth,
  winogradScratchBytes,
} from '../../src/core/int8Layout.ts';
import type { inferKernels, RealSumName } from '../../src/core/kernels.ts';
import { attentionInt8 } from './attentionKernels.ts';
import { type Line, over, type Rig } from './rig.ts';
import {
  convolutions,
  depthwise,
  lengths,
  matrices,
  pools,
  sized,
  sizedPool,
  winograds,
} from './shapes.ts';

/** Scale, zero point and range: plain, and with the ends cut off. */
const ranges = [
  { zeroPoint: 3, qmin: -128, qmax: 127 },
  { zeroPoint: -20, qmin: -20, qmax: 90 },
];

/** Pointers to the epilogue of a convolution: bias, M and B of ceil(n/8)·8 channels, 0 past n. */
function epilogue(rig: Rig, n: number, k: number) {
  const filled = Math.ceil(n / 8) * 8;
  const typical = 0.02 / Math.sqrt(k);
  const bias = new Int32Array(filled);
  for (let i = 0; i < n; i++) bias[i] = rig.below(2000) - 1000;
  const reals = (size: number) => {
    const values = new Float32Array(filled);
    values.set(rig.floats(n, size));
    return rig.put(values);
  };
  return { bias: rig.put(bias), multiplier: reals(typical), addend: reals(10) };
}

/** One for each loop of the copying kernels. */
const runLengths = [1, 2, 3, 4, 6, 8, 13, 16, 40, 600];

/** Both forms of the rounding, with or without the promise of small values. */
const MAGIC = [0, 1];

function convolution(name: 'qs8_conv2d' | 'qs8_f32_conv2d'): Line {
  return over(convolutions, (rig, c) => {
    const { p, batch, n, k, inputs, outputs } = sized(c);
    const x = rig.put(rig.integers(inputs));
    const [rows, depth] = [p.kernelHeight, paddedDepth(p)];
    const packed = rig.scratch(packedWeightsBytes(n, depth));
    rig.kernels.qs8_pack_weights(n, rows, k / rows, -9, rig.put(rig.integers(n * k)), packed);
    const quantized = { inZeroPoint: 3, outZeroPoint: -5, qmin: -128, qmax: 127 };
    const fields = { ...p, ...quantized, ...epilogue(rig, n, k) };
    const scratch = rig.scratch(conv2dScratchBytes(depth));
    for (const magic of MAGIC) {
      const params = rig.params('ConvParams', { ...fields, magic });
      const y = rig.out(name === 'qs8_conv2d' ? new Int8Array(outputs) : new Float32Array(outputs));
      rig.kernels[name](params, 0, batch * p.outHeight * p.outWidth, x, packed, y, scratch);
    }
  });
}

function tiles(name: 'qs8_winograd2d' | 'qs8_f32_winograd2d'): Line {
  return over(winograds, (rig, c) => {
    const { p, batch, n, k, inputs, outputs } = sized(c);
    const packed = rig.scratch(packedWinogradBytes(n, p.inChannels));
    rig.kernels.qs8_pack_winograd_weights(n, p.inChannels, 0, rig.put(rig.integers(n * k)), packed);
    const quantized = { inZeroPoint: 3, outZeroPoint: -5, qmin: -128, qmax: 127 };
    const fields = { ...p, ...quantized, ...epilogue(rig, n, k) };
    const scratch = rig.scratch(winogradScratchBytes(p.inChannels));
    const rows = batch * Math.ceil(p.outHeight / 2);
    const x = rig.put(rig.integers(inputs));
    for (const magic of MAGIC) {
      const params = rig.params('ConvParams', { ...fields, magic });
      const y = rig.out(
        name === 'qs8_winograd2d' ? new Int8Array(outputs) : new Float32Array(outputs),
      );
      rig.kernels[name](params, 0, rows, x, packed, y, scratch);
    }
  });
}

function depthwiseConvolution(name: 'qs8_dwconv2d' | 'qs8_f32_dwconv2d'): Line {
  return over(depthwise, (rig, c) => {
    const { p, batch, n, taps, inputs, outputs } = sized(c);
    const { kernelHeight, kernelWidth } = p;
    const x = rig.put(rig.integers(inputs));
    const w = rig.put(rig.integers(n * taps));
    const packed = rig.scratch(packedDepthwiseBytes(n, kernelHeight, kernelWidth));
    rig.kernels.qs8_pack_dwconv_weights(n, kernelHeight, kernelWidth, 17, w, packed);
    const quantized = { inZeroPoint: -7, outZeroPoint: 11, qmin: -100, qmax: 127 };
    const fields = { ...p, ...quantized, ...epilogue(rig, n, taps) };
    const scratch = rig.scratch(dwconv2dScratchBytes(n, kernelHeight, kernelWidth));
    for (const magic of MAGIC) {
      const params = rig.params('ConvParams', { ...fields, magic });
      const y = rig.out(
        name === 'qs8_dwconv2d' ? new Int8Array(outputs) : new Float32Array(outputs),
      );
      rig.kernels[name](params, 0, batch * p.outHeight, x, packed, y, scratch);
    }
  });
}

function pooling(name: 'qs8_maxpool2d' | 'qs8_avgpool2d'): Line {
  return over(pools, (rig, c) => {
    const { p, batch, inputs, outputs } = sizedPool(c);
    const counts = Float32Array.from({ length: c.kernel * c.kernel }, (_, i) => 1.3 / (i + 1));
    const params = rig.params('PoolParams', { ...p, multiplier: rig.put(counts) });
    const [x, y] = [rig.put(rig.integers(inputs)), rig.out(new Int8Array(outputs))];
    rig.kernels[name](params, 0, batch * p.outHeight, x, y);
  });
}

const quantizers = ranges.map((range) => {
  const scale = Math.fround(0.05);
  return { ...range, scale, inverseScale: Math.fround(1 / scale) };
});

/** Two output ranges, with the promise of small values and without. */
function binaryParams(rig: Rig): number[] {
  return ranges.map(({ zeroPoint, qmin, qmax }, magic) =>
    rig.params('BinaryParams', {
      ...{ aZeroPoint: 5, bZeroPoint: -128, aMultiplier: 0.7, bMultiplier: 0.031 },
      ...{ outZeroPoint: zeroPoint, qmin, qmax, magic },
    }),
  );
}

/** One time step of three samples that lie among others, around lanes of four. */
function recurrentStep(name: 'f32_qs8_lstm_gates' | 'f32_qs8_gru_gates', gates: number): Line {
  return over([1, 3, 4, 5, 8, 17], (rig, units) => {
    const [gateStride, stateStride, outStride] = [gates * units + 3, units + 1, units + 5];
    const table = rig.put(Float32Array.from({ length: 1024 }, (_, i) => i / 1023));
    const strides = { gateStride, stateStride, outStride };
    const params = rig.params('RecurrentParams', { batch: 3, units, ...strides, table });
    const x = rig.inout(rig.floats(3 * gateStride, 600));
    const h = rig.inout(rig.floats(3 * gates * units, 200));
    const before = rig.put(rig.floats(3 * stateStride));
    const zeros = (stride: number) => rig.inout(new Float32Array(3 * stride));
    const [after, y] = [zeros(stateStride), zeros(outStride)];
    const q = rig.inout(new Int8Array(3 * stateStride));
    rig.kernels[name](params, x, h, before, after, y, q);
  });
}

function rescaleParams(rig: Rig, multiplier: number): number {
  const out = { outZeroPoint: -5, qmin: -128, qmax: 120 };
  return rig.params('RescaleParams', { inZeroPoint: 3, multiplier, ...out });
}

type Elementwise = [n: number, a: number, b: number, y: number, params: number];

function elementwise(run: (kernels: Rig['kernels'], ...args: Elementwise) => void): Line {
  return over(lengths, (rig, n) => {
    const [a, b] = [rig.put(rig.integers(n)), rig.put(rig.integers(n))];
    for (const params of binaryParams(rig)) {
      run(rig.kernels, n, a, b, rig.out(new Int8Array(n)), params);
    }
  });
}

export const integerKernels = {
  ...attentionInt8,
  qs8_pack_weights: over(matrices, (rig, [n, k]) => {
    const packed = rig.out(new Uint8Array(packedWeightsBytes(n, k)));
    rig.kernels.qs8_pack_weights(n, 1, k, -9, rig.put(rig.integers(n * k)), packed);
  }),
  qs8_conv2d: convolution('qs8_conv2d'),
  qs8_f32_conv2d: convolution('qs8_f32_conv2d'),
  qs8_gemv: over(matrices, (rig, [n, k]) => {
    const w = rig.put(rig.integers(n * k));
    const scratch = rig.scratch(gemvScratchBytes(2, k));
    const { p } = sized({ name: 'two rows', ci: k, co: n, size: [2, 1], batch: 1 });
    const quantized = { inZeroPoint: 3, outZeroPoint: -5, qmin: -128, qmax: 127 };
    const fields = { ...p, ...quantized, ...epilogue(rig, n, k) };
    const x = rig.put(rig.integers(2 * k));
    for (const magic of MAGIC) {
      const params = rig.params('ConvParams', { ...fields, magic });
      const y = rig.out(new Int8Array(2 * n));
      rig.kernels.qs8_gemv(params, 0, Math.ceil(n / 8), x, w, y, scratch);
    }
  }),
  qs8_pack_winograd_weights: over(matrices, (rig, [n, channels]) => {
    const packed = rig.out(new Uint8Array(packedWinogradBytes(n, channels)));
    const w = rig.put(rig.integers(n * 9 * channels));
    rig.kernels.qs8_pack_winograd_weights(n, channels, 5, w, packed);
  }),
  qs8_winograd2d: tiles('qs8_winograd2d'),
  qs8_f32_winograd2d: tiles('qs8_f32_winograd2d'),
  qs8_pack_dwconv_weights: over(depthwise, (rig, c) => {
    const { p, n, taps } = sized(c);
    const { kernelHeight, kernelWidth } = p;
    const packed = rig.out(new Uint8Array(packedDepthwiseBytes(n, kernelHeight, kernelWidth)));
    const w = rig.put(rig.integers(n * taps));
    rig.kernels.qs8_pack_dwconv_weights(n, kernelHeight, kernelWidth, 17, w, packed);
  }),
  qs8_dwconv2d: depthwiseConvolution('qs8_dwconv2d'),
  qs8_f32_dwconv2d: depthwiseConvolution('qs8_f32_dwconv2d'),
  qs8_vadd: elementwise((kernels, ...args) => kernels.qs8_vadd(...args)),
  qs8_vmul: elementwise((kernels, ...args) => kernels.qs8_vmul(...args)),
  qs8_vminmax: elementwise((kernels, ...args) => {
    kernels.qs8_vminmax(...args, args[0] % 2 === 0 ? 0 : -1);
  }),
  qs8_prelu: over(lengths, (rig, channels) => {
    const [x, alpha] = [rig.put(rig.integers(2 * channels)), rig.put(rig.integers(channels))];
    for (const params of binaryParams(rig)) {
      rig.kernels.qs8_prelu(2, channels, x, alpha, rig.out(new Int8Array(2 * channels)), params);
    }
  }),
  f32_qs8_lstm_gates: recurrentStep('f32_qs8_lstm_gates', 4),
  f32_qs8_gru_gates: recurrentStep('f32_qs8_gru_gates', 3),
  qs8_mean: over(lengths, (rig, n) => {
    for (const [outer, inner] of [
      [3, 1],
      [2, 5],
      [1, 17],
    ] as const) {
      const params = rescaleParams(rig, 1.2 / n);
      const x = rig.put(rig.integers(outer * n * inner));
      rig.kernels.qs8_mean(params, outer, n, inner, x, rig.out(new Int8Array(outer * inner)));
    }
  }),
  qs8_softmax: over(lengths, (rig, n) => {
    const table = rig.put(Float32Array.from({ length: 256 }, (_, d) => 1 / (1 + d)));
    const x = rig.put(rig.integers(3 * n));
    const params = rescaleParams(rig, 256);
    rig.kernels.qs8_softmax(3, n, x, table, rig.out(new Int8Array(3 * n)), params);
  }),
  qs8_l2norm: over(lengths, (rig, n) => {
    const x = rig.put(rig.integers(3 * n));
    rig.kernels.qs8_l2norm(3, n, x, rig.out(new Int8Array(3 * n)), rescaleParams(rig, 128));
  }),
  qs8_argmax: over(lengths, (rig, n) => {
    for (const inner of [1, 3]) {
      const x = rig.put(rig.integers(2 * n * inner, -5, 5));
      rig.kernels.qs8_argmax(2, n, inner, x, rig.out(new Int32Array(2 * inner)));
    }
  }),
  qs8_maxpool2d: pooling('qs8_maxpool2d'),
  qs8_avgpool2d: pooling('qs8_avgpool2d'),
  qs8_vclamp: over(lengths, (rig, n) => {
    rig.kernels.qs8_vclamp(n, rig.put(rig.integers(n)), rig.out(new Int8Array(n)), -30, 77);
  }),
  f32_qs8_vquantize: over(lengths, (rig, n) => {
    const x = rig.floats(n, 12);
    // Ties, what lies far outside, and what is not a number at all.
    x.set([0.025, 1e9, Number.NEGATIVE_INFINITY, Number.NaN].slice(0, n));
    const from = rig.put(x);
    for (const quantizer of quantizers) {
      const params = rig.params('QuantizeParams', quantizer);
      rig.kernels.f32_qs8_vquantize(n, from, rig.out(new Int8Array(n)), params);
    }
  }),
  qs8_f32_vdequantize: over(lengths, (rig, n) => {
    const q = rig.put(rig.integers(n));
    for (const quantizer of quantizers) {
      const params = rig.params('QuantizeParams', quantizer);
      rig.kernels.qs8_f32_vdequantize(n, q, rig.out(new Float32Array(n)), params);
    }
  }),
  u8_lut: over(lengths, (rig, pixels) => {
    for (const channels of [1, 3]) {
      const x = rig.put(rig.integers(pixels * channels));
      const table = rig.put(rig.integers(channels * 256));
      rig.kernels.u8_lut(pixels, channels, x, table, rig.out(new Int8Array(pixels * channels)));
    }
  }),
  x8_copy: over(runLengths, (rig, bytes) => {
    const [rows, columns] = [3, 5];
    const fields = {
      ...{ extent1: 1, extent2: 1, extent3: 1, extent4: columns, extent5: rows, bytes },
      ...{ inStride0: 0, inStride1: 0, inStride2: 0, inStride3: 0 },
      ...{ inStride4: bytes, inStride5: columns * bytes },
      ...{ outStride0: 0, outStride1: 0, outStride2: 0, outStride3: 0 },
      ...{ outStride4: rows * bytes, outStride5: bytes },
    };
    const params = rig.params('CopyParams', fields);
    const length = rows * columns * bytes;
    rig.kernels.x8_copy(
      params,
      0,
      1,
      rig.put(rig.integers(length)),
      rig.out(new Int8Array(length)),
    );
  }),
  x8_gather: over(runLengths, (rig, bytes) => {
    const params = rig.params('GatherParams', {
      ...{ rows: 2, columns: 3, bytes, inBytes: 4 * bytes },
      rowOffsets: rig.put(Int32Array.of(2 * bytes, 0)),
      columnOffsets: rig.put(Int32Array.of(bytes, 0, bytes)),
    });
    const y = rig.out(new Int8Array(12 * bytes));
    rig.kernels.x8_gather(params, 0, 4, rig.put(rig.integers(8 * bytes)), y);
  }),
  qs8_resize_bilinear: over([1, 7, 8, 19], (rig, channels) => {
    const taps = (stride: number) =>
      rig.put(Int32Array.of(0, 0, 0, 0, stride, 512, 0, stride, 301, stride, stride, 77));
    const params = rig.params('ResizeParams', {
      ...{ inBytes: 4 * channels, channels, outHeight: 4, outWidth: 4 },
      rows: taps(2 * channels),
      columns: taps(channels),
    });
    const y = rig.out(new Int8Array(32 * channels));
    rig.kernels.qs8_resize_bilinear(params, 0, 8, rig.put(rig.integers(8 * channels)), y);
  }),
  x8_xor: over(lengths, (rig, n) => {
    rig.kernels.x8_xor(n, rig.put(rig.integers(n)), rig.out(new Int8Array(n)), 128);
  }),
} satisfies Record<keyof typeof inferKernels | RealSumName, Line>;
