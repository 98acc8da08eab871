import type { Shape } from '../../src/core/shape.ts';
import type { Handle } from '../../src/graph/dispatch.ts';
import { input } from '../../src/graph/trace.ts';
import { add, layers, multiply } from '../../src/nn/layers.ts';
import { model, sequential } from '../../src/nn/models.ts';
import { Module } from '../../src/nn/module.ts';

/** Makes a network from a seed; called anew for each, so that none shares layers with another. */
export type MakeNetwork = () => (seed: number) => Module;

const { batchNormalization, conv1d, conv2d, dense, dropout, relu } = layers;

const norm = () => batchNormalization({ momentum: 0.8 });
const conv = (filters: number) =>
  conv2d({ filters, kernelSize: 3, padding: 'same', useBias: false });
const list = (members: readonly Module[]) => (seed: number) => sequential(members, { seed });

/** An image as a sequence of its pixels. */
const pixels = () => layers.reshape({ targetShape: [-1, 3] });

/** Networks over sequences. */
export function sequenceNetworks(classes: number): Record<string, MakeNetwork> {
  return {
    'conv1d causal, dilated and strided, norms and relus that fold': () =>
      list([
        pixels(),
        conv1d({ filters: 4, kernelSize: 3, padding: 'causal', dilation: 2, useBias: false }),
        norm(),
        relu(),
        conv1d({ filters: 5, kernelSize: 2, strides: 3, padding: 'same' }),
        layers.relu6(),
        layers.maxPool1d({ poolSize: 3, strides: 2, padding: 'same' }),
        layers.globalAveragePool1d(),
        dense({ units: classes }),
      ]),
    'depthwise and separable conv1d, 1-D pools, up-sampling, padding and cropping': () =>
      list([
        pixels(),
        layers.separableConv1d({ filters: 4, kernelSize: 3, strides: 2 }),
        norm(),
        layers.averagePool1d({ poolSize: 2 }),
        layers.upSampling1d({ size: 2 }),
        layers.zeroPadding1d({ padding: [2, 1] }),
        layers.depthwiseConv1d({ kernelSize: 3, padding: 1 }),
        relu(),
        layers.cropping1d({ cropping: 1 }),
        layers.globalMaxPool1d(),
        layers.repeatVector({ n: 3 }),
        conv1d({ filters: 4, kernelSize: 2 }),
        layers.flatten(),
        dense({ units: classes }),
      ]),
    'norm of a sequence that no convolution made, two readers': () => (seed) => {
      class Twice extends Module {
        norm = norm();
        left = conv1d({ filters: 4, kernelSize: 3, padding: 'same' });
        right = conv1d({ filters: 4, kernelSize: 1 });
        forward(x: Handle): Handle {
          const y = this.norm.apply(x);
          return add(this.left.apply(y), this.right.apply(y));
        }
      }
      const members = [pixels(), new Twice(), relu(), layers.globalAveragePool1d()];
      return sequential([...members, dense({ units: classes })], { seed });
    },
    'global max pool of images, dropout before and behind a dense layer': () =>
      list([
        conv(6),
        norm(),
        relu(),
        dropout({ rate: 0.2 }),
        layers.globalMaxPool2d(),
        dense({ units: 8 }),
        dropout({ rate: 0.5 }),
        norm(),
        relu(),
        dropout({ rate: 0.1 }),
        dense({ units: classes }),
        dropout({ rate: 0.1 }),
      ]),
  };
}

/** y = relu(norm(conv(x))) twice with one convolution, scaled by what a dense layer makes of it. */
class Shared extends Module {
  conv = conv(3);
  first = norm();
  second = norm();
  gate = sequential([layers.globalAveragePool2d({ keepDims: true }), layers.sigmoid()]);

  forward(x: Handle): Handle {
    const y = relu().apply(this.first.apply(this.conv.apply(x)));
    const z = relu().apply(this.second.apply(this.conv.apply(y)));
    return multiply(z, this.gate.apply(z));
  }
}

/** The kinds of models of one network: TFMOT quantizes none of them. */
export function kindNetworks(sample: Shape, classes: number): Record<string, MakeNetwork> {
  const head = () => [layers.globalAveragePool2d(), dense({ units: classes })];
  const functional = (build: (x: Handle) => Handle, shape: Shape = sample, seed = 0) => {
    const x = input(shape);
    return model({ inputs: x, outputs: build(x) }, { seed });
  };
  return {
    'sequential in sequential in sequential': () => {
      const inner = sequential([conv(4), norm(), relu()]);
      return list([sequential([inner, sequential([conv(4), norm()])]), relu(), ...head()]);
    },
    'model in model': () => (seed) => {
      const inner = functional((x) => add(conv(3).apply(x), x));
      const build = (x: Handle) =>
        sequential([conv(4), relu(), ...head()]).apply(inner.apply(norm().apply(inner.apply(x))));
      return functional(build, sample, seed);
    },
    'subclass with a layer that is used twice, multiply': () =>
      list([new Shared(), relu(), ...head()]),
    'norm behind dense, with a second reader': () => (seed) =>
      functional(
        (x) => {
          const y = dense({ units: 6 }).apply(layers.flatten().apply(x));
          const z = relu().apply(norm().apply(y));
          return dense({ units: classes }).apply(multiply(add(y, z), z));
        },
        sample,
        seed,
      ),
  };
}
