import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { InferKernels } from '../../../src/core/kernels.ts';
import { Rng } from '../../../src/core/rng.ts';
import { GuardedMemory } from '../../helpers/guarded.ts';
import { implementations } from '../../helpers/memory.ts';
import {
  type CopyGeometry,
  copyFields,
  forEachByte,
  gatherReference,
  resizeReference,
  type Tap,
} from '../../reference/int8/movement.ts';
import { randomBytes } from './cases.ts';

const guarded = new GuardedMemory(16);

/** Every class of runs and its edges: single, 2, 3, 4, 5…7, 8, 9…15, 16-byte steps, the host's copy. */
const runs = [
  1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 15, 16, 17, 24, 31, 32, 33, 47, 48, 49, 64, 511, 512, 513, 1030,
];

const bytes = fc.integer({ min: 1, max: 35 });
const sixOf = <T>(one: fc.Arbitrary<T>) => fc.array(one, { minLength: 6, maxLength: 6 });

interface CopyCase {
  readonly seed: number;
  readonly bytes: number;
  readonly extents: readonly number[];
  /** Order of the axes in y, outermost first. */
  readonly order: readonly number[];
  /** Gap after each axis of y, in runs. */
  readonly gaps: readonly number[];
  /** Walk an axis of y backwards. */
  readonly backwards: readonly boolean[];
  /** Strides of x in bytes, some of them 0, some negative. */
  readonly inStrides: readonly number[];
}

const copyCase: fc.Arbitrary<CopyCase> = fc.record({
  seed: fc.nat(1e6),
  bytes,
  extents: sixOf(fc.integer({ min: 1, max: 3 })).map((e) => [
    e[0]!,
    e[1]!,
    1,
    e[3]!,
    e[4]!,
    e[5]! * 2,
  ]),
  order: fc.shuffledSubarray([0, 1, 2, 3, 4, 5], { minLength: 6, maxLength: 6 }),
  gaps: sixOf(fc.integer({ min: 0, max: 1 })),
  backwards: sixOf(fc.boolean()),
  inStrides: sixOf(fc.oneof(fc.constant(0), fc.integer({ min: -40, max: 40 }))),
});

/** Strides of y that give each run a place of its own. */
function placesOf({ extents, order, gaps, backwards, bytes }: CopyCase): number[] {
  const strides: number[] = [];
  let stride = bytes;
  for (const axis of [...order].reverse()) {
    strides[axis] = backwards[axis] ? -stride : stride;
    stride *= extents[axis]! + gaps[axis]!;
  }
  return strides;
}

/** Least and largest offset that the strides reach. */
function reach(extents: readonly number[], strides: readonly number[]): [number, number] {
  const ends = strides.map((stride, axis) => (extents[axis]! - 1) * stride);
  const sum = (of: (end: number) => number) => ends.reduce((total, end) => total + of(end), 0);
  return [sum((end) => Math.min(end, 0)), sum((end) => Math.max(end, 0))];
}

function checkCopy(kernels: InferKernels, c: CopyCase): void {
  const geometry: CopyGeometry = { ...c, outStrides: placesOf(c) };
  const [inLeast, inMost] = reach(c.extents, c.inStrides);
  const [outLeast, outMost] = reach(c.extents, geometry.outStrides);
  const x = randomBytes(new Rng(c.seed), inMost - inLeast + c.bytes);
  const expected = new Int8Array(outMost - outLeast + c.bytes).fill(0x77);
  forEachByte(geometry, (from, to) => {
    expected[to - outLeast] = x[from - inLeast]!;
  });
  guarded.reset();
  const y = guarded.output(expected, 'y', c.seed % 16);
  const params = guarded.params('CopyParams', copyFields(geometry)).pointer;
  const from = guarded.input(x, 'x', c.seed % 7).pointer - inLeast;
  const first = Math.floor(c.extents[0]! / 2);
  kernels.x8_copy(params, 0, first, from, y.pointer - outLeast);
  kernels.x8_copy(params, first, c.extents[0]! - first, from, y.pointer - outLeast);
  guarded.check();
  expect(y.read()).toEqual(expected);
}

interface GatherCase {
  readonly seed: number;
  readonly outer: number;
  readonly rows: number;
  readonly columns: number;
  readonly bytes: number;
  /** Extents of the two axes of x. */
  readonly from: readonly [number, number];
}

const small = fc.integer({ min: 1, max: 9 });
const gatherCase: fc.Arbitrary<GatherCase> = fc.record({
  seed: fc.nat(1e6),
  outer: fc.integer({ min: 1, max: 3 }),
  rows: small,
  columns: small,
  bytes,
  from: fc.tuple(small, small),
});

function checkGather(kernels: InferKernels, c: GatherCase): void {
  const rng = new Rng(c.seed);
  const [height, width] = c.from;
  const inBytes = height * width * c.bytes;
  const draw = (length: number, below: number, stride: number) =>
    Int32Array.from({ length }, () => rng.below(below) * stride);
  const rows = draw(c.rows, height, width * c.bytes);
  const columns = draw(c.columns, width, c.bytes);
  const x = randomBytes(rng, c.outer * inBytes);
  const expected = gatherReference(x, c.outer, inBytes, rows, columns, c.bytes);
  guarded.reset();
  const y = guarded.output(expected, 'y', c.seed % 16);
  const params = guarded.params('GatherParams', {
    rows: c.rows,
    columns: c.columns,
    bytes: c.bytes,
    inBytes,
    rowOffsets: guarded.input(rows, 'rows'),
    columnOffsets: guarded.input(columns, 'columns'),
  }).pointer;
  const from = guarded.input(x, 'x', c.seed % 7).pointer;
  const units = c.outer * c.rows;
  const first = rng.below(units + 1);
  kernels.x8_gather(params, first, units - first, from, y.pointer);
  kernels.x8_gather(params, 0, first, from, y.pointer);
  guarded.check();
  expect(y.read()).toEqual(expected);
}

interface ResizeCase {
  readonly seed: number;
  readonly image: readonly [number, number];
  readonly channels: number;
  readonly size: readonly [number, number];
  readonly batch: number;
  readonly extreme: boolean;
}

const resizeCase: fc.Arbitrary<ResizeCase> = fc.record({
  seed: fc.nat(1e6),
  image: fc.tuple(small, small),
  channels: fc.integer({ min: 1, max: 34 }),
  size: fc.tuple(small, small),
  batch: fc.integer({ min: 1, max: 3 }),
  extreme: fc.boolean(),
});

function randomTaps(rng: Rng, length: number, extent: number): Tap[] {
  return Array.from({ length }, () => {
    const lower = rng.below(extent);
    // 1024 makes halves, 0 and 2048 the neighbours themselves.
    const fraction = [0, 1024, 2048, 1, 2047][rng.below(10)] ?? rng.below(2049);
    return [lower, Math.min(lower + rng.below(2), extent - 1), fraction];
  });
}

function checkResize(kernels: InferKernels, c: ResizeCase): void {
  const rng = new Rng(c.seed);
  const [[height, width], [outHeight, outWidth]] = [c.image, c.size];
  const x = randomBytes(rng, c.batch * height * width * c.channels, c.extreme);
  const rows = randomTaps(rng, outHeight, height);
  const columns = randomTaps(rng, outWidth, width);
  const inBytes = height * width * c.channels;
  const expected = resizeReference(x, [c.batch, height, width, c.channels], rows, columns);
  const table = (taps: readonly Tap[], stride: number) =>
    Int32Array.from(taps.flatMap(([lower, upper, f]) => [lower * stride, upper * stride, f]));
  guarded.reset();
  const y = guarded.output(expected, 'y', c.seed % 16);
  const params = guarded.params('ResizeParams', {
    inBytes,
    channels: c.channels,
    outHeight,
    outWidth,
    rows: guarded.input(table(rows, width * c.channels), 'rows'),
    columns: guarded.input(table(columns, c.channels), 'columns'),
  }).pointer;
  const from = (c.seed % 4 ? guarded.input(x, 'x', c.seed % 7) : guarded.inputAtEnd(x)).pointer;
  const units = c.batch * outHeight;
  const first = rng.below(units + 1);
  kernels.qs8_resize_bilinear(params, first, units - first, from, y.pointer);
  kernels.qs8_resize_bilinear(params, 0, first, from, y.pointer);
  guarded.check();
  expect(y.read()).toEqual(expected);
}

for (const { name, kernels } of implementations('infer', guarded.memory)) {
  describe(`${name} kernels that move bytes`, () => {
    it('x8_copy, random extents and strides of either sign', () => {
      fc.assert(
        fc.property(copyCase, (c) => checkCopy(kernels, c)),
        { seed: 5, numRuns: 150 },
      );
    });

    it.each(runs)('x8_copy, runs of %i bytes side by side', (length) => {
      const plain = { order: [0, 1, 2, 3, 4, 5], gaps: [0, 0, 0, 0, 0, 1], seed: length };
      const straight = { extents: [2, 1, 1, 1, 3, 7], backwards: Array(6).fill(false) };
      const inStrides = [1, 0, 0, 0, 0, length + 3];
      checkCopy(kernels, { ...plain, ...straight, inStrides, bytes: length });
    });

    it('x8_copy, one byte for a whole axis', () => {
      const order = [0, 1, 2, 3, 4, 5];
      for (const extent of [1, 2, 3, 4, 5, 16, 100]) {
        checkCopy(kernels, {
          ...{ order, gaps: [0, 0, 0, 0, 1, 0], seed: extent, bytes: 1 },
          ...{ extents: [2, 1, 1, 1, 3, extent], backwards: Array(6).fill(false) },
          inStrides: [3, 0, 0, 0, 1, 0],
        });
      }
    });

    it('x8_copy, transposes around blocks of 8', () => {
      for (const rows of [7, 8, 9, 15, 16, 17, 33]) {
        for (const columns of [7, 8, 9, 16, 23, 24, 40]) {
          checkCopy(kernels, {
            ...{ order: [0, 1, 2, 3, 4, 5], gaps: [0, 0, 1, 1, 1, 2], seed: rows + columns },
            ...{ extents: [2, 1, 1, 3, columns, rows], backwards: Array(6).fill(false) },
            ...{ inStrides: [5, 0, 0, rows * (columns + 3), 1, columns + 3], bytes: 1 },
          });
          checkCopy(kernels, {
            ...{ order: [0, 1, 2, 3, 4, 5], gaps: [1, 0, 0, 0, 0, 2], seed: rows * columns },
            ...{ extents: [2 * columns, 1, 1, 1, 1, rows], backwards: Array(6).fill(false) },
            ...{ inStrides: [1, 0, 0, 0, 0, 2 * columns + 3], bytes: 1 },
          });
        }
      }
    });

    it('x8_gather, random offsets', () => {
      fc.assert(
        fc.property(gatherCase, (c) => checkGather(kernels, c)),
        { seed: 6, numRuns: 150 },
      );
    });

    it('qs8_resize_bilinear, random taps', () => {
      fc.assert(
        fc.property(resizeCase, (c) => checkResize(kernels, c)),
        { seed: 7, numRuns: 150 },
      );
    });
  });
}
