import { checkNumber, checkOptions, rangeError } from '../core/errors.ts';
import { power } from '../core/math.ts';
import type { Ref, TrainContext } from '../core/op.ts';
import { sizeOf } from '../core/shape.ts';
import type { Parameter } from '../graph/graph.ts';
import type { Schedule } from './schedules.ts';

/**
 * An update rule and what it remembers. `slots` arrays of a parameter's size live as long as the optimizer, so that a
 * second `fit` goes on where the first one stopped.
 */
export interface Optimizer {
  readonly name: string;
  readonly slots: number;
  readonly learningRate: number | Schedule;
  readonly memory: OptimizerMemory;
  /** w ← w − …, in place. `step` counts from 1; all tensors are f32 of one size. */
  update(cx: TrainContext, target: UpdateTarget, learningRate: number, step: number): void;
}

export interface UpdateTarget {
  readonly w: Ref;
  readonly gradient: Ref;
  readonly slots: readonly Ref[];
  /** Whether weight decay applies to this parameter. */
  readonly decay: boolean;
}

/** Slots by parameter, between runs. */
export interface OptimizerMemory {
  step: number;
  readonly slots: WeakMap<Parameter, Float32Array[]>;
}

function emptyMemory(): OptimizerMemory {
  return { step: 0, slots: new WeakMap() };
}

export interface SgdOptions {
  /** Default 0.01; a number or a schedule. */
  readonly learningRate?: number | Schedule;
  /** Default 0. */
  readonly momentum?: number;
  readonly nesterov?: boolean;
  /** L2: weightDecay·w joins the gradient of kernels. Default 0. */
  readonly weightDecay?: number;
}

/** m = momentum·m + g, w −= learningRate·m      (Polyak 1964; Nesterov's form per Sutskever 2013) */
export function sgd(options: SgdOptions = {}): Optimizer {
  checkOptions('sgd', options, ['learningRate', 'momentum', 'nesterov', 'weightDecay']);
  const { learningRate = 0.01, momentum = 0, nesterov = false, weightDecay = 0 } = options;
  checkRate('sgd', learningRate);
  checkNumber('sgd', 'momentum', momentum, 0, 1);
  checkNumber('sgd', 'weightDecay', weightDecay, 0);
  return {
    name: 'sgd',
    slots: 1,
    learningRate,
    memory: emptyMemory(),
    update(cx, { w, gradient, slots, decay }, rate) {
      const params = cx.struct('SgdParams', {
        learningRate: rate,
        momentum,
        weightDecay: decay ? weightDecay : 0,
        nesterov: nesterov ? 1 : 0,
      });
      cx.kernels.f32_sgd(sizeOf(w.shape), w.ptr, gradient.ptr, slots[0]!.ptr, params);
    },
  };
}

export interface AdamOptions {
  /** Default 0.001. */
  readonly learningRate?: number | Schedule;
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
  /** Decoupled, of kernels only. Default 0. */
  readonly weightDecay?: number;
}

/** Kingma and Ba 2015, algorithm 1; decoupled weight decay per Loshchilov and Hutter 2019 */
export function adam(options: AdamOptions = {}): Optimizer {
  checkOptions('adam', options, ['learningRate', 'beta1', 'beta2', 'epsilon', 'weightDecay']);
  const { learningRate = 0.001, beta1 = 0.9, beta2 = 0.999 } = options;
  const { epsilon = 1e-7, weightDecay = 0 } = options;
  checkRate('adam', learningRate);
  checkBeta('beta1', beta1);
  checkBeta('beta2', beta2);
  return {
    name: 'adam',
    slots: 2,
    learningRate,
    memory: emptyMemory(),
    update(cx, { w, gradient, slots, decay }, rate, step) {
      const params = cx.struct('AdamParams', {
        learningRate: rate,
        beta1,
        beta2,
        epsilon,
        weightDecay: decay ? weightDecay : 0,
        correction1: 1 / (1 - power(beta1, step)),
        correction2: 1 / (1 - power(beta2, step)),
      });
      const [m, v] = slots as [Ref, Ref];
      cx.kernels.f32_adam(sizeOf(w.shape), w.ptr, gradient.ptr, m.ptr, v.ptr, params);
    },
  };
}

/** A beta of 1 would keep a moment at 0 for ever, and its correction divides by 0. */
function checkBeta(name: string, beta: number): void {
  if (!(beta >= 0 && beta < 1))
    throw rangeError('adam', `${name} must be a number in [0, 1)`, beta);
}

function checkRate(where: string, rate: number | Schedule): void {
  if (typeof rate === 'number') checkNumber(where, 'learningRate', rate, 0);
}

export const optimizers = { sgd, adam } as const;
