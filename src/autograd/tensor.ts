import { internal } from '../core/errors.ts';
import type { Attrs, Deferrable, Pointwise, QRef, QWeights, Ref } from '../core/op.ts';
import type { Shape } from '../core/shape.ts';
import type { Handle, Operand } from '../graph/dispatch.ts';
import { computePointwise, dequantize } from '../ops/pointwise.ts';
import type { OpName } from '../ops/table.ts';
import type { Tape } from './tape.ts';

/** How the values of a tensor come about where they are not there yet. */
export interface Origin {
  /** Set when it came out of an activation quantizer. */
  readonly quantized?: QRef;
  /** Set when it came out of a weight quantizer. */
  readonly weights?: QWeights;
  /** Set while it waits to be computed by who reads it, with the tensors that its gradient goes to. */
  readonly pending?: Pointwise;
  readonly sources?: readonly Tensor[];
  /** Its memory is another tensor's too, as that of a reshaped one. */
  readonly alias?: boolean;
}

/** A value on a tape. It lives until its step ends. */
export class Tensor implements Handle, Deferrable {
  /** Gradient of the loss, set by `Tape.backward`. That of what an op made is good only until the op has gone back. */
  gradient: Ref | undefined;
  #ref: Ref | undefined;

  constructor(
    readonly tape: Tape,
    readonly shape: Shape,
    readonly needsGradient: boolean,
    ref: Ref | undefined,
    readonly origin: Origin = {},
  ) {
    this.#ref = ref ?? origin.weights?.dequantized;
  }

  get quantized(): QRef | undefined {
    return this.origin.quantized;
  }

  get weights(): QWeights | undefined {
    return this.origin.weights;
  }

  get pending(): Pointwise | undefined {
    return this.origin.pending;
  }

  /** f32 values; those that are quantized or pending are computed when first asked for. */
  get ref(): Ref {
    const { pending, quantized } = this.origin;
    const { cx } = this.tape;
    if (pending) this.#ref ??= computePointwise(cx, pending);
    else if (quantized) this.#ref ??= dequantize(cx, quantized);
    if (!this.#ref) throw internal('a value is read after its op has gone back');
    return this.#ref;
  }

  /** Gives its values' memory back: nothing reads them any more. */
  recycle(): void {
    if (this.#ref && !this.origin.alias) this.tape.cx.recycle(this.#ref);
    this.#ref = undefined;
  }

  apply(op: OpName, inputs: readonly Operand[], attrs: Attrs): Tensor {
    return this.tape.apply(op, inputs, attrs);
  }
}
