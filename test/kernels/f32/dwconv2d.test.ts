import { describe, test } from 'vitest';
import { f32DepthwiseGradientScratchBytes } from '../../../src/core/f32Layout.ts';
import { Rng } from '../../../src/core/rng.ts';
import { GuardedMemory } from '../../helpers/guarded.ts';
import { implementations } from '../../helpers/memory.ts';
import {
  depthwise,
  inputGradient,
  output,
  type Sum,
  weightGradient,
} from '../../reference/f32/conv2d.ts';
import { expectClose, expectSame, floats, ULP } from './compare.ts';
import { type ConvCase, paramsOf, randomCase } from './geometry.ts';

const guarded = new GuardedMemory();
const modules = implementations('train', guarded.memory);

const of = (name: string, c: number, rest: Partial<ConvCase> = {}): ConvCase => ({
  ...{ name, ci: c, co: c, kernel: [3, 3], pad: [1, 1, 1, 1], ...rest },
});

const cases: ConvCase[] = [
  ...[1, 3, 4, 5, 7, 8, 9, 12, 16, 17].map((c) => of(`3x3 channels ${c}`, c)),
  ...[1, 2, 3, 4, 5, 9].map((w) => of(`3x3 width ${w}`, 8, { size: [4, w] })),
  of('stride 2', 8, { stride: [2, 2], size: [7, 8] }),
  of('stride 2, padding at the end', 8, { stride: [2, 2], pad: [0, 1, 0, 1], size: [8, 8] }),
  of('stride 3, dilation 2', 5, { stride: [3, 3], dilation: [2, 2], size: [11, 12] }),
  of('stride 2, dilation 4', 5, { stride: [2, 2], dilation: [4, 4], size: [11, 12] }),
  of('5x5', 8, { kernel: [5, 5], pad: [2, 2, 2, 2], size: [9, 7] }),
  of('1x1', 6, { kernel: [1, 1], pad: [0, 0, 0, 0] }),
  of('7x1', 4, { kernel: [7, 1], pad: [3, 3, 0, 0] }),
  of('gaps', 6, { gap: [2, 3] }),
  of('kernel larger than the image', 4, { kernel: [4, 5], size: [2, 3], pad: [3, 3, 4, 4] }),
];

type Field = 'x' | 'w' | 'dy';

/** Runs one kernel on both modules, into the place of `into`, and compares with the reference. */
function check(c: ConvCase, seed: number): void {
  const rng = new Rng(seed);
  const p = paramsOf(c);
  const batch = c.batch ?? 2;
  const channels = p.outChannels;
  const operands = {
    x: floats(rng, batch * p.inHeight * p.inWidth * p.inStride),
    w: floats(rng, p.kernelHeight * p.kernelWidth * channels),
    dy: floats(rng, batch * p.outHeight * p.outWidth * p.outStride),
  };
  const bias = floats(rng, channels);
  const taps = p.kernelHeight * p.kernelWidth;
  const context = `${JSON.stringify(c)} seed ${seed}`;

  const run = (
    what: string,
    into: Field,
    want: Sum,
    steps: number,
    start: (i: number) => number,
    call: (
      kernels: (typeof modules)[number]['kernels'],
      params: number,
      a: Record<Field, number>,
      bias: number,
    ) => void,
  ) => {
    const stride = { x: p.inStride, w: channels, dy: p.outStride }[into];
    const results = modules.map(({ name, kernels }) => {
      guarded.reset();
      const params = guarded.params('ConvParams', p).pointer;
      const place = (field: Field) => {
        if (field !== into) return guarded.input(operands[field], field);
        const initial = operands[field].map((_, i) => start(i % stride < channels ? i : -1));
        return guarded.inout(initial, field);
      };
      const regions = { x: place('x'), w: place('w'), dy: place('dy') };
      const b = guarded.input(bias).pointer;
      call(
        kernels,
        params,
        { x: regions.x.pointer, w: regions.w.pointer, dy: regions.dy.pointer },
        b,
      );
      guarded.check();
      const got = regions[into].read();
      const inside = (i: number) => i % stride < channels;
      const base = (i: number) =>
        !inside(i) ? start(-1) : what === 'bias' ? bias[i % stride]! : what === 'dw' ? start(i) : 0;
      // Each product is rounded once, and each of `steps` sums.
      expectClose(
        got,
        want.value.map((v, i) => v + base(i)),
        (i) => (inside(i) ? 1.01 * (steps + 1) * ULP * (want.size[i]! + Math.abs(base(i))) : 0),
        `${what} ${name} ${context}`,
      );
      return got;
    });
    expectSame(results[0]!, results[1]!, `${what} simd128 against scalar ${context}`);
  };

  const gap = () => 7;
  const forward = output(depthwise, p, batch, operands);
  run('y', 'dy', forward, taps, gap, (k, params, a) =>
    k.f32_dwconv2d(params, batch, a.x, a.w, 0, a.dy),
  );
  run('bias', 'dy', forward, taps, gap, (k, params, a, b) =>
    k.f32_dwconv2d(params, batch, a.x, a.w, b, a.dy),
  );
  run('dx', 'x', inputGradient(depthwise, p, batch, operands), taps, gap, (k, params, a) =>
    k.f32_dwconv2d_input_gradient(params, batch, a.dy, a.w, a.x),
  );
  const rows = p.outWidth + batch * p.outHeight;
  const start = (i: number) => Math.fround(0.1 * (i % 7));
  run('dw', 'w', weightGradient(depthwise, p, batch, operands), rows, start, (k, params, a) => {
    const scratch = guarded.scratch(f32DepthwiseGradientScratchBytes(channels)).pointer;
    k.f32_dwconv2d_weight_gradient(params, batch, a.dy, a.x, a.w, scratch);
  });
}

describe('f32_dwconv2d and its gradients equal the float64 sums and their twins', () => {
  test.each(cases)('$name', (c) => check(c, 5));

  test.each([1, 2])(
    '3x3 of every height from 1 to 14 and every padding to 3, stride %i',
    (stride) => {
      for (let height = 1; height <= 14; height++) {
        for (let pad = 0; pad < 16; pad++) {
          const [top, bottom] = [pad >> 2, pad & 3];
          if (height + top + bottom < 3) continue;
          const seed = 100 * height + pad;
          const rng = new Rng(seed);
          const sides = [top, bottom, 1 + rng.below(3), 1 + rng.below(3)] as const;
          const size = [height, 1 + rng.below(9)] as const;
          const gap = [rng.below(3), rng.below(3)] as const;
          const rest = { stride: [stride, stride], pad: sides, size, gap } as const;
          check(of(`${height} rows`, 1 + rng.below(17), rest), seed);
        }
      }
    },
  );

  test('300 random geometries', () => {
    for (let seed = 1; seed <= 300; seed++) {
      const random = randomCase(new Rng(seed), (r) => {
        const c = 1 + r.below(18);
        return [c, c];
      });
      check(random, seed);
    }
  });
});
