/**
 * What the recurrent layers share: attributes, shapes, the walk through time and back. Gates stand side by side in blocks of
 * `units`, and the third block is the one that goes through tanh in each.
 *
 *     x [N,T,C]    kernel [G·H,C]    recurrent kernel [G·H,H]    H units, G gates
 */

import { checkInteger, rangeError } from '../core/errors.ts';
import type { Template } from '../core/form.ts';
import { type Shape, sameShape, showShape } from '../core/shape.ts';
import { convFields, denseFields, PLAIN_WINDOW } from './geometry.ts';
import type { Product } from './product.ts';

/** As attributes of a node, written out in full. */
export interface RecurrentAttrs {
  /** H: the size of the state and of the output. */
  readonly units: number;
  /** y has all time steps, in the order in which they were computed; else the last one alone. */
  readonly returnSequences: boolean;
  /** From the last time step to the first. */
  readonly goBackwards: boolean;
}

/** The attributes in an integer node. */
export const RECURRENT_TEMPLATE = {
  units: 1,
  returnSequences: 'boolean',
  goBackwards: 'boolean',
} as const satisfies Readonly<Record<string, Template>>;

/** Entries of the table of integer gates: sigmoid from −8 to 8 in steps of 1/64      quantization.md eq. (30) */
export const TABLE_ENTRIES = 1024;

/** What differs between the layers. */
export interface Cell {
  readonly name: 'lstm' | 'gru';
  /** G */
  readonly gates: number;
  /** How many biases a gate has: of both products together, [G·H], or one of each, [2,G·H]. */
  readonly biases: 1 | 2;
}

/** [N,T,H] or [N,H]. Weights are checked where they are given. */
export function recurrentShape(
  { name, gates, biases }: Cell,
  [x, kernel, recurrent, bias]: readonly Shape[],
  { units, returnSequences }: RecurrentAttrs,
): Shape {
  checkInteger(name, 'units', units, 1);
  if (x?.length !== 3) throw rangeError(name, 'the input must be [N,T,C]', x && showShape(x));
  const [batch, steps, features] = x as readonly [number, number, number];
  const rows = gates * units;
  const check = (what: string, shape: Shape | undefined, expected: Shape) => {
    if (!shape || sameShape(shape, expected)) return;
    throw rangeError(name, `${what} must be ${showShape(expected)}`, showShape(shape));
  };
  check('the kernel', kernel, [rows, features]);
  check('the recurrent kernel', recurrent, [rows, units]);
  check('the bias', bias, biases === 1 ? [rows] : [biases, rows]);
  return returnSequences ? [batch, steps, units] : [batch, units];
}

/** Extents of a recurrent op, and its time steps in the order in which they are computed. */
export class Extents {
  readonly batch: number;
  readonly steps: number;
  readonly features: number;
  /** G·H */
  readonly rows: number;

  constructor(
    { gates }: Cell,
    x: Shape,
    readonly attrs: RecurrentAttrs,
  ) {
    [this.batch, this.steps, this.features] = x as unknown as [number, number, number];
    this.rows = gates * attrs.units;
  }

  /** The time step that is computed as the one with the number `s`. */
  timeOf(s: number): number {
    return this.attrs.goBackwards ? this.steps - 1 - s : s;
  }

  /** The product of all time steps with the kernel: a pointwise convolution over [N,1,T,C]. */
  get inputProduct(): Product {
    const { batch, steps, features, rows } = this;
    const fieldsOf = (x: Shape, y: Shape) => convFields(x, y, [1, 1], PLAIN_WINDOW);
    const fields = fieldsOf([batch, 1, steps, features], [batch, 1, steps, rows]);
    return { n: rows, k: features, fields };
  }

  /** The product of the hidden state of one step with the recurrent kernel, between tensors with these strides. */
  stepFields(inStride: number, outStride: number) {
    return { ...denseFields(this.attrs.units, this.rows), inStride, outStride };
  }
}
