import { describe, it } from 'vitest';
import type { InferKernels } from '../../../src/core/kernels.ts';
import { Rng } from '../../../src/core/rng.ts';
import { GuardedMemory } from '../../helpers/guarded.ts';
import { implementations } from '../../helpers/memory.ts';
import {
  dequantizeReference,
  lutReference,
  quantizeReference,
} from '../../reference/int8/vector.ts';
import { lengths, randomBytes, ranges, same } from './cases.ts';

const guarded = new GuardedMemory(16);

/** Values that round in every way: ties, their neighbours, the ends of f32, ±0, ±∞, NaN. */
function awkwardFloats(rng: Rng, length: number): Float32Array<ArrayBuffer> {
  const ends = [
    0,
    -0,
    NaN,
    Infinity,
    -Infinity,
    3.4e38,
    -3.4e38,
    1e-45,
    4194303.5,
    -8388609,
    2 ** 31,
  ];
  const draw = () => {
    const kind = rng.below(8);
    if (kind === 0) return ends[rng.below(ends.length)]!;
    const tie = rng.below(512) - 256 + 0.5;
    if (kind < 4) return tie + [0, 2e-5, -2e-5][rng.below(3)]!;
    return (rng.uniform() - 0.5) * (kind === 4 ? 1e7 : 400);
  };
  return Float32Array.from({ length }, draw);
}

function quantizeSuite(kernels: InferKernels): void {
  it.each(lengths)('f32_qs8_vquantize, n %i', (n) => {
    const rng = new Rng(n + 1);
    for (const range of ranges) {
      for (const inverseScale of [1, 0.5, 37.7, 1e38, 1e-38]) {
        const fields = { ...range, inverseScale, scale: 1 / inverseScale };
        guarded.reset();
        const x = awkwardFloats(rng, n);
        const y = guarded.output(new Int8Array(n), 'y', n % 16);
        const params = guarded.params('QuantizeParams', fields).pointer;
        kernels.f32_qs8_vquantize(n, guarded.inputAtEnd(x).pointer, y.pointer, params);
        guarded.check();
        same(`seed ${n + 1}, ${JSON.stringify(fields)}`, y.read(), quantizeReference(x, fields));
      }
    }
  });

  it.each(lengths)('qs8_f32_vdequantize, n %i', (n) => {
    for (const range of ranges) {
      const fields = { ...range, inverseScale: 0, scale: Math.fround(0.0137) };
      guarded.reset();
      const x = randomBytes(new Rng(n + 1), n);
      const y = guarded.output(new Float32Array(n), 'y', 4);
      const params = guarded.params('QuantizeParams', fields).pointer;
      kernels.qs8_f32_vdequantize(n, guarded.inputAtEnd(x).pointer, y.pointer, params);
      guarded.check();
      same(`seed ${n + 1}, ${JSON.stringify(fields)}`, y.read(), dequantizeReference(x, fields));
    }
  });
}

function byteSuite(kernels: InferKernels): void {
  it.each(lengths)('qs8_vclamp, n %i', (n) => {
    for (const { qmin, qmax } of ranges) {
      guarded.reset();
      const x = randomBytes(new Rng(n + 1), n);
      const y = guarded.output(x, 'y', n % 16);
      kernels.qs8_vclamp(n, guarded.inputAtEnd(x).pointer, y.pointer, qmin, qmax);
      guarded.check();
      same(
        `n ${n}, [${qmin}, ${qmax}]`,
        y.read(),
        x.map((q) => Math.min(Math.max(q, qmin), qmax)),
      );
    }
  });

  it('qs8_vclamp and x8_xor work in place', () => {
    guarded.reset();
    const x = randomBytes(new Rng(1), 45);
    const y = guarded.inout(x);
    kernels.qs8_vclamp(45, y.pointer, y.pointer, -20, 30);
    const clamped = x.map((q) => Math.min(Math.max(q, -20), 30));
    same('clamp', y.read(), clamped);
    kernels.x8_xor(45, y.pointer, y.pointer, 128);
    guarded.check();
    same(
      'xor',
      y.read(),
      clamped.map((q) => q ^ 128),
    );
  });

  it.each(lengths)('x8_xor, n %i', (n) => {
    for (const bits of [0, 128, 255, 0x5a]) {
      guarded.reset();
      const x = randomBytes(new Rng(n + 1), n);
      const y = guarded.output(x, 'y', n % 16);
      kernels.x8_xor(n, guarded.inputAtEnd(x).pointer, y.pointer, bits);
      guarded.check();
      same(
        `n ${n}, bits ${bits}`,
        y.read(),
        x.map((q) => q ^ bits),
      );
    }
  });

  it.each([1, 2, 3, 5, 16])('u8_lut, %i channels', (channels) => {
    for (const pixels of [0, 1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31]) {
      guarded.reset();
      const rng = new Rng(pixels + 1);
      const x = Uint8Array.from({ length: pixels * channels }, () => rng.below(256));
      const table = randomBytes(rng, channels * 256);
      const y = guarded.output(new Int8Array(x.length), 'y', 3);
      const pointers = [guarded.input(x, 'x', 1).pointer, guarded.input(table, 'table').pointer];
      kernels.u8_lut(pixels, channels, pointers[0]!, pointers[1]!, y.pointer);
      guarded.check();
      same(`${pixels} pixels`, y.read(), lutReference(channels, x, table));
    }
  });
}

for (const { name, kernels } of implementations('infer', guarded.memory)) {
  describe(name, () => {
    quantizeSuite(kernels);
    byteSuite(kernels);
  });
}
