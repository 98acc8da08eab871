import type { PoolParams } from './params.ts';

/** Calls back for each output element with the input elements of its window, in rows then columns. */
export function windows(
  p: PoolParams,
  batch: number,
  at: (output: number, inputs: number[]) => void,
): void {
  for (let n = 0; n < batch; n++)
    for (let oy = 0; oy < p.outHeight; oy++)
      for (let ox = 0; ox < p.outWidth; ox++)
        for (let c = 0; c < p.channels; c++) {
          const inputs = [];
          for (let i = 0; i < p.kernelHeight; i++)
            for (let j = 0; j < p.kernelWidth; j++) {
              const iy = oy * p.strideHeight - p.padTop + i;
              const ix = ox * p.strideWidth - p.padLeft + j;
              if (iy < 0 || iy >= p.inHeight || ix < 0 || ix >= p.inWidth) continue;
              inputs.push(((n * p.inHeight + iy) * p.inWidth + ix) * p.channels + c);
            }
          at(((n * p.outHeight + oy) * p.outWidth + ox) * p.channels + c, inputs);
        }
}
