/**
 * Calls whose arguments are known only when they are made: those of training, where every step is new. The leader writes them into
 * shared memory before it opens the step; step k of such a session is kernel k, and part i its i-th call.
 */

import type { Parts } from './team.ts';

/** More than any kernel takes. */
const WIDTH = 12;

/** Calls that can be open at once. */
export const MOST_CALLS = 32;

export interface OpenCalls {
  /** Kernels by step. */
  readonly names: readonly string[];
  /** [MOST_CALLS][WIDTH]: numbers of wasm are i32 or f32, which f64 holds. */
  readonly values: Float64Array<SharedArrayBuffer>;
}

export function createOpenCalls(names: readonly string[]): OpenCalls {
  return { names, values: new Float64Array(new SharedArrayBuffer(8 * MOST_CALLS * WIDTH)) };
}

/** Sets the arguments of the i-th call. */
export function writeCall({ values }: OpenCalls, i: number, args: readonly number[]): void {
  values.set(args, i * WIDTH);
}

type Kernel = (...args: number[]) => void;

/** Every call that this thread may have to make, by kernel. */
export function openParts(
  kernels: Readonly<Record<string, Kernel>>,
  { names, values }: OpenCalls,
): Parts {
  return names.map((name) => {
    const kernel = kernels[name]!;
    return Array.from({ length: MOST_CALLS }, (_, i) => {
      const v = values.subarray(i * WIDTH, (i + 1) * WIDTH) as unknown as number[];
      // WebAssembly ignores arguments that a function does not have.
      return () =>
        kernel(
          v[0]!,
          v[1]!,
          v[2]!,
          v[3]!,
          v[4]!,
          v[5]!,
          v[6]!,
          v[7]!,
          v[8]!,
          v[9]!,
          v[10]!,
          v[11]!,
        );
    });
  });
}
