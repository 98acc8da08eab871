import { checkFlag, checkInteger, checkOptions, kindOf, rangeError } from '../core/errors.ts';
import { type MethodName, methods } from './methods.ts';

/** How the tensors of one kind are quantized. */
export interface TensorScheme {
  /** A name of `methods`. */
  readonly method: MethodName;
  /** Integers have 2 to 8. */
  readonly bits: number;
}

export interface WeightScheme extends TensorScheme {
  /** A scale for each output channel, or one for all of them. */
  readonly perChannel: boolean;
}

/** What `prepare` puts on a graph. */
export interface Scheme {
  readonly weights: WeightScheme;
  readonly activations: TensorScheme;
  /** The least bits at the ends of the network (`edgesOf`). */
  readonly edgeBits: number;
}

export interface ActivationOptions {
  /** Default: `method` of the model. */
  readonly method?: MethodName;
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
   * batch).
   */
  readonly method?: MethodName;
  readonly weights?: WeightOptions;
  readonly activations?: ActivationOptions;
  /**
   * The least bits at the ends of the network, where few bits cost most (Esser 2020, §3): inputs and outputs of the network, and
   * what its first and last layers with weights read. 2 to 8, default 8; below `bits` of a tensor it changes nothing.
   */
  readonly edgeBits?: number;
}

/** All options with their defaults. Throws a TypeError or a RangeError that starts with `where` for what is none. */
export function resolveScheme(where: string, options: SchemeOptions = {}): Scheme {
  const { method = 'learnedScale', weights = {}, activations = {}, edgeBits = 8 } = options;
  checkOptions(`${where}: weights`, weights, ['method', 'bits', 'perChannel']);
  checkOptions(`${where}: activations`, activations, ['method', 'bits']);
  const { perChannel = true } = weights;
  checkFlag(`${where}: weights`, 'perChannel', perChannel);
  checkInteger(where, 'edgeBits', edgeBits, 2, 8);
  checkMethod(where, method);
  return {
    weights: { ...tensorScheme(`${where}: weights`, weights, method), perChannel },
    activations: tensorScheme(`${where}: activations`, activations, method),
    edgeBits,
  };
}

function tensorScheme(
  where: string,
  { method, bits = 8 }: ActivationOptions,
  inherited: MethodName,
): TensorScheme {
  checkMethod(where, method ?? inherited);
  checkInteger(where, 'bits', bits, 2, 8);
  return { method: method ?? inherited, bits };
}

function checkMethod(where: string, method: string): void {
  if (Object.hasOwn(methods, method)) return;
  const expected = `method must be one of ${Object.keys(methods).join(', ')}`;
  throw rangeError(where, expected, kindOf(method));
}
