import { describe, expect, test } from 'vitest';
import { validateGraph } from '../../src/graph/validate.ts';
import { sgd } from '../../src/optim/optimizer.ts';
import { convert } from '../../src/quant/convert.ts';
import { type MethodName, methods } from '../../src/quant/methods.ts';
import { quantizeModel } from '../../src/quant/quantizeModel.ts';
import { verify } from '../../src/runtime/verify.ts';
import { fit } from '../../src/train/fit.ts';
import { blobs, networks, SAMPLE, unsettle } from './networks.ts';
import { compareParity, interpreter, runtime } from './parity.ts';

const SEED = 51;

describe.each(Object.keys(methods) as MethodName[])('%s', (method) => {
  test.each(Object.keys(networks))('%s: evaluation is the shipped model', async (name) => {
    const net = networks[name]!()(SEED);
    unsettle(net.build(SAMPLE), SEED);
    const train = blobs(64, SEED);
    const quantized = quantizeModel(net, { method });
    await fit(quantized, train, {
      epochs: 2,
      optimizer: sgd({ learningRate: 0.02, momentum: 0.9 }),
    });
    const converted = convert(quantized);
    validateGraph(converted.graph);
    const data = blobs(40, SEED + 1);
    const parity = await compareParity(quantized, converted.graph, data, runtime());
    expect(parity.first).toBeUndefined();
    expect(parity.mismatching).toBe(0);
    const plain = await compareParity(quantized, converted.graph, data, interpreter);
    expect(plain).toEqual(parity);
    // One layer for the input and one for each node.
    expect(parity.layers).toBe(converted.graph.nodes.length + 1);
    const { mismatching, reference } = await verify(converted.toBytes(), { reference: true });
    expect([mismatching, reference!.mismatching]).toEqual([0, 0]);
  });
});
