import type { Ref } from '../core/op.ts';
import { sizeOf } from '../core/shape.ts';
import type { StepContext } from './context.ts';
import type { Tensor } from './tape.ts';

/** The gradients of one backward pass: adds them up, and gives memory back as soon as no tensor needs it. */
export class Gradients {
  /** By address, how many tensors have it as their gradient: add hands one dy to both sides. */
  readonly #holders = new Map<number, number>();

  constructor(readonly cx: StepContext) {}

  /** Whether one tensor alone has this gradient. */
  owns({ ptr }: Ref): boolean {
    return this.#holders.get(ptr) === 1;
  }

  add(tensor: Tensor, gradient: Ref): void {
    const known = tensor.gradient;
    if (!known) {
      tensor.gradient = gradient;
      this.#hold(gradient, 1);
      return;
    }
    const sum = this.owns(known) ? known : this.cx.alloc(tensor.shape);
    this.cx.kernels.f32_vadd(sizeOf(sum.shape), known.ptr, gradient.ptr, sum.ptr);
    tensor.gradient = sum;
    if (sum === known) return;
    this.#hold(sum, 1);
    this.#hold(known, -1);
  }

  /** The op that made `tensor` has gone back. */
  release(tensor: Tensor): void {
    const gradient = tensor.gradient!;
    tensor.gradient = undefined;
    this.#hold(gradient, -1);
    if (!this.#holders.get(gradient.ptr)) this.cx.recycle(gradient);
  }

  #hold({ ptr }: Ref, change: 1 | -1): void {
    this.#holders.set(ptr, (this.#holders.get(ptr) ?? 0) + change);
  }
}
