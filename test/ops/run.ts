import { StepContext } from '../../src/autograd/context.ts';
import { withDevice } from '../../src/autograd/device.ts';
import { f32Rule } from '../../src/autograd/rules.ts';
import type { NamedCase } from './cases.ts';
import { reference, type Tensor64 } from './reference.ts';

export interface RuleRun {
  readonly output: Float32Array;
  /** The inputs as the forward leaves them: batch normalization moves its running statistics. */
  readonly inputs: readonly Float32Array[];
  /** undefined where the rule has none */
  readonly gradients: readonly (Float32Array | undefined)[];
}

/** Forward and backward of an op's f32 rule on a device of so many threads. */
export function runRule(
  { op, inputs: shapes, attrs, training = true }: NamedCase,
  data: readonly Float32Array[],
  dy: Float32Array,
  threads = 1,
): Promise<RuleRun> {
  return withDevice(async (device) => {
    const cx = new StepContext(device, training);
    const rule = f32Rule(op);
    const inputs = shapes.map((shape, i) => {
      const ref = cx.alloc(shape);
      cx.f32(ref).set(data[i]!);
      return ref;
    });
    const { output, extra } = rule.forward(cx, inputs, attrs as never);
    const gradient = cx.alloc(output.shape);
    cx.f32(gradient).set(dy);
    const wants = inputs.map(() => true);
    const saved = { inputs, output, extra, wants };
    const gradients = rule.backward(cx, gradient, saved, attrs as never);
    const run = {
      output: cx.f32(output).slice(),
      inputs: inputs.map((ref) => cx.f32(ref).slice()),
      gradients: inputs.map((_, i) => gradients[i] && cx.f32(gradients[i]).slice()),
    };
    cx.end();
    return run;
  }, threads);
}

/** The op in float64 as a function of its inputs. */
export function inFloat64({ op, attrs, output, training = true }: NamedCase) {
  return (inputs: readonly Tensor64[]) => reference(op)(inputs, output, attrs as never, training);
}

export function tensors64(
  { inputs }: NamedCase,
  data: readonly ArrayLike<number>[],
  map: (value: number) => number = (value) => value,
): Tensor64[] {
  return inputs.map((shape, i) => ({ shape, data: Float64Array.from(data[i]!, map) }));
}

/** Throws with op, shapes, seed, index, got and expected where |got − expected| > bound. */
export function expectClose(
  { title, inputs, attrs }: NamedCase,
  what: string,
  seed: number,
  got: ArrayLike<number>,
  expected: ArrayLike<number>,
  bound: (i: number) => number,
): void {
  for (let i = 0; i < expected.length; i++) {
    if (Math.abs(got[i]! - expected[i]!) <= bound(i)) continue;
    const where = `${title}, ${what}, seed ${seed}, inputs ${JSON.stringify(inputs)}, attrs ${JSON.stringify(attrs)}`;
    throw new Error(`${where}: [${i}] is ${got[i]}, not ${expected[i]} ± ${bound(i)}`);
  }
}
