import { describe, expect, test } from 'vitest';
import { Rng } from '../../src/core/rng.ts';
import { BATCH, sizeOf } from '../../src/core/shape.ts';
import { ops } from '../../src/ops/table.ts';
import { ARITHMETIC } from './arithmeticCases.ts';
import { allCases, drawInputs, type NamedCase } from './cases.ts';
import { MOVING } from './movementCases.ts';
import { RECURRENT } from './recurrentCases.ts';
import { differences, type Tensor64 } from './reference.ts';
import { expectClose, inFloat64, runRule, tensors64 } from './run.ts';

const SEED = 11;
/** Half a unit in the last place of f32, relative. */
const U = 2 ** -24;

function drawGradient(one: NamedCase): Float32Array {
  const rng = new Rng(SEED + 1);
  return Float32Array.from({ length: sizeOf(one.output) }, () => 2 * rng.uniform() - 1);
}

describe('shape rules', () => {
  test.each(allCases)('$title', ({ op, inputs, attrs, output }) => {
    expect(ops[op].inferShape(inputs, attrs as never)).toEqual(output);
  });

  test.each(allCases)(
    '$title, with an open batch axis',
    ({ op, inputs, attrs, output, ...one }) => {
      const fixed = { add: 2, concat: inputs.length }[op as string];
      const activations = one.activations ?? fixed ?? 1;
      const batch = BATCH * (one.openBatch ?? 1);
      const open = inputs.map((shape, i) => (i < activations ? [batch, ...shape.slice(1)] : shape));
      const outBatch = (batch * output[0]!) / inputs[0]![0]!;
      expect(ops[op].inferShape(open, attrs as never)).toEqual([outBatch, ...output.slice(1)]);
    },
  );
});

/**
 * Bounds for ops whose output and gradients are sums of products: n terms summed in f32 in any order, each a product of
 * two roundings at most, err by (n + 2)·U·Σ|term| to first order; 3 instead of 2 and 1 % cover the higher orders and the division of a mean.
 * Σ|term| is the op on absolute values, n the op on ones: averages lose their count there, so it is no less than the taps.
 *
 * Transformed tiles round a term 30 times, and the largest row of |Aᵀ|·(|G|·1 ∘ |Bᵀ|·1) makes 48 of the 3 terms of a line of ones,
 * in each of two directions; those of stride 2 round it 14 times, and make 5 of them. What depends on the values is in
 * test/kernels/f32/winograd.test.ts and stridedWinograd.test.ts.
 */
function bounds(n: number, size: ArrayLike<number>, { tiles }: NamedCase) {
  const growths = { 1: [30, (48 / 3) ** 2], 2: [14, (5 / 3) ** 2] } as const;
  const [roundings, growth] = tiles ? growths[tiles] : [3, 1];
  return (i: number) => 1.01 * (n + roundings) * U * growth * size[i]!;
}

const largest = (values: ArrayLike<number>) =>
  Array.from(values).reduce((a, b) => Math.max(a, b), 0);
const taps = ({ attrs, inputs, op, output }: NamedCase) => {
  if (op === 'globalAveragePool2d') return inputs[0]![1]! * inputs[0]![2]!;
  // Each element of x may have a part in all of y.
  if (op === 'resize') return sizeOf(output);
  const [height, width] = (attrs.poolSize as number[] | undefined) ?? [1, 1];
  return height! * width!;
};

const NORMS: readonly string[] = ['batchNormalization', 'layerNormalization'];
const sums = allCases.filter(
  ({ op }) => !NORMS.includes(op) && !ARITHMETIC.has(op) && !RECURRENT.has(op),
);

describe('f32 rules against float64', () => {
  test.each(sums)('$title', async (one) => {
    const data = drawInputs(one, SEED);
    const dy = drawGradient(one);
    const run = await runRule(one, data, dy);
    const f = inFloat64(one);
    const absolute = tensors64(one, data, Math.abs);
    const ones = tensors64(one, data, () => 1);
    const terms = Math.max(largest(f(ones)), taps(one));
    expectClose(
      one,
      'y',
      SEED,
      run.output,
      f(tensors64(one, data)),
      bounds(terms, f(absolute), one),
    );

    const absoluteDy = Float64Array.from(dy, Math.abs);
    for (const which of one.inputs.keys()) {
      if ((one.op === 'gather' && which === 1) || (one.op === 'embedding' && which === 0)) {
        expect(run.gradients[which]).toBeUndefined();
        continue;
      }
      // Linear in each input between kinks, which are 1/64 away: the difference quotient is exact but for the
      // rounding of float64, 2⁻⁵³·|y|·256 a term.
      const gradient = (inputs: readonly Tensor64[], g: Float64Array) =>
        differences(f, inputs, which, g, 1 / 128);
      const expected = gradient(tensors64(one, data), Float64Array.from(dy));
      const n = Math.max(
        largest(
          gradient(
            ones,
            absoluteDy.map(() => 1),
          ),
        ),
        taps(one),
      );
      const size = gradient(absolute, absoluteDy);
      const rounding = 2 ** -45 * largest(f(absolute)) * n;
      const bound = bounds(n, size, one);
      expectClose(
        one,
        `d${which}`,
        SEED,
        run.gradients[which]!,
        expected,
        (i) => bound(i) + rounding,
      );
    }
  });

  test.each(sums)('$title, leaves its inputs alone', async (one) => {
    const data = drawInputs(one, SEED);
    const run = await runRule(one, data, drawGradient(one));
    expect(run.inputs).toEqual(data);
  });
});

describe('moving and choosing', () => {
  const exact = allCases.filter(({ op }) =>
    ['flatten', 'maxPool2d', 'relu', 'relu6', ...MOVING].includes(op),
  );

  test.each(exact)('$title gives input values', async (one) => {
    const data = drawInputs(one, SEED);
    const { output } = await runRule(one, data, drawGradient(one));
    expect(Array.from(output)).toEqual(Array.from(inFloat64(one)(tensors64(one, data))));
  });
});
