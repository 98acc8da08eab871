import { typeError } from '../core/errors.ts';
import type { Attrs } from '../core/op.ts';
import type { Shape } from '../core/shape.ts';
import type { OpName } from '../ops/table.ts';
import type { Parameter } from './graph.ts';

/**
 * What model code computes with: a `SymbolicTensor` while tracing, a `Tensor` on a tape. Both answer `apply`, so the same layer
 * code serves both and no global state says which one is active.
 */
export interface Handle {
  readonly shape: Shape;
  apply(op: OpName, inputs: readonly Operand[], attrs: Attrs, name?: string): Handle;
}

export type Operand = Handle | Parameter;

export function isHandle(operand: Operand): operand is Handle {
  return typeof (operand as Handle).apply === 'function';
}

/** Calls an op on whatever kind of handle the first input is. */
export function apply(
  op: OpName,
  inputs: readonly Operand[],
  attrs: Attrs = {},
  name?: string,
): Handle {
  const first = inputs[0];
  if (!first || !isHandle(first)) throw typeError(op, 'the first input must be a tensor', first);
  return first.apply(op, inputs, attrs, name);
}
