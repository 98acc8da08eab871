import {
  type Padding,
  type Pair,
  resolvePadding,
  type WindowAttrs,
} from '../../../ops/geometry.ts';
import type { OpContext } from '../context.ts';
import { refuse } from '../refusal.ts';

/** How a window of `kernel` slides over x [N,H,W,C], with the padding written out. */
export function windowOf(cx: OpContext, shape: readonly number[], kernel: Pair): WindowAttrs {
  const [, height, width] = shape;
  if (shape.length !== 4) throw refuse('an input [N,H,W,C]', `[${shape}]`);
  const strides: Pair = [cx.number('strideHeight'), cx.number('strideWidth')];
  const dilation: Pair = [
    (cx.operator.options['dilationHeight'] ?? 1) as number,
    (cx.operator.options['dilationWidth'] ?? 1) as number,
  ];
  for (const extent of [...kernel, ...strides, ...dilation]) {
    if (extent < 1) throw refuse('a window, strides and dilation of at least 1', extent);
  }
  const same = paddingOf(cx) === 'same';
  const padding: Padding = resolvePadding(
    same ? 'same' : 'valid',
    [height!, width!],
    kernel,
    strides,
    dilation,
  );
  return { strides, padding, dilation };
}

export function paddingOf(cx: OpContext): 'same' | 'valid' {
  const padding = cx.number('padding');
  if (padding === 0 || padding === 1) return padding === 0 ? 'same' : 'valid';
  throw refuse('padding SAME (0) or VALID (1)', padding);
}
