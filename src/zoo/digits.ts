import { layers } from '../nn/layers.ts';
import { residual, sequential } from '../nn/models.ts';
import type { Module } from '../nn/module.ts';

const { conv2d, depthwiseConv2d, batchNormalization, relu, maxPool2d } = layers;

/** Running statistics that settle within one epoch of MNIST. */
const norm = () => batchNormalization({ momentum: 0.9 });

function conv(filters: number, kernelSize: number): Module[] {
  const kernelInitializer = 'heUniform';
  return [
    conv2d({ filters, kernelSize, padding: 'same', useBias: false, kernelInitializer }),
    norm(),
  ];
}

/**
 * A classifier of 28x28x1 images, 2.2 MMAC: two pooled stages of 3x3 convolutions with a depthwise residual block
 * between them.
 */
export function digits({
  classes = 10,
  seed = 1,
}: {
  classes?: number;
  seed?: number;
} = {}): Module {
  return sequential(
    [
      conv2d({
        filters: 16,
        kernelSize: 3,
        padding: 'same',
        useBias: false,
        inputShape: [28, 28, 1],
      }),
      norm(),
      relu(),
      maxPool2d(),
      ...conv(32, 3),
      relu(),
      residual([
        depthwiseConv2d({ kernelSize: 3, padding: 'same', useBias: false }),
        norm(),
        relu(),
        ...conv(32, 1),
      ]),
      relu(),
      maxPool2d(),
      ...conv(64, 3),
      relu(),
      layers.globalAveragePool2d(),
      layers.dense({ units: classes }),
    ],
    { seed },
  );
}
