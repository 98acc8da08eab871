import type { Shape } from '../core/shape.ts';
import { layers } from '../nn/layers.ts';
import { residual, sequential } from '../nn/models.ts';
import type { Module } from '../nn/module.ts';

const { conv2d, depthwiseConv2d, batchNormalization, relu, maxPool2d } = layers;

/** Running statistics that settle within one epoch of MNIST. */
const norm = () => batchNormalization({ momentum: 0.9 });

function conv(
  filters: number,
  kernelSize: number,
  padding: 'same' | 'valid',
  inputShape?: Shape,
): Module[] {
  const kernelInitializer = 'heUniform';
  const first = inputShape && { inputShape };
  return [
    conv2d({ filters, kernelSize, padding, useBias: false, kernelInitializer, ...first }),
    norm(),
  ];
}

/**
 * A classifier of 28x28x1 images, 1.7 MMAC: three stages of 3x3 convolutions, pooled, with a depthwise residual block
 * in the middle.
 */
export function digits({
  classes = 10,
  seed = 1,
}: {
  classes?: number;
  seed?: number;
} = {}): Module {
  const block = residual([
    depthwiseConv2d({ kernelSize: 3, padding: 'same', useBias: false }),
    norm(),
    relu(),
    ...conv(32, 1, 'same'),
  ]);
  return sequential(
    [
      ...conv(16, 3, 'same', [28, 28, 1]),
      relu(),
      maxPool2d(),
      ...conv(32, 3, 'same'),
      relu(),
      block,
      relu(),
      maxPool2d(),
      ...conv(64, 3, 'valid'),
      relu(),
      layers.flatten(),
      layers.dense({ units: classes }),
    ],
    { seed },
  );
}
