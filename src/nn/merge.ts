/** Layers with several inputs. */

import { checkInteger, rangeError } from '../core/errors.ts';
import { apply, type Handle } from '../graph/dispatch.ts';
import { checkTensor } from '../graph/trace.ts';
import { BASE, Layer, type LayerOptions } from './layer.ts';

/** Ops of two tensors, element by element; an axis of extent 1 goes with any. */
export type MergeName = 'add' | 'subtract' | 'multiply' | 'minimum' | 'maximum';

/** One such op: `merge(a, b)`. */
export class Merge extends Layer<LayerOptions> {
  constructor(op: MergeName, options: LayerOptions) {
    super(op, options, BASE);
  }

  forward(): Handle {
    throw new TypeError(`${this.op}: two tensors are expected; call merge(a, b)`);
  }

  merge(a: Handle, b: Handle): Handle {
    for (const x of [a, b]) checkTensor(this.label, x);
    return this.call([a, b]);
  }
}

/** The same as functions, for models written as code. */
export function merging(op: MergeName): (a: Handle, b: Handle) => Handle {
  return (a, b) => {
    for (const x of [a, b]) checkTensor(op, x);
    return apply(op, [a, b]);
  };
}

export interface ConcatenateOptions extends LayerOptions {
  /** Counted with the batch axis, from the end where negative; default −1, the channels. */
  readonly axis?: number;
}

/** Tensors side by side: `merge(a, b, …)`. */
export class Concatenate extends Layer<ConcatenateOptions> {
  constructor(options: ConcatenateOptions) {
    super('concat', options, [...BASE, 'axis'], 'concatenate');
    checkInteger('concatenate', 'axis', options.axis ?? -1, Number.MIN_SAFE_INTEGER);
  }

  forward(): Handle {
    throw new TypeError('concatenate: tensors are expected; call merge(a, b, …)');
  }

  merge(...xs: readonly Handle[]): Handle {
    if (xs.length === 0) throw rangeError('concatenate', 'at least one tensor', 'none');
    for (const x of xs) checkTensor(this.label, x);
    const { axis = -1 } = this.options;
    return this.call(xs, { axis: axis < 0 ? xs[0]!.shape.length + axis : axis });
  }
}

/** y = the tensors side by side along `axis`, by default the channels. */
export function concatenate(xs: readonly Handle[], axis = -1): Handle {
  return new Concatenate({ axis }).merge(...xs);
}
