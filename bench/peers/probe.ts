import { Rng } from '../../src/core/rng.ts';
import { randomImage } from './image.ts';
import { samePadding, type Window } from './network.ts';

/** Reals that a few small images give at one place of a network: [IMAGES,H,W,C]. */
export interface Probe {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly values: Float32Array;
}

const IMAGES = 4;

/** Random images whose pixels are reals: scale · (pixel − zeroPoint). */
export function probeImages(size: number, scale: number, zeroPoint: number, seed: number): Probe {
  const rng = new Rng(seed);
  const values = new Float32Array(IMAGES * size * size * 3);
  for (let image = 0; image < IMAGES; image++) {
    const pixels = randomImage(rng, size);
    values.set(
      Float32Array.from(pixels, (pixel) => scale * (pixel - zeroPoint)),
      image * pixels.length,
    );
  }
  return { height: size, width: size, channels: 3, values };
}

/** Σ w · x of every output channel; `weights` are [outputs,K,K,C]. Padding is 0. */
export function convolve(x: Probe, weights: Int8Array, window: Window, outputs: number): Probe {
  const terms = weights.length / outputs;
  // Doubles in both operands, and sums that do not wait for each other: three times as fast.
  const rows = Float64Array.from(weights);
  return slide(x, window, outputs, (patch, y, at) => {
    for (let output = 0; output < outputs; output++) {
      let [even, odd] = [0, 0];
      const row = output * terms;
      for (let k = 0; k + 1 < terms; k += 2) {
        even += rows[row + k]! * patch[k]!;
        odd += rows[row + k + 1]! * patch[k + 1]!;
      }
      if (terms % 2 === 1) even += rows[row + terms - 1]! * patch[terms - 1]!;
      y[at + output] = even + odd;
    }
  });
}

/** The same for each channel alone; `weights` are [K,K,C]. */
export function convolveDepthwise(x: Probe, weights: Int8Array, window: Window): Probe {
  const { channels } = x;
  return slide(x, window, channels, (patch, y, at) => {
    for (let k = 0; k < patch.length; k++) y[at + (k % channels)]! += weights[k]! * patch[k]!;
  });
}

/** The largest of each window, for reals of which none is below 0: padding is 0. */
export function poolLargest(x: Probe, window: Window): Probe {
  const { channels } = x;
  return slide(x, window, channels, (patch, y, at) => {
    for (let k = 0; k < patch.length; k++) {
      const to = at + (k % channels);
      y[to] = Math.max(y[to]!, patch[k]!);
    }
  });
}

export function poolMean(x: Probe): Probe {
  const { height, width, channels } = x;
  const pixels = height * width;
  const values = new Float32Array(IMAGES * channels);
  x.values.forEach((value, at) => {
    values[Math.floor(at / (pixels * channels)) * channels + (at % channels)]! += value / pixels;
  });
  return { height: 1, width: 1, channels, values };
}

export function addProbes(a: Probe, b: Probe): Probe {
  return { ...a, values: a.values.map((value, at) => value + b.values[at]!) };
}

/** Calls `compute` with the patch [K,K,C] of each output pixel and the place of its channels in y, which is 0 there. */
function slide(
  x: Probe,
  window: Window,
  outputs: number,
  compute: (patch: Float64Array, y: Float32Array, at: number) => void,
): Probe {
  const rows = samePadding(x.height, window);
  const columns = samePadding(x.width, window);
  const values = new Float32Array(IMAGES * rows.extent * columns.extent * outputs);
  const patch = new Float64Array(window.kernel * window.kernel * x.channels);
  let at = 0;
  for (let image = 0; image < IMAGES; image++) {
    for (let row = 0; row < rows.extent; row++) {
      for (let column = 0; column < columns.extent; column++) {
        const top = row * window.stride - rows.before;
        gather(x, image, top, column * window.stride - columns.before, window.kernel, patch);
        compute(patch, values, at);
        at += outputs;
      }
    }
  }
  return { height: rows.extent, width: columns.extent, channels: outputs, values };
}

function gather(
  { height, width, channels, values }: Probe,
  image: number,
  top: number,
  left: number,
  kernel: number,
  patch: Float64Array,
): void {
  let to = 0;
  for (let row = top; row < top + kernel; row++) {
    for (let column = left; column < left + kernel; column++) {
      const inside = row >= 0 && row < height && column >= 0 && column < width;
      const from = ((image * height + row) * width + column) * channels;
      if (inside) patch.set(values.subarray(from, from + channels), to);
      else patch.fill(0, to, to + channels);
      to += channels;
    }
  }
}
