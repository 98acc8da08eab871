import type { QParams } from '../../src/core/qparams.ts';
import { type Shape, sizeOf } from '../../src/core/shape.ts';
import type { ResizeAttrs } from '../../src/ops/resize.ts';
import type { TransposedConvAttrs } from '../../src/ops/transposedConv2d.ts';
import * as moves from '../../src/runtime/reference/movement.ts';
import type { ReferenceOp } from '../../src/runtime/reference/operands.ts';
import { resize as resizeIntegers } from '../../src/runtime/reference/resize.ts';
import type { Tensor64 } from './reference.ts';

type Four = readonly [number, number, number, number];

const QPARAMS: QParams = { scale: [1], zeroPoint: 0, qmin: 0, qmax: 0 };

/** The interpreter's loop over float64; `constants` inputs at the end are constants. */
function interpreted<A>(op: ReferenceOp<A>, constants = 0) {
  return (inputs: readonly Tensor64[], shape: Shape, attrs: A): Float64Array => {
    const all = inputs.map(({ shape, data }) => ({
      ...{ shape, data: new Float64Array(data), dtype: 'f64' as const, qparams: QPARAMS },
    }));
    const data = new Float64Array(sizeOf(shape));
    const split = all.length - constants;
    const y = { shape, data, dtype: 'f64' as const, qparams: QPARAMS };
    op({ x: all.slice(0, split), constants: all.slice(split), y }, attrs);
    return data;
  };
}

/** Bilinear interpolation as a function of coordinates: the tent of each pixel, in 1/2048 as eq. (25) has them. */
function bilinear(x: Tensor64, shape: Shape, attrs: ResizeAttrs): Float64Array {
  const [, height, width, channels] = x.shape as Four;
  const [batch, outHeight, outWidth] = shape as Four;
  const tents = (from: number, to: number) =>
    Array.from({ length: to }, (_, i) => {
      const corners = attrs.alignCorners && to > 1 ? 1 : 0;
      const scale = Math.fround((from - corners) / (to - corners));
      const shift = attrs.halfPixelCenters ? scale / 2 - 0.5 : 0;
      const real = Math.min(Math.max(i * scale + shift, 0), from - 1);
      const at = Math.round(2048 * real) / 2048;
      return Array.from({ length: from }, (_, j) => Math.max(0, 1 - Math.abs(at - j)));
    });
  const [rows, columns] = [tents(height, outHeight), tents(width, outWidth)];
  const y: number[] = [];
  for (let n = 0; n < batch; n++) {
    for (const row of rows) {
      for (const column of columns) {
        for (let c = 0; c < channels; c++) {
          let sum = 0;
          row.forEach((f, iy) => {
            column.forEach((g, ix) => {
              sum += f * g * x.data[((n * height + iy) * width + ix) * channels + c]!;
            });
          });
          y.push(sum);
        }
      }
    }
  }
  return Float64Array.from(y);
}

function resize(inputs: readonly Tensor64[], shape: Shape, attrs: ResizeAttrs): Float64Array {
  if (attrs.method === 'bilinear') return bilinear(inputs[0]!, shape, attrs);
  return interpreted(resizeIntegers)(inputs, shape, attrs);
}

function transposedConv2d(
  [x, w, b]: readonly Tensor64[],
  shape: Shape,
  { strides, padding }: TransposedConvAttrs,
): Float64Array {
  const [, height, width, ci] = x!.shape as Four;
  const [co, kh, kw] = w!.shape as Four;
  const [, outHeight, outWidth] = shape as Four;
  const y = Float64Array.from({ length: sizeOf(shape) }, (_, i) => b?.data[i % co] ?? 0);
  x!.data.forEach((value, at) => {
    const [c, pixel] = [at % ci, Math.floor(at / ci)];
    const [ix, iy] = [pixel % width, Math.floor(pixel / width) % height];
    const n = Math.floor(pixel / width / height);
    for (let tap = 0; tap < co * kh * kw; tap++) {
      const o = Math.floor(tap / kw / kh);
      const oy = iy * strides[0] + (Math.floor(tap / kw) % kh) - padding[0][0];
      const ox = ix * strides[1] + (tap % kw) - padding[1][0];
      if (oy < 0 || oy >= outHeight || ox < 0 || ox >= outWidth) continue;
      y[((n * outHeight + oy) * outWidth + ox) * co + o]! += value * w!.data[tap * ci + c]!;
    }
  });
  return y;
}

/** In float64: the interpreter's loops where elements only move, which tests of the plan hold against the kernels. */
export const movementReferences = {
  batchToSpace: interpreted(moves.batchToSpace),
  concat: interpreted(moves.concat),
  depthToSpace: interpreted(moves.depthToSpace),
  gather: interpreted(moves.gather, 1),
  pad: interpreted(moves.pad),
  reshape: ([x]: readonly Tensor64[]) => x!.data.slice(),
  resize,
  slice: interpreted(moves.slice),
  spaceToBatch: interpreted(moves.spaceToBatch),
  spaceToDepth: interpreted(moves.spaceToDepth),
  transpose: interpreted(moves.transpose),
  transposedConv2d,
};
