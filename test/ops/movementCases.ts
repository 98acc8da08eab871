import type { OpCase } from './cases.ts';

const NO_PADDING = [
  [0, 0],
  [0, 0],
];

function deconvolution(
  name: string,
  x: readonly number[],
  w: readonly number[],
  output: readonly number[],
  rest: object = {},
): OpCase {
  const attrs = { strides: [1, 1], padding: NO_PADDING, outputPadding: [0, 0], ...rest };
  return { name, inputs: [x, w], attrs, output };
}

function scaled(
  name: string,
  x: readonly number[],
  size: readonly number[],
  rest: object = {},
): OpCase {
  const plain = { size, method: 'bilinear', alignCorners: false, halfPixelCenters: false };
  return { name, inputs: [x], attrs: { ...plain, ...rest }, output: [x[0]!, ...size, x[3]!] };
}

/** Cases of the ops that move elements, of resizing and of transposed convolution. */
export const movementCases = {
  reshape: [
    {
      name: 'images to rows',
      inputs: [[3, 2, 4, 5]],
      attrs: { shape: [-1, 8, 5] },
      output: [3, 8, 5],
    },
    { name: 'into the batch', inputs: [[3, 4, 5]], attrs: { shape: [-4, 5] }, output: [12, 5] },
  ],
  transpose: [
    {
      name: 'channels first',
      inputs: [[3, 4, 5, 7]],
      attrs: { perm: [0, 3, 1, 2] },
      output: [3, 7, 4, 5],
    },
    {
      name: 'height and width',
      inputs: [[2, 4, 5, 3]],
      attrs: { perm: [0, 2, 1, 3] },
      output: [2, 5, 4, 3],
    },
    {
      name: 'six axes',
      inputs: [[2, 3, 1, 2, 3, 2]],
      attrs: { perm: [0, 5, 3, 2, 4, 1] },
      output: [2, 2, 2, 1, 3, 3],
    },
  ],
  slice: [
    {
      name: 'a window',
      inputs: [[3, 5, 6, 4]],
      attrs: { begin: [1, 2, 0], size: [3, 4, 4], strides: [1, 1, 1] },
      output: [3, 3, 4, 4],
    },
    {
      name: 'every second, backwards, some channels',
      inputs: [[2, 5, 6, 7]],
      attrs: { begin: [0, 5, 1], size: [3, 6, 3], strides: [2, -1, 2] },
      output: [2, 3, 6, 3],
    },
  ],
  concat: [
    {
      name: 'channels',
      inputs: [
        [3, 2, 3, 4],
        [3, 2, 3, 1],
        [3, 2, 3, 2],
      ],
      attrs: { axis: 3 },
      output: [3, 2, 3, 7],
    },
    {
      name: 'rows',
      inputs: [
        [2, 2, 3],
        [2, 5, 3],
      ],
      attrs: { axis: 1 },
      output: [2, 7, 3],
    },
  ],
  pad: [
    {
      name: 'a constant',
      inputs: [[2, 3, 4, 5]],
      attrs: {
        padding: [
          [1, 2],
          [0, 3],
          [0, 0],
        ],
        mode: 'constant',
        value: 1.5,
      },
      output: [2, 6, 7, 5],
    },
    {
      name: 'reflected',
      inputs: [[2, 3, 4, 5]],
      attrs: {
        padding: [
          [2, 1],
          [0, 3],
          [4, 1],
        ],
        mode: 'reflect',
        value: 0,
      },
      output: [2, 6, 7, 10],
    },
    {
      name: 'symmetric',
      inputs: [[2, 3, 4]],
      attrs: {
        padding: [
          [0, 0],
          [4, 3],
        ],
        mode: 'symmetric',
        value: 0,
      },
      output: [2, 3, 11],
    },
  ],
  gather: [
    {
      name: 'channels, some twice',
      inputs: [[3, 2, 2, 5], [7]],
      attrs: { axis: 3 },
      output: [3, 2, 2, 7],
    },
    {
      name: 'rows, by a matrix of indices',
      inputs: [
        [2, 6, 3],
        [2, 2],
      ],
      attrs: { axis: 1 },
      output: [2, 2, 2, 3],
    },
    { name: 'one row', inputs: [[2, 6, 3], []], attrs: { axis: 1 }, output: [2, 3] },
  ],
  depthToSpace: [
    {
      name: 'blocks of 2',
      inputs: [[3, 2, 3, 12]],
      attrs: { blockSize: 2 },
      output: [3, 4, 6, 3],
    },
    { name: 'blocks of 3', inputs: [[1, 2, 2, 9]], attrs: { blockSize: 3 }, output: [1, 6, 6, 1] },
  ],
  spaceToDepth: [
    {
      name: 'blocks of 2',
      inputs: [[3, 4, 6, 3]],
      attrs: { blockSize: 2 },
      output: [3, 2, 3, 12],
    },
  ],
  spaceToBatch: [
    {
      name: 'blocks of 2x3, padded',
      inputs: [[3, 4, 5, 2]],
      attrs: {
        blockShape: [2, 3],
        padding: [
          [1, 1],
          [2, 2],
        ],
      },
      output: [18, 3, 3, 2],
    },
    {
      name: 'more padding than a block',
      inputs: [[2, 1, 2, 2]],
      attrs: {
        blockShape: [2, 1],
        padding: [
          [4, 3],
          [1, 0],
        ],
      },
      output: [4, 4, 3, 2],
    },
  ],
  batchToSpace: [
    {
      name: 'blocks of 2x3, cropped',
      inputs: [[18, 3, 3, 2]],
      attrs: {
        blockShape: [2, 3],
        crops: [
          [1, 1],
          [2, 2],
        ],
      },
      output: [3, 4, 5, 2],
      openBatch: 6,
    },
  ],
  resize: [
    scaled('nearest, doubled', [2, 3, 4, 5], [6, 8], { method: 'nearest' }),
    scaled('nearest, half pixels', [2, 5, 4, 3], [3, 7], {
      method: 'nearest',
      halfPixelCenters: true,
    }),
    scaled('nearest, corners', [1, 5, 4, 3], [8, 2], { method: 'nearest', alignCorners: true }),
    scaled('bilinear, doubled', [2, 3, 4, 5], [6, 8]),
    scaled('bilinear, half pixels', [2, 5, 4, 3], [3, 7], { halfPixelCenters: true }),
    scaled('bilinear, corners', [1, 5, 4, 3], [8, 1], { alignCorners: true }),
  ],
  transposedConv2d: [
    deconvolution('2x2 strides 2', [3, 3, 4, 5], [4, 2, 2, 5], [3, 6, 8, 4], { strides: [2, 2] }),
    deconvolution('3x3 strides 2, cropped, longer', [2, 3, 4, 3], [2, 3, 3, 3], [2, 6, 8, 2], {
      strides: [2, 2],
      padding: [
        [1, 1],
        [1, 1],
      ],
      outputPadding: [1, 1],
    }),
    {
      ...deconvolution('1x2 strides 3 and 1', [9, 2, 3, 2], [3, 1, 2, 2], [9, 5, 4, 3], {
        strides: [3, 1],
        outputPadding: [1, 0],
      }),
      inputs: [[9, 2, 3, 2], [3, 1, 2, 2], [3]],
    },
  ],
} satisfies Record<string, OpCase[]>;

/** Ops whose output elements are input elements. */
export const MOVING = [
  'batchToSpace',
  'concat',
  'depthToSpace',
  'gather',
  'reshape',
  'slice',
  'spaceToBatch',
  'spaceToDepth',
  'transpose',
  'pad',
];
