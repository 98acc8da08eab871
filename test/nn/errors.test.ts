import { expect, test } from 'vitest';
import type { Handle } from '../../src/graph/dispatch.ts';
import { input } from '../../src/graph/trace.ts';
import { add, concatenate, layers } from '../../src/nn/layers.ts';
import { model, residual, sequential } from '../../src/nn/models.ts';
import { Module } from '../../src/nn/module.ts';

class Nothing extends Module {
  forward(): Handle {
    return undefined as unknown as Handle;
  }
}

/** Options as JavaScript gives them. */
const js = (value: object) => value as never;

const mistakes: [string, () => unknown, RegExp][] = [
  [
    'a typo',
    () => layers.conv2d(js({ filters: 1, kernelSize: 1, stride: 2 })),
    /^conv2d: options are .*strides.*, got stride$/,
  ],
  [
    'two typos',
    () => layers.relu(js({ nam: 'a', max: 6 })),
    /^relu: options are name, inputShape, got nam, max$/,
  ],
  [
    'a norm that could divide by 0',
    () => layers.batchNormalization({ epsilon: 0 }),
    /^batchNormalization: epsilon must be a finite number > 0, got 0$/,
  ],
  [
    'no filters',
    () => layers.conv2d(js({ kernelSize: 3 })),
    /^conv2d: filters must be an integer >= 1, got undefined$/,
  ],
  [
    'no kernelSize',
    () => layers.conv2d(js({ filters: 3 })),
    /^conv2d: kernelSize must be a number or a pair, got undefined$/,
  ],
  [
    'a kernelSize of one',
    () => layers.depthwiseConv2d(js({ kernelSize: [3] })),
    /^depthwiseConv2d: kernelSize must be a number or a pair, got \[3\]$/,
  ],
  [
    'kernelSize 0',
    () => layers.conv2d({ filters: 1, kernelSize: 0 }),
    /^conv2d: kernelSize must be an integer >= 1, got 0$/,
  ],
  [
    'half a filter',
    () => layers.conv2d({ filters: 0.5, kernelSize: 1 }),
    /^conv2d: filters must be an integer >= 1, got 0.5$/,
  ],
  [
    'padding of three sides',
    () => layers.zeroPadding2d(js({ padding: [1, 2, 3] })),
    /^zeroPadding2d: padding must be a number, a pair or two pairs, got \[1,2,3\]$/,
  ],
  [
    'a crop by less than nothing',
    () => layers.cropping2d({ cropping: -1 }),
    /^cropping2d: cropping must be an integer >= 0, got -1$/,
  ],
  [
    'a crop that leaves nothing',
    () =>
      layers
        .cropping2d({
          cropping: [
            [2, 1],
            [0, 0],
          ],
        })
        .apply(input([3, 4, 5])),
    /^cropping2d: the cropping must leave an image, got \[N,3,4,5\]$/,
  ],
  [
    'two open extents',
    () => layers.reshape({ targetShape: [-1, -1] }),
    /^reshape: one extent of targetShape may be -1, got \[-1,-1\]$/,
  ],
  [
    'an option of another layer',
    () => layers.permute(js({ dims: [1], axis: 2 })),
    /^permute: options are name, inputShape, dims, got axis$/,
  ],
  [
    'dims that are no list',
    () => layers.permute(js({ dims: 2 })),
    /^permute: dims must be an array of integers, got 2$/,
  ],
  [
    'up-sampling by another method',
    () => layers.upSampling2d(js({ interpolation: 'cubic' })),
    /^upSampling2d: interpolation must be 'nearest' or 'bilinear', got cubic$/,
  ],
  [
    'a transposed convolution with numbers as padding',
    () => layers.conv2dTranspose(js({ filters: 1, kernelSize: 3, padding: 1 })),
    /^conv2dTranspose: padding must be 'same' or 'valid', got 1$/,
  ],
  [
    'a separable convolution without filters',
    () => layers.separableConv2d(js({ kernelSize: 3 })),
    /^separableConv2d: filters must be an integer >= 1, got undefined$/,
  ],
  ['nothing side by side', () => concatenate([]), /^concatenate: at least one tensor, got none$/],
  [
    'a number side by side',
    () => concatenate([js([1])]),
    /^concatenate: a tensor from input\(\) or inside forward is expected, got Array$/,
  ],
  [
    'one input of a concatenation',
    () => layers.concatenate().apply(input([3])),
    /^concatenate: tensors are expected; call merge\(a, b, …\)$/,
  ],
  [
    'keepDims as text',
    () => layers.globalAveragePool2d(js({ keepDims: 'yes' })),
    /^globalAveragePool2d: keepDims must be true or false, got "yes"$/,
  ],
  [
    'a slope that is no number',
    () => layers.leakyRelu({ negativeSlope: Number.NaN }),
    /^leakyRelu: negativeSlope must be a finite number/,
  ],
  ['no units', () => layers.dense(js({})), /^dense: units must be an integer >= 1, got undefined$/],
  [
    'no options',
    () => layers.dense(js(undefined as never)),
    /^dense: options must be an object, got undefined$/,
  ],
  [
    'an unknown initializer',
    () => sequential([layers.dense(js({ units: 1, kernelInitializer: 'he' }))]).build([1]),
    /^dense: kernelInitializer must be one of zeros, ones, glorotUniform, heUniform, orthogonal, got "he"$/,
  ],
  [
    'a pool of -1',
    () => sequential([layers.maxPool2d({ poolSize: -1 })]).build([4, 4, 1]),
    /^maxPool2d: poolSize must be an integer >= 1, got -1$/,
  ],
  [
    'strides 0',
    () =>
      sequential([layers.conv2d({ filters: 1, kernelSize: 1, strides: 0, padding: 'same' })]).build(
        [4, 4, 1],
      ),
    /^conv2d: strides must be an integer >= 1, got 0$/,
  ],
  [
    'an unknown padding',
    () =>
      sequential([layers.conv2d(js({ filters: 1, kernelSize: 1, padding: 'full' }))]).build([
        4, 4, 1,
      ]),
    /^conv2d: padding must be 'same', 'valid', a number or two pairs, got "full"$/,
  ],
  [
    'a dense layer on images',
    () => sequential([layers.dense({ units: 1 })]).build([4, 4, 1]),
    /^dense: the input must be \[N,K\], got \[N,4,4,1\]$/,
  ],
  [
    'a convolution on vectors',
    () => sequential([layers.conv2d({ filters: 1, kernelSize: 1 })]).build([4]),
    /^conv2d: the input must be \[N,H,W,C\], got \[N,4\]$/,
  ],
  [
    'add among layers',
    () => sequential([layers.add()]).build([4]),
    /^add: two tensors are expected; call merge\(a, b\)/,
  ],
  ['an empty sequence', () => sequential([]), /^sequential: at least one layer, got none$/],
  [
    'a typo of a model',
    () => sequential([layers.relu()], js({ sede: 1 })),
    /^sequential: options are seed, got sede$/,
  ],
  [
    'a typo of a functional model',
    () => model({ inputs: input([1]), outputs: input([1]) }, js({ sede: 1 })),
    /^model: options are seed, got sede$/,
  ],
  [
    'model of no tensors',
    () => model(js({ inputs: 1, outputs: 2 })),
    /^model: \{ inputs, outputs \} with inputs from input\(\) and outputs made from them, got inputs: 1, outputs: 2$/,
  ],
  [
    'no input shape',
    () => sequential([layers.relu()]).build(),
    /^model: an inputShape on the first layer, or build\(shape\) before this call, got none$/,
  ],
  [
    'an extent of 0',
    () => sequential([layers.relu()]).build([0]),
    /^model: extents of inputShape must be an integer >= 1, got 0$/,
  ],
  [
    'a forward without result',
    () => new Nothing().build([1]),
    /^model: forward must return a tensor, got undefined$/,
  ],
  [
    'padding misspelt at construction',
    () => layers.conv2d(js({ filters: 1, kernelSize: 1, padding: 'smae' })),
    /^conv2d: padding must be 'same', 'valid', a number or two pairs, got "smae"$/,
  ],
  [
    'padding of a pool misspelt',
    () => layers.averagePool2d(js({ padding: 'smae' })),
    /^averagePool2d: padding must be 'same', 'valid', a number or two pairs, got "smae"$/,
  ],
  [
    'strides as text',
    () => layers.maxPool2d(js({ strides: '2' })),
    /^maxPool2d: strides must be a number or a pair, got "2"$/,
  ],
  [
    'units as text',
    () => layers.dense(js({ units: '4' })),
    /^dense: units must be an integer >= 1, got "4"$/,
  ],
  [
    'an inputShape as text',
    () => layers.dense(js({ units: 4, inputShape: '20' })),
    /^dense: inputShape must be an array of integers, got "20"$/,
  ],
  [
    'a name that is no text',
    () => layers.relu(js({ name: 3 })),
    /^relu: name must be a string, got 3$/,
  ],
  [
    'a layer by name',
    () => sequential(js(['dense'])),
    /^sequential: entry 0 must be a layer, got "dense"$/,
  ],
  [
    'layers without brackets',
    () => sequential(js(layers.relu()), js(layers.relu())),
    /^sequential: an array of layers is expected, got a layer$/,
  ],
  [
    'no layers',
    () => sequential(js(undefined as never)),
    /^sequential: an array of layers is expected, got undefined$/,
  ],
  [
    'a maker that was not called',
    () => residual([layers.relu(), js(layers.dense)]),
    /^residual: entry 1 must be a layer, got a function \(call it: dense\(\{ … \}\) makes a layer\)$/,
  ],
  [
    'options of sequential as a layer',
    () => sequential([layers.relu()], js(layers.relu())),
    /^sequential: options are seed, got /,
  ],
  [
    'input without shape',
    () => input(js(undefined as never)),
    /^input: shape must be an array of integers, got undefined$/,
  ],
  [
    'input of a number',
    () => input(js(20 as never)),
    /^input: shape must be an array of integers, got 20$/,
  ],
  [
    'input of text',
    () => input(js(['20'])),
    /^input: extents of shape must be an integer >= 1, got "20"$/,
  ],
  [
    'model without ends',
    () => model(js(undefined as never)),
    /^model: \{ inputs, outputs \} with .*, got undefined$/,
  ],
  [
    'add of one tensor',
    () => add(input([3]), js(undefined as never)),
    /^add: a tensor from input\(\) or inside forward is expected, got undefined$/,
  ],
  [
    'merge of one tensor',
    () => layers.add({ name: 'sum' }).merge(input([3]), js(layers.relu())),
    /^sum: a tensor from input\(\) or inside forward is expected, got Clamp$/,
  ],
  [
    'a layer on numbers',
    () => layers.dense({ units: 1 }).apply(js([1, 2])),
    /^dense: a tensor from input\(\) or inside forward is expected, got Array$/,
  ],
  [
    'a model on a typed array',
    () => sequential([layers.relu()]).apply(js(new Float32Array(3))),
    /^sequential: a tensor from input\(\) or inside forward is expected, got Float32Array$/,
  ],
  [
    'a shape as text',
    () => sequential([layers.relu()]).build(js('20' as never)),
    /^model: inputShape must be an array of integers, got "20"$/,
  ],
  [
    'another shape later',
    () => {
      const net = sequential([layers.relu()]);
      net.build([3]);
      net.build([4]);
    },
    /^model: samples of shape \[3\], got \[4\]$/,
  ],
  [
    'another shape than inputShape',
    () => sequential([layers.relu({ inputShape: [3] })]).build([4]),
    /^model: samples of shape \[3\], got \[4\]$/,
  ],
];

test.each(mistakes)('%s is one clear sentence', (_, call, message) => {
  expect(call).toThrow(message);
});
