/**
 * What an integer node must look like (quantization.md, table 1), as data: `xxxForm` of each op file. A graph may come from a
 * stranger's file, so whatever a lowering, a kernel or the interpreter relies on is said here or in the op's `inferShape`.
 */

import type { DType } from './dtype.ts';
import type { QParams } from './qparams.ts';
import type { Shape } from './shape.ts';

/** A value of an integer node; constants have their data. */
export interface FormValue {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly qparams?: QParams;
  readonly data?: ArrayLike<number>;
}

/** A node whose values are checked already, as `IntForm.check` sees it. */
export interface FormNode<A = unknown> {
  readonly attrs: A;
  readonly x: readonly FormValue[];
  readonly constants: readonly FormValue[];
  readonly y: FormValue;
}

/**
 * What an attribute must be: an integer from the given one up, a list of so many attributes, a list of any length, any
 * i32, a finite number, a boolean, one of some words.
 */
export type Template =
  | number
  | readonly Template[]
  | { readonly list: Template }
  | { readonly oneOf: readonly string[] }
  | 'i32'
  | 'real'
  | 'boolean';

/** A constant after the activations: a list of one of the given lengths. f32 entries are finite and at most 2⁹⁶. */
export interface ConstantForm {
  readonly name: string;
  /** `output` stands for the type of the node's output. */
  readonly dtype: DType | 'output';
  /** Any, where none is given. */
  readonly lengths?: readonly number[];
}

export interface IntForm<A = unknown> {
  /** How many inputs are activations, of which later ones may be i8 constants; the rest are constants. */
  readonly activations: 1 | 2 | 'many';
  /** Types of the activations and of the output: i8 where nothing is said. */
  readonly from?: readonly DType[];
  readonly to?: readonly DType[];
  /** Linear ops go on with w i8, multiplier f32 [Co], addend f32 [Co] and maybe bias i32 [Co]: the axis of Co in w. */
  readonly channelAxis?: number;
  /** The constants of the other ops. */
  readonly constants?: (attrs: A) => readonly ConstantForm[];
  /** The shape rule takes the constants as well. */
  readonly shapedByConstants?: true;
  /** All activations and the output have one type and stand for the same reals. */
  readonly keepsScale?: true;
  readonly attrs?: Readonly<Record<string, Template>>;
  /** Throws a RangeError that starts with `where` for what the rest does not say. */
  check?(node: FormNode<A>, where: string): void;
}

/** The one constant of a rescaling op: multipliers, as many as one of the given lengths. */
export function factors(...lengths: readonly number[]): readonly ConstantForm[] {
  return [{ name: 'multipliers', dtype: 'f32', lengths }];
}

/** For ops that only move elements. */
export const ANY_TYPE: readonly DType[] = ['i8', 'u8', 'f32', 'i32'];
