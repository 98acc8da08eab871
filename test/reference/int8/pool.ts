import type { StructFields } from '../../../src/core/abi.ts';
import { roundToRange } from '../../../src/core/rounding.ts';

export type PoolGeometry = Omit<StructFields<'PoolParams'>, 'multiplier'>;

/** The values of x that the window of each output [batch, oy, ox, c] sees inside the image. */
function windows(x: Int8Array, batch: number, g: PoolGeometry): number[][] {
  const all: number[][] = [];
  for (let at = 0; at < batch * g.outHeight * g.outWidth * g.channels; at++) {
    const c = at % g.channels;
    const position = Math.floor(at / g.channels);
    const ox = position % g.outWidth;
    const oy = Math.floor(position / g.outWidth) % g.outHeight;
    const image = Math.floor(position / g.outWidth / g.outHeight);
    const seen: number[] = [];
    for (let tap = 0; tap < g.kernelHeight * g.kernelWidth; tap++) {
      const iy = oy * g.strideHeight - g.padTop + Math.floor(tap / g.kernelWidth);
      const ix = ox * g.strideWidth - g.padLeft + (tap % g.kernelWidth);
      if (iy < 0 || iy >= g.inHeight || ix < 0 || ix >= g.inWidth) continue;
      seen.push(x[((image * g.inHeight + iy) * g.inWidth + ix) * g.channels + c]!);
    }
    all.push(seen);
  }
  return all;
}

export function maxpoolReference(x: Int8Array, batch: number, g: PoolGeometry): Int8Array {
  return Int8Array.from(windows(x, batch, g), (seen) =>
    Math.min(g.qmax, Math.max(g.qmin, ...seen)),
  );
}

export function avgpoolReference(
  x: Int8Array,
  batch: number,
  g: PoolGeometry,
  multiplier: Float32Array,
): Int8Array {
  return Int8Array.from(windows(x, batch, g), (seen) => {
    const acc = seen.reduce((sum, q) => sum + q - g.inZeroPoint, 0);
    const m = multiplier[Math.max(seen.length - 1, 0) * g.multiplierStride]!;
    return roundToRange(Math.fround(acc * m), g.outZeroPoint, g.qmin, g.qmax);
  });
}
