/** What is asked of single layers, by annotations and by `layers`, and what of it holds for a tensor. */

import { rangeError } from '../core/errors.ts';
import type { Annotation, TensorAnnotation } from '../graph/annotation.ts';
import type { Graph } from '../graph/graph.ts';
import { nodesOf, type Segment } from '../graph/passes/segments.ts';
import { constantOperands } from './checkOperands.ts';
import { checkAnnotation, type Scheme } from './scheme.ts';

export interface Request {
  /** What messages call it. */
  readonly name: string;
  readonly annotation: Annotation;
  /** Of the nodes, inputs and constants that it is asked of. */
  readonly names: ReadonlySet<string>;
  /** An entry of `layers` goes before any annotation. */
  readonly source: 'annotation' | 'layers';
  /** It is asked of one tensor alone, so that nothing else can fulfil it. */
  readonly single: boolean;
}

/**
 * In rising order of precedence: annotations, inner ones after outer ones and in the order of nodes, then the entries of `layers` in their order.
 * Throws a RangeError for a pattern that names no node, input or constant, and as `checkAnnotation` does.
 */
export function requestsOf(graph: Graph, found: readonly Segment[], scheme: Scheme): Request[] {
  const constants = found.flatMap((segment) => constantOperands(graph, segment));
  const values = [...new Set([...graph.inputs, ...constants])].map((id) => graph.values[id]!);
  const names = [...values, ...graph.nodes].map(({ name }) => name);
  const segmentOf = new Map(
    found.flatMap((one) => nodesOf(one).map(({ name }) => [name, one] as const)),
  );
  const isSingle = (own: readonly string[]) => {
    return new Set(own.map((name) => segmentOf.get(name) ?? name)).size === 1;
  };
  const layers = Object.entries(scheme.layers).map(([pattern, annotation]): Request => {
    const own = matching(pattern, names);
    const about = { names: new Set(own), single: isSingle(own) };
    return { name: pattern, annotation, source: 'layers', ...about };
  });
  const annotations = annotated(graph).map(([annotation, own]): Request => {
    const name = own.length === 1 ? own[0]! : `${own[0]} … ${own.at(-1)}`;
    checkAnnotation(`quantizeModel: layer ${name}`, annotation, scheme.methods);
    const about = { names: new Set(own), single: isSingle(own) };
    return { name, annotation, source: 'annotation', ...about };
  });
  return [...annotations, ...layers];
}

/** Each annotation with the names of its nodes. */
function annotated({ nodes }: Graph): [Annotation, string[]][] {
  const groups = new Map<Annotation, { readonly names: string[]; depth: number }>();
  for (const { name, annotations = [] } of nodes) {
    annotations.forEach((annotation, depth) => {
      const group = groups.get(annotation) ?? { names: [], depth };
      group.names.push(name);
      group.depth = Math.max(group.depth, depth);
      groups.set(annotation, group);
    });
  }
  const sorted = [...groups].sort(([, a], [, b]) => a.depth - b.depth);
  return sorted.map(([annotation, { names }]) => [annotation, names]);
}

function matching(pattern: string, names: readonly string[]): string[] {
  const parts = pattern.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  const expression = new RegExp(`^${parts.join('.*')}$`);
  const found = names.filter((name) => expression.test(name));
  if (found.length > 0) return found;
  const expected = `layers must name some of ${names.join(', ')}`;
  throw rangeError('quantizeModel', expected, JSON.stringify(pattern));
}

/** What is asked together. */
const PARTS = {
  bits: ['bits'],
  perChannel: ['perChannel'],
  method: ['method', 'min', 'max'],
} as const;

type Part = keyof typeof PARTS;

/** Names of the nodes that make one tensor, or the name of an input or a constant. */
export type TensorNames = readonly string[];

/**
 * What holds for a kernel, by the names of each node that reads it. Throws a RangeError for what two of them alone ask and that
 * differs.
 */
export function askedOfWeights(
  requests: readonly Request[],
  uses: readonly TensorNames[],
): TensorAnnotation {
  const agreed = (part: Part) => agree(requests, 'weights', uses, part);
  return { ...agreed('bits'), ...agreed('perChannel'), ...agreed('method') };
}

/**
 * What holds for tensors that share a range, by the names of each: the most bits that one of them asks for, and one method. Throws a
 * RangeError for methods or fixed ranges that two of them alone ask and that differ.
 */
export function askedOfActivations(
  requests: readonly Request[],
  members: readonly TensorNames[],
): TensorAnnotation {
  const winners = winnersOf(requests, 'activations', members, 'bits');
  const bits = winners.map(({ annotation }) => annotation.activations!.bits!);
  return {
    ...(bits.length > 0 && { bits: Math.max(...bits) }),
    ...agree(requests, 'activations', members, 'method'),
  };
}

/** For each tensor the last request, if there is one; in the order of requests. */
function winnersOf(
  requests: readonly Request[],
  kind: keyof Annotation,
  tensors: readonly TensorNames[],
  part: Part,
): Request[] {
  const asking = requests.filter(({ annotation }) => annotation[kind]?.[part] !== undefined);
  const winners = tensors.map((names) => {
    return asking.filter((request) => names.some((name) => request.names.has(name))).at(-1);
  });
  return asking.filter((request) => winners.includes(request));
}

/** One for all: `layers` before annotations, then what is asked of one of them alone, then the last. */
function agree(
  requests: readonly Request[],
  kind: keyof Annotation,
  tensors: readonly TensorNames[],
  part: Part,
): TensorAnnotation {
  const winners = winnersOf(requests, kind, tensors, part);
  const entries = winners.filter(({ source }) => source === 'layers');
  const nearest = entries.length > 0 ? entries : winners;
  const single = nearest.filter((request) => request.single);
  const chosen = (single.length > 0 ? single : nearest).at(-1);
  if (!chosen) return {};
  const shown = (one: Request) => show(partOf(one, kind, part));
  const other = single.find((one) => shown(one) !== shown(chosen));
  if (!other) return partOf(chosen, kind, part);
  const what = kind === 'weights' ? 'weights' : 'range';
  const expected = `${shown(chosen)}, as ${chosen.name} asks for the same ${what}`;
  throw rangeError(`quantizeModel: layer ${other.name}`, expected, shown(other));
}

function partOf({ annotation }: Request, kind: keyof Annotation, part: Part): TensorAnnotation {
  const entries = PARTS[part].map((key) => [key, annotation[kind]![key]]);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

function show(part: TensorAnnotation): string {
  const entries = Object.entries(part);
  return entries.map(([key, value]) => `${key} ${value}`).join(', ');
}
