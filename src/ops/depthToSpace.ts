import { checkInteger, rangeError } from '../core/errors.ts';
import { ANY_TYPE, type IntForm } from '../core/form.ts';
import type { OpDef } from '../core/op.ts';
import { type Shape, showShape } from '../core/shape.ts';
import {
  type CopiesOf,
  checkImage,
  moveF32,
  moveInt,
  moveQat,
  reversed,
  type Strided,
  type StridedCopy,
} from './movement.ts';

export interface BlockSizeAttrs {
  readonly blockSize: number;
}

/** y[n, y·b + i, x·b + j, c] = x[n, y, x, (i·b + j)·C + c]     x [N,H,W,b·b·C], y [N,H·b,W·b,C], b the block size */
export const depthToSpace = {
  name: 'depthToSpace',
  inferShape([x], { blockSize }) {
    checkBlocks('depthToSpace', x, blockSize);
    const [n, height, width, channels] = x as [number, number, number, number];
    const expected = `the channels must be a multiple of ${blockSize ** 2}`;
    if (channels % blockSize ** 2) throw rangeError('depthToSpace', expected, showShape(x));
    return [n, height * blockSize, width * blockSize, channels / blockSize ** 2];
  },
} as const satisfies OpDef<BlockSizeAttrs>;

/** The way back: x[n, y·b + i, x·b + j, c] becomes y[n, y, x, (i·b + j)·C + c] */
export const spaceToDepth = {
  name: 'spaceToDepth',
  inferShape([x], { blockSize }) {
    checkBlocks('spaceToDepth', x, blockSize);
    const [n, height, width, channels] = x as [number, number, number, number];
    const expected = `height and width must be multiples of ${blockSize}`;
    if (height % blockSize || width % blockSize) {
      throw rangeError('spaceToDepth', expected, showShape(x));
    }
    return [n, height / blockSize, width / blockSize, channels * blockSize ** 2];
  },
} as const satisfies OpDef<BlockSizeAttrs>;

function checkBlocks(op: string, x: Shape | undefined, blockSize: number): asserts x is Shape {
  checkImage(op, x);
  checkInteger(op, 'blockSize', blockSize, 1);
}

/** From `deep` [N,H,W,b·b·C] to `wide` [N,H·b,W·b,C], as [N, H, i, W, j, C]. */
function unfold(deep: Strided, wide: Strided, b: number): StridedCopy {
  const [n, height, width] = deep.shape as [number, number, number];
  const channels = wide.shape[3]!;
  const [image, row, pixel] = deep.strides as [number, number, number];
  const [wideImage, wideRow, widePixel] = wide.strides as [number, number, number];
  return {
    extents: [n, height, b, width, b, channels],
    inStrides: [image, row, b * channels, pixel, channels, 1],
    outStrides: [wideImage, b * wideRow, wideRow, b * widePixel, widePixel, 1],
  };
}

const unfolding: CopiesOf<BlockSizeAttrs> = (x, y, { blockSize }) => [unfold(x, y, blockSize)];
const folding: CopiesOf<BlockSizeAttrs> = (x, y, { blockSize }) => [
  reversed(unfold(y, x, blockSize)),
];

export const depthToSpaceF32 = /* @__PURE__ */ moveF32(depthToSpace, unfolding);
export const depthToSpaceQat = /* @__PURE__ */ moveQat(depthToSpace, unfolding);
export const depthToSpaceInt = /* @__PURE__ */ moveInt(unfolding);

export const spaceToDepthF32 = /* @__PURE__ */ moveF32(spaceToDepth, folding);
export const spaceToDepthQat = /* @__PURE__ */ moveQat(spaceToDepth, folding);
export const spaceToDepthInt = /* @__PURE__ */ moveInt(folding);

/** Of both. */
export const depthSpaceForm: IntForm = {
  activations: 1,
  from: ANY_TYPE,
  keepsScale: true,
  attrs: { blockSize: 1 },
};
