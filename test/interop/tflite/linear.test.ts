import { describe, expect, test } from 'vitest';
import { Rng } from '../../../src/core/rng.ts';
import { sizeOf } from '../../../src/core/shape.ts';
import type { TensorSpec } from '../../helpers/tflite.ts';
import { at, build, type Case, constant, int8, ints, type Reals, runCase } from './small.ts';

const OUT = 0.4;
const ZERO = -5;
const PLAIN = { padding: 1, strideWidth: 1, strideHeight: 1 };

/** Weights with a scale for each channel along `axis`, or one scale and a zero point. */
function weights(shape: readonly number[], axis?: number): TensorSpec {
  if (axis === undefined) {
    return constant({ shape, type: 'uint8', scale: 0.01, zeroPoint: 120 });
  }
  const scale = Array.from({ length: shape[axis]! }, (_, c) => Math.fround(0.004 + 0.001 * c));
  return constant({ shape, type: 'int8', scale, zeroPoint: scale.map(() => 0), axis });
}

function bias(channels: number, scale: readonly number[]): TensorSpec {
  const rng = new Rng(3);
  const data = Array.from({ length: channels }, () => rng.below(4000) - 2000);
  return { shape: [channels], type: 'int32', data, scale, zeroPoint: scale.map(() => 0) };
}

function realsOf({ shape, data, scale, zeroPoint, axis = 0 }: TensorSpec): Reals {
  const scales = [scale ?? 1].flat();
  const zero = [zeroPoint ?? 0].flat()[0]!;
  const inner = sizeOf(shape.slice(axis + 1));
  const channel = (i: number) => (scales.length === 1 ? 0 : Math.floor(i / inner) % scales.length);
  const reals = Array.from(data!, (q, i) => (q - zero) * scales[channel(i)]!);
  return { shape, data: reals };
}

/** The bias as reals: its scale is that of x times that of the weights. */
function biasOf(b: TensorSpec, w: TensorSpec, x: number): number[] {
  const scales = [w.scale!].flat();
  return Array.from(b.data!, (q, c) => q * x * scales[scales.length === 1 ? 0 : c]!);
}

function expectClose(y: Reals, expected: Reals): void {
  expect(y.shape).toEqual(expected.shape);
  const clipped = (real: number) =>
    Math.min((127 - ZERO) * OUT, Math.max((-128 - ZERO) * OUT, real));
  const worst = Math.max(...Array.from(y.data, (q, i) => Math.abs(q - clipped(expected.data[i]!))));
  expect(worst / OUT).toBeLessThanOrEqual(0.51);
}

/** Reals with zeros around: element (h, w) may lie outside. */
function padded(x: Reals, n: number, h: number, w: number, c: number): number {
  const [, height, width] = x.shape;
  return h < 0 || w < 0 || h >= height! || w >= width! ? 0 : at(x, n, h, w, c);
}

interface Geometry {
  readonly pad?: readonly [number, number];
  readonly stride?: number;
  readonly dilation?: number;
}

/** Convolution of reals; weights [Co,Kh,Kw,Ci/groups], padding before. */
function convolve(
  x: Reals,
  w: Reals,
  b: readonly number[],
  shape: readonly number[],
  geometry: Geometry = {},
) {
  const { pad = [0, 0], stride = 1, dilation = 1 } = geometry;
  const [outChannels, height, width, inChannels] = w.shape as [number, number, number, number];
  const groups = x.shape[3]! / inChannels;
  return build(shape, ([n, oy, ox, o]) => {
    const first = Math.floor((o! * groups) / outChannels) * inChannels;
    let sum = b[o!]!;
    for (let i = 0; i < height; i++) {
      for (let j = 0; j < width; j++) {
        const [iy, ix] = [
          oy! * stride - pad[0] + i * dilation,
          ox! * stride - pad[1] + j * dilation,
        ];
        for (let c = 0; c < inChannels; c++)
          sum += padded(x, n!, iy, ix, first + c) * at(w, o!, i, j, c);
      }
    }
    return sum;
  });
}

const x = { x: int8([1, 5, 6, 4], Math.fround(0.05)) };
const S = Math.fround(0.05);

describe('CONV_2D', () => {
  test.each<[string, Case['options'], readonly number[], Geometry]>([
    ['VALID', PLAIN, [1, 3, 4, 6], {}],
    [
      'SAME, stride 2',
      { padding: 0, strideWidth: 2, strideHeight: 2 },
      [1, 3, 3, 6],
      { pad: [1, 0], stride: 2 },
    ],
    [
      'SAME, dilation 2',
      { ...PLAIN, padding: 0, dilationWidth: 2, dilationHeight: 2 },
      [1, 5, 6, 6],
      { pad: [2, 2], dilation: 2 },
    ],
  ])('%s', (_, options, shape, geometry) => {
    for (const w of [weights([6, 3, 3, 4], 0), weights([6, 3, 3, 4])]) {
      const b = bias(6, [w.scale!].flat());
      const run = runCase({
        op: 'CONV_2D',
        x,
        constants: { w, b },
        y: int8(shape, OUT, ZERO),
        options: options!,
      });
      const expected = convolve(
        run.x[0]!,
        realsOf(w),
        biasOf(b, w, S),
        [2, ...shape.slice(1)],
        geometry,
      );
      expectClose(run.y[0]!, expected);
      expect(run.graph.nodes.map(({ op }) => op)).toEqual(['conv2d']);
    }
  });

  test('groups, without a bias', () => {
    const w = weights([6, 3, 3, 2], 0);
    const y = int8([1, 3, 4, 6], OUT, ZERO);
    const run = runCase({ op: 'CONV_2D', x, constants: { w }, y, options: PLAIN });
    expectClose(run.y[0]!, convolve(run.x[0]!, realsOf(w), Array(6).fill(0), [2, 3, 4, 6]));
    expect(run.graph.nodes.filter(({ op }) => op === 'conv2d')).toHaveLength(2);
  });

  test('as many groups as channels is a depthwise convolution', () => {
    const w = weights([4, 3, 3, 1], 0);
    const y = int8([1, 3, 4, 4], OUT, ZERO);
    const run = runCase({ op: 'CONV_2D', x, constants: { w }, y, options: PLAIN });
    expectClose(run.y[0]!, convolve(run.x[0]!, realsOf(w), Array(4).fill(0), [2, 3, 4, 4]));
    expect(run.graph.nodes.map(({ op }) => op)).toEqual(['depthwiseConv2d']);
  });
});

describe('DEPTHWISE_CONV_2D', () => {
  /** [1,Kh,Kw,C] as [C,Kh,Kw,1] */
  const turned = (w: Reals) =>
    build([w.shape[3]!, w.shape[1]!, w.shape[2]!, 1], ([c, i, j]) => at(w, 0, i!, j!, c!));

  test.each([
    [4, 4, ['depthwiseConv2d']],
    [4, 8, ['gather', 'depthwiseConv2d']],
    [1, 8, ['conv2d']],
  ])('%i channels to %i', (from, to, ops) => {
    const w = weights([1, 3, 3, to], 3);
    const b = bias(to, [w.scale!].flat());
    const options = { ...PLAIN, depthMultiplier: to / from };
    const run = runCase({
      op: 'DEPTHWISE_CONV_2D',
      x: { x: int8([1, 5, 6, from], S) },
      constants: { w, b },
      y: int8([1, 3, 4, to], OUT, ZERO),
      options,
    });
    expectClose(run.y[0]!, convolve(run.x[0]!, turned(realsOf(w)), biasOf(b, w, S), [2, 3, 4, to]));
    expect(run.graph.nodes.map(({ op }) => op)).toEqual(ops);
  });
});

describe('FULLY_CONNECTED', () => {
  const full = (x: Reals, w: Reals, b: readonly number[]) => {
    const [units, depth] = w.shape as [number, number];
    const rows = x.data.length / depth;
    return build([rows, units], ([r, u]) => {
      let sum = b[u!]!;
      for (let k = 0; k < depth; k++) sum += x.data[r! * depth + k]! * at(w, u!, k);
      return sum;
    });
  };

  test.each<[string, readonly number[], readonly number[], number]>([
    ['rows', [1, 12], [1, 5], 0],
    ['an image flattened', [1, 2, 3, 2], [1, 5], 0],
    ['more rows than samples', [1, 3, 12], [3, 5], 0],
    ['axes kept', [1, 3, 12], [1, 3, 5], 1],
  ])('%s', (_, from, to, keepDims) => {
    const w = weights([5, 12], 0);
    const b = bias(5, [w.scale!].flat());
    const one = {
      op: 'FULLY_CONNECTED',
      x: { x: int8(from, S) },
      constants: { w, b },
      options: { keepDims },
    };
    const run = runCase({ ...one, y: int8(to, OUT, ZERO) });
    const expected = full(run.x[0]!, realsOf(w), biasOf(b, w, S));
    const shape = [2 * to[0]!, ...to.slice(1)];
    expectClose(run.y[0]!, { ...expected, shape });
  });
});

test('int4 weights, two to a byte, the lower four bits first', () => {
  const bytes = Uint8Array.of(0x8f, 0x71, 0x0e);
  const q = [-1, -8, 1, 7, -2, 0];
  const w: TensorSpec = {
    shape: [2, 3],
    type: 'int4',
    bytes,
    scale: [0.1, 0.2],
    zeroPoint: [0, 0],
  };
  const one = { op: 'FULLY_CONNECTED', x: { x: int8([1, 3], S) }, constants: { w }, options: {} };
  const run = runCase({ ...one, y: int8([1, 2], OUT, ZERO) });
  const scaled = (u: number, k: number) => q[3 * u + k]! * [0.1, 0.2][u]!;
  const expected = build([2, 2], ([n, u]) =>
    [0, 1, 2].reduce((sum, k) => sum + at(run.x[0]!, n!, k) * scaled(u!, k), 0),
  );
  expectClose(run.y[0]!, expected);
});

describe('TRANSPOSE_CONV', () => {
  test.each<[string, number, number, readonly number[], readonly [number, number]]>([
    ['SAME, stride 2', 0, 2, [1, 6, 8, 5], [0, 0]],
    ['VALID, stride 2', 1, 2, [1, 7, 9, 5], [0, 0]],
    ['VALID, stride 3, gaps', 1, 3, [1, 9, 12, 5], [0, 0]],
    ['SAME, stride 1', 0, 1, [1, 3, 4, 5], [1, 1]],
  ])('%s', (_, padding, stride, shape, crop) => {
    const w = weights([5, 3, 3, 4], 0);
    const constants = { size: ints([...shape]), w };
    const run = runCase({
      op: 'TRANSPOSE_CONV',
      x: { x: int8([1, 3, 4, 4], S) },
      constants,
      order: ['size', 'w', 'x'],
      y: int8(shape, OUT, ZERO),
      options: { padding, strideWidth: stride, strideHeight: stride },
    });
    const [image, kernel] = [run.x[0]!, realsOf(w)];
    const expected = build([2, ...shape.slice(1)], ([n, y, x, o]) => {
      let sum = 0;
      for (let i = 0; i < 3; i++) {
        for (let j = 0; j < 3; j++) {
          const [iy, ix] = [(y! + crop[0] - i) / stride, (x! + crop[1] - j) / stride];
          if (!Number.isInteger(iy) || !Number.isInteger(ix)) continue;
          for (let c = 0; c < 4; c++) sum += padded(image, n!, iy, ix, c) * at(kernel, o!, i, j, c);
        }
      }
      return sum;
    });
    expectClose(run.y[0]!, expected);
  });
});

describe('pools', () => {
  const pool = (op: string, padding: number, shape: readonly number[]) => {
    const options = { padding, strideWidth: 2, strideHeight: 2, filterWidth: 3, filterHeight: 2 };
    return runCase({ op, x, y: int8(shape, S, 3), options });
  };
  const taps = (x: Reals, n: number, oy: number, ox: number, c: number, left: number) => {
    const inside: number[] = [];
    for (let i = 0; i < 2; i++) {
      for (let j = 0; j < 3; j++) {
        const [iy, ix] = [2 * oy + i, 2 * ox - left + j];
        if (iy < 5 && ix >= 0 && ix < 6) inside.push(at(x, n, iy, ix, c));
      }
    }
    return inside;
  };

  test.each<[string, (all: number[]) => number]>([
    ['MAX_POOL_2D', (all) => Math.max(...all)],
    ['AVERAGE_POOL_2D', (all) => all.reduce((sum, one) => sum + one, 0) / all.length],
  ])('%s counts the taps inside', (op, reduce) => {
    for (const [padding, shape] of [
      [0, [1, 3, 3, 4]],
      [1, [1, 2, 2, 4]],
    ] as const) {
      const run = pool(op, padding, shape);
      const expected = build([2, ...shape.slice(1)], ([n, y, x, c]) =>
        reduce(taps(run.x[0]!, n!, y!, x!, c!, 0)),
      );
      const worst = Math.max(
        ...Array.from(run.y[0]!.data, (q, i) => Math.abs(q - expected.data[i]!)),
      );
      expect(run.y[0]!.shape).toEqual(expected.shape);
      expect(worst / S).toBeLessThanOrEqual(0.51);
    }
  });
});
