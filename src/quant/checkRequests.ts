/** What single layers ask for and nothing could give is refused, so that nobody believes that it was done. */

import { qatRule } from '../autograd/rules.ts';
import { rangeError } from '../core/errors.ts';
import type { Graph, Node } from '../graph/graph.ts';
import type { Segment } from '../graph/passes/segments.ts';
import { matches, type Scheme } from './scheme.ts';

/**
 * Throws a RangeError that names the entry of `layers` for weights of layers that have none, for activations of layers whose outputs keep the
 * integers of others, and for a method or a range of what has a range of its own. `rounded` holds the names of values that have integers
 * of their own. A pattern counts if one of its layers can do it.
 */
export function checkRequests(
  graph: Graph,
  found: readonly Segment[],
  rounded: ReadonlySet<string>,
  { layers }: Scheme,
): void {
  const made = new Set(found.map(({ output }) => graph.values[output]!.name));
  for (const [pattern, { weights, activations }] of Object.entries(layers)) {
    const where = `quantizeModel: layer ${pattern}`;
    const nodes = graph.nodes.filter(({ name }) => matches(pattern, name));
    const ops = [...new Set(nodes.map(({ op }) => op))].join(', ') || 'an input';
    if (weights && !nodes.some(hasWeights)) throw rangeError(where, 'a layer with weights', ops);
    if (!activations) continue;
    const outputs = outputsOf(graph, found, nodes).filter(({ name }) => rounded.has(name));
    const given = [...rounded].some((name) => matches(pattern, name) && !made.has(name));
    if (outputs.length === 0 && !given) {
      throw rangeError(where, 'a layer whose outputs do not keep the integers of its inputs', ops);
    }
    const { method, min } = activations;
    if ((method ?? min) === undefined || given || outputs.some(({ anchor }) => !fixes(anchor))) {
      continue;
    }
    throw rangeError(where, 'no method and no range, which the op has of its own', ops);
  }
}

function hasWeights({ op }: Node): boolean {
  const kind = qatRule(op)?.kind;
  return kind === 'linear' || kind === 'recurrent';
}

/** What comes out of the segments that some of these nodes are part of. */
function outputsOf({ values }: Graph, found: readonly Segment[], nodes: readonly Node[]) {
  const mine = new Set(nodes);
  return found
    .filter(({ anchor, norm, clamp }) => [anchor, norm, clamp].some((node) => mine.has(node!)))
    .map(({ anchor, output }) => ({ anchor, name: values[output]!.name }));
}

function fixes({ op }: Node): boolean {
  const rule = qatRule(op);
  return (rule?.kind === 'rescale' || rule?.kind === 'table') && rule.output !== undefined;
}
