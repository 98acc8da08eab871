import { describe, expect, test } from 'vitest';
import { at, build, type Case, int8, ints, type Reals, runCase, scalar } from './small.ts';

const IMAGE = [1, 4, 6, 3] as const;
const FULL = [2, 4, 6, 3] as const;

/** Runs a case whose outputs have the integers of its inputs, and checks each element of each output. */
function moves(
  one: Case,
  elements: readonly [readonly number[], (x: Reals, i: number[]) => number][],
) {
  const { x, y, graph } = runCase(one);
  elements.forEach(([shape, element], i) => {
    const expected = build(shape, (index) => element(x[0]!, index));
    expect(y[i]!.shape).toEqual(expected.shape);
    expect(Array.from(y[i]!.data)).toEqual(expected.data);
  });
  return graph;
}

const x = { x: int8(IMAGE) };
const reversed = (i: number, extent: number) => extent - 1 - i;

describe('shapes', () => {
  test.each<[string, readonly number[], Case['constants'], Case['options']?]>([
    ['RESHAPE', [1, 8, 9], { shape: ints([1, 8, 9]) }],
    ['RESHAPE', [1, 72], { shape: ints([-1, 72]) }],
    ['RESHAPE', [8, 9], {}, { shape: [8, 9] }],
    ['RESHAPE', [24, 3], { shape: ints([24, 3]) }],
    ['EXPAND_DIMS', [1, 1, 4, 6, 3], { axis: scalar(1) }],
  ])('%s to %o', (op, shape, constants, options) => {
    const one = {
      op,
      x,
      y: int8(shape),
      ...(constants && { constants }),
      ...(options && { options }),
    };
    const { x: before, y } = runCase(one);
    expect(y[0]!.shape).toEqual([2 * shape[0]!, ...shape.slice(1)]);
    expect(Array.from(y[0]!.data)).toEqual(Array.from(before[0]!.data));
  });

  test('SQUEEZE', () => {
    const one = {
      op: 'SQUEEZE',
      x: { x: int8([1, 1, 1, 9]) },
      y: int8([1, 9]),
      options: { axes: [1, 2] },
    };
    const { x: before, y } = runCase(one);
    expect(y[0]!.shape).toEqual([2, 9]);
    expect(Array.from(y[0]!.data)).toEqual(Array.from(before[0]!.data));
  });

  test('TRANSPOSE', () => {
    const one = {
      op: 'TRANSPOSE',
      x,
      constants: { perm: ints([0, 3, 1, 2]) },
      y: int8([1, 3, 4, 6]),
    };
    moves(one, [[[2, 3, 4, 6], (x, [n, c, h, w]) => at(x, n!, h!, w!, c!)]]);
  });
});

describe('parts', () => {
  test('SLICE with a size up to the end', () => {
    const constants = { begin: ints([0, 1, 2, 0]), size: ints([1, 2, -1, 3]) };
    moves({ op: 'SLICE', x, constants, y: int8([1, 2, 4, 3]) }, [
      [[2, 2, 4, 3], (x, [n, h, w, c]) => at(x, n!, h! + 1, w! + 2, c!)],
    ]);
  });

  const strided = (
    lists: readonly [number[], number[], number[]],
    options: Record<string, number>,
    shape: readonly number[],
    element: (x: Reals, i: number[]) => number,
  ) => {
    const constants = { begin: ints(lists[0]), end: ints(lists[1]), strides: ints(lists[2]) };
    const full = [2, ...shape.slice(1)];
    moves({ op: 'STRIDED_SLICE', x, constants, y: int8(shape), options }, [[full, element]]);
  };

  test('STRIDED_SLICE forwards and backwards', () => {
    strided(
      [
        [0, 1, 0, 0],
        [1, 4, 6, 3],
        [1, 2, 3, 1],
      ],
      {},
      [1, 2, 2, 3],
      (x, [n, h, w, c]) => at(x, n!, 1 + 2 * h!, 3 * w!, c!),
    );
    strided(
      [
        [0, -1, 5, 0],
        [1, -4, 0, 3],
        [1, -1, -2, 1],
      ],
      {},
      [1, 3, 3, 3],
      (x, [n, h, w, c]) => at(x, n!, reversed(h!, 4), 5 - 2 * w!, c!),
    );
  });

  test('STRIDED_SLICE with masks for begin and end', () => {
    const masks = { beginMask: 0b1101, endMask: 0b1011 };
    strided(
      [
        [9, 1, 9, 9],
        [9, 9, 2, 9],
        [1, 1, -1, 1],
      ],
      masks,
      [1, 3, 3, 3],
      (x, [n, h, w, c]) => at(x, n!, h! + 1, reversed(w!, 6), c!),
    );
  });

  test('STRIDED_SLICE that drops an axis, and one with an ellipsis and a new axis', () => {
    const drop = { beginMask: 1, endMask: 1, shrinkAxisMask: 0b10 };
    strided(
      [
        [0, -1],
        [0, 0],
        [1, 1],
      ],
      drop,
      [1, 6, 3],
      (x, [n, w, c]) => at(x, n!, 3, w!, c!),
    );
    const masks = { ellipsisMask: 0b001, newAxisMask: 0b010 };
    strided(
      [
        [0, 0, 1],
        [0, 0, 3],
        [1, 1, 1],
      ],
      masks,
      [1, 4, 6, 1, 2],
      (x, [n, h, w, , c]) => at(x, n!, h!, w!, c! + 1),
    );
  });

  test('SPLIT into equal parts', () => {
    const y = [int8([1, 4, 2, 3]), int8([1, 4, 2, 3]), int8([1, 4, 2, 3])];
    const one = {
      op: 'SPLIT',
      x,
      constants: { axis: scalar(2) },
      order: ['axis', 'x'],
      y,
      options: { count: 3 },
    };
    moves(
      one,
      [0, 1, 2].map((part) => {
        return [[2, 4, 2, 3], (x, [n, h, w, c]) => at(x, n!, h!, 2 * part + w!, c!)];
      }),
    );
  });

  test('SPLIT_V into given ones, one of them open', () => {
    const y = [int8([1, 4, 1, 3]), int8([1, 4, 5, 3])];
    const constants = { sizes: ints([1, -1]), axis: scalar(-2) };
    moves({ op: 'SPLIT_V', x, constants, y, options: { count: 2 } }, [
      [[2, 4, 1, 3], (x, [n, h, w, c]) => at(x, n!, h!, w!, c!)],
      [[2, 4, 5, 3], (x, [n, h, w, c]) => at(x, n!, h!, w! + 1, c!)],
    ]);
  });

  test('UNPACK drops the axis', () => {
    const y = [0, 1, 2].map(() => int8([1, 4, 6]));
    moves(
      { op: 'UNPACK', x, y, options: { count: 3, axis: -1 } },
      [0, 1, 2].map((c) => {
        return [[2, 4, 6], (x, [n, h, w]) => at(x, n!, h!, w!, c)];
      }),
    );
  });

  test('GATHER', () => {
    const constants = { indices: ints([5, 0, 0, 3]) };
    moves({ op: 'GATHER', x, constants, y: int8([1, 4, 4, 3]), options: { axis: 2 } }, [
      [[2, 4, 4, 3], (x, [n, h, w, c]) => at(x, n!, h!, [5, 0, 0, 3][w!]!, c!)],
    ]);
  });
});

describe('joins', () => {
  test('CONCATENATION brings operands to the scale of the output', () => {
    const operands = { a: int8(IMAGE), b: int8([1, 4, 6, 2], 0.1, -40) };
    const y = int8([1, 4, 6, 5]);
    const run = runCase({ op: 'CONCATENATION', x: operands, y, options: { axis: 3 } });
    const [a, b] = run.x as [Reals, Reals];
    const expected = build([2, 4, 6, 5], ([n, h, w, c]) => {
      const real = c! < 3 ? at(a, n!, h!, w!, c!) : at(b, n!, h!, w!, c! - 3);
      return Math.min(124 * 0.05, Math.max(-131 * 0.05, real));
    });
    const worst = Math.max(
      ...Array.from(run.y[0]!.data, (q, i) => Math.abs(q - expected.data[i]!)),
    );
    expect(worst / 0.05).toBeLessThanOrEqual(0.501);
    expect(run.graph.nodes.map(({ op }) => op)).toEqual(['lookup', 'concat']);
  });

  test('PACK makes an axis', () => {
    const operands = { a: int8([1, 4, 6]), b: int8([1, 4, 6]) };
    const run = runCase({
      op: 'PACK',
      x: operands,
      y: int8([1, 4, 2, 6]),
      options: { axis: 2, count: 2 },
    });
    const expected = build([2, 4, 2, 6], ([n, h, i, w]) => at(run.x[i!]!, n!, h!, w!));
    expect(Array.from(run.y[0]!.data)).toEqual(expected.data);
  });
});

describe('borders', () => {
  const padding = ints([0, 0, 1, 2, 0, 3, 0, 0]);
  const inside = (i: number[]) => i[1]! >= 1 && i[1]! < 5 && i[2]! < 6;
  const shape = [2, 7, 9, 3];
  const y = int8([1, 7, 9, 3]);

  test('PAD with real 0', () => {
    moves({ op: 'PAD', x, constants: { padding }, y }, [
      [shape, (x, i) => (inside(i) ? at(x, i[0]!, i[1]! - 1, i[2]!, i[3]!) : 0)],
    ]);
  });

  test('PADV2 with a value', () => {
    const value = { shape: [], type: 'int8' as const, data: [43], scale: 0.05, zeroPoint: 3 };
    moves({ op: 'PADV2', x, constants: { padding, value }, y }, [
      [
        shape,
        (x, i) => (inside(i) ? at(x, i[0]!, i[1]! - 1, i[2]!, i[3]!) : 40 * Math.fround(0.05)),
      ],
    ]);
  });

  test.each([
    ['reflect', 0],
    ['symmetric', 1],
  ])('MIRROR_PAD %s', (_, mode) => {
    const fold = (i: number, extent: number) => {
      if (i < 0) return -i - mode;
      return i < extent ? i : 2 * extent - 2 - i + mode;
    };
    moves({ op: 'MIRROR_PAD', x, constants: { padding }, y, options: { mode } }, [
      [shape, (x, [n, h, w, c]) => at(x, n!, fold(h! - 1, 4), fold(w!, 6), c!)],
    ]);
  });
});

describe('blocks', () => {
  test('SPACE_TO_DEPTH and DEPTH_TO_SPACE', () => {
    const options = { blockSize: 2 };
    moves({ op: 'SPACE_TO_DEPTH', x, y: int8([1, 2, 3, 12]), options }, [
      [
        [2, 2, 3, 12],
        (x, [n, h, w, c]) => {
          const block = Math.floor(c! / 3);
          return at(x, n!, 2 * h! + (block >> 1), 2 * w! + (block & 1), c! % 3);
        },
      ],
    ]);
    const deep = { x: int8([1, 2, 3, 8]) };
    moves({ op: 'DEPTH_TO_SPACE', x: deep, y: int8([1, 4, 6, 2]), options }, [
      [
        [2, 4, 6, 2],
        (x, [n, h, w, c]) => {
          const block = 2 * (h! % 2) + (w! % 2);
          return at(x, n!, h! >> 1, w! >> 1, 2 * block + c!);
        },
      ],
    ]);
  });

  test('SPACE_TO_BATCH_ND, whose batch is several times that of the input', () => {
    const constants = { block: ints([2, 3]), padding: ints([0, 0, 0, 0, 0, 0].slice(0, 4)) };
    const one = { op: 'SPACE_TO_BATCH_ND', x, constants, y: int8([6, 2, 2, 3]) };
    moves(one, [
      [
        [12, 2, 2, 3],
        (x, [m, h, w, c]) => {
          const [block, n] = [Math.floor(m! / 2), m! % 2];
          return at(x, n, 2 * h! + Math.floor(block / 3), 3 * w! + (block % 3), c!);
        },
      ],
    ]);
  });
});

describe('sizes', () => {
  test('RESIZE_NEAREST_NEIGHBOR', () => {
    const constants = { size: ints([8, 3]) };
    moves({ op: 'RESIZE_NEAREST_NEIGHBOR', x, constants, y: int8([1, 8, 3, 3]) }, [
      [[2, 8, 3, 3], (x, [n, h, w, c]) => at(x, n!, h! >> 1, 2 * w!, c!)],
    ]);
  });

  test.each([
    [0, 0],
    [1, 0],
    [0, 1],
  ])(
    'RESIZE_BILINEAR with alignCorners %i, halfPixelCenters %i',
    (alignCorners, halfPixelCenters) => {
      const constants = { size: ints([7, 9]) };
      const options = { alignCorners, halfPixelCenters };
      const run = runCase({ op: 'RESIZE_BILINEAR', x, constants, y: int8([1, 7, 9, 3]), options });
      const source = (i: number, from: number, to: number) => {
        const scale = alignCorners ? (from - 1) / (to - 1) : from / to;
        const at = halfPixelCenters ? (i + 0.5) * scale - 0.5 : i * scale;
        return Math.min(from - 1, Math.max(0, at));
      };
      const expected = build([2, 7, 9, 3], ([n, h, w, c]) => {
        const [y, x] = [source(h!, 4, 7), source(w!, 6, 9)];
        const [y0, x0] = [Math.floor(y), Math.floor(x)];
        const pixel = (dy: number, dx: number) =>
          at(run.x[0]!, n!, Math.min(3, y0 + dy), Math.min(5, x0 + dx), c!);
        const row = (dy: number) => pixel(dy, 0) * (1 - x + x0) + pixel(dy, 1) * (x - x0);
        return row(0) * (1 - y + y0) + row(1) * (y - y0);
      });
      const worst = Math.max(
        ...Array.from(run.y[0]!.data, (q, i) => Math.abs(q - expected.data[i]!)),
      );
      expect(worst / 0.05).toBeLessThanOrEqual(1);
      expect(run.y[0]!.shape).toEqual([...FULL.slice(0, 1), 7, 9, 3]);
    },
  );
});
