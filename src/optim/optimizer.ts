import { checkFlag, checkNumber } from '../core/errors.ts';
import { power } from '../core/math.ts';
import type { Ref, TrainContext } from '../core/op.ts';
import { sizeOf } from '../core/shape.ts';
import type { Parameter } from '../graph/graph.ts';
import type { ParameterGroup } from './groups.ts';
import type { Schedule } from './schedules.ts';
import {
  type AveragingOptions,
  checkFraction,
  checkShared,
  type SharedOptions,
} from './sharedOptions.ts';

/**
 * An update rule and what it remembers. `slots` arrays of a parameter's size live as long as the optimizer, so that a
 * second `fit` goes on where the first one stopped.
 */
export interface Optimizer {
  readonly name: string;
  /** Of the rule; averaging has one more, the last. */
  readonly slots: number;
  readonly learningRate: number | Schedule;
  readonly memory: OptimizerMemory;
  readonly clipNorm?: number | undefined;
  /** `update` knows it too; here it tells one run from another. */
  readonly clipValue?: number | undefined;
  readonly groups?: readonly ParameterGroup[] | undefined;
  readonly averaging?: AveragingOptions | undefined;
  /** The constants of the rule: they tell one training from another. */
  readonly settings: Readonly<Record<string, number | boolean>>;
  /** w ← w − …, in place. `step` counts from 1; all tensors are f32 of one size. */
  update(cx: TrainContext, target: UpdateTarget, learningRate: number, step: number): void;
}

export interface UpdateTarget {
  readonly w: Ref;
  readonly gradient: Ref;
  readonly slots: readonly Ref[];
  /** Whether weight decay applies to this parameter. */
  readonly decay: boolean;
  /** Of the parameter's group, in place of the optimizer's. */
  readonly weightDecay?: number | undefined;
  /** Factor on the gradient, 1 unless `clipNorm` makes it smaller. */
  readonly gradientScale?: number;
}

/** Slots by parameter, between runs. */
export interface OptimizerMemory {
  step: number;
  readonly slots: WeakMap<Parameter, Float32Array[]>;
}

/** The parts of an optimizer that do not depend on its rule. */
function shared({ clipNorm, clipValue, groups, averaging }: SharedOptions) {
  const memory: OptimizerMemory = { step: 0, slots: new WeakMap() };
  return { memory, clipNorm, clipValue, groups, averaging };
}

/** The fields of a params struct that all rules have. */
function sharedFields(target: UpdateTarget, options: SharedOptions, learningRate: number) {
  const { decay, gradientScale = 1 } = target;
  const { weightDecay = options.weightDecay ?? 0 } = target;
  return {
    learningRate,
    weightDecay: decay ? weightDecay : 0,
    gradientScale,
    gradientLimit: options.clipValue ?? Number.POSITIVE_INFINITY,
  };
}

/** Learning rate 0.01 unless given; weight decay is L2: weightDecay·w joins the clipped gradient. */
export interface SgdOptions extends SharedOptions {
  /** Default 0. */
  readonly momentum?: number;
  readonly nesterov?: boolean;
}

/** m = momentum·m + g, w −= learningRate·m      (Polyak 1964; Nesterov's form per Sutskever 2013) */
export function sgd(options: SgdOptions = {}): Optimizer {
  checkShared('sgd', options, ['momentum', 'nesterov']);
  const { learningRate = 0.01, momentum = 0, nesterov = false } = options;
  checkNumber('sgd', 'momentum', momentum, 0, 1);
  checkFlag('sgd', 'nesterov', nesterov);
  return {
    ...shared(options),
    settings: { momentum, nesterov, weightDecay: options.weightDecay ?? 0 },
    name: 'sgd',
    slots: 1,
    learningRate,
    update(cx, target, rate) {
      const { w, gradient, slots } = target;
      const params = cx.struct('SgdParams', {
        ...sharedFields(target, options, rate),
        momentum,
        nesterov: nesterov ? 1 : 0,
      });
      cx.kernels.f32_sgd(sizeOf(w.shape), w.ptr, gradient.ptr, slots[0]!.ptr, params);
    },
  };
}

/** Learning rate 0.001 unless given; weight decay is decoupled: learningRate·weightDecay·w is taken off beside the step. */
export interface AdamOptions extends SharedOptions {
  /** Default 0.9. */
  readonly beta1?: number;
  /** Default 0.999. */
  readonly beta2?: number;
  /** Default 1e-7. */
  readonly epsilon?: number;
}

/** Kingma and Ba 2015, algorithm 1; with `weightDecay` it is AdamW, Loshchilov and Hutter 2019, algorithm 2. */
export function adam(options: AdamOptions = {}): Optimizer {
  return momentEstimates('adam', options);
}

/** `adam` with a weight decay of 0.01 unless given. There is no Adam with L2 here: AdamW's paper shows why. */
export function adamW(options: AdamOptions = {}): Optimizer {
  return momentEstimates('adamW', { weightDecay: 0.01, ...options });
}

function momentEstimates(name: string, options: AdamOptions): Optimizer {
  checkShared(name, options, ['beta1', 'beta2', 'epsilon']);
  const { learningRate = 0.001, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7 } = options;
  checkFraction(name, 'beta1', beta1);
  checkFraction(name, 'beta2', beta2);
  checkNumber(name, 'epsilon', epsilon, 0);
  return {
    ...shared(options),
    settings: { beta1, beta2, epsilon, weightDecay: options.weightDecay ?? 0 },
    name,
    slots: 2,
    learningRate,
    update(cx, target, rate, step) {
      const { w, gradient, slots } = target;
      const params = cx.struct('AdamParams', {
        ...sharedFields(target, options, rate),
        beta1,
        beta2,
        epsilon,
        correction1: 1 / (1 - power(beta1, step)),
        correction2: 1 / (1 - power(beta2, step)),
      });
      const [m, v] = slots as [Ref, Ref];
      cx.kernels.f32_adam(sizeOf(w.shape), w.ptr, gradient.ptr, m.ptr, v.ptr, params);
    },
  };
}

/** Learning rate 0.001 unless given; weight decay is decoupled as Adam's. */
export interface RmspropOptions extends SharedOptions {
  /** Share of the mean square that an update keeps; default 0.9. */
  readonly rho?: number;
  /** Default 0. */
  readonly momentum?: number;
  /** Inside the root; default 1e-7. */
  readonly epsilon?: number;
  /** Whether the gradient's variance is taken, not its mean square; default false. */
  readonly centered?: boolean;
}

/** v = rho·v + (1 − rho)·g², w −= learningRate·g / sqrt(v + epsilon)      (Tieleman and Hinton 2012; centered: Graves 2013) */
export function rmsprop(options: RmspropOptions = {}): Optimizer {
  checkShared('rmsprop', options, ['rho', 'momentum', 'epsilon', 'centered']);
  const { learningRate = 0.001, rho = 0.9, momentum = 0, epsilon = 1e-7 } = options;
  const { centered = false } = options;
  checkFraction('rmsprop', 'rho', rho);
  checkNumber('rmsprop', 'momentum', momentum, 0, 1);
  checkNumber('rmsprop', 'epsilon', epsilon, 0);
  checkFlag('rmsprop', 'centered', centered);
  return {
    ...shared(options),
    settings: { rho, momentum, epsilon, centered, weightDecay: options.weightDecay ?? 0 },
    name: 'rmsprop',
    slots: centered ? 3 : 2,
    learningRate,
    update(cx, target, rate) {
      const { w, gradient, slots } = target;
      const params = cx.struct('RmspropParams', {
        ...sharedFields(target, options, rate),
        rho,
        momentum,
        epsilon,
        centered: centered ? 1 : 0,
      });
      const [v, m, a] = slots.map(({ ptr }) => ptr) as [number, number, number?];
      cx.kernels.f32_rmsprop(sizeOf(w.shape), w.ptr, gradient.ptr, v, m, a ?? 0, params);
    },
  };
}

export const optimizers = { sgd, adam, adamW, rmsprop } as const;
