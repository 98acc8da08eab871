/** Layers that move elements. */

import { checkInteger, rangeError, typeError } from '../core/errors.ts';
import { sampleSize, showShape } from '../core/shape.ts';
import type { Handle } from '../graph/dispatch.ts';
import type { Padding, Pair } from '../ops/geometry.ts';
import { BASE, Layer, type LayerOptions, pair, shown } from './layer.ts';

/** A number for all sides, one for each axis, or [[top, bottom], [left, right]]. */
type Sides = number | Pair | Padding;

function sidesOf(op: string, name: string, sides: Sides): Padding {
  const rows = typeof sides === 'number' ? [sides, sides] : sides;
  if (!Array.isArray(rows) || rows.length !== 2) {
    throw typeError(op, `${name} must be a number, a pair or two pairs`, shown(sides));
  }
  const pairs = rows.map((side) => pair(op, name, side)) as unknown as Padding;
  for (const side of pairs.flat()) checkInteger(op, name, side, 0);
  return pairs;
}

export interface ZeroPadding2dOptions extends LayerOptions {
  /** Rows and columns of 0; default 1 on each side. */
  readonly padding?: Sides;
}

export class ZeroPadding2d extends Layer<ZeroPadding2dOptions> {
  readonly #padding: Padding;

  constructor(options: ZeroPadding2dOptions) {
    super('pad', options, [...BASE, 'padding'], 'zeroPadding2d');
    this.#padding = sidesOf('zeroPadding2d', 'padding', options.padding ?? 1);
  }

  forward(x: Handle): Handle {
    return this.call([x], { padding: [...this.#padding, [0, 0]], mode: 'constant', value: 0 });
  }
}

export interface Cropping2dOptions extends LayerOptions {
  /** Rows and columns to leave out; default none. */
  readonly cropping?: Sides;
}

export class Cropping2d extends Layer<Cropping2dOptions> {
  readonly #cropping: Padding;

  constructor(options: Cropping2dOptions) {
    super('slice', options, [...BASE, 'cropping'], 'cropping2d');
    this.#cropping = sidesOf('cropping2d', 'cropping', options.cropping ?? 0);
  }

  forward(x: Handle): Handle {
    const [[top, bottom], [left, right]] = this.#cropping;
    const [, height, width, channels] = x.shape as [number, number, number, number];
    const size = [height - top - bottom, width - left - right, channels];
    if (Math.min(...size) < 1) {
      throw rangeError('cropping2d', 'the cropping must leave an image', showShape(x.shape));
    }
    return this.call([x], { begin: [top, left, 0], size, strides: [1, 1, 1] });
  }
}

export interface ReshapeOptions extends LayerOptions {
  /** Shape of one sample; one extent may be −1, which the others decide. */
  readonly targetShape: readonly number[];
}

export class Reshape extends Layer<ReshapeOptions> {
  constructor(options: ReshapeOptions) {
    super('reshape', options, [...BASE, 'targetShape']);
    const { targetShape } = options;
    if (!Array.isArray(targetShape)) {
      throw typeError('reshape', 'targetShape must be an array of integers', shown(targetShape));
    }
    if (targetShape.filter((extent) => extent === -1).length > 1) {
      throw rangeError('reshape', 'one extent of targetShape may be -1', shown(targetShape));
    }
    for (const extent of targetShape) {
      if (extent !== -1) checkInteger('reshape', 'extents of targetShape', extent, 1);
    }
  }

  forward(x: Handle): Handle {
    const { targetShape } = this.options;
    const known = sampleSize([1, ...targetShape.filter((extent) => extent !== -1)]);
    const open = sampleSize(x.shape) / known;
    const shape = targetShape.map((extent) => (extent === -1 ? open : extent));
    return this.call([x], { shape: [x.shape[0]!, ...shape] });
  }
}

export interface PermuteOptions extends LayerOptions {
  /** Axes of the input, counted from 1, in their new order. */
  readonly dims: readonly number[];
}

export class Permute extends Layer<PermuteOptions> {
  constructor(options: PermuteOptions) {
    super('transpose', options, [...BASE, 'dims'], 'permute');
    if (Array.isArray(options.dims)) return;
    throw typeError('permute', 'dims must be an array of integers', shown(options.dims));
  }

  forward(x: Handle): Handle {
    return this.call([x], { perm: [0, ...this.options.dims] });
  }
}

export interface UpSampling2dOptions extends LayerOptions {
  /** How many rows and columns each becomes; default 2. */
  readonly size?: number | Pair;
  /** Default 'nearest', which repeats pixels. */
  readonly interpolation?: 'nearest' | 'bilinear';
}

export class UpSampling2d extends Layer<UpSampling2dOptions> {
  constructor(options: UpSampling2dOptions) {
    super('resize', options, [...BASE, 'size', 'interpolation'], 'upSampling2d');
    const { size = 2, interpolation = 'nearest' } = options;
    for (const factor of pair('upSampling2d', 'size', size)) {
      checkInteger('upSampling2d', 'size', factor, 1);
    }
    if (interpolation === 'nearest' || interpolation === 'bilinear') return;
    throw rangeError(
      'upSampling2d',
      "interpolation must be 'nearest' or 'bilinear'",
      interpolation,
    );
  }

  forward(x: Handle): Handle {
    const { size = 2, interpolation: method = 'nearest' } = this.options;
    const [rows, columns] = pair('upSampling2d', 'size', size);
    const extents = [rows * x.shape[1]!, columns * x.shape[2]!];
    return this.call([x], { size: extents, method, alignCorners: false, halfPixelCenters: true });
  }
}
