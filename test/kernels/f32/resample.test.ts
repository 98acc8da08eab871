import { describe, test } from 'vitest';
import { Rng } from '../../../src/core/rng.ts';
import { GuardedMemory } from '../../helpers/guarded.ts';
import { implementations } from '../../helpers/memory.ts';
import { expectClose, expectSame, floats, ULP } from './compare.ts';

const guarded = new GuardedMemory();
const modules = implementations('train', guarded.memory);
type Kernels = (typeof modules)[number]['kernels'];
type Floats = Float32Array<ArrayBuffer>;

const BATCH = 2;
const channelCounts = [1, 2, 3, 4, 5, 7, 8, 9, 16, 17];

/** Neighbours of each of `to` places among `from`, drawn: ends, equal ones and whole weights among them. */
function drawTaps(rng: Rng, from: number, to: number) {
  return Array.from({ length: to }, (_, i) => {
    const lower = rng.below(from);
    const upper = Math.min(lower + 1, from - 1);
    return { lower, upper, fraction: [0, 2048, rng.below(2049)][i % 3]! };
  });
}

type Taps = ReturnType<typeof drawTaps>;

/** Runs `call` on both modules, whole and as two ranges; all results must be the same. */
function checked(
  make: () => { params: number; count: number; x: number; y: number; read(): Floats },
  call: (k: Kernels, params: number, first: number, count: number, x: number, y: number) => void,
): Floats {
  const results = modules.flatMap(({ kernels }) =>
    [[0], [0, 1]].map((starts) => {
      guarded.reset();
      const { params, count, x, y, read } = make();
      starts.forEach((first, i) => {
        call(kernels, params, first, (starts[i + 1] ?? count) - first, x, y);
      });
      guarded.check();
      return read();
    }),
  );
  for (const other of results.slice(1)) expectSame(other, results[0]!, 'modules and ranges');
  return results[0]!;
}

const table = (taps: Taps, stride: number) =>
  Int32Array.from(
    taps.flatMap(({ lower, upper, fraction }) => [lower * stride, upper * stride, fraction]),
  );

describe('bilinear resizing', () => {
  test.each(channelCounts)('%i channels, forward and back', (c) => {
    for (const [h, w, outHeight, outWidth] of [
      [1, 1, 1, 1],
      [3, 4, 5, 7],
      [5, 4, 2, 3],
    ] as const) {
      const rng = new Rng(c + h);
      const [rows, columns] = [drawTaps(rng, h, outHeight), drawTaps(rng, w, outWidth)];
      const [inputs, outputs] = [BATCH * h * w * c, BATCH * outHeight * outWidth * c];
      const params = () => {
        return guarded.params('ResizeParams', {
          ...{ inBytes: 4 * h * w * c, channels: c, outHeight, outWidth },
          rows: guarded.input(table(rows, 4 * w * c)),
          columns: guarded.input(table(columns, 4 * c)),
        }).pointer;
      };
      const [x, dy] = [floats(rng, inputs), floats(rng, outputs)];
      const y = checked(
        () => {
          const out = guarded.output(dy);
          return {
            params: params(),
            count: BATCH * outHeight,
            x: guarded.input(x).pointer,
            y: out.pointer,
            read: out.read,
          };
        },
        (k, ...args) => k.f32_resize_bilinear(...args),
      );
      const dx = checked(
        () => {
          const out = guarded.output(x);
          return {
            params: params(),
            count: BATCH,
            x: guarded.input(dy).pointer,
            y: out.pointer,
            read: out.read,
          };
        },
        (k, ...args) => k.f32_resize_bilinear_backward(...args),
      );
      const [want, back] = [new Float64Array(outputs), new Float64Array(inputs)];
      let at = 0;
      for (let n = 0; n < BATCH; n++) {
        for (const row of rows) {
          for (const column of columns) {
            for (let i = 0; i < c; i++, at++) {
              for (const [iy, f] of [
                [row.lower, 2048 - row.fraction],
                [row.upper, row.fraction],
              ] as const) {
                for (const [ix, g] of [
                  [column.lower, 2048 - column.fraction],
                  [column.upper, column.fraction],
                ] as const) {
                  const from = ((n * h + iy) * w + ix) * c + i;
                  want[at]! += ((f * g) / 2 ** 22) * x[from]!;
                  back[from]! += ((f * g) / 2 ** 22) * dy[at]!;
                }
              }
            }
          }
        }
      }
      // Weights of 1 in all: a product and three sums below 1; on the way back as many terms as y has places.
      expectClose(y, want, () => 5 * ULP, `resize of ${h}x${w}`);
      const places = 4 * outHeight * outWidth;
      expectClose(dx, back, () => ULP * places * places, `back from ${outHeight}x${outWidth}`);
    }
  });
});

describe('f32_scatter_add', () => {
  test.each(channelCounts)('runs of %i', (run) => {
    for (const [rows, columns] of [
      [[0], [1]],
      [
        [2, 0, 2],
        [1, 1, 0, 1],
      ],
    ] as const) {
      const rng = new Rng(run + rows.length);
      const image = 3 * 2 * run;
      const starts = floats(rng, BATCH * image);
      const dy = floats(rng, BATCH * rows.length * columns.length * run);
      const offsets = (list: readonly number[], stride: number) =>
        guarded.input(Int32Array.from(list, (i) => i * stride));
      const got = checked(
        () => {
          const params = guarded.params('GatherParams', {
            ...{ rows: rows.length, columns: columns.length, bytes: 4 * run, inBytes: 4 * image },
            rowOffsets: offsets(rows, 8 * run),
            columnOffsets: offsets(columns, 4 * run),
          }).pointer;
          const dx = guarded.inout(starts);
          return {
            params,
            count: BATCH,
            x: guarded.input(dy).pointer,
            y: dx.pointer,
            read: dx.read,
          };
        },
        (k, ...args) => k.f32_scatter_add(...args),
      );
      const want = starts.slice();
      let at = 0;
      for (let o = 0; o < BATCH; o++) {
        for (const row of rows) {
          for (const column of columns) {
            for (let i = 0; i < run; i++)
              want[o * image + (2 * row + column) * run + i]! += dy[at++]!;
          }
        }
      }
      expectSame(got, want, `${rows.length}x${columns.length} runs of ${run}`);
    }
  });
});
