import type { Arguments, Lowering } from '../core/op.ts';
import type { ConvFields } from './linear.ts';

/**
 * Whether threads divide a product of `rows` rows (pixels, tiles) and n outputs by its outputs. Each part reads whole what
 * is not divided, and preparing a row costs about as much as reading the weights of eight outputs.
 */
export function dividesOutputs(rows: number, n: number): boolean {
  return n >= 8 * rows;
}

/**
 * A step whose parts are panels of 8 outputs, each with a ConvParams of its own that has these channels alone. `part` gives the
 * arguments of the one that starts at panel `first`, where y starts 8·first bytes on.
 */
export function parallelPanels<K extends 'qs8_conv2d' | 'qs8_winograd2d'>(
  cx: Lowering,
  kernel: K,
  fields: ConvFields,
  panelMacs: number,
  part: (params: number, first: number) => Arguments<K>,
): void {
  const n = fields.outChannels;
  cx.parallel(kernel, Math.ceil(n / 8), panelMacs, (first, count) => {
    const at = 32 * first;
    const params = cx.struct('ConvParams', {
      ...fields,
      outChannels: Math.min(8 * count, n - 8 * first),
      bias: fields.bias + at,
      multiplier: fields.multiplier + at,
      addend: fields.addend + at,
    });
    return part(params, first);
  });
}
