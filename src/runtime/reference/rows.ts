import { roundToRange } from '../../core/rounding.ts';
import { type Shape, sizeOf } from '../../core/shape.ts';
import type { ArgMaxAttrs } from '../../ops/argMax.ts';
import type { MeanAttrs } from '../../ops/mean.ts';
import type { Activation, ReferenceOp } from './operands.ts';

const { fround } = Math;

/** Calls back with the elements of x along its axes from `first` to `last`, and the place of what becomes of them. */
function forEachLine(
  shape: Shape,
  first: number,
  last: number,
  visit: (elements: readonly number[], place: number) => void,
): void {
  const n = sizeOf(shape.slice(first, last + 1));
  const inner = sizeOf(shape.slice(last + 1));
  for (let place = 0; place < sizeOf(shape) / n; place++) {
    const start = Math.floor(place / inner) * n * inner + (place % inner);
    const elements = Array.from({ length: n }, (_, j) => start + j * inner);
    visit(elements, place);
  }
}

function rounded(u: number, { qparams: { zeroPoint, qmin, qmax } }: Activation): number {
  return roundToRange(u, zeroPoint, qmin, qmax);
}

/** u = f32(f32(Σ (x − z)) · M)      eq. (13) */
export const mean: ReferenceOp<MeanAttrs> = ({ x: [x], constants: [m], y }, { axes }) => {
  const { zeroPoint } = x!.qparams;
  forEachLine(x!.shape, axes[0]!, axes.at(-1)!, (elements, place) => {
    const sum = elements.reduce((total, at) => total + x!.data[at]! - zeroPoint, 0);
    y.data[place] = rounded(fround(fround(sum) * m!.data[0]!), y);
  });
};

/** The first of equals. */
export const argMax: ReferenceOp<ArgMaxAttrs> = ({ x: [x], y }, { axis }) => {
  forEachLine(x!.shape, axis, axis, (elements, place) => {
    const values = elements.map((at) => x!.data[at]!);
    y.data[place] = values.indexOf(Math.max(...values));
  });
};

/** e_i = table[max − x_i], u = f32(f32(e_i · f32(1 / Σ e)) · M), the sum in f32 and in order      eq. (23) */
export const softmax: ReferenceOp = ({ x: [x], constants: [table, m], y }) => {
  const last = x!.shape.length - 1;
  forEachLine(x!.shape, last, last, (elements) => {
    const most = Math.max(...elements.map((at) => x!.data[at]!));
    const powers = elements.map((at) => table!.data[most - x!.data[at]!]!);
    const inverse = fround(1 / powers.reduce((sum, e) => fround(sum + e), 0));
    elements.forEach((at, i) => {
      y.data[at] = rounded(fround(fround(powers[i]! * inverse) * m!.data[0]!), y);
    });
  });
};

/** u = f32(f32((x − z) · f32(1 / f32(sqrt(f32(Σ (x − z)²))))) · M)      eq. (24) */
export const l2Normalize: ReferenceOp = ({ x: [x], constants: [m], y }) => {
  const last = x!.shape.length - 1;
  forEachLine(x!.shape, last, last, (elements) => {
    const distances = elements.map((at) => x!.data[at]! - x!.qparams.zeroPoint);
    const sum = Math.max(
      1,
      distances.reduce((total, d) => total + d * d, 0),
    );
    const inverse = fround(1 / fround(Math.sqrt(fround(sum))));
    elements.forEach((at, i) => {
      y.data[at] = rounded(fround(fround(distances[i]! * inverse) * m!.data[0]!), y);
    });
  });
};
