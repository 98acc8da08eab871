import {
  checkFlag,
  checkInteger,
  checkNumber,
  checkObject,
  checkOptions,
  kindOf,
  rangeError,
} from '../core/errors.ts';
import type { Annotation, TensorAnnotation } from '../graph/annotation.ts';
import { checkOwnMethods } from './checkOwnMethods.ts';
import type { Method } from './method.ts';
import { type MethodName, methods } from './methods.ts';

/** How the tensors of one kind are quantized. */
export interface TensorScheme {
  /** A name of `methods` or of the model's own quantizers, or 'fixed'. */
  readonly method: string;
  /** Integers have 2 to 8. */
  readonly bits: number;
}

export interface WeightScheme extends TensorScheme {
  /** A scale for each output channel, or one for all of them. */
  readonly perChannel: boolean;
}

/** Activations; with method 'fixed' the range that they have for good. */
export interface ActivationScheme extends TensorScheme {
  readonly min?: number;
  readonly max?: number;
}

/** What `prepare` puts on a graph. */
export interface Scheme {
  readonly weights: WeightScheme;
  readonly activations: TensorScheme;
  /** The least bits at the ends of the network (`edgesOf`). */
  readonly edgeBits: number;
  /** The least bits of activations that no layer with weights reads. */
  readonly otherBits: number;
  /** What single layers have of their own, by name or pattern. */
  readonly layers: Readonly<Record<string, Annotation>>;
  /** Methods by name, the model's own among them. */
  readonly methods: Readonly<Record<string, Method>>;
}

export interface ActivationOptions {
  /** Default: `method` of the model. */
  readonly method?: MethodName | (string & {});
  /** 2 to 8, default 8: integers are in [−2^(bits−1), 2^(bits−1) − 1]. */
  readonly bits?: number;
}

export interface WeightOptions extends ActivationOptions {
  /**
   * True, the default: a scale for each output channel. False: one for the whole tensor, which costs accuracy where channels differ
   * in size, most of all in depthwise layers.
   */
  readonly perChannel?: boolean;
}

export interface SchemeOptions {
  /**
   * How ranges are chosen while training. Learned, from a search for the least squared error on: 'learnedScale' (the default), 'lsq',
   * 'lsqPlus', 'pact', 'tqt', 'ewgs'. Following the data: 'movingAverage', 'minMax' (all values seen), 'lastValue' (those of the last
   * batch). Or a name of `quantizers`.
   */
  readonly method?: MethodName | (string & {});
  readonly weights?: WeightOptions;
  readonly activations?: ActivationOptions;
  /**
   * The least bits at the ends of the network, where few bits cost most (Esser 2020, §3): inputs and outputs of the network, and
   * what its first and last layers with weights read. 2 to 8, default 8; below `bits` of a tensor it changes nothing.
   */
  readonly edgeBits?: number;
  /**
   * The least bits of activations that no layer with weights reads, such as what goes into a sum: papers count the bits of what is multiplied
   * (Esser 2020, §2), and every integer takes a byte of memory anyway. 2 to 8, default 8.
   */
  readonly otherBits?: number;
  /**
   * What single layers have of their own, by the name of a node of the graph, or of many where it holds `*`:
   * `{ 'conv2d': { weights: { bits: 8 } }, 'dense*': { activations: { method: 'minMax' } } }`. `activations` is what comes out, after
   * batch normalization and relu; 'input' names what goes in. Later entries go before earlier ones. What none of the layers can give is refused.
   */
  readonly layers?: Readonly<Record<string, Annotation>>;
  /** Methods of one's own by name, to be named as `method` (see `Method`). */
  readonly quantizers?: Readonly<Record<string, Method>>;
}

/** The names of what `resolveScheme` takes. */
export const SCHEME_OPTIONS = [
  'method',
  'weights',
  'activations',
  'edgeBits',
  'otherBits',
  'layers',
  'quantizers',
] as const satisfies (keyof SchemeOptions)[];

/** All options with their defaults. Throws a TypeError or a RangeError that starts with `where` for what is none. */
export function resolveScheme(where: string, options: SchemeOptions = {}): Scheme {
  const { method = 'learnedScale', weights = {}, activations = {}, edgeBits = 8 } = options;
  const { otherBits = 8, layers = {}, quantizers = {} } = options;
  checkOptions(`${where}: weights`, weights, ['method', 'bits', 'perChannel']);
  checkOptions(`${where}: activations`, activations, ['method', 'bits']);
  checkObject(where, 'layers', layers);
  checkOwnMethods(where, quantizers);
  const known = { ...methods, ...quantizers };
  const { perChannel = true } = weights;
  checkFlag(`${where}: weights`, 'perChannel', perChannel);
  checkInteger(where, 'edgeBits', edgeBits, 2, 8);
  checkInteger(where, 'otherBits', otherBits, 2, 8);
  checkMethod(where, method, known);
  for (const [name, layer] of Object.entries(layers)) {
    checkAnnotation(`${where}: layer ${name}`, layer, known);
  }
  const resolve = (kind: string, { method: own = method, bits = 8 }: ActivationOptions) => {
    checkMethod(`${where}: ${kind}`, own, known);
    checkInteger(`${where}: ${kind}`, 'bits', bits, 2, 8);
    return { method: own, bits };
  };
  return {
    ...{ weights: { ...resolve('weights', weights), perChannel } },
    ...{ activations: resolve('activations', activations), edgeBits, otherBits },
    ...{ layers, methods: known },
  };
}

/**
 * Throws a TypeError or a RangeError that starts with `where` for what no layer can ask. Names of methods are looked up in `known`, if
 * it is known already.
 */
export function checkAnnotation(
  where: string,
  annotation: Annotation,
  known?: Readonly<Record<string, Method>>,
): void {
  checkOptions(where, annotation, ['weights', 'activations']);
  const { weights = {}, activations = {} } = annotation;
  checkOptions(`${where}: weights`, weights, ['method', 'bits', 'perChannel']);
  checkOptions(`${where}: activations`, activations, ['method', 'bits', 'min', 'max']);
  checkTensor(`${where}: weights`, { perChannel: weights.perChannel });
  for (const { method, bits } of [weights, activations]) {
    checkTensor(where, { bits });
    if (known && method !== undefined && method !== 'fixed') checkMethod(where, method, known);
  }
  if (weights.method === 'fixed') {
    throw rangeError(where, 'a method that follows weights', '"fixed", which is for activations');
  }
  checkBounds(where, activations);
}

/** Throws a TypeError or a RangeError that starts with `where` for bits or granularity, where given, that no tensor can have. */
export function checkTensor(
  where: string,
  { bits, perChannel }: { readonly bits?: unknown; readonly perChannel?: unknown },
): void {
  if (bits !== undefined) checkInteger(where, 'bits', bits as number, 2, 8);
  if (perChannel !== undefined) checkFlag(where, 'perChannel', perChannel);
}

/** Throws a TypeError or a RangeError for bounds without the method 'fixed', or that hold no range around 0. */
export function checkBounds(where: string, { method, min, max }: TensorAnnotation): void {
  if (method !== 'fixed') {
    if (min === undefined && max === undefined) return;
    throw rangeError(where, "method must be 'fixed' where there is min or max", kindOf(method));
  }
  checkNumber(where, 'min', min as number, Number.NEGATIVE_INFINITY, 0);
  checkNumber(where, 'max', max as number, 0);
  if (min === max) throw rangeError(where, 'min must be less than max', `${min} for both`);
}

function checkMethod(where: string, method: string, known: object): void {
  if (Object.hasOwn(known, method)) return;
  const expected = `method must be one of ${Object.keys(known).join(', ')}`;
  throw rangeError(where, expected, kindOf(method));
}
