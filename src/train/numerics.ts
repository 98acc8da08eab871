import type { StepContext } from '../autograd/context.ts';
import type { Tape } from '../autograd/tape.ts';
import type { Tensor } from '../autograd/tensor.ts';
import { rangeError } from '../core/errors.ts';
import type { Ref } from '../core/op.ts';
import { sizeOf } from '../core/shape.ts';
import type { Graph, ValueId } from '../graph/graph.ts';

const ADVICE = 'try a smaller learning rate or look for NaN in the data';
const CHECK = 'checkNumerics finds the op that first makes it';

/** Throws a RangeError for a loss that is not finite. `step` counts from 1. */
export function checkLossValue(step: number, loss: number): void {
  if (Number.isFinite(loss)) return;
  throw rangeError(
    'fit',
    `a finite loss is expected at step ${step}`,
    `${loss}; ${ADVICE}; ${CHECK}`,
  );
}

/** Throws a RangeError that names the parameter when a gradient holds NaN or infinity; weights are still good then. */
export function checkGradients(cx: StepContext, step: number, tape: Tape): void {
  const count = cx.zeros([1], 'i32');
  for (const [, gradient] of tape.gradients()) {
    cx.kernels.f32_count_nonfinite(sizeOf(gradient.shape), gradient.ptr, count.ptr);
  }
  if (cx.i32(count)[0] === 0) return;
  for (const [parameter, gradient] of tape.gradients()) {
    const bad = firstNonfinite(cx, gradient);
    if (bad === undefined) continue;
    const expected = `finite gradients are expected at step ${step}`;
    throw rangeError('fit', expected, `${bad} for ${parameter.name}; ${ADVICE}; ${CHECK}`);
  }
}

/** A NaN or infinity of f32 values, if there is one. */
function firstNonfinite(cx: StepContext, ref: Ref): number | undefined {
  return cx.f32(ref).find((value) => !Number.isFinite(value));
}

/**
 * Looks at every value of one step, forward and backward, and stops at the first that is not finite with a RangeError
 * that names its op. Costs a pass over each value.
 */
export class NumericsCheck {
  readonly #names = new Map<Tensor, string>();

  constructor(
    readonly cx: StepContext,
    readonly graph: Graph,
    /** From 1. */
    readonly step: number,
  ) {}

  /** For `execute`: sees the values of the graph as they are computed. */
  readonly tap = (id: ValueId, value: Tensor): void => {
    const name = this.#describe(id);
    this.#names.set(value, name);
    this.#check(value.ref, `from ${name}, forward`);
  };

  /** The gradient that the loss starts from. */
  readonly loss = (gradient: Ref): void => this.#check(gradient, 'from the loss, backward');

  /** For `Tape.backward`: sees the gradients that one op hands to its inputs. */
  readonly backward = (
    output: Tensor,
    inputs: readonly Tensor[],
    gradients: readonly (Ref | undefined)[],
  ): void => {
    // Only a quantizer's output has no name: its input has one.
    const quantizer = `the quantizer of ${this.#names.get(inputs[0]!) ?? 'a weight'}`;
    const name = this.#names.get(output) ?? quantizer;
    for (const gradient of gradients) if (gradient) this.#check(gradient, `from ${name}, backward`);
  };

  #describe(id: ValueId): string {
    const { nodes, values, inputs } = this.graph;
    const node = nodes.find(({ output }) => output === id);
    if (node) return `${node.name} (${node.op})`;
    return inputs.includes(id) ? 'the data' : `the parameter ${values[id]!.name}`;
  }

  #check(ref: Ref, where: string): void {
    const bad = firstNonfinite(this.cx, ref);
    if (bad === undefined) return;
    throw rangeError('fit', `finite numbers are expected at step ${this.step}`, `${bad} ${where}`);
  }
}
