import { STAGES as SEPARABLE_BLOCKS } from '../../src/zoo/mobilenetV1.ts';
import { STAGES as INVERTED_RESIDUALS } from '../../src/zoo/mobilenetV2.ts';
import { STAGES as BOTTLENECKS } from '../../src/zoo/resnet50.ts';
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
  for (const [outputs, stride] of SEPARABLE_BLOCKS) {
    x = net.depthwiseConv2d(x, { kernel: 3, stride, clamp: 'relu6' });
    x = net.conv2d(x, outputs, { ...POINTWISE, clamp: 'relu6' });
  }
  return classify(net, x);
}

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

/** ResNet-50 v1 (He and others 2015): the stride is in the first 1x1 of a block. The max pool strides for the first stage. */
function resnet50(size: number): Network {
  const net = new RandomNetwork('resnet50', size, SEED);
  let x = net.conv2d(net.input, 64, { kernel: 7, stride: 2, clamp: 'relu' });
  x = net.maxPool2d(x, { kernel: 3, stride: 2 });
  for (const [stage, [channels, blocks]] of BOTTLENECKS.entries()) {
    for (let block = 0; block < blocks; block++) {
      const entry = { kernel: 1, stride: stage > 0 && block === 0 ? 2 : 1 };
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
