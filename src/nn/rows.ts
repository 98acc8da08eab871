/** Sequences as images of one row: [N,T,C] and [N,1,T,C] have the same elements in the same order. */

import { rangeError } from '../core/errors.ts';
import { type Shape, sameShape, showShape } from '../core/shape.ts';
import type { Handle } from '../graph/dispatch.ts';
import { SymbolicTensor } from '../graph/trace.ts';

function asSequence([batch, , steps, channels]: Shape): Shape {
  return [batch!, steps!, channels!];
}

/**
 * The image that `sequenceOf` made `x` from, if it did. Layers that follow each other then share images, and no reshape
 * stands between a convolution and its batch normalization, which would keep it from being folded.
 */
export function rowBehind(x: Handle): Handle | undefined {
  if (!(x instanceof SymbolicTensor) || x.source?.op !== 'reshape') return undefined;
  const image = x.source.inputs[0]!;
  const row = image instanceof SymbolicTensor && image.shape.length === 4 && image.shape[1] === 1;
  return row && sameShape(asSequence(image.shape), x.shape) ? image : undefined;
}

/** x [N,T,C] as [N,1,T,C]. Throws a RangeError that starts with `where` for other ranks. */
export function rowOf(where: string, x: Handle): Handle {
  if (x.shape.length !== 3) throw rangeError(where, 'x must be [N,T,C]', showShape(x.shape));
  const [batch, steps, channels] = x.shape as [number, number, number];
  return rowBehind(x) ?? x.apply('reshape', [x], { shape: [batch, 1, steps, channels] });
}

/** y [N,1,T,C] as [N,T,C]. */
export function sequenceOf(y: Handle): Handle {
  return y.apply('reshape', [y], { shape: [...asSequence(y.shape)] });
}
