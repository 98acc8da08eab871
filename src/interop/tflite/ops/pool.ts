/** Pools and reductions over the image. */

import type { Attrs } from '../../../core/op.ts';
import type { ValueId } from '../../../graph/graph.ts';
import type { Pair } from '../../../ops/geometry.ts';
import type { OpContext } from '../context.ts';
import { sameScale } from '../forms.ts';
import { refuse } from '../refusal.ts';
import { averageFactor } from './factors.ts';
import { windowOf } from './window.ts';

function poolOf(cx: OpContext, x: ValueId) {
  const poolSize: Pair = [cx.number('filterHeight'), cx.number('filterWidth')];
  return { poolSize, ...windowOf(cx, cx.shape(x), poolSize) };
}

export function maxPool2d(cx: OpContext): void {
  const x = cx.x();
  const attrs = poolOf(cx, x) as unknown as Attrs;
  if (!cx.integer) {
    cx.bind(cx.activated(cx.emit('maxPool2d', [x], attrs)));
    return;
  }
  const form = cx.form();
  const bounded = sameScale(cx.qparams(x), form.qparams!);
  cx.bind(bounded ? cx.emit('maxPool2d', [x], attrs, { form }) : cx.keep('maxPool2d', x, attrs));
}

/** M has an entry for each count of taps where some windows reach over the border, else one. */
export function averagePool2d(cx: OpContext): void {
  const x = cx.x();
  const pool = poolOf(cx, x);
  const attrs = pool as unknown as Attrs;
  if (!cx.integer) {
    cx.bind(cx.activated(cx.emit('averagePool2d', [x], attrs)));
    return;
  }
  const taps = pool.poolSize[0] * pool.poolSize[1];
  const padded = pool.padding.flat().some((pad) => pad > 0);
  const counts = padded ? Array.from({ length: taps }, (_, i) => i + 1) : [taps];
  const from = cx.qparams(x);
  const to = cx.form().qparams!;
  const unsigned = cx.output().type === 'uint8';
  const factors = counts.map((count) => averageFactor(from, to, count, unsigned));
  const constants = [cx.factors('multiplier', Float32Array.from(factors))];
  cx.bind(cx.emit('averagePool2d', [x], attrs, { constants }));
}

export function mean(cx: OpContext): void {
  const x = cx.x();
  const shape = cx.shape(x);
  const given = cx.integers(1).map((axis) => cx.axis(axis, shape.length));
  const axes = [...new Set(given)].sort((a, b) => a - b);
  if (axes.length === 0) {
    cx.bind(x);
    return;
  }
  if (axes.some((axis, i) => i > 0 && axis !== axes[i - 1]! + 1)) {
    throw refuse('axes next to each other', axes);
  }
  const count = axes.reduce((product, axis) => product * shape[axis]!, 1);
  const constants = cx.integer ? [cx.factors('multiplier', meanFactor(cx, x, count))] : [];
  const image = shape.length === 4 && String(axes) === '1,2';
  const y = image
    ? cx.emit('globalAveragePool2d', [x], {}, { constants })
    : cx.emit('mean', [x], { axes, keepDims: false }, { constants });
  cx.bind(cx.reshape(y, cx.outShape()));
}

/** s_x / (s_y · count) */
function meanFactor(cx: OpContext, x: ValueId, count: number): Float32Array<ArrayBuffer> {
  const ratio = cx.qparams(x).scale[0]! / cx.form().qparams!.scale[0]!;
  return Float32Array.of(ratio / count);
}

/** The largest of an image is a pool whose window is the image. */
export function reduceMax(cx: OpContext): void {
  const x = cx.x();
  const shape = cx.shape(x);
  const axes = cx.integers(1).map((axis) => cx.axis(axis, shape.length));
  if (shape.length !== 4 || String(axes.sort((a, b) => a - b)) !== '1,2') {
    throw refuse('axes 1 and 2 of an image', axes);
  }
  const none = [
    [0, 0],
    [0, 0],
  ];
  const attrs = {
    poolSize: [shape[1]!, shape[2]!],
    strides: [1, 1],
    padding: none,
    dilation: [1, 1],
  };
  cx.bind(cx.reshape(cx.keep('maxPool2d', x, attrs), cx.outShape()));
}
