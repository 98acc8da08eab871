/**
 * The nets whose training steps are compared, as data, so that each framework builds the same one:
 *
 *     ['conv', filters, size, stride, 'norm' | 'bias']     size x size, followed by batch normalization or with a bias
 *     ['depthwise', stride]                                3x3, followed by batch normalization
 *     ['residual', filters, stride]                        relu(shortcut + norm(conv(relu(norm(conv)))) of 3x3; where it strides, the
 *                                                          shortcut is a 1x1 convolution with a bias
 *     ['dense', units] with a bias, ['relu'], ['flatten'], ['pool'] over all pixels
 */
const separable = (filters, stride) => [
  ['depthwise', stride],
  ['relu'],
  ['conv', filters, 1, 1, 'norm'],
  ['relu'],
];

/** MLPerf Tiny's image classification. */
const resnet8 = [
  ['conv', 16, 3, 1, 'norm'],
  ['relu'],
  ['residual', 16, 1],
  ['residual', 32, 2],
  ['residual', 64, 2],
  ['pool'],
  ['dense', 10],
];

/** MobileNetV1 at alpha 0.25, MLPerf Tiny's visual wake words. */
const mobilenet = [
  ['conv', 8, 3, 2, 'norm'],
  ['relu'],
  ...separable(16, 1),
  ...separable(32, 2),
  ...separable(32, 1),
  ...separable(64, 2),
  ...separable(64, 1),
  ...separable(128, 2),
  ...Array.from({ length: 5 }, () => separable(128, 1)).flat(),
  ...separable(256, 2),
  ...separable(256, 1),
  ['pool'],
  ['dense', 2],
];

const lenet = [
  ['conv', 32, 3, 1, 'bias'],
  ['relu'],
  ['conv', 64, 3, 2, 'bias'],
  ['relu'],
  ['flatten'],
  ['dense', 128],
  ['relu'],
  ['dense', 10],
];

const mlp = [['dense', 512], ['relu'], ['dense', 512], ['relu'], ['dense', 10]];

/** Shapes of one sample are [height, width, channels] or [features]; `macs` are multiply-accumulates of its forward. */
export const nets = {
  resnet8: { shape: [32, 32, 3], classes: 10, macs: 12_501_632, layers: resnet8 },
  mobilenet: { shape: [96, 96, 3], classes: 2, macs: 7_489_664, layers: mobilenet },
  lenet: { shape: [28, 28, 1], classes: 10, macs: 5_445_376, layers: lenet },
  mlp: { shape: [784], classes: 10, macs: 668_672, layers: mlp },
};
