import { internal, typeError } from '../core/errors.ts';
import type { InferKernelName, InferKernels } from '../core/kernels.ts';

/** A bound kernel call. */
export type Call = () => void;

/** Most parts of a step: threads count them in a byte. */
export const MOST_PARTS = 255;

/** One kernel at work. Parts may run in any order or at the same time; a step begins when the one before has ended. */
export interface Step {
  readonly kernel: InferKernelName;
  /** The arguments of each part. */
  readonly parts: readonly (readonly number[])[];
}

/**
 * A closure of fixed arity: calling it neither spreads nor allocates. The integer kernels take 3 to 7 arguments, all
 * i32.
 */
export function bind(kernels: InferKernels, name: InferKernelName, args: readonly number[]): Call {
  const kernel = kernels[name] as (...args: number[]) => void;
  if (typeof kernel !== 'function') {
    throw typeError(
      'load',
      `wasm must be the octavo inference module, which exports ${name}`,
      kernel,
    );
  }
  const [a, b, c, d, e, f, g] = args as [number, number, number, number, number, number, number];
  if (args.length === 3) return () => kernel(a, b, c);
  if (args.length === 4) return () => kernel(a, b, c, d);
  if (args.length === 5) return () => kernel(a, b, c, d, e);
  if (args.length === 6) return () => kernel(a, b, c, d, e, f);
  if (args.length === 7) return () => kernel(a, b, c, d, e, f, g);
  throw internal(`${name} takes ${args.length} arguments`);
}
