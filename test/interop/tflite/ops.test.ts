import { describe, expect, test } from 'vitest';
import { erf } from '../../../src/core/math.ts';
import {
  at,
  build,
  type Case,
  constant,
  int8,
  ints,
  type Reals,
  runCase,
  scalar,
  uint8,
} from './small.ts';

/** The largest difference, in steps of `scale`; shapes must be equal. */
function steps(got: Reals, expected: Reals, scale: number): number {
  expect(got.shape).toEqual(expected.shape);
  const differences = Array.from(got.data, (y, i) => Math.abs(y - expected.data[i]!));
  return Math.max(...differences) / scale;
}

/** What the integers of an output with `scale` and `zeroPoint` can stand for. */
function clipped(y: number, scale: number, zeroPoint: number): number {
  return Math.min((127 - zeroPoint) * scale, Math.max((-128 - zeroPoint) * scale, y));
}

const IMAGE = [1, 4, 6, 3] as const;

describe('functions of one real', () => {
  const cases: [string, (x: number) => number, Case['options']?][] = [
    ['ABS', Math.abs],
    ['ELU', (x) => (x < 0 ? Math.expm1(x) : x)],
    ['EXP', Math.exp],
    ['GELU', (x) => (x * (1 + erf(x / Math.SQRT2))) / 2, { approximate: 0 }],
    [
      'GELU',
      (x) => (x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))) / 2,
      { approximate: 1 },
    ],
    ['HARD_SWISH', (x) => (x * Math.min(6, Math.max(0, x + 3))) / 6],
    ['LEAKY_RELU', (x) => (x < 0 ? 0.1 * x : x), { alpha: 0.1 }],
    ['LOGISTIC', (x) => 1 / (1 + Math.exp(-x))],
    ['NEG', (x) => -x],
    ['RELU', (x) => Math.max(0, x)],
    ['RELU6', (x) => Math.min(6, Math.max(0, x))],
    ['RELU_N1_TO_1', (x) => Math.min(1, Math.max(-1, x))],
    ['RELU_0_TO_1', (x) => Math.min(1, Math.max(0, x))],
    ['SQUARE', (x) => x * x],
    ['TANH', Math.tanh],
  ];
  test.each(cases)('%s', (op, real, options) => {
    for (const [scale, zeroPoint] of [
      [0.05, 3],
      [0.03, -100],
    ] as const) {
      const y = int8(IMAGE, scale, zeroPoint);
      const run = runCase({ op, x: { x: int8(IMAGE) }, y, ...(options && { options }) });
      const expected = build([2, 4, 6, 3], (i) =>
        clipped(real(at(run.x[0]!, ...i)), scale, zeroPoint),
      );
      // LiteRT takes the slopes of LEAKY_RELU in 8 bits.
      const bound = op === 'LEAKY_RELU' ? 1 : 0.501;
      expect(steps(run.y[0]!, expected, scale)).toBeLessThanOrEqual(bound);
    }
  });

  test.each<[string, (x: number) => number]>([
    ['LOG', Math.log],
    ['SQRT', Math.sqrt],
    ['RSQRT', (x) => 1 / Math.sqrt(x)],
  ])('%s of reals above 0', (op, real) => {
    const run = runCase({ op, x: { x: int8(IMAGE, 0.02, -128) }, y: int8(IMAGE, 0.04, 0) });
    const [x, y] = [run.x[0]!, run.y[0]!];
    const expected = build(y.shape, (i) => {
      const value = at(x, ...i);
      return value > 0 ? clipped(real(value), 0.04, 0) : at(y, ...i);
    });
    expect(steps(y, expected, 0.04)).toBeLessThanOrEqual(0.501);
  });
});

describe('two operands', () => {
  const cases: [string, (a: number, b: number) => number][] = [
    ['ADD', (a, b) => a + b],
    ['SUB', (a, b) => a - b],
    ['MUL', (a, b) => a * b],
    ['MINIMUM', Math.min],
    ['MAXIMUM', Math.max],
  ];
  const other = int8(IMAGE, 0.04, -20);
  const y = int8(IMAGE, 0.09, 7);

  test.each(cases)('%s of two activations', (op, real) => {
    const run = runCase({ op, x: { a: int8(IMAGE), b: other }, y });
    const [a, b] = run.x as [Reals, Reals];
    const expected = build(a.shape, (i) => clipped(real(at(a, ...i), at(b, ...i)), 0.09, 7));
    expect(steps(run.y[0]!, expected, 0.09)).toBeLessThanOrEqual(0.51);
  });

  test.each(cases)('%s of an activation and a constant of each shape', (op, real) => {
    for (const shape of [[], [3], [1, 1, 1, 3], [1, 4, 6, 3], [6, 1]]) {
      const b = constant({ ...other, shape });
      const run = runCase({ op, x: { a: int8(IMAGE) }, constants: { b }, y });
      const full: Reals = { shape: [1, 1, 1, 1, ...shape].slice(-4), data: b.data! };
      const expected = build([2, 4, 6, 3], (i) => {
        const index = full.shape.map((extent, axis) => (extent === 1 ? 0 : i[axis]!));
        const c = (at(full, ...index) + 20) * 0.04;
        return clipped(real(at(run.x[0]!, ...i), c), 0.09, 7);
      });
      expect(steps(run.y[0]!, expected, 0.09)).toBeLessThanOrEqual(0.51);
    }
  });

  test('a fused activation bounds the output', () => {
    const run = runCase({
      op: 'ADD',
      x: { a: int8(IMAGE), b: other },
      y,
      options: { activation: 1 },
    });
    expect(Math.min(...Array.from(run.y[0]!.data))).toBe(0);
    expect(run.graph.nodes.map(({ op }) => op)).toEqual(['add']);
  });

  test('PRELU has a slope for each channel', () => {
    const alpha = { ...int8([1, 1, 3], 0.01, 5), data: [-100, 30, 90] };
    const run = runCase({ op: 'PRELU', x: { x: int8(IMAGE) }, constants: { alpha }, y });
    const expected = build([2, 4, 6, 3], (i) => {
      const value = at(run.x[0]!, ...i);
      return clipped(value < 0 ? value * (alpha.data[i[3]!]! - 5) * 0.01 : value, 0.09, 7);
    });
    expect(steps(run.y[0]!, expected, 0.09)).toBeLessThanOrEqual(0.51);
  });
});

describe('reductions and rows', () => {
  const mean = (axes: number[], shape: number[], keepDims: number) => {
    const y = int8(shape, 0.03, -9);
    return runCase({
      op: 'MEAN',
      x: { x: int8(IMAGE) },
      constants: { axes: ints(axes) },
      y,
      options: { keepDims },
    });
  };

  test('MEAN over the image, with and without the axes', () => {
    for (const [shape, keepDims] of [
      [[1, 3], 0],
      [[1, 1, 1, 3], 1],
    ] as const) {
      const run = mean([1, 2], [...shape], keepDims);
      const expected = build([2, ...shape.slice(1)], (i) => {
        let sum = 0;
        for (let h = 0; h < 4; h++)
          for (let w = 0; w < 6; w++) sum += at(run.x[0]!, i[0]!, h, w, i.at(-1)!);
        return clipped(sum / 24, 0.03, -9);
      });
      expect(steps(run.y[0]!, expected, 0.03)).toBeLessThanOrEqual(0.51);
    }
  });

  test('MEAN over the channels, counted from the end', () => {
    const run = mean([-1], [1, 4, 6], 0);
    const expected = build([2, 4, 6], ([n, h, w]) => {
      const sum = [0, 1, 2].reduce((all, c) => all + at(run.x[0]!, n!, h!, w!, c), 0);
      return clipped(sum / 3, 0.03, -9);
    });
    expect(steps(run.y[0]!, expected, 0.03)).toBeLessThanOrEqual(0.51);
  });

  test('REDUCE_MAX over the image', () => {
    const constants = { axes: ints([1, 2]) };
    const run = runCase({ op: 'REDUCE_MAX', x: { x: int8(IMAGE) }, constants, y: int8([1, 3]) });
    const expected = build([2, 3], ([n, c]) => {
      const all = Array.from({ length: 24 }, (_, i) =>
        at(run.x[0]!, n!, Math.floor(i / 6), i % 6, c!),
      );
      return Math.max(...all);
    });
    expect(steps(run.y[0]!, expected, 0.05)).toBeLessThan(1e-6);
  });

  test('SOFTMAX with a beta', () => {
    const x = { x: int8([1, 9], 0.03, 3) };
    const y = int8([1, 9], 1 / 256, -128);
    const run = runCase({ op: 'SOFTMAX', x, y, options: { beta: 2 } });
    const power = (n: number, i: number) => Math.exp(2 * at(run.x[0]!, n, i));
    const expected = build([2, 9], ([n, i]) => {
      let sum = 0;
      for (let j = 0; j < 9; j++) sum += power(n!, j);
      return Math.min(power(n!, i!) / sum, 255 / 256);
    });
    expect(steps(run.y[0]!, expected, 1 / 256)).toBeLessThanOrEqual(0.51);
  });

  test('L2_NORMALIZATION', () => {
    const y = int8([1, 9], 1 / 128, 0);
    const run = runCase({ op: 'L2_NORMALIZATION', x: { x: int8([1, 9]) }, y });
    const expected = build([2, 9], ([n, i]) => {
      let sum = 0;
      for (let j = 0; j < 9; j++) sum += at(run.x[0]!, n!, j) ** 2;
      return at(run.x[0]!, n!, i!) / Math.sqrt(sum);
    });
    expect(steps(run.y[0]!, expected, 1 / 128)).toBeLessThanOrEqual(0.51);
  });

  test('ARG_MAX gives the first of the largest', () => {
    const constants = { axis: scalar(-1) };
    const y = { shape: [1], type: 'int64' as const };
    const run = runCase({ op: 'ARG_MAX', x: { x: int8([1, 9]) }, constants, y });
    const rows = [0, 1].map((n) => Array.from({ length: 9 }, (_, i) => at(run.x[0]!, n, i)));
    expect(Array.from(run.y[0]!.data)).toEqual(rows.map((row) => row.indexOf(Math.max(...row))));
  });
});

describe('uint8', () => {
  test('edges keep their type, and reals are those of the file', () => {
    const y = uint8(IMAGE, 0.08, 40);
    const run = runCase({ op: 'HARD_SWISH', x: { x: uint8(IMAGE) }, y });
    const { values, inputs, outputs } = run.graph;
    expect([inputs[0], outputs[0]].map((id) => values[id!]!.dtype)).toEqual(['u8', 'u8']);
    const expected = build([2, 4, 6, 3], (i) => {
      const x = at(run.x[0]!, ...i);
      const real = (x * Math.min(6, Math.max(0, x + 3))) / 6;
      return Math.max(-40 * 0.08, Math.min(215 * 0.08, real));
    });
    expect(steps(run.y[0]!, expected, 0.08)).toBeLessThanOrEqual(0.501);
    expect(run.graph.nodes.map(({ op }) => op)).toEqual(['lookup']);
  });
});
