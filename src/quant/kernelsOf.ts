import { qatRule } from '../autograd/rules.ts';
import type { Node, ValueId } from '../graph/graph.ts';

/** The values of a node's weights: one of a linear op, two of a recurrent one. */
export function kernelsOf({ op, inputs }: Node): readonly ValueId[] {
  const kind = qatRule(op)?.kind;
  return kind === 'linear' || kind === 'recurrent'
    ? inputs.slice(1, kind === 'linear' ? 2 : 3)
    : [];
}
