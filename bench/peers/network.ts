/**
 * An int8 network as plain data, from which writers make the files of every runtime.
 *
 * Activations are NHWC, one image; real value = scale · (q − zeroPoint), per tensor. Weights are int8, symmetric, one
 * scale an output channel. Windows pad like TensorFlow's SAME: the output has ceil(extent / stride) rows, and the odd
 * row of padding is at the bottom.
 */
export interface Network {
  readonly name: string;
  readonly input: Activation;
  readonly output: Activation;
  /** Input first, then the output of each layer in order. */
  readonly activations: readonly Activation[];
  readonly layers: readonly Layer[];
}

export interface Activation {
  readonly name: string;
  /** [H, W, C] */
  readonly shape: Shape;
  /** A finite f32 above 0. */
  readonly scale: number;
  /** In [0, 255]: the zero point of uint8. That of int8 is 128 less. */
  readonly zeroPoint: number;
}

export type Shape = readonly [height: number, width: number, channels: number];

/** `relu` and `relu6` clamp where the range of the output ends too, so a writer may leave them to the quantization. */
export type Clamp = 'none' | 'relu' | 'relu6';

export interface Window {
  readonly kernel: number;
  readonly stride: number;
}

export interface Convolution extends Window {
  readonly kind: 'conv2d' | 'depthwiseConv2d';
  readonly input: Activation;
  readonly output: Activation;
  readonly clamp: Clamp;
  /** OHWI [Co,K,K,Ci], or HWC [K,K,C] if depthwise; in [−127, 127]. */
  readonly weights: Int8Array;
  /** f32, one an output channel. */
  readonly weightScales: Float32Array;
  /** int32 in units of input scale · weight scale, one an output channel. */
  readonly bias: Int32Array;
}

export interface Add {
  readonly kind: 'add';
  readonly inputs: readonly [Activation, Activation];
  readonly output: Activation;
  readonly clamp: Clamp;
}

/** Its output has the input's scale and zero point. */
export interface MaxPool extends Window {
  readonly kind: 'maxPool2d';
  readonly input: Activation;
  readonly output: Activation;
}

/** The mean of each channel, [1, 1, C]. */
export interface GlobalAveragePool {
  readonly kind: 'globalAveragePool2d';
  readonly input: Activation;
  readonly output: Activation;
}

export type Layer = Convolution | Add | MaxPool | GlobalAveragePool;

/** Extent of the output and padding on both sides of one axis. */
export function samePadding(
  extent: number,
  { kernel, stride }: Window,
): { extent: number; before: number; after: number } {
  const output = Math.ceil(extent / stride);
  const padding = Math.max(0, (output - 1) * stride + kernel - extent);
  const before = padding >> 1;
  return { extent: output, before, after: padding - before };
}

/** Multiply-accumulates of one image, those with padding too. */
export function macsOf({ layers }: Network): number {
  let macs = 0;
  for (const layer of layers) {
    if (layer.kind !== 'conv2d' && layer.kind !== 'depthwiseConv2d') continue;
    const [height, width] = layer.output.shape;
    macs += height * width * layer.weights.length;
  }
  return macs;
}
