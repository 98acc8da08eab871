import { expect, test } from 'vitest';
import {
  applyTable,
  checkFit,
  normalizeTable,
  quantizeTable,
  rawPixels,
} from '../../src/core/preprocess.ts';
import { quantize } from '../../src/core/rounding.ts';

const pre = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

test('normalizeTable is (pixel / 255 − mean) / std, rounded once', () => {
  const table = normalizeTable(pre);
  expect(table).toHaveLength(768);
  for (let i = 0; i < table.length; i++) {
    const [c, pixel] = [Math.floor(i / 256), i % 256];
    expect(table[i]).toBe(Math.fround((pixel / 255 - pre.mean[c]!) / pre.std[c]!));
  }
});

test('one mean and one std make one table for all channels', () => {
  const table = normalizeTable({ mean: [0.5], std: [0.25] });
  expect(table).toHaveLength(256);
  expect([table[0], table[255]]).toEqual([-2, 2]);
});

test('one mean serves a std for each channel, and the other way round', () => {
  const table = normalizeTable({ mean: [0.5], std: [0.25, 0.5] });
  expect([table[0], table[255], table[256], table[511]]).toEqual([-2, 2, -1, 1]);
  expect(normalizeTable({ mean: [0.5, 0.25], std: [0.25] })[256]).toBe(-1);
});

test('quantizeTable is normalize, then quantize: the runtime sees what training sees', () => {
  const input = { scale: [Math.fround(0.0187)], zeroPoint: -14, qmin: -128, qmax: 127 };
  const inverse = Math.fround(1 / input.scale[0]!);
  const reals = normalizeTable(pre);
  expect([...quantizeTable(pre, input)]).toEqual(
    Array.from(reals, (real) => quantize(real, inverse, -14, -128, 127)),
  );
});

test.each([1, 2, 3])('applyTable looks up interleaved pixels of %i channels', (channels) => {
  const table = Float32Array.from({ length: channels * 256 }, (_, i) => i);
  const pixels = Uint8Array.from({ length: 4 * channels }, (_, i) => (i * 37) % 256);
  const out = new Float32Array(pixels.length);
  applyTable(pixels, table, out);
  expect([...out]).toEqual(Array.from(pixels, (pixel, i) => (i % channels) * 256 + pixel));
});

test.each([
  [1 / 128, 128, 0, 255],
  [0.007843137718737125, 127, 0, 255],
  [0.0235285, 0, 0, 255],
  [1, -128, -128, 127],
  [1e-30, 3, -128, 127],
  [0.5847029, 83, -128, 127],
])(
  'rawPixels makes qmin of 0 and the next of 1: scale %d, zero point %i',
  (scale, zeroPoint, qmin, qmax) => {
    const input = { scale: [Math.fround(scale)], zeroPoint, qmin, qmax };
    const table = new Uint8Array(quantizeTable(rawPixels(input), input).buffer);
    expect([...table]).toEqual(Array.from({ length: 256 }, (_, pixel) => (pixel + qmin) & 255));
  },
);

test('checkFit wants images', () => {
  const crop = { fraction: 0.5 };
  expect(() => checkFit('x', { crop }, [-1, 64])).toThrow(
    /^x: crop and resize need an input \[N,height,width,channels\], got \[N,64\]$/,
  );
  checkFit('x', {}, [-1, 64]);
  checkFit('x', { crop, resize: { shorterSide: 256 } }, [-1, 224, 224, 3]);
});
