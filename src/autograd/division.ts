/** What a rule says of the division of a kernel's call (`divide.ts`). */

import type { StructName } from '../core/abi.ts';
import type { InferKernels, TrainKernels } from '../core/kernels.ts';

export type Args = readonly number[];
export type Fields = Readonly<Record<string, number>>;

/** What a rule may ask of memory. */
export interface Memory {
  fields(struct: StructName, ptr: number): Fields;
  /** Bytes that the call alone uses until the step ends. */
  scratch(bytes: number): number;
}

export interface Division {
  readonly units: number;
  /** Of one unit, in multiply-accumulates or as much time. */
  readonly unitCost: number;
  /** Parts start at multiples of it; 1 where none is given. */
  readonly grain?: number;
  /** The arguments for units first … first + count − 1. */
  part(first: number, count: number): Args;
}

export type Rule = (args: Args, memory: Memory) => Division;

/** By the name of the kernel. Those without one, or with too little work, run as they are called. */
export type Rules = Partial<Record<keyof (InferKernels & TrainKernels), Rule>>;

/** Multiply-accumulates in the time that an element takes to be read or written. */
export const COST_OF_ELEMENT = 8;

/** `args` with its count replaced and some pointers moved on: strides by index of the argument, in bytes a unit. */
export function shifted(
  args: Args,
  countAt: number,
  strides: Readonly<Record<number, number>>,
  first: number,
  count: number,
): number[] {
  const part = [...args];
  part[countAt] = count;
  // A pointer of 0 stands for an operand that is not there.
  for (const [at, stride] of Object.entries(strides)) {
    if (args[Number(at)] !== 0) part[Number(at)]! += first * stride;
  }
  return part;
}
