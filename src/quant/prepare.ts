import { qatRule } from '../autograd/rules.ts';
import { rangeError } from '../core/errors.ts';
import { type Annotation, mergeAnnotations, type TensorAnnotation } from '../graph/annotation.ts';
import type { Graph, QuantizerSpec, ValueId } from '../graph/graph.ts';
import { type Edges, edgesOf } from '../graph/passes/edges.ts';
import { indexInputs, keepsIntegers, type Segment, segments } from '../graph/passes/segments.ts';
import { sharedQuantizers } from '../graph/passes/sharing.ts';
import { checkOperands, constantOperands } from './checkOperands.ts';
import { checkRequests } from './checkRequests.ts';
import type { MethodTable } from './method.ts';
import { quantizerRules } from './methods.ts';
import { activationQuantizers, type Rounded, weightQuantizer } from './quantizerSpecs.ts';
import {
  type ActivationScheme,
  checkAnnotation,
  checkPatterns,
  layerScheme,
  type Scheme,
  type TensorScheme,
} from './scheme.ts';

/**
 * The graph with quantizers: on each input, on the output of each segment that does not keep its integers, on constants
 * among activations, and on the weights of each linear or recurrent op. Values that a concat puts side by side have one range. Batch
 * normalization stays unfolded. Ranges are still empty; `calibrate` fills them. Throws a RangeError for a graph with an op
 * or an operand that has no integer form.
 */
export function prepare(graph: Graph, scheme: Scheme): Graph {
  const found = segments(graph);
  checkOperands(graph, found);
  const rounded = roundedValues(graph, found);
  const asked = annotations(graph, found, scheme);
  checkPatterns('quantizeModel', scheme, [...asked.keys()]);
  const names = new Set(rounded.map(({ id }) => graph.values[id]!.name));
  checkRequests(graph, found, names, scheme);
  const known: Known = { graph, found, scheme, asked, edges: edgesOf(graph, found) };
  const activations = quantizedActivations(known, rounded);
  return { ...graph, quantizers: new Map([...activations, ...quantizedWeights(known)]) };
}

/** What decides how a tensor is quantized. */
interface Known {
  readonly graph: Graph;
  readonly found: readonly Segment[];
  readonly scheme: Scheme;
  readonly asked: ReadonlyMap<string, Annotation>;
  readonly edges: Edges;
}

type Quantizers = [ValueId, QuantizerSpec][];

/** Of the rounded values, set by set of those with one range. */
function quantizedActivations(
  { graph, found, scheme, asked, edges }: Known,
  rounded: readonly Rounded[],
): Quantizers {
  const { activations, edgeBits, otherBits } = scheme;
  const standsFor = sharedQuantizers(graph, found);
  const ends = new Set([...edges.activations].map(standsFor));
  const layers = found.filter(({ kind }) => kind === 'linear' || kind === 'recurrent');
  const read = new Set(layers.map(({ anchor }) => standsFor(anchor.inputs[0]!)));
  return [...setsOf(rounded, standsFor)].flatMap(([set, members]) => {
    const own = members.map(({ id }) => asked.get(graph.values[id]!.name)?.activations ?? {});
    const least = Math.max(read.has(set) ? 0 : otherBits, ends.has(set) ? edgeBits : 0);
    const chosen = widest(atLeast(activations, least), own);
    const specs = activationQuantizers(graph, members, chosen, tableOf(scheme));
    return members.map(({ id }, i): Quantizers[number] => [id, specs[i]!]);
  });
}

/** Values with one range, by the one that stands for them. */
function setsOf(
  rounded: readonly Rounded[],
  standsFor: (id: ValueId) => ValueId,
): Map<ValueId, Rounded[]> {
  const sets = new Map<ValueId, Rounded[]>();
  for (const value of rounded) {
    const set = standsFor(value.id);
    sets.set(set, [...(sets.get(set) ?? []), value]);
  }
  return sets;
}

/** Of the kernels of linear and recurrent ops. A layer that is used twice has one, for which each use may ask. */
function quantizedWeights({ graph, found, scheme, asked, edges }: Known): Quantizers {
  const kernels = new Map<ValueId, TensorAnnotation>();
  const specs = new Map<ValueId, QuantizerSpec>();
  for (const { anchor } of found) {
    const rule = qatRule(anchor.op);
    if (rule?.kind !== 'linear' && rule?.kind !== 'recurrent') continue;
    for (const id of anchor.inputs.slice(1, rule.kind === 'linear' ? 2 : 3)) {
      const { name, shape } = graph.values[id]!;
      const general = atLeast(scheme.weights, edges.weights.has(id) ? scheme.edgeBits : 0);
      kernels.set(id, { ...kernels.get(id), ...asked.get(anchor.name)?.weights });
      const own = { ...general, ...kernels.get(id) };
      specs.set(id, weightQuantizer(name, own, shape, rule.channelAxis, tableOf(scheme)));
    }
  }
  return [...specs];
}

function tableOf({ methods }: Scheme): MethodTable {
  return { ...quantizerRules, ...methods };
}

function atLeast<S extends TensorScheme>(scheme: S, bits: number): S {
  return { ...scheme, bits: Math.max(scheme.bits, bits) };
}

/**
 * What is asked of single layers, by the name of a node, an input or a constant. The output of a segment has what is asked of any of
 * its nodes, the last before the others.
 */
function annotations(
  graph: Graph,
  found: readonly Segment[],
  scheme: Scheme,
): ReadonlyMap<string, Annotation> {
  const asked = new Map<string, Annotation>();
  const { values, nodes, inputs } = graph;
  const constants = found.flatMap((segment) => constantOperands(graph, segment));
  for (const id of [...inputs, ...constants]) {
    asked.set(values[id]!.name, layerScheme(scheme, values[id]!.name, undefined));
  }
  for (const { name, annotation } of nodes) {
    if (annotation) checkAnnotation(`quantizeModel: layer ${name}`, annotation, scheme.methods);
    asked.set(name, layerScheme(scheme, name, annotation));
  }
  for (const { anchor, norm, clamp, output } of found) {
    const parts = [anchor, norm, clamp].flatMap((node) => (node ? asked.get(node.name)! : []));
    const activations = parts.map((part) => ({ activations: part.activations ?? {} }));
    const merged = activations.reduce<Annotation>(mergeAnnotations, {});
    const { name } = values[output]!;
    asked.set(name, { ...asked.get(name), ...merged });
  }
  return asked;
}

/** Values that share a range share its integers: the most bits that one of them asks for, the method of the first that asks. */
function widest(general: TensorScheme, own: readonly TensorAnnotation[]): ActivationScheme {
  const asked = own.flatMap(({ bits }) => bits ?? []);
  const named = own.find(({ method }) => method !== undefined);
  const ranges = own.flatMap(({ min, max }) => (min === undefined ? [] : `${min} … ${max}`));
  const other = ranges.find((range) => range !== ranges[0]);
  if (other)
    throw rangeError('quantizeModel', `one range of what a concat joins, ${ranges[0]}`, other);
  const bits = asked.length > 0 ? Math.max(...asked) : general.bits;
  return { ...general, ...named, bits };
}

/** In the order in which a step computes them. */
function roundedValues(graph: Graph, found: readonly Segment[]): Rounded[] {
  const constants = found.flatMap((segment) => constantOperands(graph, segment));
  const made: Rounded[] = [];
  for (const { kind, anchor, clamp, output } of found) {
    if (keepsIntegers(kind)) continue;
    const rule = qatRule(anchor.op);
    const fixed = rule?.kind === 'rescale' || rule?.kind === 'table' ? rule.output : undefined;
    made.push({ id: output, clamped: clamp !== undefined, ...(fixed && { fixed }) });
  }
  const order = new Map(graph.nodes.map(({ output }, i) => [output, i]));
  made.sort((a, b) => order.get(a.id)! - order.get(b.id)!);
  const indices = indexInputs(graph, found);
  const inputs = graph.inputs.filter((id) => !indices.has(id));
  return [
    ...[...new Set(constants)].map((id) => ({ id, clamped: false })),
    ...inputs.map((id) => ({ id, clamped: false, given: true })),
    ...made,
  ];
}
