import { expect, test } from 'vitest';
import { edgesOf } from '../../src/graph/passes/edges.ts';
import { segments } from '../../src/graph/passes/segments.ts';
import { literalGraph } from './literal.ts';

function edges(lines: readonly string[], outputs: readonly string[]): [string[], string[]] {
  const graph = literalGraph(lines, outputs);
  const { activations, weights } = edgesOf(graph, segments(graph));
  const names = (ids: Iterable<number>) => [...ids].map((id) => graph.values[id]!.name).sort();
  return [names(activations), names(weights)];
}

test('a chain: what goes in and out, and the first and last weights with what they read', () => {
  const lines = ['a = conv2d x wa', 'r = relu a', 'b = conv2d r wb', 'p = maxPool2d b'];
  expect(edges([...lines, 'c = dense p wc bc', 's = softmax c'], ['s'])).toEqual([
    ['p', 's', 'x'],
    ['bc', 'wa', 'wc'],
  ]);
});

test('a norm before the first layer makes what that layer reads', () => {
  const lines = [
    'n = batchNormalization x g',
    'a = conv2d n wa',
    'b = dense a wb',
    'c = dense b wc',
  ];
  expect(edges(lines, ['c'])).toEqual([
    ['b', 'c', 'n', 'x'],
    ['wa', 'wc'],
  ]);
});

test('branches have first layers each; a skip past a layer does not make it first or last', () => {
  const lines = ['a = conv2d x wa', 'b = conv2d x wb', 's = add a b', 'c = conv2d s wc'];
  expect(edges([...lines, 't = add s c', 'd = conv2d t wd'], ['d'])).toEqual([
    ['d', 't', 'x'],
    ['wa', 'wb', 'wd'],
  ]);
});

test('two outputs have last layers each, and one layer is first and last', () => {
  expect(edges(['a = conv2d x wa', 'b = dense a wb', 'c = dense a wc'], ['b', 'c'])).toEqual([
    ['a', 'b', 'c', 'x'],
    ['wa', 'wb', 'wc'],
  ]);
  expect(edges(['a = dense x wa'], ['a'])).toEqual([['a', 'x'], ['wa']]);
});
