/** What stands in a graph for a quantizer: its grid, and the parameters that its method wants. */

import { activationRange, weightRange } from '../core/qparams.ts';
import { type Shape, sizeOf } from '../core/shape.ts';
import type { Graph, Parameter, QuantizerSpec, ValueId } from '../graph/graph.ts';
import { rangeFromBounds } from './bounds.ts';
import { MIN_SCALE } from './kernels.ts';
import type { MethodTable, OwnParameter } from './method.ts';
import type { ActivationScheme, WeightScheme } from './scheme.ts';

/** An activation that is rounded to integers of its own. */
export interface Rounded {
  readonly id: ValueId;
  /** Of the nodes that make it, or its own. */
  readonly names: readonly string[];
  /** A relu is part of what makes it. */
  readonly clamped: boolean;
  /** It is data: nothing before it adapts to its range. */
  readonly given?: boolean;
  /** Parameters that its op asks for. */
  readonly fixed?: { readonly scale: number; readonly zeroPoint: number };
}

/** Zeros, which calibration replaces. */
function parameter(
  name: string,
  shape: Shape,
  { trained = true, decay = false, minimum }: OwnParameter,
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

/** The parameters of a method's own by name, one value for each scale. */
function ownParameters(
  name: string,
  scales: number,
  wanted: Readonly<Record<string, OwnParameter>>,
  trained: boolean,
): Record<string, Parameter> {
  const own = Object.entries(wanted).map(([key, one]) => {
    const options = { ...one, trained: trained && one.trained !== false };
    return [key, parameter(`${name}/${key}`, [scales], options)];
  });
  return Object.fromEntries(own);
}

/**
 * The quantizers of values with one range, in order. What one observes or remembers of its own gradient is no step of the others.
 * After a clamp at 0 nothing is negative, so the zero point is qmin for good if all end in one. The range of data stays as
 * calibrated: learning it would take the gradient of the first layer's input, which nothing else wants and which costs as much
 * as that layer's forward.
 */
export function activationQuantizers(
  graph: Graph,
  members: readonly Rounded[],
  { method, bits, min = 0, max = 0 }: ActivationScheme,
  table: MethodTable,
): QuantizerSpec[] {
  const names = members.map(({ id }) => graph.values[id]!.name);
  const [name] = names as [string];
  const [{ fixed }] = members as [Rounded];
  if (fixed && members.length === 1) return [fixedQuantizer(name, fixed, bits)];
  const range = activationRange(bits);
  if (method === 'fixed') {
    const given = boundedQuantizer(name, { min, max }, range);
    return members.map(() => given);
  }
  const layout = table[method]!.activations;
  const clamped = members.every((member) => member.clamped);
  const trained = !members.every(({ given }) => given);
  const free = !clamped && layout.zeroPoint !== 'symmetric';
  const wanted = layout.own?.(clamped);
  const shared: QuantizerSpec = {
    name,
    method,
    target: 'activation',
    ...range,
    ...(!free && { fixedZeroPoint: clamped ? range.qmin : 0 }),
    scale: scaleParameter(name, 1, layout.scale && trained),
    ...(free && zeroPointOf(name, trained && layout.zeroPoint === 'learned')),
    ...(wanted && { own: ownParameters(name, 1, wanted, trained) }),
  };
  const specs = wanted ? withOwn(shared, names, wanted, trained) : names.map(() => shared);
  return layout.observes ? withStates(specs, names) : specs;
}

/** Each with those parameters of the method's own that are `apart`. */
function withOwn(
  shared: QuantizerSpec,
  names: readonly string[],
  wanted: Readonly<Record<string, OwnParameter>>,
  trained: boolean,
): QuantizerSpec[] {
  const apart = Object.fromEntries(Object.entries(wanted).filter(([, one]) => one.apart));
  return names.map((name) => {
    return { ...shared, own: { ...shared.own, ...ownParameters(name, 1, apart, trained) } };
  });
}

/** Each observes by a state of its own, f32 [3]; the range covers what all of them hold. */
function withStates(specs: readonly QuantizerSpec[], names: readonly string[]): QuantizerSpec[] {
  const states = names.map((name) => parameter(`${name}/state`, [3], { trained: false }));
  return specs.map((spec, i) => {
    return { ...spec, state: states[i]!, ...(states.length > 1 && { states }) };
  });
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

export function weightQuantizer(
  name: string,
  { method, bits, perChannel }: WeightScheme,
  shape: Shape,
  axis: number,
  table: MethodTable,
): QuantizerSpec {
  const scales = perChannel ? shape[axis]! : 1;
  const layout = table[method]!.weights;
  const wanted = layout.own?.(false);
  return {
    ...{ name, method, target: 'weight', ...weightRange(bits), axis },
    scale: scaleParameter(name, scales, layout.scale),
    ...(wanted && { own: ownParameters(name, scales, wanted, true) }),
  };
}
