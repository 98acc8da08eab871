import { describe, expect, test } from 'vitest';
import { Rng } from '../../../src/core/rng.ts';
import { GuardedMemory } from '../../helpers/guarded.ts';
import { implementations } from '../../helpers/memory.ts';
import { expectSame, floats } from './compare.ts';

const guarded = new GuardedMemory();
const modules = implementations('train', guarded.memory);
const sizes = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 67, 1021];
const f = Math.fround;

type Kernels = (typeof modules)[number]['kernels'];

/** What clipping does before the update: nothing, a norm's factor, a limit that half of the gradients pass. */
const clippings = [
  { gradientScale: 1, gradientLimit: Infinity },
  { gradientScale: f(0.3), gradientLimit: Infinity },
  { gradientScale: 1, gradientLimit: 0.5 },
];

const clip = (g: Float32Array, { gradientScale, gradientLimit }: (typeof clippings)[number]) =>
  g.map((v) => Math.min(Math.max(f(v * gradientScale), -gradientLimit), gradientLimit));

/** Runs `call` over regions that change in place, and compares each with `want`. */
function checkUpdate(
  context: string,
  state: Float32Array<ArrayBuffer>[],
  want: Float32Array[],
  call: (kernels: Kernels, pointers: number[]) => void,
): void {
  for (const { name, kernels } of modules) {
    guarded.reset();
    const regions = state.map((s) => guarded.inout(s));
    call(
      kernels,
      regions.map((r) => r.pointer),
    );
    guarded.check();
    regions.forEach((r, i) => {
      expectSame(r.read(), want[i]!, `${context} ${name} array ${i}`);
    });
  }
}

describe.each(clippings)('optimizers equal their f32 steps with %o', (clipping) => {
  test.each(sizes)('f32_sgd, n %i', (n) => {
    for (const nesterov of [0, 1]) {
      const rng = new Rng(n + 3);
      const [w, g, m] = [floats(rng, n), floats(rng, n), floats(rng, n)];
      const rates = { learningRate: f(0.05), momentum: f(0.9), weightDecay: f(1e-4) };
      const fields = { ...rates, nesterov, ...clipping };
      const clipped = clip(g, clipping);
      const g2 = w.map((v, i) => clipped[i]! + f(fields.weightDecay * v));
      const m2 = m.map((v, i) => f(fields.momentum * v) + g2[i]!);
      const step = nesterov ? g2.map((v, i) => v + f(fields.momentum * m2[i]!)) : m2;
      const w2 = w.map((v, i) => v - f(fields.learningRate * step[i]!));
      checkUpdate(`nesterov ${nesterov}`, [w, g, m], [w2, g, m2], (k, [a, b, c]) =>
        k.f32_sgd(n, a!, b!, c!, guarded.params('SgdParams', fields).pointer),
      );
    }
  });

  test.each(sizes)('f32_adam, n %i', (n) => {
    const rng = new Rng(n + 4);
    const [w, g, m] = [floats(rng, n), floats(rng, n), floats(rng, n)];
    const v = floats(rng, n).map(Math.abs);
    const p = {
      ...{ learningRate: f(1e-3), beta1: f(0.9), beta2: f(0.999), epsilon: f(1e-3) },
      ...{
        weightDecay: f(0.01),
        correction1: f(1 / (1 - 0.9 ** 3)),
        correction2: f(1 / (1 - 0.999 ** 3)),
      },
      ...clipping,
    };
    const g2 = clip(g, clipping);
    const m2 = m.map((a, i) => f(p.beta1 * a) + f(f(1 - p.beta1) * g2[i]!));
    const v2 = v.map((a, i) => f(p.beta2 * a) + f(f(1 - p.beta2) * f(g2[i]! * g2[i]!)));
    const w2 = w.map((a, i) => {
      const root = f(f(Math.sqrt(f(v2[i]! * p.correction2))) + p.epsilon);
      const step = f(f(m2[i]! * p.correction1) / root);
      return a - f(p.learningRate * f(step + f(p.weightDecay * a)));
    });
    checkUpdate('adam', [w, g, m, v], [w2, g, m2, v2], (k, [a, b, c, d]) =>
      k.f32_adam(n, a!, b!, c!, d!, guarded.params('AdamParams', p).pointer),
    );
  });

  test.each(sizes)('f32_rmsprop, n %i', (n) => {
    for (const centered of [0, 1]) {
      const rng = new Rng(n + 5);
      const [w, g, m, a] = [floats(rng, n), floats(rng, n), floats(rng, n), floats(rng, n)];
      const v = floats(rng, n).map(Math.abs);
      const p = {
        ...{ learningRate: f(1e-3), rho: f(0.9), momentum: f(0.8), epsilon: f(1e-3) },
        ...{ weightDecay: f(0.01), centered, ...clipping },
      };
      const rest = f(1 - p.rho);
      const g2 = clip(g, clipping);
      const v2 = v.map((u, i) => f(p.rho * u) + f(rest * f(g2[i]! * g2[i]!)));
      const a2 = centered ? a.map((u, i) => f(p.rho * u) + f(rest * g2[i]!)) : a;
      const spread = v2.map((u, i) => (centered ? Math.max(f(u - f(a2[i]! * a2[i]!)), 0) : u));
      const m2 = m.map((u, i) => {
        const step = f(f(p.learningRate * g2[i]!) / f(Math.sqrt(f(spread[i]! + p.epsilon))));
        return f(p.momentum * u) + step;
      });
      const decay = f(p.learningRate * p.weightDecay);
      const w2 = w.map((u, i) => u - f(m2[i]! + f(decay * u)));
      const params = () => guarded.params('RmspropParams', p).pointer;
      checkUpdate(
        `centered ${centered}`,
        [w, g, v, m, a],
        [w2, g, v2, m2, a2],
        (k, [c, d, e, h, j]) => k.f32_rmsprop(n, c!, d!, e!, h!, j!, params()),
      );
    }
  });
});

test.each(sizes)('f32_average equals its f32 steps, n %i', (n) => {
  const rng = new Rng(n + 6);
  const [a, w] = [floats(rng, n), floats(rng, n)];
  const rate = f(0.01);
  const want = a.map((u, i) => u + f(rate * f(w[i]! - u)));
  checkUpdate('average', [a, w], [want, w], (k, [p, q]) => k.f32_average(n, p!, q!, rate));
});

test.each(sizes)('f32_sum_of_squares adds in f64, in four lanes, n %i', (n) => {
  const x = floats(new Rng(n + 7), n, 3);
  const body = n & ~3;
  const lanes = [0, 0, 0, 0];
  for (let i = 0; i < body; i++) lanes[i % 4]! += x[i]! * x[i]!;
  let total = lanes[0]! + lanes[1]! + (lanes[2]! + lanes[3]!);
  for (let i = body; i < n; i++) total += x[i]! * x[i]!;
  for (const { name, kernels } of modules) {
    guarded.reset();
    const sum = guarded.inout(Float64Array.of(0.5));
    kernels.f32_sum_of_squares(n, guarded.input(x).pointer, sum.pointer);
    guarded.check();
    expect(sum.read()[0], name).toBe(0.5 + total);
  }
});
