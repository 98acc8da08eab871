import { describe, expect, test } from 'vitest';
import type { Graph } from '../../src/graph/graph.ts';
import { convFields, type Pair, PLAIN_WINDOW } from '../../src/ops/geometry.ts';
import type { Requant } from '../../src/ops/linear.ts';
import { suitsTraining, suitsWinograd } from '../../src/ops/winograd.ts';
import { makePlan } from '../../src/runtime/plan.ts';
import { moduleOf } from '../helpers/memory.ts';
import { compareLayers } from '../runtime/equality.ts';
import { IntGraph } from '../runtime/intGraph.ts';

interface Layer {
  readonly size?: Pair;
  readonly channels?: Pair;
  readonly kernel?: Pair;
  readonly strides?: Pair;
  readonly dilation?: Pair;
  readonly bound?: number;
}

function fieldsOf(layer: Layer) {
  const { size = [14, 14], channels = [64, 64], kernel = [3, 3] } = layer;
  return convFields([1, ...size, channels[0]], [1, ...size, channels[1]], kernel, {
    ...{ ...PLAIN_WINDOW, ...layer },
  });
}

/** Whether a padded convolution becomes products of tiles. */
function suits(layer: Layer): boolean {
  const { bound = 1e6 } = layer;
  const fields = fieldsOf(layer);
  const weights = { data: new Int8Array(), channels: 1, inner: 1, zeroPoint: 0 };
  return suitsWinograd({ fields, weights, bound } satisfies Requant);
}

describe('which convolutions run as tiles', () => {
  test.each<[string, Layer, boolean]>([
    ['3x3', {}, true],
    ['5x5', { kernel: [5, 5] }, false],
    ['1x3', { kernel: [1, 3] }, false],
    ['stride 2', { strides: [1, 2] }, false],
    ['dilated', { dilation: [2, 1] }, false],
    ['7x7 pixels', { size: [7, 7] }, true],
    ['5x5 pixels: too many tiles hang over', { size: [5, 5] }, false],
    ['one row', { size: [1, 64] }, false],
    ['8 channels', { channels: [8, 8] }, true],
    ['3 channels', { channels: [3, 64] }, false],
    ['9 channels, computed as 16', { channels: [9, 64] }, false],
    ['sums up to 2^29', { bound: 2 ** 29 }, false],
    ['sums below 2^29', { bound: 2 ** 29 - 1 }, true],
  ])('%s', (_name, layer, expected) => {
    expect(suits(layer)).toBe(expected);
  });
});

describe('which convolutions run as tiles while they train', () => {
  test.each<[string, Layer, number, boolean]>([
    ['3x3', {}, 0, true],
    ['stride 2', { strides: [1, 2] }, 0, false],
    ['3 channels', { channels: [3, 64] }, 0, false],
    ['sums of any weights below 2^29', { channels: [1824, 8] }, 127, true],
    ['sums of some weights from 2^29', { channels: [1832, 8] }, 127, false],
    ['the same channels with a zero point in the middle', { channels: [1832, 8] }, 0, true],
  ])('%s', (_name, layer, zeroPoint, expected) => {
    expect(suitsTraining(fieldsOf(layer), zeroPoint)).toBe(expected);
  });
});

const pad1 = {
  padding: [
    [1, 1],
    [1, 1],
  ],
} as const;

/** Gives the weights of the only linear node one scale and a zero point, as old uint8 models have. */
function withWeightZeroPoint(graph: Graph, zeroPoint: number): Graph {
  const id = graph.nodes[0]!.inputs[1]!;
  const qparams = { scale: [Math.fround(0.01)], zeroPoint, qmin: -128, qmax: 127 };
  const values = graph.values.map((value, i) => (i === id ? { ...value, qparams } : value));
  return { ...graph, values };
}

describe('a plan of linear layers equals the interpreter, in every integer', () => {
  const layers: [string, (b: IntGraph) => number][] = [
    ['tiles', (b) => b.conv2d(b.input([9, 12, 16]), [11, 3, 3], pad1, true)],
    ['an unpadded convolution as tiles', (b) => b.conv2d(b.input([10, 8, 8]), [8, 3, 3])],
    ['pixels', (b) => b.conv2d(b.input([9, 7, 5]), [10, 2, 3], pad1, true)],
    ['a pointwise convolution of one pixel', (b) => b.conv2d(b.input([1, 1, 40]), [9, 1, 1])],
    ['a dense layer', (b) => b.dense(b.input([37]), 21, true)],
    ['a depthwise convolution', (b) => b.depthwise(b.input([6, 9, 11]), [3, 3], pad1, true)],
    ['a depthwise convolution 4x2', (b) => b.depthwise(b.input([6, 9, 11]), [4, 2], pad1)],
  ];
  test.each(layers)('%s', (_name, layer) => {
    for (const zeroPoint of [0, 9, -128, 127]) {
      const b = new IntGraph(3);
      const graph = withWeightZeroPoint(b.build([layer(b)]), zeroPoint);
      for (const batch of [1, 2, 3, 20]) expect(compareLayers(graph, batch, 4)).toBeGreaterThan(0);
    }
  });

  test('the tiles are there', () => {
    const b = new IntGraph(3);
    const graph = b.build([layers[0]![1](b)]);
    const [steps] = makePlan(graph, moduleOf('infer')).nodes;
    expect(steps!.map(({ kernel }) => kernel)).toEqual(['qs8_winograd2d']);
  });
});
