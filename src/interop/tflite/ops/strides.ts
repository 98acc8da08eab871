/** What STRIDED_SLICE's lists and masks select. */

import type { Shape } from '../../../core/shape.ts';
import { refuse } from '../refusal.ts';

export interface StrideMasks {
  /** Bit i: the list's entry i does not count, the slice starts (ends) where the axis does. */
  readonly begin: number;
  readonly end: number;
  /** Bit i: entry i stands for as many whole axes as are needed. */
  readonly ellipsis: number;
  /** Bit i: entry i is an axis of extent 1 that x does not have. */
  readonly newAxis: number;
  /** Bit i: entry i takes one element and drops the axis. */
  readonly shrinkAxis: number;
}

interface Range {
  /** The first element taken, of each axis of x. */
  readonly begin: number[];
  /** How many are taken. */
  readonly size: number[];
  readonly strides: number[];
}

/**
 * The elements of each axis of x. Axes that the masks add or drop are not told: they change the shape, not the elements.
 * Throws a Refusal for what selects nothing or makes no sense.
 */
export function stridedRange(
  shape: Shape,
  begins: readonly number[],
  ends: readonly number[],
  steps: readonly number[],
  masks: StrideMasks,
): Range {
  const entries = begins.length;
  if (ends.length !== entries || steps.length !== entries) {
    throw refuse(`${entries} ends and strides`, [ends.length, steps.length]);
  }
  const bit = (mask: number, i: number) => ((mask >> i) & 1) === 1;
  const consuming = begins.filter(
    (_, i) => !bit(masks.newAxis, i) && !bit(masks.ellipsis, i),
  ).length;
  const range: Range = { begin: [], size: [], strides: [] };
  const whole = (extent: number) => add(range, 0, extent, 1);
  for (let i = 0; i < entries; i++) {
    const axis = range.begin.length;
    if (bit(masks.ellipsis, i)) {
      const rest = shape.length - consuming;
      for (let j = 0; j < rest; j++) whole(shape[axis + j]!);
    } else if (!bit(masks.newAxis, i)) {
      const extent = shape[axis];
      if (extent === undefined) throw refuse(`slices of ${shape.length} axes`, consuming);
      const one = bit(masks.shrinkAxis, i);
      const ignored = { begin: bit(masks.begin, i), end: bit(masks.end, i) };
      addEntry(range, extent, [begins[i]!, ends[i]!, one ? 1 : steps[i]!], one, ignored);
    }
  }
  for (const extent of shape.slice(range.begin.length)) whole(extent);
  return range;
}

function add({ begin, size, strides }: Range, first: number, count: number, stride: number): void {
  begin.push(first);
  size.push(count);
  strides.push(stride);
}

function addEntry(
  range: Range,
  extent: number,
  [from, to, stride]: readonly [number, number, number],
  one: boolean,
  ignored: { readonly begin: boolean; readonly end: boolean },
): void {
  if (stride === 0) throw refuse('strides other than 0', 0);
  const counted = (position: number) => (position < 0 ? position + extent : position);
  if (one) {
    const first = counted(from);
    if (first < 0 || first >= extent) throw refuse(`an index below ${extent}`, from);
    add(range, first, 1, 1);
    return;
  }
  const forward = stride > 0;
  // Backwards, the position before the first element is a valid end.
  const [lowest, highest] = forward ? [0, extent] : [-1, extent - 1];
  const clamped = (position: number) => Math.min(highest, Math.max(lowest, counted(position)));
  const first = ignored.begin ? (forward ? 0 : extent - 1) : clamped(from);
  const last = ignored.end ? (forward ? extent : -1) : clamped(to);
  const count = Math.ceil((last - first) / stride);
  if (count < 1) throw refuse('a slice of at least one element', `${from} to ${to} by ${stride}`);
  add(range, first, count, count === 1 ? 1 : stride);
}
