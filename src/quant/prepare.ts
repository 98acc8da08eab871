import { qatRule } from '../autograd/rules.ts';
import { rangeError } from '../core/errors.ts';
import { activationRange, weightRange } from '../core/qparams.ts';
import { type Shape, sizeOf } from '../core/shape.ts';
import { type Annotation, mergeAnnotations, type TensorAnnotation } from '../graph/annotation.ts';
import type { Graph, Parameter, QuantizerSpec, ValueId } from '../graph/graph.ts';
import { edgesOf } from '../graph/passes/edges.ts';
import { indexInputs, keepsIntegers, type Segment, segments } from '../graph/passes/segments.ts';
import { sharedQuantizers } from '../graph/passes/sharing.ts';
import { rangeFromBounds } from './bounds.ts';
import { checkOperands, constantOperands } from './checkOperands.ts';
import { checkRequests } from './checkRequests.ts';
import { MIN_SCALE } from './kernels.ts';
import type { Method, OwnParameter } from './method.ts';
import { quantizerRules } from './methods.ts';
import {
  type ActivationScheme,
  checkAnnotation,
  checkPatterns,
  layerScheme,
  type Scheme,
  type TensorScheme,
  type WeightScheme,
} from './scheme.ts';

/** Methods by name. */
export type MethodTable = Readonly<Record<string, Method>>;

/** An activation that is rounded to integers of its own. */
interface Rounded {
  readonly id: ValueId;
  /** A relu is part of what makes it. */
  readonly clamped: boolean;
  /** It is data: nothing before it adapts to its range. */
  readonly given?: boolean;
  /** Parameters that its op asks for. */
  readonly fixed?: { readonly scale: number; readonly zeroPoint: number };
}

/**
 * The graph with quantizers: on each input, on the output of each segment that does not keep its integers, on constants
 * among activations, and on the weights of each linear or recurrent op. Values that a concat puts side by side have one range. Batch
 * normalization stays unfolded. Ranges are still empty; `calibrate` fills them. Throws a RangeError for a graph with an op
 * or an operand that has no integer form.
 */
export function prepare(graph: Graph, scheme: Scheme): Graph {
  const { weights, activations, edgeBits, otherBits } = scheme;
  const table: MethodTable = { ...quantizerRules, ...scheme.methods };
  const found = segments(graph);
  checkOperands(graph, found);
  const rounded = roundedValues(graph, found);
  const asked = annotations(graph, found, scheme);
  const standsFor = sharedQuantizers(graph, found);
  const sets = new Map<ValueId, Rounded[]>();
  for (const value of rounded) {
    const members = sets.get(standsFor(value.id)) ?? [];
    sets.set(standsFor(value.id), [...members, value]);
  }
  checkPatterns('quantizeModel', scheme, [...asked.keys()]);
  const names = new Set(rounded.map(({ id }) => graph.values[id]!.name));
  checkRequests(graph, found, names, scheme);
  const edges = edgesOf(graph, found);
  const edgeSets = new Set([...edges.activations].map(standsFor));
  const layers = found.filter(({ kind }) => kind === 'linear' || kind === 'recurrent');
  const read = new Set(layers.map(({ anchor }) => standsFor(anchor.inputs[0]!)));
  const atLeast = <S extends TensorScheme>(scheme: S, bits: number): S => {
    return { ...scheme, bits: Math.max(scheme.bits, bits) };
  };
  const quantizers = new Map<ValueId, QuantizerSpec>();
  for (const [set, members] of sets) {
    const own = members.map(({ id }) => asked.get(graph.values[id]!.name)?.activations ?? {});
    const least = read.has(set) ? 0 : otherBits;
    const general = atLeast(activations, edgeSets.has(set) ? Math.max(least, edgeBits) : least);
    const specs = activationQuantizers(graph, members, widest(general, own), table);
    members.forEach(({ id }, i) => {
      quantizers.set(id, specs[i]!);
    });
  }
  const kernels = new Map<ValueId, TensorAnnotation>();
  for (const { anchor } of found) {
    const rule = qatRule(anchor.op);
    if (rule?.kind !== 'linear' && rule?.kind !== 'recurrent') continue;
    for (const id of anchor.inputs.slice(1, rule.kind === 'linear' ? 2 : 3)) {
      const { name, shape } = graph.values[id]!;
      const general = atLeast(weights, edges.weights.has(id) ? edgeBits : 0);
      // A layer that is used twice has one kernel, for which each use may ask.
      kernels.set(id, { ...kernels.get(id), ...asked.get(anchor.name)?.weights });
      const own = { ...general, ...kernels.get(id) };
      quantizers.set(id, weightQuantizer(name, own, shape, rule.channelAxis, table));
    }
  }
  return { ...graph, quantizers };
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

interface Trained {
  readonly trained?: boolean;
  readonly decay?: boolean;
  readonly minimum?: number;
}

function parameter(
  name: string,
  shape: Shape,
  { trained = true, decay = false, minimum }: Trained,
): Parameter {
  const data = new Float32Array(sizeOf(shape));
  return {
    name,
    shape,
    trainable: trained,
    decay,
    data,
    ...(minimum !== undefined && { minimum }),
  };
}

/** Scales are trained by some methods, and never fall to 0. */
function scaleParameter(name: string, scales: number, trained = false): Parameter {
  return parameter(`${name}/scale`, [scales], { trained, minimum: MIN_SCALE });
}

/** The parameters of a method's own, one value for each scale. */
function ownParameters(
  name: string,
  scales: number,
  wanted: Readonly<Record<string, OwnParameter>> | undefined,
  trained: boolean,
): Pick<QuantizerSpec, 'own'> {
  if (!wanted) return {};
  const own = Object.entries(wanted).map(([key, one]) => {
    const options = { ...one, trained: trained && one.trained !== false };
    return [key, parameter(`${name}/${key}`, [scales], options)];
  });
  return { own: Object.fromEntries(own) };
}

/**
 * The quantizers of values with one range, in order. Only states are apart: what one observes is no step of the others.
 * After a clamp at 0 nothing is negative, so the zero point is qmin for good if all end in one. The range of data stays as
 * calibrated: learning it would take the gradient of the first layer's input, which nothing else wants and which costs as much
 * as that layer's forward.
 */
function activationQuantizers(
  graph: Graph,
  members: readonly Rounded[],
  { method, bits, min = 0, max = 0 }: ActivationScheme,
  table: MethodTable,
): QuantizerSpec[] {
  const [{ id, fixed }] = members as readonly [Rounded];
  const { name } = graph.values[id]!;
  if (fixed && members.length === 1) return [fixedQuantizer(name, fixed, bits)];
  const range = activationRange(bits);
  if (method === 'fixed') {
    const given = boundedQuantizer(name, { min, max }, range);
    return members.map(() => given);
  }
  const layout = table[method]!.activations;
  const clamped = members.every((member) => member.clamped);
  const trained = !members.every(({ given }) => given);
  const symmetric = layout.zeroPoint === 'symmetric';
  const free = !clamped && !symmetric;
  const shared: QuantizerSpec = {
    name,
    method,
    target: 'activation',
    ...range,
    ...(!free && { fixedZeroPoint: clamped ? range.qmin : 0 }),
    scale: scaleParameter(name, 1, layout.scale && trained),
    ...(free && zeroPointOf(name, trained && layout.zeroPoint === 'learned')),
    ...ownParameters(name, 1, layout.own?.(clamped), trained),
  };
  if (!layout.observes) return members.map(() => shared);
  const states = members.map((member) =>
    parameter(`${graph.values[member.id]!.name}/state`, [3], { trained: false }),
  );
  return states.map((state) => ({ ...shared, state, ...(states.length > 1 && { states }) }));
}

function zeroPointOf(name: string, trained: boolean): Pick<QuantizerSpec, 'zeroPoint'> {
  return { zeroPoint: parameter(`${name}/zeroPoint`, [1], { trained }) };
}

/** With fewer than 8 bits as many fewer integers cover the same reals. Zero points are −128 or 0, so that they stay whole. */
function fixedQuantizer(
  name: string,
  { scale, zeroPoint }: NonNullable<Rounded['fixed']>,
  bits: number,
): QuantizerSpec {
  const wider = 2 ** (8 - bits);
  const data = Float32Array.of(scale * wider);
  return {
    name,
    method: 'fixed',
    target: 'activation',
    ...activationRange(bits),
    fixedZeroPoint: zeroPoint / wider,
    scale: { ...scaleParameter(name, 1), data },
  };
}

/** The range that holds given reals, for good. */
export function boundedQuantizer(
  name: string,
  { min, max }: { readonly min: number; readonly max: number },
  { qmin, qmax }: Pick<QuantizerSpec, 'qmin' | 'qmax'>,
): QuantizerSpec {
  const scale = scaleParameter(name, 1);
  const spec = { name, method: 'fixed', target: 'activation', qmin, qmax, scale } as const;
  const found = rangeFromBounds(min, max, spec);
  const data = Float32Array.of(found.scale);
  return { ...spec, fixedZeroPoint: found.zeroPoint, scale: { ...scale, data } };
}

function weightQuantizer(
  name: string,
  { method, bits, perChannel }: WeightScheme,
  shape: Shape,
  axis: number,
  table: MethodTable,
): QuantizerSpec {
  const scales = perChannel ? shape[axis]! : 1;
  const layout = table[method]!.weights;
  return {
    ...{ name, method, target: 'weight', ...weightRange(bits), axis },
    scale: scaleParameter(name, scales, layout.scale),
    ...ownParameters(name, scales, layout.own?.(false), true),
  };
}
