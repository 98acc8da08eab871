import { expect, test } from 'vitest';
import { countMacs, nodeMacs } from '../../src/graph/macs.ts';
import { layers } from '../../src/nn/layers.ts';
import { sequential } from '../../src/nn/models.ts';

const { conv2d, conv2dTranspose, depthwiseConv2d, dense, flatten, maxPool2d, relu } = layers;
const { gru, lstm } = layers;

test('counts the products of ops with weights, taps in the padding too', () => {
  const graph = sequential([
    conv2d({ filters: 5, kernelSize: 3, strides: 2, padding: 'same' }),
    relu(),
    depthwiseConv2d({ kernelSize: [2, 3], padding: 'same' }),
    maxPool2d(),
    conv2dTranspose({ filters: 4, kernelSize: 3, strides: 2 }),
    flatten(),
    dense({ units: 7 }),
  ]).build([8, 8, 3]);
  const macs = graph.nodes.map((node) => nodeMacs(graph, node));
  // Images of 4x4, 2x2 and, transposed, 5x5 pixels.
  expect(macs).toEqual([16 * 5 * 27, 0, 16 * 5 * 6, 0, 4 * 5 * 4 * 9, 0, 7 * 25 * 4]);
  expect(countMacs(graph)).toBe(macs.reduce((sum, count) => sum + count));
});

test('a recurrent layer meets both kernels at each time step', () => {
  const graph = sequential([
    lstm({ units: 5, returnSequences: true }),
    gru({ units: 3, goBackwards: true }),
  ]).build([7, 2]);
  const macs = graph.nodes.map((node) => nodeMacs(graph, node));
  expect(macs).toEqual([7 * 20 * (2 + 5), 7 * 9 * (5 + 3)]);
});
