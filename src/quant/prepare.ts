import { qatRule } from '../autograd/rules.ts';
import { internal } from '../core/errors.ts';
import type { Graph, Node, QuantizerSpec, ValueId } from '../graph/graph.ts';
import { type Edges, edgesOf } from '../graph/passes/edges.ts';
import {
  indexInputs,
  keepsIntegers,
  nodesOf,
  type Segment,
  segments,
} from '../graph/passes/segments.ts';
import { sharedQuantizers } from '../graph/passes/sharing.ts';
import { checkOperands, constantOperands } from './checkOperands.ts';
import { checkRequests } from './checkRequests.ts';
import { kernelsOf } from './kernelsOf.ts';
import type { MethodTable } from './method.ts';
import { quantizerRules } from './methods.ts';
import { activationQuantizers, type Rounded, weightQuantizer } from './quantizerSpecs.ts';
import { askedOfActivations, askedOfWeights, type Request, requestsOf } from './requests.ts';
import type { Scheme, TensorScheme } from './scheme.ts';

/**
 * The graph with quantizers: on each input, on the output of each segment that does not keep its integers, on constants
 * among activations, and on the weights of each linear or recurrent op. Values that a concat puts side by side have one range. Batch
 * normalization stays unfolded. Ranges are still empty; `calibrate` fills them. Throws a RangeError for a graph with an op
 * or an operand that has no integer form, and for what is asked of single layers and cannot be (`requestsOf`, `checkRequests`).
 */
export function prepare(graph: Graph, scheme: Scheme): Graph {
  const found = segments(graph);
  checkOperands(graph, found);
  const rounded = roundedValues(graph, found);
  const sets = setsOf(rounded, sharedQuantizers(graph, found));
  const requests = requestsOf(graph, found, scheme);
  checkRequests(graph, [...sets.values()], requests);
  const known: Known = { graph, found, scheme, requests, edges: edgesOf(graph, found) };
  const activations = quantizedActivations(known, sets);
  return { ...graph, quantizers: new Map([...activations, ...quantizedWeights(known)]) };
}

/** What decides how a tensor is quantized. */
interface Known {
  readonly graph: Graph;
  readonly found: readonly Segment[];
  readonly scheme: Scheme;
  readonly requests: readonly Request[];
  readonly edges: Edges;
}

type Quantizers = [ValueId, QuantizerSpec][];

/** Values with one range share its integers. */
type Sets = ReadonlyMap<ValueId, readonly Rounded[]>;

/** By the value that stands for those with one range. */
function setsOf(rounded: readonly Rounded[], standsFor: (id: ValueId) => ValueId): Sets {
  const sets = new Map<ValueId, Rounded[]>();
  for (const value of rounded) {
    const set = standsFor(value.id);
    sets.set(set, [...(sets.get(set) ?? []), value]);
  }
  return sets;
}

function quantizedActivations(
  { graph, found, scheme, requests, edges }: Known,
  sets: Sets,
): Quantizers {
  const { activations, edgeBits, otherBits } = scheme;
  const standsFor = sharedQuantizers(graph, found);
  const ends = new Set([...edges.activations].map(standsFor));
  const layers = found.filter(({ kind }) => kind === 'linear' || kind === 'recurrent');
  const read = new Set(layers.map(({ anchor }) => standsFor(anchor.inputs[0]!)));
  return [...sets].flatMap(([set, members]) => {
    const least = Math.max(read.has(set) ? 0 : otherBits, ends.has(set) ? edgeBits : 0);
    const asked = askedOfActivations(
      requests,
      members.map(({ names }) => names),
    );
    const chosen = { ...atLeast(activations, least), ...asked };
    const specs = activationQuantizers(graph, members, chosen, tableOf(scheme));
    return members.map(({ id }, i): Quantizers[number] => [id, specs[i]!]);
  });
}

/** Of the kernels of linear and recurrent ops. A layer that is used twice has one, for which each use may ask. */
function quantizedWeights({ graph, found, scheme, requests, edges }: Known): Quantizers {
  const uses = new Map<ValueId, Node[]>();
  for (const { anchor } of found) {
    for (const id of kernelsOf(anchor)) uses.set(id, [...(uses.get(id) ?? []), anchor]);
  }
  return [...uses].map(([id, nodes]): Quantizers[number] => {
    const { name, shape } = graph.values[id]!;
    const general = atLeast(scheme.weights, edges.weights.has(id) ? scheme.edgeBits : 0);
    const asked = askedOfWeights(
      requests,
      nodes.map((node) => [node.name]),
    );
    const own = { ...general, ...asked };
    return [id, weightQuantizer(name, own, shape, channelAxisOf(nodes[0]!), tableOf(scheme))];
  });
}

function channelAxisOf({ op }: Node): number {
  const rule = qatRule(op);
  if (rule?.kind === 'linear' || rule?.kind === 'recurrent') return rule.channelAxis;
  throw internal(`${op} has no kernel`);
}

function tableOf({ methods }: Scheme): MethodTable {
  return { ...quantizerRules, ...methods };
}

function atLeast<S extends TensorScheme>(scheme: S, bits: number): S {
  return { ...scheme, bits: Math.max(scheme.bits, bits) };
}

/** In the order in which a step computes them. */
function roundedValues(graph: Graph, found: readonly Segment[]): Rounded[] {
  const constants = found.flatMap((segment) => constantOperands(graph, segment));
  const made: Rounded[] = [];
  for (const segment of found) {
    const { kind, anchor, clamp, output } = segment;
    if (keepsIntegers(kind)) continue;
    const rule = qatRule(anchor.op);
    const fixed = rule?.kind === 'rescale' || rule?.kind === 'table' ? rule.output : undefined;
    const names = nodesOf(segment).map(({ name }) => name);
    made.push({ id: output, names, clamped: clamp !== undefined, ...(fixed && { fixed }) });
  }
  const order = new Map(graph.nodes.map(({ output }, i) => [output, i]));
  made.sort((a, b) => order.get(a.id)! - order.get(b.id)!);
  const indices = indexInputs(graph, found);
  const inputs = graph.inputs.filter((id) => !indices.has(id));
  // What an embedding gives has the integers of its table.
  const picks = found.filter(({ kind }) => kind === 'pick').map(({ anchor }) => anchor);
  const names = (id: ValueId) => {
    const readers = picks.filter(({ inputs }) => inputs[1] === id).map(({ name }) => name);
    return [graph.values[id]!.name, ...readers];
  };
  return [
    ...[...new Set(constants)].map((id) => ({ id, names: names(id), clamped: false })),
    ...inputs.map((id) => ({ id, names: names(id), clamped: false, given: true })),
    ...made,
  ];
}
