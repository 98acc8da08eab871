import { beforeAll, describe, expect, test } from 'vitest';
import { subset } from '../../src/data/fromArrays.ts';
import { loadMnist } from '../../src/data/mnist.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { argmax } from '../../src/nn/losses.ts';
import { adam } from '../../src/optim/optimizer.ts';
import { convert } from '../../src/quant/convert.ts';
import { type MethodName, methods } from '../../src/quant/methods.ts';
import { type QuantizedModel, quantizeModel } from '../../src/quant/quantizeModel.ts';
import { channelLayout, forEachWeight } from '../../src/quant/weightLayout.ts';
import { load } from '../../src/runtime/load.ts';
import { evaluate } from '../../src/train/evaluate.ts';
import { fit } from '../../src/train/fit.ts';
import { visitIntegers } from '../../src/train/integers.ts';
import { digits } from '../../src/zoo/digits.ts';
import { type BundleFile, edited } from '../bundle/tamper.ts';
import { compareParity, interpreter, runtime } from './parity.ts';

const SEED = 61;

interface Trained {
  readonly model: QuantizedModel;
  readonly graph: Graph;
  readonly bytes: Uint8Array;
}

const test1000 = await loadMnist({ split: 'test', limit: 1000, batchSize: 50 });
const test100 = subset(test1000, 0, 100);

/** digits() after 1,600 images in float and 600 quantized: enough to be right on most images. */
async function train(method: MethodName, float: Graph): Promise<Trained> {
  const model = quantizeModel(float, { method });
  const images = await loadMnist({ split: 'train', limit: 600, batchSize: 50, seed: SEED });
  await fit(model, images, { optimizer: adam({ learningRate: 0.001 }) });
  const { graph, toBytes } = convert(model);
  return { model, graph, bytes: toBytes() };
}

async function trainFloat(): Promise<Graph> {
  const net = digits({ seed: SEED });
  const images = await loadMnist({ split: 'train', limit: 1600, batchSize: 50, seed: SEED });
  await fit(net, images, { optimizer: adam({ learningRate: 0.003 }) });
  return net.build();
}

/** A copy of a graph whose parameters can be changed alone. */
function copied(graph: Graph): Graph {
  const parameters = new Map(
    [...graph.parameters].map(([id, parameter]) => [
      id,
      { ...parameter, data: parameter.data.slice() },
    ]),
  );
  return { ...graph, values: graph.values.map((value) => ({ ...value })), parameters };
}

const results: Partial<Record<MethodName, Trained>> = {};
const trained = (method: MethodName) => results[method]!;

beforeAll(async () => {
  const float = await trainFloat();
  for (const method of Object.keys(methods) as MethodName[]) {
    // Methods share the float weights, so each starts from a copy.
    results[method] = await train(method, copied(float));
  }
}, 120_000);

describe.each(Object.keys(methods) as MethodName[])('digits with %s', (method) => {
  test('has learned something', async () => {
    const { top1, count } = await evaluate(trained(method).model, test1000);
    expect(count).toBe(1000);
    // Chance is 0.1; the 32 steps in float give about 0.9.
    expect(top1).toBeGreaterThan(0.7);
  });

  test('evaluation and runtime agree in every integer of every layer on 1,000 images', async () => {
    const { model, graph } = trained(method);
    const parity = await compareParity(model, graph, test1000, runtime());
    expect(parity.first).toBeUndefined();
    expect(parity.mismatching).toBe(0);
    expect(parity.compared).toBeGreaterThan(1e7);
  });

  test('and the interpreter on 100', async () => {
    const { model, graph } = trained(method);
    const parity = await compareParity(model, graph, test100, interpreter);
    expect(parity.first).toBeUndefined();
    expect(parity.mismatching).toBe(0);
  });

  test('a loaded bundle gives the outputs of evaluation, from pixels', async () => {
    const { model, bytes } = trained(method);
    const session = await load(bytes, { batch: 50 });
    let images = 0;
    await visitIntegers(model, test1000, ({ x, size }, integers, names) => {
      const { output } = session.run({ input: x as Uint8Array });
      expect(output).toEqual(integers(names.at(-1)!));
      images += size;
    });
    expect(images).toBe(1000);
  });
});

/** Each change must be seen: a comparison that cannot fail proves nothing. */
describe('a change in the shipped graph is reported', () => {
  const few = subset(test1000, 0, 20);

  const changed = async (change: (graph: Graph) => void) => {
    const { model, graph } = trained('lsq');
    const other = copied(graph);
    change(other);
    return compareParity(model, other, few, runtime());
  };

  const firstOf = (graph: Graph, op: string) => graph.nodes.find((node) => node.op === op)!;

  const constantOf = (graph: Graph, op: string, input: number) =>
    graph.parameters.get(firstOf(graph, op).inputs[input]!)!;

  /** How far the channels of a value are from its lower bound, summed over the images. */
  const liveliness = async (id: number) => {
    const { model, graph } = trained('lsq');
    const { name, shape, qparams } = graph.values[id]!;
    const sums = new Float64Array(shape.at(-1)!);
    await visitIntegers(model, few, (_, integers) => {
      integers(name).forEach((q, i) => {
        sums[i % sums.length]! += q - qparams!.qmin;
      });
    });
    return sums;
  };

  /** The output channel of the first `op` that is furthest from its lower bound: what feeds it matters. */
  const liveliest = async (op: string) => {
    const sums = await liveliness(firstOf(trained('lsq').graph, op).output);
    return argmax(sums, 0, sums.length);
  };

  test.each(['conv2d', 'depthwiseConv2d', 'dense'])('one weight of %s', async (op) => {
    const channel = await liveliest(op);
    const inputs = await liveliness(firstOf(trained('lsq').graph, op).inputs[0]!);
    const parity = await changed((graph) => {
      const { data, shape } = constantOf(graph, op, 1);
      const layout = channelLayout(shape, op === 'depthwiseConv2d' ? 2 : 0);
      // The weight that adds most: a large one may belong to a channel that is always 0.
      const share = (i: number) => Math.abs(data[i]!) * inputs[i % inputs.length]!;
      let at = -1;
      forEachWeight(layout, (c, i) => {
        if (c !== channel) return;
        if (at < 0 || share(i) > share(at)) at = i;
      });
      data[at] = 0;
    });
    expect(parity.mismatching).toBeGreaterThan(0);
  });

  test.each(['conv2d', 'depthwiseConv2d', 'dense'])('one B of %s, by one unit', async (op) => {
    const channel = await liveliest(op);
    const parity = await changed((graph) => {
      const { data } = constantOf(graph, op, 3);
      data[channel] = data[channel]! + 1;
    });
    expect(parity.mismatching).toBeGreaterThan(0);
  });

  test('one M, by 1 %', async () => {
    const channel = await liveliest('dense');
    const parity = await changed((graph) => {
      const { data } = constantOf(graph, 'dense', 2);
      data[channel] = data[channel]! * 1.01;
    });
    expect(parity.mismatching).toBeGreaterThan(0);
  });

  test('the zero point of each layer', async () => {
    const { graph } = trained('lsq');
    const ids = [...graph.inputs, ...graph.nodes.map(({ output }) => output)];
    for (const id of ids) {
      const parity = await changed((other) => {
        const { qparams, ...value } = other.values[id]!;
        const zeroPoint = qparams!.zeroPoint + (qparams!.zeroPoint < 127 ? 1 : -1);
        (other.values as unknown[])[id] = { ...value, qparams: { ...qparams, zeroPoint } };
      });
      expect(parity.mismatching, graph.values[id]!.name).toBeGreaterThan(0);
    }
  });
});

/** The same in the file: one entry, checksum repaired, loaded as anyone would. */
describe('a change in the shipped bundle is reported', () => {
  const few = subset(test1000, 0, 50);

  /** Output integers of the changed file that are not those of evaluation. */
  const mismatching = async (edit: (file: BundleFile, graph: Graph) => void) => {
    const { model, graph, bytes } = trained('lsq');
    const session = await load(
      edited(bytes, (file) => edit(file, graph)),
      { batch: 50 },
    );
    let count = 0;
    await visitIntegers(model, few, ({ x }, integers, names) => {
      const { output } = session.run({ input: x as Uint8Array });
      integers(names.at(-1)!).forEach((q, i) => {
        if (output![i] !== q) count++;
      });
    });
    return count;
  };

  const lastDense = (graph: Graph) => graph.nodes.findLast(({ op }) => op === 'dense')!;

  /** The data of a constant of the last dense layer, as a copy that the file now has. */
  const constantIn = ({ tensors }: BundleFile, graph: Graph, input: number) => {
    const tensor = tensors.get(graph.values[lastDense(graph).inputs[input]!]!.name)!;
    const data = tensor.data.slice();
    tensors.set(tensor.name, { ...tensor, data });
    return data;
  };

  test('not where nothing changed', async () => {
    expect(await mismatching(() => {})).toBe(0);
  });

  test('one weight', async () => {
    const count = await mismatching((file, graph) => {
      const data = constantIn(file, graph, 1);
      const at = argmax(Float32Array.from(data, Math.abs), 0, data.length);
      data[at] = -data[at]!;
    });
    expect(count).toBeGreaterThan(0);
  });

  test('one B, by one unit', async () => {
    const count = await mismatching((file, graph) => {
      const data = constantIn(file, graph, 3);
      data[0] = data[0]! + 1;
    });
    expect(count).toBeGreaterThan(0);
  });

  test('one zero point', async () => {
    const count = await mismatching(({ json }, graph) => {
      const { qparams } = json.graph.values[lastDense(graph).output];
      qparams.zeroPoint += qparams.zeroPoint < qparams.qmax ? 1 : -1;
    });
    expect(count).toBeGreaterThan(0);
  });
});
