import { Rng } from '../../src/core/rng.ts';
import {
  type Activation,
  type Clamp,
  type Convolution,
  type Layer,
  type Network,
  type Shape,
  samePadding,
  type Window,
} from './network.ts';
import {
  addProbes,
  convolve,
  convolveDepthwise,
  type Probe,
  poolLargest,
  poolMean,
  probeImages,
} from './probe.ts';

/** An activation, and what a few small images are at its place: scales are chosen by them. */
export interface Place {
  readonly activation: Activation;
  readonly probe: Probe;
}

interface ConvolutionOptions extends Window {
  readonly clamp: Clamp;
  /** Of the channels' outputs before the clamp, 2 unless given. */
  readonly deviation?: number;
}

/** Where the sums of each channel are put, in reals: relu6 then has 23 % of its values at 0 and 1 % at 6. */
const MEANS: Readonly<Record<Clamp, number>> = { none: 0, relu: 0.5, relu6: 1.5 };
const DEVIATION = 2;

/** Pixels run over [−1, 1], nearly. */
const INPUT = { scale: Math.fround(1 / 127.5), zeroPoint: 128 };

/** The images that choose the scales: four of 64x64 cost a third of the MACs of one of 224x224. */
const PROBE_SIZE = 64;

/**
 * Builds a network with random weights from a seed. A channel's scale and bias are such that its outputs have a mean and
 * a deviation as after batch norm, so no layer is dead or saturated however deep the network is.
 */
export class RandomNetwork {
  readonly input: Place;
  readonly #name: string;
  readonly #rng: Rng;
  readonly #layers: Layer[] = [];

  constructor(name: string, size: number, seed: number) {
    this.#name = name;
    this.#rng = new Rng(seed);
    const activation = { name: 'input', shape: [size, size, 3] as const, ...INPUT };
    const probe = probeImages(
      Math.min(PROBE_SIZE, size),
      INPUT.scale,
      INPUT.zeroPoint,
      this.#rng.uint32(),
    );
    this.input = { activation, probe };
  }

  conv2d(x: Place, outputs: number, options: ConvolutionOptions): Place {
    const weights = this.#weights(outputs, options.kernel ** 2 * x.activation.shape[2]);
    const sums = convolve(x.probe, weights, options, outputs);
    return this.#convolution('conv2d', x, weights, sums, options);
  }

  depthwiseConv2d(x: Place, options: ConvolutionOptions): Place {
    const channels = x.activation.shape[2];
    const byChannel = this.#weights(channels, options.kernel ** 2);
    const weights = transpose(byChannel, channels);
    const sums = convolveDepthwise(x.probe, weights, options);
    return this.#convolution('depthwiseConv2d', x, weights, sums, options);
  }

  add(a: Place, b: Place, clamp: Clamp): Place {
    const probe = clampProbe(addProbes(a.probe, b.probe), clamp);
    const output = this.#activation(a.activation.shape, rangeOf(probe, clamp));
    const inputs = [a.activation, b.activation] as const;
    this.#layers.push({ kind: 'add', inputs, output, clamp });
    return { activation: output, probe };
  }

  /** Of an activation that a relu clamped. */
  maxPool2d(x: Place, window: Window): Place {
    const shape = slidShape(x.activation.shape, window, x.activation.shape[2]);
    const output = this.#activation(shape, x.activation);
    this.#layers.push({ kind: 'maxPool2d', input: x.activation, output, ...window });
    return { activation: output, probe: poolLargest(x.probe, window) };
  }

  globalAveragePool2d(x: Place): Place {
    const probe = poolMean(x.probe);
    const range = rangeOf(probe, 'none');
    const output = this.#activation([1, 1, x.activation.shape[2]], range);
    this.#layers.push({ kind: 'globalAveragePool2d', input: x.activation, output });
    return { activation: output, probe };
  }

  build(output: Place): Network {
    const activations = [this.input.activation, ...this.#layers.map((layer) => layer.output)];
    return {
      name: this.#name,
      input: this.input.activation,
      output: output.activation,
      activations,
      layers: this.#layers,
    };
  }

  /** Near normal, [outputs,terms]; the largest of each channel is 127. */
  #weights(outputs: number, terms: number): Int8Array {
    const weights = new Int8Array(outputs * terms);
    const row = new Int32Array(terms);
    for (let output = 0; output < outputs; output++) {
      let largest = 1;
      for (let k = 0; k < terms; k++) {
        row[k] = bell(this.#rng.uint32());
        largest = Math.max(largest, Math.abs(row[k]!));
      }
      for (let k = 0; k < terms; k++) {
        weights[output * terms + k] = Math.round((row[k]! / largest) * 127);
      }
    }
    return weights;
  }

  #convolution(
    kind: Convolution['kind'],
    { activation: input }: Place,
    weights: Int8Array,
    sums: Probe,
    { kernel, stride, clamp, deviation: target = DEVIATION }: ConvolutionOptions,
  ): Place {
    const { channels } = sums;
    const { mean, deviation } = moments(sums);
    const weightScales = new Float32Array(channels);
    const bias = new Int32Array(channels);
    for (let channel = 0; channel < channels; channel++) {
      const wanted = target * (0.7 + 0.6 * this.#rng.uniform());
      weightScales[channel] = wanted / deviation[channel]!;
      const scale = weightScales[channel]!;
      const real = MEANS[clamp] + this.#rng.uniform() - 0.5 - mean[channel]! * scale;
      bias[channel] = Math.round(real / (input.scale * scale));
    }
    const probe = clampProbe(affine(sums, input.scale, weightScales, bias), clamp);
    const shape = slidShape(input.shape, { kernel, stride }, channels);
    const output = this.#activation(shape, rangeOf(probe, clamp));
    const geometry = { kind, input, output, kernel, stride, clamp };
    this.#layers.push({ ...geometry, weights, weightScales, bias });
    return { activation: output, probe };
  }

  #activation(shape: Shape, { scale, zeroPoint }: Range): Activation {
    return { name: `t${this.#layers.length}`, shape, scale, zeroPoint };
  }
}

interface Moments {
  readonly mean: Float64Array;
  readonly deviation: Float64Array;
}

type Range = Pick<Activation, 'scale' | 'zeroPoint'>;

/** The sum of four bytes, less its mean: near normal. */
function bell(bits: number): number {
  return (bits & 255) + ((bits >>> 8) & 255) + ((bits >>> 16) & 255) + (bits >>> 24) - 510;
}

/** [channels,taps] → [taps,channels] */
function transpose(weights: Int8Array, channels: number): Int8Array {
  const taps = weights.length / channels;
  return weights.map((_, at) => weights[(at % channels) * taps + Math.floor(at / channels)]!);
}

function slidShape([height, width]: Shape, window: Window, channels: number): Shape {
  return [samePadding(height, window).extent, samePadding(width, window).extent, channels];
}

/** Mean and deviation of each channel; of one pixel an image, which would tell little, those of the whole layer. */
function moments({ height, width, channels, values }: Probe): Moments {
  const groups = height * width === 1 ? 1 : channels;
  const count = values.length / groups;
  const mean = new Float64Array(groups);
  const variance = new Float64Array(groups);
  values.forEach((value, at) => {
    mean[at % groups]! += value / count;
  });
  values.forEach((value, at) => {
    variance[at % groups]! += (value - mean[at % groups]!) ** 2 / count;
  });
  const layer = variance.reduce((sum, of) => sum + of, 0) / groups;
  // A channel that hardly moves in these images is not blown up to move like the others.
  const least = layer / 16;
  return {
    mean: Float64Array.from({ length: channels }, (_, c) => mean[c % groups]!),
    deviation: Float64Array.from({ length: channels }, (_, c) =>
      Math.sqrt(Math.max(variance[c % groups]!, least)),
    ),
  };
}

function affine(sums: Probe, inputScale: number, scales: Float32Array, bias: Int32Array): Probe {
  const { channels } = sums;
  const values = sums.values.map((sum, at) => {
    const channel = at % channels;
    return scales[channel]! * (sum + inputScale * bias[channel]!);
  });
  return { ...sums, values };
}

function clampProbe(probe: Probe, clamp: Clamp): Probe {
  if (clamp === 'none') return probe;
  const most = clamp === 'relu6' ? 6 : Infinity;
  return { ...probe, values: probe.values.map((value) => Math.min(most, Math.max(0, value))) };
}

/** The quantization that holds what the probe has, and 0; of relu6 all of [0, 6]. */
function rangeOf({ values }: Probe, clamp: Clamp): Range {
  const least = clamp === 'none' ? values.reduce((a, b) => Math.min(a, b), 0) : 0;
  const most = clamp === 'relu6' ? 6 : values.reduce((a, b) => Math.max(a, b), 0);
  const scale = Math.fround((most - least) / 255);
  return { scale, zeroPoint: least < 0 ? Math.round(-least / scale) : 0 };
}
