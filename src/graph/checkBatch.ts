/** What a user's dataset gives ends in pointers and counts of kernels: it is checked batch by batch, before any copy. */

import { checkInteger, kindOf, rangeError, typeError } from '../core/errors.ts';
import { sampleSize, showShape } from '../core/shape.ts';
import type { Graph } from './graph.ts';

/** Throws a TypeError or RangeError unless `x` is `size` samples that the graph takes. */
export function checkSamples(
  where: string,
  { values, inputs, preprocessing }: Graph,
  { x, size }: { readonly x: unknown; readonly size: number },
): void {
  checkInteger(where, 'size of a batch', size, 1);
  if (!(x instanceof Uint8Array || x instanceof Int32Array || x instanceof Float32Array)) {
    const expected = 'x of a batch must be a Uint8Array, Int32Array or Float32Array';
    throw typeError(where, expected, kindOf(x));
  }
  if (x instanceof Uint8Array && !preprocessing) {
    throw typeError(where, 'a Dataset of uint8 samples must have preprocessing', 'none');
  }
  const { shape } = values[inputs[0]!]!;
  const length = size * sampleSize(shape);
  if (x.length === length) return;
  const samples = `${size} samples of ${showShape(shape.slice(1))}`;
  throw rangeError(where, `x of a batch must have ${length} values (${samples})`, x.length);
}

/**
 * The targets too: `size` class indices of the graph's output [N,classes], or a Float32Array of its shape; so a teacher's logits.
 */
export function checkBatch(
  where: string,
  graph: Graph,
  batch: {
    readonly x: unknown;
    readonly y: ArrayLike<number>;
    readonly size: number;
    readonly teacher?: Float32Array;
  },
): void {
  checkSamples(where, graph, batch);
  const { y, size, teacher } = batch;
  const { shape } = graph.values[graph.outputs[0]!]!;
  const values = size * sampleSize(shape);
  if (teacher && teacher.length !== values) {
    throw rangeError(where, `teacher of a batch must have ${values} values`, teacher.length);
  }
  if (y instanceof Float32Array) {
    if (y.length === values) return;
    const targets = `${size} targets of ${showShape(shape.slice(1))}`;
    throw rangeError(where, `y of a batch must have ${values} values (${targets})`, y.length);
  }
  if (y?.length !== size) {
    throw rangeError(where, `y of a batch must have ${size} labels`, y?.length);
  }
  const classes = shape[1]!;
  for (let i = 0; i < size; i++) checkInteger(where, `y[${i}] of a batch`, y[i]!, 0, classes - 1);
}
