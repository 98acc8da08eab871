import { describe, expect, test } from 'vitest';
import type { Graph } from '../../src/graph/graph.ts';
import { segments } from '../../src/graph/passes/segments.ts';
import { literalGraph } from './literal.ts';

/** 'kind: anchor norm clamp -> output' for each segment. */
function show(graph: Graph): string[] {
  return segments(graph).map(({ kind, anchor, norm, clamp, output }) => {
    const members = [anchor, norm, clamp].flatMap((node) => node?.name ?? []).join(' ');
    return `${kind}: ${members} -> ${graph.values[output]!.name}`;
  });
}

interface Literal {
  readonly name: string;
  readonly lines: readonly string[];
  readonly outputs: readonly string[];
  readonly expected: readonly string[];
}

const literals: Literal[] = [
  {
    name: 'conv, batch normalization, relu are one',
    lines: ['c = conv2d x w', 'n = batchNormalization c', 'r = relu n'],
    outputs: ['r'],
    expected: ['linear: c n r -> r'],
  },
  {
    name: 'every linear op takes a norm and relu6',
    lines: [
      'c = conv2d x w',
      'd = depthwiseConv2d c w2',
      'n = batchNormalization d',
      'r = relu6 n',
      'e = dense r w3',
      's = relu e',
    ],
    outputs: ['s'],
    expected: ['linear: c -> c', 'linear: d n r -> r', 'linear: e s -> s'],
  },
  {
    name: 'a conv with two readers keeps its norm outside',
    lines: ['c = conv2d x w', 'n = batchNormalization c', 'r = relu n', 'a = add r c'],
    outputs: ['a'],
    expected: ['linear: c -> c', 'norm: n r -> r', 'rescale: a -> a'],
  },
  {
    name: 'a norm with two readers keeps its relu outside',
    lines: ['c = conv2d x w', 'n = batchNormalization c', 'r = relu n', 'a = add r n'],
    outputs: ['a'],
    expected: ['linear: c n -> n', 'keep: r -> r', 'rescale: a -> a'],
  },
  {
    name: 'a norm after add stands alone',
    lines: ['c = conv2d x w', 'a = add c x', 'n = batchNormalization a', 'r = relu n'],
    outputs: ['r'],
    expected: ['linear: c -> c', 'rescale: a -> a', 'norm: n r -> r'],
  },
  {
    name: 'the second norm in a row stands alone',
    lines: ['c = conv2d x w', 'n = batchNormalization c', 'm = batchNormalization n'],
    outputs: ['m'],
    expected: ['linear: c n -> n', 'norm: m -> m'],
  },
  {
    name: 'norm after relu does not join the conv',
    lines: ['c = conv2d x w', 'r = relu c', 'n = batchNormalization r'],
    outputs: ['n'],
    expected: ['linear: c r -> r', 'norm: n -> n'],
  },
  {
    name: 'only the first of two clamps joins',
    lines: ['c = conv2d x w', 'r = relu c', 's = relu6 r'],
    outputs: ['s'],
    expected: ['linear: c r -> r', 'keep: s -> s'],
  },
  {
    name: 'relu after max pooling keeps integers',
    lines: ['c = conv2d x w', 'p = maxPool2d c', 'r = relu p'],
    outputs: ['r'],
    expected: ['linear: c -> c', 'keep: p -> p', 'keep: r -> r'],
  },
  {
    name: 'add and pools take a relu, flatten does not',
    lines: [
      'a = add x x',
      'r = relu a',
      'p = averagePool2d r',
      's = relu6 p',
      'g = globalAveragePool2d s',
      'f = flatten g',
      't = relu f',
    ],
    outputs: ['t'],
    expected: [
      'rescale: a r -> r',
      'rescale: p s -> s',
      'rescale: g -> g',
      'keep: f -> f',
      'keep: t -> t',
    ],
  },
  {
    name: 'a graph output in the middle is not absorbed',
    lines: ['c = conv2d x w', 'n = batchNormalization c', 'r = relu n'],
    outputs: ['r', 'n'],
    expected: ['linear: c n -> n', 'keep: r -> r'],
  },
  {
    name: 'a value that add reads second has no follower',
    lines: ['c = conv2d x w', 'd = conv2d x w2', 'a = add d c', 'r = relu a'],
    outputs: ['r'],
    expected: ['linear: c -> c', 'linear: d -> d', 'rescale: a r -> r'],
  },
  {
    name: 'a concat keeps integers, and so does the relu behind it',
    lines: ['c = conv2d x w', 'd = conv2d x w2', 'j = concat c d', 'r = relu j'],
    outputs: ['r'],
    expected: ['linear: c -> c', 'linear: d -> d', 'join: j -> j', 'keep: r -> r'],
  },
  {
    name: 'a function of one real, a product and softmax take a relu',
    lines: [
      's = sigmoid x',
      'm = multiply s x',
      'r = relu m',
      't = tanh r',
      'q = relu6 t',
      'p = softmax q',
      'u = relu p',
    ],
    outputs: ['u'],
    expected: ['table: s -> s', 'rescale: m r -> r', 'table: t q -> q', 'rescale: p u -> u'],
  },
  {
    name: 'members need not stand together',
    lines: [
      'c = conv2d x w',
      'd = conv2d x w2',
      'n = batchNormalization c',
      'm = batchNormalization d',
      'r = relu n',
      'a = add r m',
    ],
    outputs: ['a'],
    expected: ['linear: c n r -> r', 'linear: d m -> m', 'rescale: a -> a'],
  },
];

describe('segments', () => {
  test.each(literals)('$name', ({ lines, outputs, expected }) => {
    expect(show(literalGraph(lines, outputs))).toEqual(expected);
  });

  test.each(literals)('hold every node once: $name', ({ lines, outputs }) => {
    const graph = literalGraph(lines, outputs);
    const members = segments(graph).flatMap(({ anchor, norm, clamp }) =>
      [anchor, norm, clamp].flatMap((node) => node?.name ?? []),
    );
    expect(members.sort()).toEqual(graph.nodes.map(({ name }) => name).sort());
  });
});

test.each(['argMax', 'lookup', 'quantize'])('%s has no form that trains', (op) => {
  expect(() => segments(literalGraph([`y = ${op} x`], ['y']))).toThrow(
    new RegExp(`^quantize: node "y": every op must have an integer form that trains, got ${op}$`),
  );
});
