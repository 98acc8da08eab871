import type { Network } from './network.ts';
import { type Place, RandomNetwork } from './randomNetwork.ts';

const SEED = 1;

/** The networks of the comparison by name: batch norm folded, 1000 classes, random weights. `size` is of the image. */
export const architectures: Readonly<Record<string, (size: number) => Network>> = {
  mobilenet_v1: mobilenetV1,
  mobilenet_v2: mobilenetV2,
  resnet50: resnet50,
};

const POINTWISE = { kernel: 1, stride: 1 } as const;

/**
 * What is added to a shortcut is smaller than it, as in trained networks. Were it as large, one value that two runtimes
 * round apart would, some layers later, have moved a fifth of all.
 */
const BRANCH = { ...POINTWISE, clamp: 'none', deviation: 0.3 } as const;

/** MobileNetV1 1.0 (Howard and others 2017). */
function mobilenetV1(size: number): Network {
  const net = new RandomNetwork('mobilenet_v1', size, SEED);
  let x = net.conv2d(net.input, 32, { kernel: 3, stride: 2, clamp: 'relu6' });
  const blocks = [
    ...[[64, 1] as const, [128, 2] as const, [128, 1] as const, [256, 2] as const],
    ...[[256, 1] as const, [512, 2] as const],
    ...Array.from({ length: 5 }, () => [512, 1] as const),
    ...[[1024, 2] as const, [1024, 1] as const],
  ];
  for (const [outputs, stride] of blocks) {
    x = net.depthwiseConv2d(x, { kernel: 3, stride, clamp: 'relu6' });
    x = net.conv2d(x, outputs, { ...POINTWISE, clamp: 'relu6' });
  }
  return classify(net, x);
}

/** Expansion, channels, blocks, stride of the first block. */
const INVERTED_RESIDUALS = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const;

/** MobileNetV2 1.0 (Sandler and others 2018). */
function mobilenetV2(size: number): Network {
  const net = new RandomNetwork('mobilenet_v2', size, SEED);
  let x = net.conv2d(net.input, 32, { kernel: 3, stride: 2, clamp: 'relu6' });
  for (const [expansion, channels, blocks, stride] of INVERTED_RESIDUALS) {
    for (let block = 0; block < blocks; block++) {
      const wide = expansion * x.activation.shape[2];
      let y = x;
      if (expansion > 1) y = net.conv2d(y, wide, { ...POINTWISE, clamp: 'relu6' });
      y = net.depthwiseConv2d(y, { kernel: 3, stride: block === 0 ? stride : 1, clamp: 'relu6' });
      if (block === 0) x = net.conv2d(y, channels, { ...POINTWISE, clamp: 'none' });
      else x = net.add(x, net.conv2d(y, channels, BRANCH), 'none');
    }
  }
  return classify(net, net.conv2d(x, 1280, { ...POINTWISE, clamp: 'relu6' }));
}

/** Channels inside the block, blocks, stride of the first block. */
const BOTTLENECKS = [
  [64, 3, 1],
  [128, 4, 2],
  [256, 6, 2],
  [512, 3, 2],
] as const;

/** ResNet-50 v1 (He and others 2015): the stride is in the first 1x1 of a block. */
function resnet50(size: number): Network {
  const net = new RandomNetwork('resnet50', size, SEED);
  let x = net.conv2d(net.input, 64, { kernel: 7, stride: 2, clamp: 'relu' });
  x = net.maxPool2d(x, { kernel: 3, stride: 2 });
  for (const [channels, blocks, first] of BOTTLENECKS) {
    for (let block = 0; block < blocks; block++) {
      const entry = { kernel: 1, stride: block === 0 ? first : 1 };
      const shortcut = block === 0 ? net.conv2d(x, 4 * channels, { ...entry, clamp: 'none' }) : x;
      let y = net.conv2d(x, channels, { ...entry, clamp: 'relu' });
      y = net.conv2d(y, channels, { kernel: 3, stride: 1, clamp: 'relu' });
      x = net.add(shortcut, net.conv2d(y, 4 * channels, BRANCH), 'relu');
    }
  }
  return classify(net, x);
}

/** The dense layer as a 1x1 convolution of the one pixel that the pool leaves. */
function classify(net: RandomNetwork, x: Place): Network {
  const pooled = net.globalAveragePool2d(x);
  return net.build(net.conv2d(pooled, 1000, { ...POINTWISE, clamp: 'none' }));
}
