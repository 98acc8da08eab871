import { checkInteger, rangeError } from '../core/errors.ts';
import { ANY_TYPE, type FormNode, type IntForm } from '../core/form.ts';
import type { OpDef } from '../core/op.ts';
import { type Shape, showShape } from '../core/shape.ts';
import type { Padding, Pair } from './geometry.ts';
import {
  type CopiesOf,
  checkImage,
  moveF32,
  moveInt,
  moveQat,
  offsetOf,
  reversed,
  type Strided,
  type StridedCopy,
} from './movement.ts';

export interface SpaceToBatchAttrs {
  readonly blockShape: Pair;
  /** [[top, bottom], [left, right]] pixels of real 0 around x */
  readonly padding: Padding;
}

export interface BatchToSpaceAttrs {
  readonly blockShape: Pair;
  /** [[top, bottom], [left, right]] pixels cut off y */
  readonly crops: Padding;
}

/** Each block is a copy of its own. */
const MAX_BLOCKS = 4096;

/**
 * y[(i·bw + j)·N + n, p, q, c] = padded x[n, p·bh + i, q·bw + j, c]     x [N,H,W,C], y [bh·bw·N, H'/bh, W'/bw, C]
 *
 * with H', W' the padded extents. What a convolution with dilation [bh,bw] sees is then a plain one.
 */
export const spaceToBatch = {
  name: 'spaceToBatch',
  inferShape([x], { blockShape, padding }) {
    const [blocks, n, height, width, channels] = checkBlocks(
      'spaceToBatch',
      x,
      blockShape,
      padding,
    );
    const fits = (extent: number, axis: 0 | 1) => (extent + sum(padding[axis])) / blockShape[axis];
    const y = [n * blocks, fits(height, 0), fits(width, 1), channels];
    if (y.every(Number.isInteger)) return y;
    const expected = `the padded height and width must be multiples of [${blockShape}]`;
    throw rangeError('spaceToBatch', expected, showShape(x!));
  },
} as const satisfies OpDef<SpaceToBatchAttrs>;

/** The way back: the blocks of x [bh·bw·N,H,W,C] interleave into y [N, H·bh − crops, W·bw − crops, C] */
export const batchToSpace = {
  name: 'batchToSpace',
  inferShape([x], { blockShape, crops }) {
    const [blocks, n, height, width, channels] = checkBlocks('batchToSpace', x, blockShape, crops);
    const left = (extent: number, axis: 0 | 1) => extent * blockShape[axis] - sum(crops[axis]);
    const y = [n / blocks, left(height, 0), left(width, 1), channels];
    if (Number.isInteger(y[0]) && y[1]! >= 1 && y[2]! >= 1) return y;
    const expected = `the input must have ${blocks} times a batch and pixels that the crops leave`;
    throw rangeError('batchToSpace', expected, showShape(x!));
  },
} as const satisfies OpDef<BatchToSpaceAttrs>;

function sum([before, after]: Pair): number {
  return before + after;
}

/** Number of blocks and the extents of x. */
function checkBlocks(op: string, x: Shape | undefined, blockShape: Pair, sides: Padding) {
  checkImage(op, x);
  for (const extent of blockShape) checkInteger(op, 'blockShape', extent, 1);
  for (const side of sides.flat()) checkInteger(op, 'padding and crops', side, 0);
  const extents = x as [number, number, number, number];
  return [blockShape[0] * blockShape[1], ...extents] as const;
}

/** Along one axis: the indices p of block i with 0 ≤ p·block + i − before < extent. */
function inside(extent: number, block: number, i: number, before: number) {
  const first = Math.max(0, Math.ceil((before - i) / block));
  const count = Math.ceil((extent + before - i) / block) - first;
  return { first, count, start: first * block + i - before };
}

/** A copy for each block that sees the image, from `image` [N,H,W,C] to `blocks`. */
function scatter(image: Strided, blocks: Strided, [bh, bw]: Pair, padding: Padding) {
  const [n, height, width, channels] = image.shape as [number, number, number, number];
  const [imageStride, row, pixel] = image.strides as [number, number, number];
  const copies: StridedCopy[] = [];
  for (let block = 0; block < bh * bw; block++) {
    const rows = inside(height, bh, Math.floor(block / bw), padding[0][0]);
    const columns = inside(width, bw, block % bw, padding[1][0]);
    if (rows.count < 1 || columns.count < 1) continue;
    copies.push({
      extents: [n, rows.count, columns.count, channels],
      inStrides: [imageStride, bh * row, bw * pixel, 1],
      outStrides: blocks.strides,
      inOffset: offsetOf([0, rows.start, columns.start], image),
      outOffset: offsetOf([block * n, rows.first, columns.first], blocks),
    });
  }
  return copies;
}

const scattering: CopiesOf<SpaceToBatchAttrs> = (x, y, { blockShape, padding }) =>
  scatter(x, y, blockShape, padding);
const gathering: CopiesOf<BatchToSpaceAttrs> = (x, y, { blockShape, crops }) =>
  scatter(y, x, blockShape, crops).map(reversed);

export const spaceToBatchF32 = /* @__PURE__ */ moveF32(spaceToBatch, scattering);
export const spaceToBatchQat = /* @__PURE__ */ moveQat(spaceToBatch, scattering);
export const spaceToBatchInt = /* @__PURE__ */ moveInt(scattering);

export const batchToSpaceF32 = /* @__PURE__ */ moveF32(batchToSpace, gathering);
export const batchToSpaceQat = /* @__PURE__ */ moveQat(batchToSpace, gathering);
export const batchToSpaceInt = /* @__PURE__ */ moveInt(gathering);

const SIDES = [
  [0, 0],
  [0, 0],
];

function check({ attrs }: FormNode<{ readonly blockShape: Pair }>, where: string): void {
  const blocks = attrs.blockShape[0] * attrs.blockShape[1];
  if (blocks <= MAX_BLOCKS) return;
  throw rangeError(where, `there may be ${MAX_BLOCKS} blocks`, blocks);
}

export const spaceToBatchForm: IntForm<SpaceToBatchAttrs> = {
  activations: 1,
  from: ANY_TYPE,
  keepsScale: true,
  attrs: { blockShape: [1, 1], padding: SIDES },
  check,
};

export const batchToSpaceForm: IntForm<BatchToSpaceAttrs> = {
  activations: 1,
  from: ANY_TYPE,
  keepsScale: true,
  attrs: { blockShape: [1, 1], crops: SIDES },
  check,
};
