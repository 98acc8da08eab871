import { expect, test } from 'vitest';
import type { Attrs } from '../../src/core/op.ts';
import type { Shape } from '../../src/core/shape.ts';
import { type OpName, ops } from '../../src/ops/table.ts';

const plain = {
  strides: [1, 1],
  padding: [
    [0, 0],
    [0, 0],
  ],
  dilation: [1, 1],
};
const pool = { ...plain, poolSize: [2, 2] };
const norm = { epsilon: 1e-3, momentum: 0.9 };
const image = [-1, 8, 8, 3];

/** What a wrong shape or attribute says: the op, what it expects, what it got. */
const wrong: [OpName, Shape[], Attrs, string][] = [
  ['conv2d', [image, [4, 3, 3]], plain, 'weights must be [Co,Kh,Kw,Ci], got [4,3,3]'],
  [
    'conv2d',
    [
      [-1, 8],
      [4, 3, 3, 3],
    ],
    plain,
    'the input must be [N,H,W,C], got [N,8]',
  ],
  [
    'conv2d',
    [image, [4, 3, 3, 5]],
    plain,
    'the weights expect 5 input channels, got 3 (x [N,8,8,3], w [4,3,3,5])',
  ],
  ['conv2d', [image, [4, 3, 3, 3], [5]], plain, 'the bias must be [4], got [5]'],
  [
    'conv2d',
    [image, [4, 9, 3, 3]],
    plain,
    'the padded input must hold a window of height 9, got 8',
  ],
  [
    'conv2d',
    [image, [4, 3, 5, 3]],
    { ...plain, dilation: [1, 2] },
    'the padded input must hold a window of width 9, got 8',
  ],
  [
    'conv2d',
    [image, [4, 3, 3, 3]],
    { ...plain, strides: [0, 1] },
    'strides must be an integer >= 1, got 0',
  ],
  [
    'conv2d',
    [image, [4, 3, 3, 3]],
    { ...plain, dilation: [1, 1.5] },
    'dilation must be an integer >= 1, got 1.5',
  ],
  [
    'conv2d',
    [image, [4, 3, 3, 3]],
    {
      ...plain,
      padding: [
        [0, -1],
        [0, 0],
      ],
    },
    'padding must be an integer >= 0, got -1',
  ],
  ['depthwiseConv2d', [image, [3, 3]], plain, 'weights must be [Kh,Kw,C], got [3,3]'],
  [
    'depthwiseConv2d',
    [image, [3, 3, 4]],
    plain,
    'the weights expect 4 channels, got 3 (x [N,8,8,3], w [3,3,4])',
  ],
  ['depthwiseConv2d', [image, [3, 3, 3], [1]], plain, 'the bias must be [3], got [1]'],
  ['dense', [image, [4, 3]], {}, 'the input must be [N,K], got [N,8,8,3]'],
  [
    'dense',
    [
      [-1, 3],
      [4, 1, 3],
    ],
    {},
    'weights must be [U,K], got [4,1,3]',
  ],
  [
    'dense',
    [
      [-1, 3],
      [4, 5],
    ],
    {},
    'the weights expect 5 features, got 3 (x [N,3], w [4,5])',
  ],
  ['dense', [[-1, 3], [4, 3], [3]], {}, 'the bias must be [4], got [3]'],
  ['batchNormalization', [[4]], norm, 'the input must be [N,…,C], got [4]'],
  [
    'batchNormalization',
    [image, [3], [4]],
    norm,
    'gamma, beta and statistics must be [3], got [4]',
  ],
  [
    'batchNormalization',
    [image],
    { ...norm, epsilon: 0 },
    'epsilon must be a finite number > 0, got 0',
  ],
  [
    'batchNormalization',
    [image],
    { ...norm, momentum: 2 },
    'momentum must be a finite number in [0, 1], got 2',
  ],
  ['maxPool2d', [[-1, 8]], pool, 'the input must be [N,H,W,C], got [N,8]'],
  ['maxPool2d', [[-1, 1, 8, 2]], pool, 'the padded input must hold a window of height 2, got 1'],
  [
    'maxPool2d',
    [image],
    {
      ...pool,
      padding: [
        [0, 2],
        [0, 0],
      ],
    },
    'the padding must be below the window [2,2], got [[0,2],[0,0]]',
  ],
  [
    'averagePool2d',
    [image],
    {
      ...pool,
      padding: [
        [0, 0],
        [2, 0],
      ],
    },
    'the padding must be below the window [2,2], got [[0,0],[2,0]]',
  ],
  ['averagePool2d', [image.slice(1)], pool, 'the input must be [N,H,W,C], got [8,8,3]'],
  ['globalAveragePool2d', [[-1, 8]], {}, 'the input must be [N,H,W,C], got [N,8]'],
  ['add', [image, [-1, 8, 8, 4]], {}, 'extents must be equal or 1, got [N,8,8,3] and [N,8,8,4]'],
  ['flatten', [[-1]], {}, 'the input must be [N,…], got [N]'],
];

test.each(wrong)('%s of %j with %j', (op, shapes, attrs, message) => {
  expect(() => ops[op].inferShape(shapes, attrs as never)).toThrow(
    new RangeError(`${op}: ${message}`),
  );
});
