/** What single layers ask for and nothing could give is refused, so that nobody believes that it was done. */

import { rangeError } from '../core/errors.ts';
import type { TensorAnnotation } from '../graph/annotation.ts';
import type { Graph } from '../graph/graph.ts';
import { kernelsOf } from './kernelsOf.ts';
import type { Rounded } from './quantizerSpecs.ts';
import type { Request } from './requests.ts';

/**
 * Throws a RangeError that names the request for weights of layers that have none, for activations of layers whose outputs keep the
 * integers of others, and for a method or a range of what has a range of its own. `sets` are the values with integers of their own, those
 * with one range together. A request of many layers counts if one of them can do it.
 */
export function checkRequests(
  graph: Graph,
  sets: readonly (readonly Rounded[])[],
  requests: readonly Request[],
): void {
  for (const { name, annotation, names } of requests) {
    const { weights, activations } = annotation;
    const where = `quantizeModel: layer ${name}`;
    const nodes = graph.nodes.filter((node) => names.has(node.name));
    const ops = [...new Set(nodes.map(({ op }) => op))].join(', ') || 'an input';
    if (asks(weights) && !nodes.some((node) => kernelsOf(node).length > 0)) {
      throw rangeError(where, 'a layer with weights', ops);
    }
    if (!asks(activations)) continue;
    const mine = (value: Rounded) => value.names.some((one) => names.has(one));
    const own = sets.filter((members) => members.some(mine));
    if (own.length === 0) {
      throw rangeError(where, 'a layer whose outputs do not keep the integers of its inputs', ops);
    }
    if (activations?.method === undefined || own.some((members) => !hasFixedRange(members))) {
      continue;
    }
    throw rangeError(where, 'no method and no range, which the op has of its own', ops);
  }
}

function asks(tensor: TensorAnnotation | undefined): boolean {
  return Object.values(tensor ?? {}).some((value) => value !== undefined);
}

/** The op's own range holds where nothing shares it. */
function hasFixedRange(members: readonly Rounded[]): boolean {
  return members.length === 1 && members[0]!.fixed !== undefined;
}
