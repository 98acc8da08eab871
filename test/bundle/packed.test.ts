import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bitsOf, packed, unpackParameters } from '../../src/bundle/packed.ts';
import { readBundle } from '../../src/bundle/read.ts';
import { writeBundle } from '../../src/bundle/write.ts';
import { decode } from '../../src/core/safetensors.ts';
import type { Graph, Parameter } from '../../src/graph/graph.ts';
import { layers } from '../../src/nn/layers.ts';
import { sequential } from '../../src/nn/models.ts';
import { convert } from '../../src/quant/convert.ts';
import { quantizeModel } from '../../src/quant/quantizeModel.ts';
import { load } from '../../src/runtime/load.ts';
import { blobs, SAMPLE } from '../quant/networks.ts';

const BITS = [2, 3, 4, 5, 6, 7];

/** A graph with one parameter as a file has it. */
function graphOf(shape: readonly number[], bits: number, data: Uint8Array): Graph {
  const [qmin, qmax] = [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
  const qparams = { scale: [1], zeroPoint: 0, qmin, qmax };
  const parameter = { name: 'w', shape: [data.length], trainable: false, decay: false, data };
  return {
    ...{ name: 'g', nodes: [], inputs: [], outputs: [], quantizers: new Map() },
    values: [{ name: 'w', shape, dtype: 'i8', qparams }],
    parameters: new Map([[0, parameter as Parameter]]),
  };
}

describe.each(BITS)('%i bits', (bits) => {
  const [qmin, qmax] = [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];

  test('come back, whatever the integers and their number', () => {
    const integers = fc.array(fc.integer({ min: qmin, max: qmax }), {
      minLength: 1,
      maxLength: 67,
    });
    fc.assert(
      fc.property(integers, (list) => {
        const { data, dtype, shape } = packed('w', Int8Array.from(list), bits);
        expect([dtype, shape]).toEqual(['u8', [Math.ceil((list.length * bits) / 8)]]);
        const graph = graphOf([list.length], bits, data as Uint8Array);
        unpackParameters(graph);
        const parameter = graph.parameters.get(0)!;
        expect(parameter.shape).toEqual([list.length]);
        expect([...parameter.data]).toEqual(list);
      }),
      { seed: bits },
    );
  });

  test('lie as the format says: bit i·b of the file is bit 0 of integer i', () => {
    const { data } = packed('w', Int8Array.of(1, -1, 0, qmin), bits);
    const bit = (i: number) => (data[i >> 3]! >> (i & 7)) & 1;
    const expected = [1, -1, 0, qmin].flatMap((q) =>
      Array.from({ length: bits }, (_, j) => (q >> j) & 1),
    );
    expect(expected.map((_, i) => bit(i))).toEqual(expected);
  });

  test('a model ships so: a smaller file, the same integers', async () => {
    const net = sequential([
      layers.conv2d({ filters: 8, kernelSize: 3 }),
      layers.relu(),
      layers.flatten(),
      layers.dense({ units: 3 }),
    ]);
    net.build(SAMPLE);
    const weights = (b: number) => ({ weights: { bits: b }, edgeBits: 2 });
    const quantized = quantizeModel(net, weights(bits));
    await quantized.calibrate(blobs(16, 3));
    const converted = convert(quantized);
    const bytes = converted.toBytes();
    expect(readBundle(bytes).graph.parameters).toEqual(converted.graph.parameters);
    expect(writeBundle(readBundle(bytes))).toEqual(bytes);
    const kernel = decode(bytes, 'bundle').tensors.get('dense/kernel')!;
    expect([kernel.dtype, kernel.shape]).toEqual(['u8', [Math.ceil((3 * 7 * 6 * 8 * bits) / 8)]]);
    const wide = quantizeModel(net, weights(8));
    await wide.calibrate(blobs(16, 3));
    const saved = 3 * 7 * 6 * 8 - kernel.shape[0]!;
    expect(convert(wide).toBytes().length - bytes.length).toBeGreaterThanOrEqual(saved - 64);
    const session = await load(bytes);
    const { input, outputs } = readBundle(bytes).golden[0]!;
    const step = session.inputs[0]!.shape.slice(1).reduce((a, b) => a * b, 1);
    const { output } = session.run({ input: (input as Int8Array).slice(0, step) });
    expect([...output!]).toEqual([...outputs[0]!].slice(0, 3));
  });
});

test('bits are what both ends of a grid need, also one beside 0', () => {
  const grids = [
    [-127, 127],
    [-128, 127],
    [-8, 7],
    [-7, 7],
    [-2, 1],
    [-1, 1],
    [0, 15],
    [0, 3],
    [-4, 0],
  ] as const;
  expect(grids.map(([qmin, qmax]) => bitsOf({ qmin, qmax }))).toEqual([8, 8, 4, 4, 2, 2, 5, 3, 3]);
});

test.each<[string, readonly number[], number, string]>([
  [
    'one byte too few',
    [3, 3],
    3,
    'bundle: "w" must hold 9 integers of 3 bits, 2 to 7, got 3 bytes',
  ],
  ['one byte too many', [2], 2, 'bundle: "w" must hold 2 integers of 3 bits, 2 to 7, got 2 bytes'],
  ['more than memory', [2 ** 31, 2 ** 21], 8, 'integers of 3 bits, 2 to 7, got 8 bytes'],
])('%s is refused', (_, shape, count, message) => {
  expect(() => unpackParameters(graphOf(shape, 3, new Uint8Array(count)))).toThrow(message);
});

test('a grid of one integer does not pass for no bytes at all', () => {
  const graph = graphOf([2 ** 30], 3, new Uint8Array(0));
  const value = { ...graph.values[0]!, qparams: { scale: [1], zeroPoint: 0, qmin: 3, qmax: 3 } };
  expect(() => unpackParameters({ ...graph, values: [value] })).toThrow('integers of 3 bits');
});
