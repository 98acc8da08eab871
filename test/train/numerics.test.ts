import { describe, expect, test } from 'vitest';
import { type ArrayDataset, fromArrays } from '../../src/data/fromArrays.ts';
import { parametersOf } from '../../src/graph/graph.ts';
import { layers } from '../../src/nn/layers.ts';
import { crossEntropy, type Loss } from '../../src/nn/losses.ts';
import { sequential } from '../../src/nn/models.ts';
import { sgd } from '../../src/optim/optimizer.ts';
import { quantizeModel } from '../../src/quant/quantizeModel.ts';
import { fit } from '../../src/train/fit.ts';
import { blobs, SAMPLE } from '../quant/networks.ts';

const SEED = 151;
const { conv2d, relu, globalAveragePool2d, dense } = layers;
const network = () =>
  sequential(
    [conv2d({ filters: 4, kernelSize: 3 }), relu(), globalAveragePool2d(), dense({ units: 3 })],
    { seed: SEED },
  );

/** blobs with one sample value changed. */
function spoiled(value: number): ArrayDataset {
  const { options } = blobs(16, SEED);
  const x = Float32Array.from(options.x);
  x[5] = value;
  return fromArrays({ ...options, x });
}

/** Cross-entropy whose gradient is spoiled at its first value, while the loss stays finite. */
function spoiledLoss(value: number): Loss {
  const { name, evaluate } = crossEntropy();
  return {
    name,
    evaluate(cx, logits, labels) {
      const result = evaluate(cx, logits, labels);
      cx.f32(result.gradient)[0] = value;
      return result;
    },
  };
}

describe('numbers that are not finite end training', () => {
  test('a gradient, before it reaches the weights', async () => {
    const net = network();
    const before = parametersOf(net.build(SAMPLE)).map(({ data }) => data.slice());
    for (const value of [NaN, Infinity]) {
      await expect(fit(net, blobs(16, SEED), { loss: spoiledLoss(value) })).rejects.toThrow(
        /^fit: finite gradients are expected at step 1, got (NaN|-?Infinity) for \S+; try a smaller .*; checkNumerics finds the op that first makes it$/,
      );
      expect(parametersOf(net.build()).map(({ data }) => data)).toEqual(before);
    }
  });

  test('each epoch keeps what it learned', async () => {
    let kept: unknown;
    const net = network();
    const learningRate = (step: number) => (step < 2 ? 0.01 : 1e38);
    const failing = fit(net, blobs(32, SEED), {
      epochs: 5,
      optimizer: sgd({ learningRate }),
      onEpoch({ epoch }) {
        if (epoch === 0) kept = parametersOf(net.build()).map(({ data }) => data.slice());
      },
    });
    await expect(failing).rejects.toThrow(/^fit: a finite loss is expected|^fit: finite gradients/);
    expect(parametersOf(net.build()).map(({ data }) => data)).toEqual(kept);
  });
});

describe('checkNumerics names what first makes them', () => {
  const check = { checkNumerics: true };

  test('the data', async () => {
    await expect(fit(network(), spoiled(NaN), check)).rejects.toThrow(
      /^fit: finite numbers are expected at step 1, got NaN from the data, forward$/,
    );
  });

  test('a parameter', async () => {
    const net = network();
    const kernel = parametersOf(net.build(SAMPLE)).find(({ name }) => name === 'dense/kernel')!;
    kernel.data[3] = Infinity;
    await expect(fit(net, blobs(16, SEED), check)).rejects.toThrow(
      /^fit: finite numbers are expected at step 1, got Infinity from the parameter dense\/kernel, forward$/,
    );
  });

  test('an op on its way forward', async () => {
    const net = network();
    const kernel = parametersOf(net.build(SAMPLE)).find(({ name }) => name === 'conv2d/kernel')!;
    // 27 products of 3e38 and numbers around 0.3 overflow.
    kernel.data.fill(3e38);
    await expect(fit(net, blobs(16, SEED), check)).rejects.toThrow(
      /^fit: finite numbers are expected at step 1, got (NaN|-?Infinity) from conv2d \(conv2d\), forward$/,
    );
  });

  test('the loss on the way back', async () => {
    const options = { ...check, loss: spoiledLoss(NaN) };
    await expect(fit(network(), blobs(16, SEED), options)).rejects.toThrow(
      /^fit: finite numbers are expected at step 1, got NaN from the loss, backward$/,
    );
  });

  test('an op on its way back', async () => {
    // Finite, but its product with the kernel of dense is not.
    const net = network();
    const kernel = parametersOf(net.build(SAMPLE)).find(({ name }) => name === 'dense/kernel')!;
    kernel.data.fill(4);
    const options = { ...check, loss: spoiledLoss(2e38) };
    await expect(fit(net, blobs(16, SEED), options)).rejects.toThrow(
      /^fit: finite numbers are expected at step 1, got Infinity from dense \(dense\), backward$/,
    );
  });

  test('an op of a quantized model', async () => {
    const model = quantizeModel(network().build(SAMPLE));
    await fit(model, blobs(16, SEED), check);
    const options = { ...check, loss: spoiledLoss(3e38) };
    await expect(fit(model, blobs(16, SEED), options)).rejects.toThrow(
      /^fit: finite numbers are expected at step 1, got (NaN|-?Infinity) from .+, backward$/,
    );
  });

  test('and changes nothing else', async () => {
    const weights = async (options: object) => {
      const net = network();
      await fit(net, blobs(48, SEED), { epochs: 2, ...options });
      return parametersOf(net.build()).map(({ data }) => data);
    };
    expect(await weights(check)).toEqual(await weights({}));
  });
});
