import type { StepContext } from '../autograd/context.ts';
import type { Device } from '../autograd/device.ts';
import type { ParameterStore } from '../autograd/parameters.ts';
import type { Tape } from '../autograd/tape.ts';
import type { Ref } from '../core/op.ts';
import { sizeOf } from '../core/shape.ts';
import type { Graph, Parameter } from '../graph/graph.ts';
import { assignGroups, type ParameterGroup } from '../optim/groups.ts';
import type { Optimizer } from '../optim/optimizer.ts';
import { namedParameters } from './weights.ts';

/**
 * An optimizer at work on one device: slots, clipping, parameter groups and averages.
 *
 * With averaging the parameters' arrays have the averages between runs, and the optimizer's last slot the weights that are
 * trained; on the device it is the other way round. So whoever reads parameters reads averages.
 */
export class Updater {
  /** Parameters that no gradient is wanted for. */
  readonly frozen: ReadonlySet<Parameter>;
  readonly #slots = new Map<Parameter, Ref[]>();
  readonly #averages = new Map<Parameter, Ref>();
  readonly #groups: ReadonlyMap<Parameter, ParameterGroup>;
  /** Updates over all runs of the optimizer; its memory gets the number with the slots. */
  #steps: number;

  constructor(
    readonly device: Device,
    readonly store: ParameterStore,
    graph: Graph,
    readonly optimizer: Optimizer,
    /** Steps of the whole run, for schedules. */
    readonly total: number,
  ) {
    const parameters = namedParameters(graph);
    this.#groups = assignGroups('fit', optimizer.groups ?? [], parameters);
    this.frozen = new Set([...this.#groups].filter(([, { frozen }]) => frozen).map(([p]) => p));
    this.#steps = optimizer.memory.step;
    for (const parameter of parameters.values()) if (parameter.trainable) this.#restore(parameter);
  }

  /** Updates over all runs. */
  get steps(): number {
    return this.#steps;
  }

  /** Moves each parameter against its gradient. `index` counts the steps of this run from 0. */
  update(cx: StepContext, tape: Tape, index: number): void {
    const { learningRate, clipNorm } = this.optimizer;
    const rate = typeof learningRate === 'number' ? learningRate : learningRate(index, this.total);
    const gradients = [...tape.gradients()];
    const gradientScale = clipNorm === undefined ? 1 : normScale(cx, gradients, clipNorm);
    this.#steps++;
    for (const [parameter, gradient] of gradients) {
      const w = this.store.ref(parameter);
      const slots = this.#slots.get(parameter)!;
      const { learningRateMultiplier = 1, weightDecay } = this.#groups.get(parameter) ?? {};
      const target = { w, gradient, slots, decay: parameter.decay, weightDecay, gradientScale };
      this.optimizer.update(cx, target, rate * learningRateMultiplier, this.#steps);
      const least = parameter.minimum;
      if (least !== undefined)
        cx.kernels.f32_vclamp(sizeOf(w.shape), w.ptr, w.ptr, least, Infinity);
      this.#average(cx, parameter, w);
    }
  }

  #average(cx: StepContext, parameter: Parameter, w: Ref): void {
    const average = this.#averages.get(parameter);
    if (!average) return;
    const decay = Math.min(this.optimizer.averaging!.decay, (1 + this.#steps) / (10 + this.#steps));
    cx.kernels.f32_average(sizeOf(w.shape), average.ptr, w.ptr, 1 - decay);
  }

  #restore(parameter: Parameter): void {
    const { memory, slots, averaging } = this.optimizer;
    const saved = memory.slots.get(parameter);
    const place = (values?: Float32Array) => {
      const ref = this.device.tensor(parameter.shape);
      const view = this.device.view(ref, 'f32');
      if (values) view.set(values);
      else view.fill(0);
      return ref;
    };
    const refs = Array.from({ length: slots }, (_, i) => place(saved?.[i]));
    this.#slots.set(parameter, refs);
    if (!averaging) return;
    this.#averages.set(parameter, place(parameter.data as Float32Array));
    const trained = saved?.[slots];
    if (trained) this.device.view(this.store.ref(parameter), 'f32').set(trained);
  }

  /** Takes the parameters' arrays as the weights, and averages, to go on with. */
  load(): void {
    this.store.upload();
    for (const [parameter, average] of this.#averages) {
      this.device.view(average, 'f32').set(parameter.data);
    }
  }

  /** Writes parameters, slots and the number of updates back to where they live between runs. */
  save(): void {
    this.store.download();
    const { memory } = this.optimizer;
    memory.step = this.#steps;
    for (const [parameter, refs] of this.#slots) {
      const copies = refs.map((ref) => this.device.view(ref, 'f32').slice());
      const average = this.#averages.get(parameter);
      if (average) {
        copies.push(Float32Array.from(parameter.data));
        parameter.data.set(this.device.view(average, 'f32'));
      }
      memory.slots.set(parameter, copies);
    }
  }
}

/** min(1, limit / L2 norm of all gradients) */
function normScale(
  cx: StepContext,
  gradients: readonly (readonly [Parameter, Ref])[],
  limit: number,
): number {
  const sum = cx.zeros([1], 'f64');
  for (const [, { shape, ptr }] of gradients) {
    cx.kernels.f32_sum_of_squares(sizeOf(shape), ptr, sum.ptr);
  }
  const norm = Math.sqrt(cx.f64(sum)[0]!);
  return norm > limit ? limit / norm : 1;
}
