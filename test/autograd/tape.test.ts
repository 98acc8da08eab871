import { describe, expect, test } from 'vitest';
import { execute } from '../../src/autograd/execute.ts';
import { Rng } from '../../src/core/rng.ts';
import { apply, type Handle } from '../../src/graph/dispatch.ts';
import { input } from '../../src/graph/trace.ts';
import { add, layers } from '../../src/nn/layers.ts';
import { residual, sequential } from '../../src/nn/models.ts';
import { Module } from '../../src/nn/module.ts';
import { graphOf, parameterOf, withTape } from './eager.ts';

/** Small whole numbers: every f32 sum below is exact, so results are compared without tolerance. */
const X = [1, -2, 3, 4];
const W = parameterOf('w', [2, 2], [1, 2, -3, 4]);

describe('Tape', () => {
  test('a value used twice collects both gradients', async () => {
    const p = parameterOf('p', [2, 2], X);
    await withTape(graphOf([p]), ({ tape, ref, read, gradientOf }) => {
      const x = tape.parameter(p);
      const y = tape.apply('add', [x, x], {});
      expect(read(y)).toEqual([2, -4, 6, 8]);
      tape.backward(y, ref([2, 2], [1, 10, 100, 1000]));
      expect(gradientOf(p)).toEqual([2, 20, 200, 2000]);
    });
  });

  test('a value with three readers too, and the gradients of others stay as they were', async () => {
    const p = parameterOf('p', [2, 2], X);
    await withTape(graphOf([p]), ({ cx, tape, ref, gradientOf }) => {
      const x = tape.parameter(p);
      const two = tape.apply('add', [x, x], {});
      const three = tape.apply('add', [two, x], {});
      const seen: number[][] = [];
      tape.backward(three, ref([2, 2], [1, 2, 3, 4]), (output) => {
        if (output === two) seen.push([...cx.f32(two.gradient!)]);
      });
      expect(gradientOf(p)).toEqual([3, 6, 9, 12]);
      expect(seen).toEqual([[1, 2, 3, 4]]);
    });
  });

  test('relu and a skip meet in one gradient', async () => {
    const p = parameterOf('p', [2, 2], X);
    await withTape(graphOf([p]), ({ tape, ref, gradientOf }) => {
      const x = tape.parameter(p);
      const y = tape.apply('add', [tape.apply('relu', [x], {}), x], {});
      tape.backward(y, ref([2, 2], [1, 1, 1, 1]));
      expect(gradientOf(p)).toEqual([2, 1, 2, 2]);
    });
  });

  test('a parameter used by two ops has one gradient', async () => {
    await withTape(graphOf([W]), ({ tape, constant, ref, gradientOf }) => {
      const x = constant([1, 2], [1, 2]);
      const y = tape.apply('dense', [x, W], {});
      const z = tape.apply('dense', [y, W], {});
      tape.backward(z, ref([1, 2], [1, 10]));
      // y = [5, 5]; dz/dW = dz ⊗ y, and dy = Wᵀ·dz = [-29, 42] meets x.
      expect(gradientOf(W)).toEqual([5 - 29, 5 - 58, 50 + 42, 50 + 84]);
    });
  });

  test('constants and what they lead to get no gradient', async () => {
    await withTape(graphOf([W]), ({ tape, constant, ref }) => {
      const x = constant([1, 2], [1, 2]);
      const clamped = tape.apply('relu', [x], {});
      const y = tape.apply('dense', [clamped, W], {});
      tape.backward(y, ref([1, 2], [1, 1]));
      expect([x.gradient, clamped.gradient]).toEqual([undefined, undefined]);
      expect([x.needsGradient, clamped.needsGradient, y.needsGradient]).toEqual([
        false,
        false,
        true,
      ]);
    });
  });

  test('parameters that are not trained get none, nor does anything in evaluation', async () => {
    const frozen = { ...W, trainable: false };
    await withTape(graphOf([frozen]), ({ tape, constant }) => {
      expect(tape.apply('dense', [constant([1, 2], [1, 2]), frozen], {}).needsGradient).toBe(false);
    });
    const work = ({ tape, constant }: Parameters<Parameters<typeof withTape>[1]>[0]) =>
      tape.apply('dense', [constant([1, 2], [1, 2]), W], {}).needsGradient;
    expect(await withTape(graphOf([W]), work, false)).toBe(false);
  });

  test('a value that the output does not need gets none', async () => {
    const p = parameterOf('p', [2, 2], X);
    await withTape(graphOf([p, W]), ({ tape, ref, gradientOf }) => {
      tape.apply('dense', [tape.parameter(p), W], {});
      const y = tape.apply('relu', [tape.parameter(p)], {});
      tape.backward(y, ref([2, 2], [1, 1, 1, 1]));
      expect(gradientOf(W)).toBeUndefined();
      expect(gradientOf(p)).toEqual([1, 0, 1, 1]);
    });
  });
});

describe('dispatch', () => {
  class Branches extends Module {
    readonly conv = layers.conv2d({ filters: 3, kernelSize: 3, padding: 'same' });
    readonly norm = layers.batchNormalization();
    readonly head = sequential([layers.globalAveragePool2d(), layers.dense({ units: 2 })]);
    forward(x: Handle): Handle {
      const y = this.conv.apply(x);
      return this.head.apply(add(layers.relu().apply(this.norm.apply(y)), y));
    }
  }

  test('the same code gives the same numbers on a tape and through its graph', async () => {
    const net = new Branches();
    const graph = net.build([4, 4, 2]);
    const rng = new Rng(5);
    const x = Float32Array.from({ length: 64 }, () => rng.uniform());
    await withTape(graph, ({ tape, constant, read, ref }) => {
      const eager = net.apply(constant([2, 4, 4, 2], x)) as ReturnType<typeof constant>;
      const [traced] = execute(tape, graph, [ref([2, 4, 4, 2], x)]);
      expect(read(eager)).toEqual(read(traced!));
      expect(eager.shape).toEqual([2, 2]);
    });
  });

  test('a call without a tensor is a TypeError that names the op', () => {
    expect(() => apply('relu', [])).toThrow(
      /^relu: the first input must be a tensor, got undefined$/,
    );
    expect(() => apply('dense', [W, W])).toThrow(TypeError);
  });

  test('symbolic and eager values do not mix', async () => {
    await withTape(graphOf([W]), ({ constant }) => {
      expect(() => add(constant([1, 2], [1, 2]), input([2]))).toThrow(/symbolic/);
    });
  });
});

/** dense, relu, dense, written out in float64. */
function twoLayers(x: Float32Array, p: readonly Float64Array[], dy: Float32Array): number {
  const [w1, b1, w2, b2] = p as [Float64Array, Float64Array, Float64Array, Float64Array];
  let sum = 0;
  for (let n = 0; n < 4; n++) {
    const hidden = Array.from(b1, (b, u) =>
      Math.max(
        0,
        [0, 1, 2].reduce((acc, k) => acc + x[n * 3 + k]! * w1[u * 3 + k]!, b),
      ),
    );
    for (let o = 0; o < 2; o++) {
      const y = hidden.reduce((acc, h, u) => acc + h * w2[o * 5 + u]!, b2[o]!);
      sum += dy[n * 2 + o]! * y;
    }
  }
  return sum;
}

test('the gradient of a network of two layers is that of float64 differences', async () => {
  const graph = sequential(
    [layers.dense({ units: 5 }), layers.relu(), layers.dense({ units: 2 })],
    {
      seed: 3,
    },
  ).build([3]);
  const parameters = [...graph.parameters.values()];
  const rng = new Rng(6);
  const draw = (length: number) => Float32Array.from({ length }, () => 2 * rng.uniform() - 1);
  parameters[1]!.data.set(draw(5));
  const [x, dy] = [draw(12), draw(8)];
  const got = await withTape(graph, ({ tape, ref, gradientOf }) => {
    const [y] = execute(tape, graph, [ref([4, 3], x)]);
    tape.backward(y!, ref([4, 2], dy));
    return parameters.map((parameter) => gradientOf(parameter)!);
  });
  const values = parameters.map(({ data }) => Float64Array.from(data));
  parameters.forEach(({ name }, which) => {
    got[which]!.forEach((g, i) => {
      const at = (change: number) =>
        twoLayers(
          x,
          values.map((v, j) => (j === which ? v.with(i, v[i]! + change) : v)),
          dy,
        );
      // Linear between kinks: exact but for 2⁻⁵³·2¹⁴. At most 30 f32 roundings of sums below 8.
      const expected = (at(2 ** -14) - at(-(2 ** -14))) * 2 ** 13;
      expect(Math.abs(g - expected), `${name}[${i}] of seed 6`).toBeLessThan(30 * 2 ** -24 * 8);
    });
  });
});

test('a residual of a residual adds gradients of all paths', async () => {
  const graph = sequential([
    layers.dense({ units: 2, useBias: false }),
    residual([residual([layers.relu()])]),
  ]).build([2]);
  const [w] = [...graph.parameters.values()];
  w!.data.set([1, 0, 0, 1]);
  await withTape(graph, ({ tape, ref, gradientOf, read }) => {
    const [y] = execute(tape, graph, [ref([1, 2], [3, -5])]);
    // y = relu(h) + h + h with h = x
    expect(read(y!)).toEqual([9, -10]);
    tape.backward(y!, ref([1, 2], [1, 1]));
    expect(gradientOf(w!)).toEqual([9, -15, 6, -10]);
  });
});
