import type { Ref } from '../core/op.ts';
import { sizeOf } from '../core/shape.ts';
import type { StepContext } from './context.ts';
import type { Tensor } from './tensor.ts';

/** The gradients of one backward pass: adds them up, and gives memory back as soon as no tensor needs it. */
export class Gradients {
  /** By address, how many hold a gradient: add hands one dy to both sides. */
  readonly #holders = new Map<number, number>();

  constructor(readonly cx: StepContext) {}

  /** Whether one tensor alone has this gradient. */
  owns({ ptr }: Ref): boolean {
    return this.#holders.get(ptr) === 1;
  }

  /** Adds to each tensor that needs one what an op made for it. */
  hand(tensors: readonly Tensor[], made: readonly (Ref | undefined)[]): void {
    for (const gradient of made) if (gradient) this.#hold(gradient);
    tensors.forEach((tensor, i) => {
      const gradient = made[i];
      if (gradient && tensor.needsGradient) this.#add(tensor, gradient);
    });
    for (const gradient of made) if (gradient) this.#drop(gradient);
  }

  /** The op that made `tensor` has gone back. */
  release(tensor: Tensor): void {
    this.#drop(tensor.gradient!);
    tensor.gradient = undefined;
  }

  #add(tensor: Tensor, gradient: Ref): void {
    const known = tensor.gradient;
    if (!known) {
      tensor.gradient = gradient;
      this.#hold(gradient);
      return;
    }
    const sum = this.owns(known) ? known : this.cx.alloc(tensor.shape);
    this.cx.kernels.f32_vadd(sizeOf(sum.shape), known.ptr, gradient.ptr, sum.ptr);
    if (sum === known) return;
    tensor.gradient = sum;
    this.#hold(sum);
    this.#drop(known);
  }

  #hold({ ptr }: Ref): void {
    this.#holders.set(ptr, (this.#holders.get(ptr) ?? 0) + 1);
  }

  #drop(gradient: Ref): void {
    const left = this.#holders.get(gradient.ptr)! - 1;
    this.#holders.set(gradient.ptr, left);
    if (left === 0) this.cx.recycle(gradient);
  }
}
