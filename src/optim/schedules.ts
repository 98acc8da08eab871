import {
  checkInteger,
  checkNumber,
  checkOptions,
  kindOf,
  rangeError,
  typeError,
} from '../core/errors.ts';
import { cosPi, power } from '../core/math.ts';

/** Learning rate of step `step` (from 0) of `total`, the number of steps of the run. */
export type Schedule = (step: number, total: number) => number;

export interface LinearOptions {
  readonly learningRate: number;
}

export interface CosineOptions extends LinearOptions {
  /** Steps of linear warm-up. Default 0. */
  readonly warmup?: number;
}

/** From `learningRate` to 0 along half a cosine (Loshchilov and Hutter 2017, eq. (5)), after a linear warm-up. */
function cosine(options: CosineOptions): Schedule {
  checkOptions('cosine', options, ['learningRate', 'warmup']);
  const { learningRate, warmup = 0 } = options;
  checkNumber('cosine', 'learningRate', learningRate, 0);
  checkInteger('cosine', 'warmup', warmup, 0);
  return (step, total) => {
    if (step < warmup) return (learningRate * (step + 1)) / warmup;
    const t = (step - warmup) / Math.max(1, total - warmup);
    return learningRate * 0.5 * (1 + cosPi(Math.min(1, t)));
  };
}

/** From `learningRate` to 0 along a line. */
function linear(options: LinearOptions): Schedule {
  checkOptions('linear', options, ['learningRate']);
  const { learningRate } = options;
  checkNumber('linear', 'learningRate', learningRate, 0);
  return (step, total) => learningRate * (1 - step / total);
}

export interface StepOptions {
  readonly learningRate: number;
  /** What the rate is multiplied by at each drop; default 0.1. */
  readonly gamma?: number;
  /** Steps from one drop to the next. It or `milestones`. */
  readonly every?: number;
  /** The steps, ascending, from which on one more drop holds. */
  readonly milestones?: readonly number[];
}

/** learningRate·gamma^k, k = ⌊step / every⌋ or the number of milestones ≤ step. All count steps, not epochs. */
function step(options: StepOptions): Schedule {
  checkOptions('step', options, ['learningRate', 'gamma', 'every', 'milestones']);
  const { learningRate, gamma = 0.1, every, milestones } = options;
  checkNumber('step', 'learningRate', learningRate, 0);
  checkNumber('step', 'gamma', gamma, 0);
  if ((every === undefined) === (milestones === undefined)) {
    throw rangeError('step', 'every or milestones is expected', every ? 'both' : 'none');
  }
  if (every !== undefined) {
    checkInteger('step', 'every', every, 1);
    return (at) => learningRate * power(gamma, Math.floor(at / every));
  }
  const ascending = checkMilestones(milestones!);
  return (at) => learningRate * power(gamma, ascending.filter((first) => first <= at).length);
}

function checkMilestones(milestones: readonly number[]): readonly number[] {
  if (!Array.isArray(milestones)) {
    throw typeError('step', 'milestones must be an array', kindOf(milestones));
  }
  milestones.forEach((first, i) => {
    checkInteger('step', `milestones[${i}]`, first, i === 0 ? 0 : milestones[i - 1]! + 1);
  });
  return [...milestones];
}

export interface ExponentialOptions {
  readonly learningRate: number;
  /** What each step multiplies the rate by, in [0, 1], like 0.9995. */
  readonly decay: number;
}

/** learningRate·decay^step */
function exponential(options: ExponentialOptions): Schedule {
  checkOptions('exponential', options, ['learningRate', 'decay']);
  const { learningRate, decay } = options;
  checkNumber('exponential', 'learningRate', learningRate, 0);
  checkNumber('exponential', 'decay', decay, 0, 1);
  return (at) => learningRate * power(decay, at);
}

export interface WarmupOptions {
  /** Steps of warm-up. */
  readonly steps: number;
  /** What follows: a schedule of the steps that are left, or a number. */
  readonly schedule: number | Schedule;
}

/** Up to the first rate of `schedule` along a line that ends at step `steps − 1` (Goyal 2017, §2.2), then along `schedule`. */
function warmup(options: WarmupOptions): Schedule {
  checkOptions('warmup', options, ['steps', 'schedule']);
  const { steps, schedule } = options;
  checkInteger('warmup', 'steps', steps, 1);
  if (typeof schedule !== 'function' && typeof schedule !== 'number') {
    throw typeError('warmup', 'schedule must be a schedule or a learning rate', kindOf(schedule));
  }
  if (typeof schedule === 'number') checkNumber('warmup', 'schedule', schedule, 0);
  const rest: Schedule = typeof schedule === 'function' ? schedule : () => schedule;
  return (at, total) => {
    const left = Math.max(1, total - steps);
    return at < steps ? (rest(0, left) * (at + 1)) / steps : rest(at - steps, left);
  };
}

export interface OneCycleOptions {
  /** The largest, at the top of the cycle. */
  readonly learningRate: number;
  /** Share of the run that goes up, in (0, 1); default 0.3. */
  readonly rise?: number;
  /** The first rate is learningRate / startDivisor; default 25. */
  readonly startDivisor?: number;
  /** The last rate is the first / endDivisor; default 1e4. */
  readonly endDivisor?: number;
  /** Along half a cosine, the default, or along lines as in the paper. */
  readonly curve?: 'cosine' | 'linear';
}

/**
 * One cycle (Smith and Topin 2018) with the phases of PyTorch's OneCycleLR: up until step rise·total − 1, down until the last
 * step. Momentum stays as it is.
 */
function oneCycle(options: OneCycleOptions): Schedule {
  const where = 'oneCycle';
  checkOptions(where, options, ['learningRate', 'rise', 'startDivisor', 'endDivisor', 'curve']);
  const { learningRate, rise = 0.3, startDivisor = 25, endDivisor = 1e4 } = options;
  const { curve = 'cosine' } = options;
  checkNumber(where, 'learningRate', learningRate, 0);
  if (!(rise > 0 && rise < 1)) throw rangeError(where, 'rise must be a number in (0, 1)', rise);
  checkNumber(where, 'startDivisor', startDivisor, 1);
  checkNumber(where, 'endDivisor', endDivisor, 1);
  if (!Object.hasOwn(CURVES, curve)) {
    throw rangeError(where, 'curve must be cosine or linear', kindOf(curve));
  }
  const first = learningRate / startDivisor;
  return (at, total) => {
    const top = Math.max(0, rise * total - 1);
    const last = Math.max(1, total - 1);
    if (at <= top) return between(first, learningRate, top === 0 ? 1 : at / top, curve);
    const t = Math.min(1, (at - top) / (last - top));
    return between(learningRate, first / endDivisor, t, curve);
  };
}

/** How far along the way from 0 to 1 a curve is at t in [0, 1]. */
const CURVES = {
  cosine: (t: number) => 0.5 * (1 - cosPi(t)),
  linear: (t: number) => t,
} as const;

function between(from: number, to: number, t: number, curve: keyof typeof CURVES): number {
  return from + (to - from) * CURVES[curve](t);
}

export const schedules = { cosine, linear, step, exponential, warmup, oneCycle } as const;
