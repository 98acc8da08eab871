import { qatRule, splitOperands } from '../autograd/rules.ts';
import { rangeError } from '../core/errors.ts';
import type { Graph, Node, ValueId } from '../graph/graph.ts';
import type { Segment } from '../graph/passes/segments.ts';

/**
 * Throws a RangeError unless every segment has computed inputs where it reads activations, and parameters where it reads
 * weights, norms or indices. The operands of ops that rescale may be either; a parameter among them has integers, so
 * that it can be nothing else.
 */
export function checkOperands(graph: Graph, found: readonly Segment[]): void {
  for (const segment of found) checkAnchor(graph, segment);
  const operands = new Set(found.flatMap((segment) => constantOperands(graph, segment)));
  for (const { kind, anchor, norm } of found) {
    const own = othersOf(kind, anchor);
    const others = [...own, ...(norm?.inputs ?? [])];
    const both = others.find((id) => operands.has(id));
    if (both === undefined) continue;
    throw refusal(graph, anchor, 'what other ops read as an operand must be nothing else', both);
  }
}

/** The parameters that a segment reads as it does activations. */
export function constantOperands({ parameters }: Graph, { kind, anchor }: Segment): ValueId[] {
  if (kind === 'pick') return [anchor.inputs[1]!];
  return kind === 'rescale' ? operandsOf(anchor)[0].filter((id) => parameters.has(id)) : [];
}

/** The inputs of a segment's op that have no integers of their own as activations do. */
function othersOf(kind: Segment['kind'], anchor: Node): readonly ValueId[] {
  if (kind === 'pick') return [];
  return kind === 'rescale' ? operandsOf(anchor)[1] : anchor.inputs;
}

/** The inputs of an op that rescales: integers, and parameters that stay real. */
function operandsOf(anchor: Node): [ValueId[], ValueId[]] {
  const rule = qatRule(anchor.op);
  return rule?.kind === 'rescale' ? splitOperands(anchor, rule) : [[...anchor.inputs], []];
}

function checkAnchor(graph: Graph, { kind, anchor }: Segment): void {
  const { op, inputs } = anchor;
  const [first, ...rest] = inputs as [ValueId, ...ValueId[]];
  const given = (id: ValueId) => graph.parameters.has(id);
  if (kind === 'pick') {
    checkIndices(graph, anchor);
  } else if (kind === 'join') {
    // Constants have no batch axis, so no axis of them fits.
    const odd = inputs.find(given);
    if (odd !== undefined) throw refusal(graph, anchor, `${op} must join computed values`, odd);
  } else if (kind === 'rescale') {
    const odd = operandsOf(anchor)[1].find((id) => !given(id));
    if (odd !== undefined) throw refusal(graph, anchor, `a factor of ${op} must be given`, odd);
    if (!given(first) || (swaps(anchor) && !rest.every(given))) return;
    const what = swaps(anchor) ? 'an operand' : 'the first operand';
    throw refusal(graph, anchor, `${what} of ${op} must be computed`, first);
  } else {
    if (given(first)) throw refusal(graph, anchor, `the input of ${op} must be computed`, first);
    const odd = rest.find((id) => !given(id));
    if (odd === undefined) return;
    throw refusal(graph, anchor, `only the first input of ${op} may be computed`, odd);
  }
}

/** Indices are an input of the graph that nothing else reads, since reals are not counted with. */
function checkIndices(graph: Graph, anchor: Node): void {
  const [x, table] = anchor.inputs as [ValueId, ValueId];
  const others = graph.nodes.some(({ op, inputs }) => op !== anchor.op && inputs.includes(x));
  if (!graph.inputs.includes(x) || others) {
    const expected = `the indices of ${anchor.op} must be an input that nothing else reads`;
    throw refusal(graph, anchor, expected, x);
  }
  if (graph.parameters.has(table)) return;
  throw refusal(graph, anchor, `the table of ${anchor.op} must be a parameter`, table);
}

function swaps({ op }: Node): boolean {
  const rule = qatRule(op);
  return rule?.kind === 'rescale' && rule.swapped !== undefined;
}

function refusal({ values, parameters }: Graph, node: Node, expected: string, id: ValueId) {
  const kind = parameters.has(id) ? 'parameter' : 'computed value';
  const got = `the ${kind} "${values[id]!.name}"`;
  return rangeError(`quantize: node "${node.name}"`, expected, got);
}
