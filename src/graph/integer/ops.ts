import type { IntForm } from '../../core/form.ts';
import type { IntRule, OpDef } from '../../core/op.ts';
import type { OpName } from '../../ops/table.ts';
import { commonOps } from './commonOps.ts';

/** The facets of an op that a runtime needs. */
export interface IntegerOp {
  readonly definition: OpDef<never>;
  readonly form: IntForm<never>;
  readonly rule: IntRule<never>;
}

export type Table = Readonly<Record<string, IntegerOp>>;

/**
 * The ops that integer graphs may have. It starts with the common ones and only grows: a page that runs a classifier does not
 * download forty ops. Who makes or verifies bundles learns all (`learnAllOps`), `load` those of the bundle.
 */
let known: Table = commonOps;

export function learn(ops: Table): void {
  known = { ...known, ...ops };
}

/** Undefined where an op has no integer form, or is not known yet. */
export function integerOp(
  op: OpName,
): { definition: OpDef; form: IntForm; rule: IntRule } | undefined {
  return Object.hasOwn(known, op) ? (known[op] as never) : undefined;
}

export function knownOps(): readonly string[] {
  return Object.keys(known);
}

/** How many of a checked node's inputs are activations: they come before the constants. */
export function activationCount(node: {
  readonly op: OpName;
  readonly inputs: readonly number[];
}): number {
  const { activations } = integerOp(node.op)!.form;
  return activations === 'many' ? node.inputs.length : activations;
}
