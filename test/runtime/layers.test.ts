import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Rng } from '../../src/core/rng.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { commonOps } from '../../src/graph/integer/commonOps.ts';
import type { IntOpName } from '../../src/graph/integer/otherOps.ts';
import { validateGraph } from '../../src/graph/validate.ts';
import type { Pair } from '../../src/ops/geometry.ts';
import { makePlan } from '../../src/runtime/plan.ts';
import { interpret } from '../../src/runtime/reference/interpret.ts';
import { kernelsOf, moduleOf } from '../helpers/memory.ts';
import { arithmeticGraphs } from './arithmeticGraphs.ts';
import { compareLayers } from './equality.ts';
import { IntGraph, randomInputs, smallNetwork } from './intGraph.ts';
import { movementGraphs } from './movementGraphs.ts';
import { recurrentGraphs } from './recurrentGraphs.ts';

const pair = (min: number, max: number): fc.Arbitrary<Pair> =>
  fc.tuple(fc.integer({ min, max }), fc.integer({ min, max }));

interface Case {
  readonly seed: number;
  readonly image: Pair;
  readonly channels: number;
  readonly outChannels: number;
  readonly kernel: Pair;
  readonly strides: Pair;
  readonly dilation: Pair;
  readonly padding: readonly [Pair, Pair];
  readonly bias: boolean;
}

const arbitrary: fc.Arbitrary<Case> = fc.record({
  seed: fc.nat(1e6),
  image: pair(5, 11),
  channels: fc.integer({ min: 1, max: 35 }),
  outChannels: fc.integer({ min: 1, max: 35 }),
  kernel: pair(1, 3),
  strides: pair(1, 3),
  dilation: pair(1, 2),
  padding: fc.tuple(pair(0, 2), pair(0, 2)),
  bias: fc.boolean(),
});

/** A pool's window must always see a pixel. */
function poolAttrs({ kernel, strides, padding }: Case) {
  const sides = padding.map((side, axis) => side.map((pad) => Math.min(pad, kernel[axis]! - 1)));
  return { poolSize: kernel, strides, padding: sides as unknown as Case['padding'] };
}

/** One op on a random image. */
const graphs: Record<IntOpName, (b: IntGraph, c: Case) => number> = {
  ...movementGraphs,
  ...arithmeticGraphs,
  ...recurrentGraphs,
  averagePool2d: (b, c) => b.averagePool(b.input([...c.image, c.channels]), poolAttrs(c)),
  conv2d: (b, { image, channels, outChannels, kernel, bias, ...c }) =>
    b.conv2d(b.input([...image, channels]), [outChannels, ...kernel], window(c), bias),
  dense: (b, c) => b.dense(b.input([c.channels * 7]), c.outChannels, c.bias),
  depthwiseConv2d: (b, { image, channels, kernel, bias, ...c }) =>
    b.depthwise(b.input([...image, channels]), kernel, window(c), bias),
  flatten: (b, c) => b.dense(b.flatten(b.input([...c.image, c.channels])), c.outChannels),
  globalAveragePool2d: (b, c) => b.globalAveragePool(b.input([...c.image, c.channels])),
  maxPool2d: (b, c) => b.maxPool(b.input([...c.image, c.channels]), poolAttrs(c)),
  relu: (b, c) => b.clamp(b.input([...c.image, c.channels])),
  relu6: (b, c) => b.clamp(b.input([...c.image, c.channels]), 'relu6'),
};

const linearAndRescaled = ['conv2d', 'depthwiseConv2d', 'dense', 'add', 'averagePool2d'] as const;

/** Ops on [6,5,9] whose sums are small. */
const tied: Record<(typeof linearAndRescaled)[number], (b: IntGraph, x: number) => number> = {
  conv2d: (b, x) => b.conv2d(x, [8, 1, 1]),
  depthwiseConv2d: (b, x) => b.depthwise(x, [1, 2]),
  dense: (b, x) => b.dense(b.flatten(x), 3),
  add: (b, x) => b.add(x, x),
  averagePool2d: (b, x) => b.averagePool(x, { poolSize: [1, 2] }),
};

/**
 * Gives the last node small weights and multipliers that make half integers, and then 1e-9, too small to show in an
 * f32 sum, as every addend, or as the second multiplier of an add.
 */
function setTies(graph: Graph, rng: Rng): void {
  const { op, inputs } = graph.nodes.at(-1)!;
  const constants = inputs.flatMap((id) => graph.parameters.get(id) ?? []);
  for (const { data } of constants) {
    const draw = () => (data instanceof Int8Array ? rng.below(3) - 1 : rng.below(4) - 1.5);
    for (let i = 0; i < data.length; i++) data[i] = draw();
  }
  if (op === 'add') constants[0]!.data[1] = 1e-9;
  else constants[2]?.data.fill(rng.below(2) ? 1e-9 : -1e-9);
}

function window({ strides, padding, dilation }: Pick<Case, 'strides' | 'padding' | 'dilation'>) {
  return { strides, padding, dilation };
}

describe('every layer of the plan equals the interpreter, in every integer', () => {
  test.each(Object.keys(graphs) as IntOpName[])('%s, random shapes', (op) => {
    const property = fc.property(arbitrary, (c) => {
      const b = new IntGraph(c.seed);
      const graph = b.build([graphs[op](b, c)]);
      for (const batch of [1, 3]) expect(compareLayers(graph, batch, c.seed)).toBeGreaterThan(0);
    });
    fc.assert(property, { seed: 3, numRuns: 40 });
  });

  const common = Object.keys(commonOps) as IntOpName[];
  test.each(common.filter((op) => op !== 'add'))('%s runs on the kernels of common.wasm', (op) => {
    const kernels = kernelsOf('common', new WebAssembly.Memory({ initial: 1 }));
    const property = fc.property(arbitrary, (c) => {
      const b = new IntGraph(c.seed);
      const graph = b.build([graphs[op](b, c)]);
      makePlan(graph, moduleOf('infer')).nodes.forEach((steps, i) => {
        if (graph.nodes[i]!.op !== op) return;
        for (const { kernel } of steps) expect(kernels).toHaveProperty(kernel);
      });
    });
    fc.assert(property, { seed: 4, numRuns: 20 });
  });

  test.each([1, 3])('a network with every op, batch %i', (batch) => {
    for (let seed = 0; seed < 10; seed++) {
      expect(compareLayers(smallNetwork(seed), batch, seed)).toBeGreaterThan(1000);
    }
  });

  test('several inputs and outputs, and an output that later nodes read', () => {
    const b = new IntGraph(5);
    const left = b.input([6, 6, 4]);
    const right = b.input([6, 6, 4]);
    const sum = b.add(left, right);
    const deep = b.conv2d(b.conv2d(sum, [9, 3, 3]), [5, 3, 3]);
    const graph = b.build([sum, b.flatten(deep), b.globalAveragePool(sum)]);
    for (const batch of [1, 3]) expect(compareLayers(graph, batch, 6)).toBeGreaterThan(0);
  });

  test.each(linearAndRescaled)('%s, every u on a tie or a hair beside one', (op) => {
    for (let seed = 0; seed < 20; seed++) {
      const b = new IntGraph(seed);
      const x = b.input([6, 5, 9]);
      const graph = b.build([tied[op](b, x)]);
      setTies(graph, b.rng);
      expect(compareLayers(graph, 1, seed)).toBeGreaterThan(0);
    }
  });

  test.each([300, 1000, 2 ** 96])(
    'multipliers and addends up to %d, far outside magic rounding',
    (most) => {
      const graph = smallNetwork(4);
      const rng = new Rng(5);
      for (const { data } of graph.parameters.values()) {
        if (!(data instanceof Float32Array) || data.length < 3) continue;
        for (let i = 0; i < data.length; i += 3) data[i] = (rng.uniform() * 2 - 1) * most;
      }
      expect(compareLayers(graph, 3, 6)).toBeGreaterThan(1000);
    },
  );

  test('factors at their bound, whose products cancel', () => {
    const rng = new Rng(15);
    const graph = smallNetwork(4);
    for (const { data } of graph.parameters.values()) {
      if (!(data instanceof Float32Array)) continue;
      for (let i = 0; i < data.length; i++) data[i] = rng.below(2) ? 2 ** 96 : -(2 ** 96);
    }
    validateGraph(graph);
    expect(compareLayers(graph, 3, 16)).toBeGreaterThan(1000);
  });

  test('a 3x3 convolution whose kernel and strides have the product 1 in i32', () => {
    const strides: Pair = [45761, 20857];
    const side: Pair = [0, 2];
    expect(Math.imul(9 * strides[0], strides[1])).toBe(1);
    const b = new IntGraph(11);
    const y = b.conv2d(b.input([1, 1, 5]), [4, 3, 3], { strides, padding: [side, side] });
    expect(compareLayers(b.build([y]), 3, 12)).toBeGreaterThan(0);
  });

  test('a window of 360,000 taps', () => {
    const b = new IntGraph(13);
    const graph = b.build([b.maxPool(b.input([600, 600, 1]), { poolSize: [600, 600] })]);
    expect(compareLayers(graph, 1, 14)).toBeGreaterThan(0);
  });

  test('the integers compared fill the int8 range and saturate rarely', () => {
    // Guards the cases above: integers that all saturate would agree for the wrong reason.
    const b = new IntGraph(8);
    const graph = b.build([b.conv2d(b.input([11, 11, 20]), [32, 3, 3])]);
    const inputs = randomInputs(graph, 1, new Rng(9));
    const layer = interpret(graph, inputs).get('conv2d_0')!;
    const saturated = layer.filter((q) => q === -128 || q === 127).length / layer.length;
    expect(saturated).toBeLessThan(0.4);
    expect(new Set(layer).size).toBeGreaterThan(200);
  });
});
