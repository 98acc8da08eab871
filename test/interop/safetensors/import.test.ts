import { describe, expect, test } from 'vitest';
import { encode, type StoredTensor } from '../../../src/core/safetensors.ts';
import type { Graph } from '../../../src/graph/graph.ts';
import { data, fit } from '../../../src/index.ts';
import { cifarResnetModule } from '../../../src/interop/safetensors/cifarResnetModule.ts';
import { importSafetensors } from '../../../src/interop/safetensors/import.ts';
import { layers } from '../../../src/nn/layers.ts';
import { sequential } from '../../../src/nn/models.ts';
import { quantizeModel } from '../../../src/quant/quantizeModel.ts';
import { resnet20 } from '../../../src/zoo/cifarResnet.ts';

/** A tensor whose element i is `first` + i. */
function tensor(name: string, shape: readonly number[], first = 0): StoredTensor {
  const size = shape.reduce((product, extent) => product * extent, 1);
  const data = Float32Array.from({ length: size }, (_, i) => first + i);
  return { name, dtype: 'f32', shape, data };
}

/** Every kind of layer that has weights. */
function small() {
  return sequential([
    layers.conv2d({ name: 'a', filters: 3, kernelSize: [2, 1], inputShape: [4, 3, 2] }),
    layers.batchNormalization({ name: 'a/norm' }),
    layers.prelu({ name: 'slope' }),
    layers.depthwiseConv2d({ name: 'b', kernelSize: [1, 2], useBias: false }),
    layers.conv2dTranspose({ name: 'c', filters: 5, kernelSize: [2, 3], useBias: false }),
    layers.flatten(),
    layers.dense({ name: 'd', units: 2 }),
  ]);
}

function tensorsOf(): StoredTensor[] {
  return [
    tensor('a.weight', [3, 2, 2, 1]),
    tensor('a.bias', [3], 100),
    tensor('a.norm.weight', [3], 200),
    tensor('a.norm.bias', [3], 210),
    tensor('a.norm.running_mean', [3], 220),
    tensor('a.norm.running_var', [3], 230),
    tensor('slope.weight', [3], 300),
    tensor('b.weight', [3, 1, 1, 2], 400),
    tensor('c.weight', [3, 5, 2, 3], 500),
    tensor('d.weight', [2, 5 * 4 * 4], 1000),
    tensor('d.bias', [2], 2000),
  ];
}

function valuesOf(graph: Graph): Map<string, { shape: readonly number[]; data: number[] }> {
  const all = [...graph.parameters.values()];
  return new Map(all.map(({ name, shape, data }) => [name, { shape, data: [...data] }]));
}

function expectElement(
  graph: Graph,
  name: string,
  index: readonly number[],
  expected: number,
): void {
  const { shape, data } = valuesOf(graph).get(name)!;
  const at = index.reduce((sum, i, axis) => sum * shape[axis]! + i, 0);
  expect({ name, index, value: data[at] }).toEqual({ name, index, value: expected });
}

/** Calls `visit` with every index of a shape. */
function everyIndex(shape: readonly number[], visit: (...index: number[]) => void): void {
  const walk = (index: number[]): void => {
    if (index.length === shape.length) visit(...index);
    else for (let i = 0; i < shape[index.length]!; i++) walk([...index, i]);
  };
  walk([]);
}

describe('importSafetensors', () => {
  const graph = importSafetensors(encode(tensorsOf()), small());

  test('moves the axes of every layout', () => {
    everyIndex([3, 2, 1, 2], (o, h, w, i) => {
      expectElement(graph, 'a/kernel', [o, h, w, i], ((o * 2 + i) * 2 + h) * 1 + w);
    });
    everyIndex([1, 2, 3], (h, w, c) => {
      expectElement(graph, 'b/kernel', [h, w, c], 400 + (c * 1 + h) * 2 + w);
    });
    everyIndex([5, 2, 3, 3], (o, h, w, i) => {
      expectElement(graph, 'c/kernel', [o, h, w, i], 500 + ((i * 5 + o) * 2 + h) * 3 + w);
    });
  });

  test('orders the columns of a dense layer over an image as that is in memory', () => {
    everyIndex([2, 4, 4, 5], (unit, h, w, c) => {
      const column = (h * 4 + w) * 5 + c;
      const expected = 1000 + unit * 80 + (c * 4 + h) * 4 + w;
      expectElement(graph, 'd/kernel', [unit, column], expected);
    });
  });

  test('takes biases, norms with their statistics and slopes as they are', () => {
    const values = valuesOf(graph);
    const data = (name: string) => values.get(name)!.data;
    expect(data('a/bias')).toEqual([100, 101, 102]);
    expect(data('a/norm/gamma')).toEqual([200, 201, 202]);
    expect(data('a/norm/beta')).toEqual([210, 211, 212]);
    expect(data('a/norm/movingMean')).toEqual([220, 221, 222]);
    expect(data('a/norm/movingVariance')).toEqual([230, 231, 232]);
    expect(data('slope/alpha')).toEqual([300, 301, 302]);
    expect(data('d/bias')).toEqual([2000, 2001]);
  });

  test('ignores counts of batches, and what data-parallel training puts before names', () => {
    const counts = tensor('a.norm.num_batches_tracked', []);
    const wrapped = [...tensorsOf(), counts].map((one) => ({ ...one, name: `module.${one.name}` }));
    expect(valuesOf(importSafetensors(encode(wrapped), small()))).toEqual(valuesOf(graph));
  });

  test('takes a Graph, f64 and other names', () => {
    const all = tensorsOf().map(
      (one): StoredTensor => ({
        ...one,
        name: `net.${one.name}`,
        dtype: 'f64',
        data: Float64Array.from(one.data),
      }),
    );
    const moduleOf = (layer: string) => `net.${layer.replace('/', '.')}`;
    const other = importSafetensors(encode(all), small().build(), { moduleOf });
    expect(valuesOf(other)).toEqual(valuesOf(graph));
  });

  const changed = (name: string, change: Partial<StoredTensor>) =>
    tensorsOf().map((one) => (one.name === name ? { ...one, ...change } : one));
  const nan = { data: Float32Array.of(1, Number.NaN, 3) };
  const bytes = { dtype: 'u8', data: new Uint8Array(3) } as const;
  test.each<[StoredTensor[], RegExp]>([
    [
      tensorsOf().filter(({ name }) => name !== 'a.norm.running_var'),
      /^importSafetensors: the file must have a.norm.running_var \[3\] for a\/norm\/movingVariance, got none$/,
    ],
    [
      [...tensorsOf(), tensor('e.weight', [1])],
      /^importSafetensors: every tensor must belong to the network, got e.weight$/,
    ],
    [
      changed('a.weight', { shape: [3, 2, 1, 2] }),
      /^importSafetensors: a.weight must be \[3,2,2,1\] for a\/kernel, got \[3,2,1,2\]$/,
    ],
    [changed('a.bias', nan), /^importSafetensors: a.bias must be finite numbers, got NaN$/],
    [changed('a.bias', bytes), /^importSafetensors: a.bias must be of F32 or F64, got U8$/],
    [[], /^importSafetensors: the file must have a.weight \[3,2,2,1\] for a\/kernel, got none$/],
  ])('refuses tensors %# and changes nothing', (tensors, message) => {
    const network = small().build();
    const before = valuesOf(network);
    expect(() => importSafetensors(encode(tensors), network)).toThrow(message);
    expect(valuesOf(network)).toEqual(before);
  });

  test.each<[() => unknown, RegExp]>([
    [
      () => importSafetensors(encode(tensorsOf()).subarray(0, 900), small()),
      /^importSafetensors: the file is truncated: /,
    ],
    [() => importSafetensors([] as never, small()), /^importSafetensors: a Uint8Array, got Array$/],
    [() => importSafetensors(encode([]), 5 as never), /^importSafetensors: a model or a Graph, go/],
    [
      () => importSafetensors(encode([]), quantizeModel(small()).graph),
      /^importSafetensors: a float model, got a quantized one$/,
    ],
    [
      () => importSafetensors(encode([]), small(), { moduleOf: { a: 'b' } as never }),
      /^importSafetensors: moduleOf must be a function of a name, got Object$/,
    ],
    [
      () => importSafetensors(encode(tensorsOf()), small(), { moduleOf: () => 'a' }),
      /^importSafetensors: moduleOf must tell a\/kernel from a\/norm\/gamma, got a.weight for both$/,
    ],
    [
      () => importSafetensors(encode([]), small(), { names: {} } as never),
      /^importSafetensors: options are moduleOf, got names$/,
    ],
  ])('refuses arguments %#', (call, message) => {
    expect(call).toThrow(message);
  });
});

test('the names of the CIFAR ResNets are those of their PyTorch code', () => {
  const graph = resnet20().build();
  const modules = graph.nodes
    .filter(({ inputs }) => inputs.some((id) => graph.parameters.has(id)))
    .map(({ name }) => cifarResnetModule(name));
  expect(new Set(modules).size).toBe(modules.length);
  expect(modules).toHaveLength(2 * 19 + 1);
  for (const module of ['conv1', 'bn1', 'layer1.0.conv1', 'layer3.2.bn2', 'linear']) {
    expect(modules).toContain(module);
  }
});

describe("files of Octavo's own", () => {
  const named = (graph: Graph): StoredTensor[] => {
    const all = [...graph.parameters.values()];
    return all.map(({ name, shape }, i) => tensor(name, shape, 1000 * i));
  };

  test('weights under the names of the parameters', () => {
    const graph = small().build();
    importSafetensors(encode(named(graph), {}, 'test'), graph);
    expectElement(graph, 'a/kernel', [1, 0, 0, 1], 5);
    expectElement(graph, 'd/kernel', [1, 3], 9083);
  });

  test('one tensor more, or in another shape, is none of them', () => {
    const graph = small().build();
    const before = valuesOf(graph);
    const missing = /the file must have a\.weight/;
    const more = [...named(graph), tensor('more', [1])];
    expect(() => importSafetensors(encode(more, {}, 'test'), graph)).toThrow(missing);
    const [first, ...others] = named(graph);
    const other = [{ ...first!, shape: [...first!.shape, 1] }, ...others];
    expect(() => importSafetensors(encode(other, {}, 'test'), graph)).toThrow(missing);
    expect(valuesOf(graph)).toEqual(before);
  });

  test('a number that is none is refused by the name of its tensor', () => {
    const graph = small().build();
    const tensors = named(graph);
    tensors[3]!.data[2] = Number.NaN;
    const message = new RegExp(`${tensors[3]!.name} must be finite numbers, got NaN`);
    expect(() => importSafetensors(encode(tensors, {}, 'test'), graph)).toThrow(message);
  });

  test('a damaged checkpoint, and one of another network, are refused', async () => {
    const network = small();
    const graph = network.build();
    let bytes = new Uint8Array();
    const x = Float32Array.from({ length: 4 * 24 }, (_, i) => Math.sin(i));
    const dataset = data.fromArrays({ x, y: [0, 1, 1, 0], shape: [4, 3, 2], classes: 2 });
    const save = (state: Uint8Array<ArrayBuffer>) => {
      bytes = state;
    };
    await fit(graph, dataset, { epochs: 1, checkpoint: { save } });
    const other = small().build();
    importSafetensors(bytes, other);
    expect(valuesOf(other)).toEqual(valuesOf(graph));
    const wide = sequential([layers.dense({ name: 'w', units: 2, inputShape: [3] })]).build();
    expect(() => importSafetensors(bytes, wide)).toThrow(/6 values of w\/kernel/);
    const last = bytes.length - 1;
    bytes[last]! ^= 64;
    expect(() => importSafetensors(bytes, small().build())).toThrow(/it is damaged/);
  });
});
