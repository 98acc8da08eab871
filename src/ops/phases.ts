/**
 * A transposed convolution as plain ones: the outputs that lie a stride apart see the same taps, and each such phase
 * reads the input like a convolution of stride 1.
 */

import type { Shape } from '../core/shape.ts';
import { convFields, type Pair } from './geometry.ts';
import { offsetOf, type Strided, type StridedCopy, strided } from './movement.ts';
import type { Product } from './product.ts';
import type { TransposedConvAttrs } from './transposedConv2d.ts';

/** A plain convolution that makes every so many pixels of y. */
export interface Phase {
  /** Its output, dense. */
  readonly shape: Shape;
  readonly product: Product;
  /** Shape of its weights [Co, taps, taps, Ci], and which those of w are; the rest stands for 0. */
  readonly weights: Shape;
  readonly taps: StridedCopy;
  /** From its output to its pixels of y. */
  places(y: Strided): StridedCopy;
}

/** One axis of a phase: outputs at, at + stride, … */
interface Line {
  readonly at: number;
  readonly outputs: number;
  /** Taps first, first + stride, … reach them, `real` of them, the last one first. */
  readonly first: number;
  readonly real: number;
  /** Taps of the convolution. */
  readonly taps: number;
  readonly padding: number;
}

/** Tap i of input p reaches output p·stride + i − before. */
function linesOf(kernel: number, extent: number, stride: number, before: number): Line[] {
  return Array.from({ length: Math.min(stride, extent) }, (_, at) => {
    const reach = Math.floor((at + before) / stride);
    const first = (at + before) % stride;
    const real = Math.max(0, Math.ceil((kernel - first) / stride));
    // At least reach + 1, since a convolution pads and cannot crop: what that adds is 0, and so are phases without a tap.
    const taps = Math.max(real, reach + 1);
    const outputs = Math.ceil((extent - at) / stride);
    return { at, outputs, first, real, taps, padding: taps - 1 - reach };
  });
}

/** The phases of x [N,H,W,Ci], w [Co,Kh,Kw,Ci], y [N,…,Co]; the first has the largest output. */
export function phasesOf(x: Shape, w: Shape, y: Shape, attrs: TransposedConvAttrs): Phase[] {
  const [, kernelHeight, kernelWidth] = w as [number, number, number];
  const [, height, width] = y as [number, number, number];
  const { strides, padding } = attrs;
  const rows = linesOf(kernelHeight, height, strides[0], padding[0][0]);
  const columns = linesOf(kernelWidth, width, strides[1], padding[1][0]);
  return rows.flatMap((row) => columns.map((column) => phaseOf(x, w, y, row, column, strides)));
}

function phaseOf(x: Shape, w: Shape, y: Shape, row: Line, column: Line, [sh, sw]: Pair): Phase {
  const [co, , , ci] = w as [number, number, number, number];
  const shape = [y[0]!, row.outputs, column.outputs, co];
  const kernel: Pair = [row.taps, column.taps];
  const weights = [co, ...kernel, ci];
  const [to, from] = [strided(weights), strided(w)];
  const fields = convFields(x, shape, kernel, {
    strides: [1, 1],
    padding: [
      [row.padding, 0],
      [column.padding, 0],
    ],
    dilation: [1, 1],
  });
  const [filter, line, tap] = from.strides as [number, number, number];
  return {
    shape,
    weights,
    product: { n: co, k: row.taps * column.taps * ci, fields },
    taps: {
      extents: [co, row.real, column.real, ci],
      inStrides: [filter, sh * line, sw * tap, 1],
      outStrides: to.strides.map((stride, axis) => (axis === 1 || axis === 2 ? -stride : stride)),
      inOffset: offsetOf([0, row.first, column.first], from),
      outOffset: offsetOf([0, row.taps - 1, column.taps - 1], to),
    },
    places(y) {
      const [image, line, pixel] = y.strides as [number, number, number];
      return {
        extents: shape,
        inStrides: strided(shape).strides,
        outStrides: [image, sh * line, sw * pixel, 1],
        outOffset: offsetOf([0, row.at, column.at], y),
      };
    },
  };
}
