import { Rng } from '../../src/core/rng.ts';
import { type Shape, sizeOf } from '../../src/core/shape.ts';
import { type ArrayDataset, fromArrays } from '../../src/data/fromArrays.ts';
import type { Handle } from '../../src/graph/dispatch.ts';
import type { Graph, Parameter } from '../../src/graph/graph.ts';
import { input } from '../../src/graph/trace.ts';
import { add, concatenate, layers, multiply, subtract } from '../../src/nn/layers.ts';
import { model, sequential } from '../../src/nn/models.ts';
import { Module } from '../../src/nn/module.ts';
import { kindNetworks, type MakeNetwork, sequenceNetworks } from './kinds.ts';

const { conv2d, depthwiseConv2d, batchNormalization, relu, relu6, dense } = layers;
const { maxPool2d, averagePool2d, globalAveragePool2d, flatten } = layers;
const { separableConv2d, upSampling2d } = layers;

export const SAMPLE: Shape = [9, 8, 3];
export const CLASSES = 3;

/** Learnable noise: class c is brighter in channel c. */
export function blobs(count: number, seed: number, batchSize = 16): ArrayDataset {
  const rng = new Rng(seed);
  const y = Int32Array.from({ length: count }, () => rng.below(CLASSES));
  const size = sizeOf(SAMPLE);
  const x = Float32Array.from({ length: count * size }, (_, i) => {
    const bright = y[Math.floor(i / size)] === i % 3 ? 0.6 : 0;
    return 2 * rng.uniform() - 1 + bright;
  });
  return fromArrays({ x, y, shape: SAMPLE, classes: CLASSES, batchSize, seed });
}

const norm = () => batchNormalization({ momentum: 0.8 });
const conv = (filters: number, rest: object = {}) =>
  conv2d({ filters, kernelSize: 3, padding: 'same', useBias: false, ...rest });
const head = () => [globalAveragePool2d(), dense({ units: CLASSES })];

function chain(x: Handle, members: readonly Module[]): Handle {
  return members.reduce((value, member) => member.apply(value), x);
}

function functional(build: (x: Handle) => Handle, seed: number): Module {
  const x = input(SAMPLE);
  return model({ inputs: x, outputs: build(x) }, { seed });
}

const list = (members: readonly Module[]) => (seed: number) => sequential(members, { seed });

/** A layer as users may write it: y = x · gain + offset, with constants among the activations. */
class Shifted extends Module {
  forward(x: Handle): Handle {
    const shape = x.shape.slice(-1);
    const gain = this.parameter({ name: 'gain', shape, initializer: 'ones' });
    const offset = this.parameter({ name: 'offset', shape, initializer: 'ones' });
    const scaled = x.apply('multiply', [x, gain], {});
    return scaled.apply('add', [scaled, offset], {});
  }
}

/** y = min(gain, offset − gain · x), with the constants in front. */
class Mirrored extends Module {
  forward(x: Handle): Handle {
    const shape = x.shape.slice(-1);
    const gain = this.parameter({ name: 'gain', shape, initializer: 'ones' });
    const offset = this.parameter({ name: 'offset', shape, initializer: 'ones' });
    const apply = (op: 'multiply' | 'subtract' | 'minimum', other: Parameter, y: Handle) =>
      y.apply(op, [other, y], {});
    return apply('minimum', gain, apply('subtract', offset, apply('multiply', gain, x)));
  }
}

/** Takes the elements `indices` of `axis`. */
class Taken extends Module {
  constructor(
    readonly indices: readonly number[],
    readonly axis: number,
  ) {
    super();
  }

  forward(x: Handle): Handle {
    const data = Float32Array.from(this.indices);
    const shape = [data.length];
    const indices = { name: 'indices', shape, trainable: false, decay: false, data };
    return x.apply('gather', [x, indices], { axis: this.axis });
  }
}

/** Networks that meet the corners of the segments pass; each is made with a seed. */
const oneOp: Record<string, MakeNetwork> = {
  'conv with bias and no norm, strides 2, relu6': () =>
    list([conv2d({ filters: 5, kernelSize: 3, strides: 2, padding: 'same' }), relu6(), ...head()]),
  'average pool with padding, dense with bias on flattened pixels': () =>
    list([
      conv(4),
      norm(),
      relu(),
      averagePool2d({ poolSize: 3, strides: 2, padding: 'same' }),
      flatten(),
      dense({ units: 7 }),
      relu(),
      dense({ units: CLASSES }),
    ]),
  'average pool without padding and relu after it': () =>
    list([conv(4), norm(), averagePool2d(), relu(), ...head()]),
  'norm and relu after add': () => (seed) =>
    functional((x) => {
      const y = chain(x, [conv(6), norm()]);
      const z = chain(y, [relu(), conv(6)]);
      return chain(add(z, y), [norm(), relu(), ...head()]);
    }, seed),
  'conv with two readers, one of them its norm': () => (seed) =>
    functional((x) => {
      const y = conv(5).apply(x);
      return chain(add(chain(y, [norm(), relu()]), y), [relu(), ...head()]);
    }, seed),
  'norm of the input, of a pool and of a dense layer': () =>
    list([
      norm(),
      conv(4),
      maxPool2d(),
      norm(),
      relu6(),
      flatten(),
      dense({ units: 6, useBias: false }),
      norm(),
      norm(),
      relu(),
      dense({ units: CLASSES }),
    ]),
  'relu and relu6 after max pooling, two in a row': () =>
    list([
      conv(6),
      norm(),
      maxPool2d({ poolSize: 3, strides: 2, padding: 'same' }),
      relu(),
      relu6(),
      conv(4),
      maxPool2d(),
      relu6(),
      ...head(),
    ]),
  'depthwise strides 2 with bias, dilation': () =>
    list([
      conv(8, { dilation: 2 }),
      norm(),
      relu(),
      depthwiseConv2d({ kernelSize: 3, strides: 2, padding: 'same' }),
      relu6(),
      depthwiseConv2d({ kernelSize: [2, 3], useBias: false }),
      norm(),
      ...head(),
    ]),
  'one layer twice': () => {
    const shared = conv(3);
    return list([shared, norm(), relu(), shared, norm(), relu(), ...head()]);
  },
  'concat of values behind a relu and not': () => (seed) =>
    functional((x) => {
      const y = chain(x, [conv(4), norm(), relu()]);
      const z = chain(x, [conv(5), norm()]);
      const joined = concatenate([y, z, chain(y, [conv(3), norm(), relu6()])]);
      return chain(joined, [relu(), conv(4), relu(), ...head()]);
    }, seed),
  'concat of values behind relus, one of them read again': () => (seed) =>
    functional((x) => {
      const y = chain(x, [conv(4), norm(), relu()]);
      const z = chain(x, [conv(4), norm(), relu()]);
      return chain(add(chain(concatenate([y, z]), [conv(4)]), y), [relu(), ...head()]);
    }, seed),
  'concats that share members, the input padded and cropped among them': () => (seed) =>
    functional((x) => {
      const cropped = layers.cropping2d({ cropping: [1, 0] }).apply(x);
      const padded = layers.zeroPadding2d({ padding: [1, 0] }).apply(cropped);
      const y = chain(x, [conv(4), norm()]);
      const z = maxPool2d({ poolSize: 3, strides: 1, padding: 'same' }).apply(y);
      const first = concatenate([padded, z]);
      const second = concatenate([chain(x, [conv(2)]), y]);
      return chain(concatenate([first, second]), [conv(4), relu(), ...head()]);
    }, seed),
  'separable convolution, up-sampling, reshape, permute': () =>
    list([
      separableConv2d({ filters: 6, kernelSize: 3, strides: 2, padding: 'same', useBias: false }),
      norm(),
      relu(),
      upSampling2d(),
      conv(4, { strides: 2 }),
      upSampling2d({ size: [1, 2], interpolation: 'bilinear' }),
      layers.permute({ dims: [3, 1, 2] }),
      layers.reshape({ targetShape: [5, -1, 4] }),
      conv(4),
      relu(),
      globalAveragePool2d({ keepDims: true }),
      conv2d({ filters: CLASSES, kernelSize: 1 }),
      layers.reshape({ targetShape: [CLASSES] }),
    ]),
  'functions of one real, one with a relu': () =>
    list([
      layers.tanh(),
      conv(6),
      norm(),
      layers.hardSwish(),
      conv(6),
      layers.sigmoid(),
      layers.leakyRelu({ negativeSlope: 0.1 }),
      conv(6),
      norm(),
      layers.swish(),
      relu(),
      layers.elu(),
      layers.gelu(),
      ...head(),
    ]),
  'channels scaled by what is in them, and softmax': () => (seed) =>
    functional((x) => {
      const y = chain(x, [conv(6), norm(), relu()]);
      const gate = chain(y, [
        globalAveragePool2d({ keepDims: true }),
        conv2d({ filters: 2, kernelSize: 1 }),
        relu(),
        conv2d({ filters: 6, kernelSize: 1 }),
        layers.sigmoid(),
      ]);
      return chain(multiply(y, gate), [...head(), layers.softmax()]);
    }, seed),
  'difference, smaller and larger, constants, unit length': () => (seed) =>
    functional((x) => {
      const y = chain(x, [conv(3), norm()]);
      const z = new Shifted().apply(chain(x, [conv(3), norm()]));
      const smaller = layers.minimum().merge(y, z);
      const larger = chain(layers.maximum().merge(y, z), [relu()]);
      return chain(subtract(larger, smaller), [...head(), layers.unitNormalization()]);
    }, seed),
  'constants in front of what is computed': () =>
    list([conv(4), norm(), new Mirrored(), relu(), conv(3), new Mirrored(), ...head()]),
  'channels and rows taken by lists of indices, beside others': () => (seed) =>
    functional((x) => {
      const y = chain(x, [new Taken([2, 0, 1, 1], 3), conv(4), norm(), relu()]);
      const z = chain(y, [new Taken([3, 3, 0], 3), relu6()]);
      const rows = chain(concatenate([y, z]), [new Taken([8, 6, 1, 0, 0], 1)]);
      return chain(rows, [conv(4), relu(), ...head()]);
    }, seed),
  'transposed convolutions, learned slopes': () =>
    list([
      conv(6, { strides: 2 }),
      norm(),
      layers.prelu({ alphaInitializer: 'heUniform' }),
      layers.conv2dTranspose({ filters: 5, kernelSize: 3, strides: 2, padding: 'same' }),
      norm(),
      relu(),
      layers.conv2dTranspose({ filters: 4, kernelSize: 2, strides: 3, useBias: false }),
      layers.prelu(),
      ...head(),
    ]),
  'a value added to itself': () => (seed) =>
    functional((x) => {
      const y = chain(x, [conv(4), norm(), relu()]);
      return chain(add(y, y), head());
    }, seed),
};

/** Those, and networks over sequences and models of every kind. */
export const networks: Record<string, MakeNetwork> = {
  ...oneOp,
  ...sequenceNetworks(CLASSES),
  ...kindNetworks(SAMPLE, CLASSES),
};

/** Makes gammas negative, zero, and large enough for relu6 to cut; gives biases and betas values. */
export function unsettle(graph: Graph, seed: number): void {
  const rng = new Rng(seed);
  for (const { name, data } of graph.parameters.values()) {
    const leaf = name.split('/')[1];
    for (let i = 0; i < data.length; i++) {
      if (leaf === 'gamma') data[i] = [-0.75, 0, 10][i % 3]!;
      if (leaf === 'beta' || leaf === 'bias') data[i] = rng.uniform() - 0.5;
    }
  }
}
