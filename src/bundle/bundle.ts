import { arrayOf, type TypedArray } from '../core/dtype.ts';
import { checkInteger, rangeError, typeError } from '../core/errors.ts';
import { checkFit, MAX_TABLES, type Preprocessing } from '../core/preprocess.ts';
import { brief } from '../core/safetensors.ts';
import { elementsPerSample } from '../core/shape.ts';
import type { Graph, Value } from '../graph/graph.ts';
import { validateGraph } from '../graph/validate.ts';

/** What a bundle file holds (docs/bundle.md). */
export interface Bundle {
  /** An integer graph. */
  readonly graph: Graph;
  readonly golden: readonly Golden[];
  /** Where the model comes from: training options, seed, accuracies. */
  readonly provenance?: Readonly<Record<string, string | number>>;
  /** SPDX expression. */
  readonly license?: string;
}

/**
 * Integers of the graph's input and the integers that its outputs must have, in the types of these values: [n, …sample],
 * n ≥ 1. Any host can test itself with them.
 */
export interface Golden {
  readonly input: TypedArray;
  readonly outputs: readonly TypedArray[];
}

export const FORMAT_VERSION = 1;

/** Keys of the file's metadata. */
export const DESCRIPTION_KEY = 'octavo';
export const CHECKSUM_KEY = 'octavo.checksum';

/**
 * FxHash over the description and then the data, in words of 32 bits, each filled up with zeros: 8 hexadecimal digits. It
 * finds accidents, not attacks. Words and one product each, because all of a file is read before anything runs.
 */
export function checksum(description: string, data: Uint8Array): string {
  const hash = fxHash(data, fxHash(new TextEncoder().encode(description), 0));
  return (hash >>> 0).toString(16).padStart(8, '0');
}

function fxHash(bytes: Uint8Array, start: number): number {
  const whole = bytes.length & ~3;
  const rest = new Uint8Array(4);
  rest.set(bytes.subarray(whole));
  // A view that does not start at a word is copied.
  const { buffer, byteOffset } = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  const hash = fxWords(new Int32Array(buffer, byteOffset, whole / 4), start);
  return whole < bytes.length ? fxWords(new Int32Array(rest.buffer), hash) : hash;
}

function fxWords(words: Int32Array, start: number): number {
  let hash = start;
  for (let i = 0; i < words.length; i++) {
    hash = Math.imul(((hash << 5) | (hash >>> 27)) ^ words[i]!, 0x9e3779b9);
  }
  return hash;
}

/** Throws a RangeError or TypeError that starts with `where` unless everything in the bundle fits together. */
export function checkBundle(bundle: Bundle, where = 'bundle'): void {
  const { graph, golden, provenance = {}, license } = bundle;
  validateGraph(graph, where);
  if (graph.preprocessing) checkPreprocessing(graph.preprocessing, graph);
  if (graph.labelOffset !== undefined) {
    checkInteger(where, 'labelOffset', graph.labelOffset, 0, MOST_OFFSET);
  }
  for (const label of graph.labels ?? []) {
    if (typeof label !== 'string') throw typeError(where, 'labels must be strings', typeof label);
  }
  golden.forEach((vector, i) => {
    checkGolden(vector, graph, `${where}: golden vector ${i}`);
  });
  for (const [key, value] of Object.entries(provenance)) {
    if (typeof value === 'string' || Number.isFinite(value)) continue;
    const expected = `provenance ${brief(key)} must be a string or a finite number`;
    throw typeError(where, expected, brief(value));
  }
  if (license !== undefined && typeof license !== 'string') {
    throw typeError(where, 'the license must be a string', brief(license));
  }
}

/** Far above the classes that stand before class 0 in any model. */
const MOST_OFFSET = 65535;

function checkPreprocessing(preprocessing: Preprocessing, { values, inputs }: Graph): void {
  const { mean, std } = preprocessing;
  for (const id of inputs) {
    checkFit('bundle: the preprocessing', preprocessing, values[id]!.shape);
  }
  for (const [what, list] of Object.entries({ mean, std })) {
    if (list.length > MAX_TABLES) {
      const expected = `the ${what} of the preprocessing may have ${MAX_TABLES} entries`;
      throw rangeError('bundle', expected, list.length);
    }
    for (const id of inputs) {
      const channels = values[id]!.shape.at(-1)!;
      const count = list.length === 1 || list.length === channels;
      if (count && list.every(Number.isFinite)) continue;
      const expected = `the ${what} of the preprocessing must be 1 or ${channels} finite numbers`;
      throw rangeError('bundle', expected, brief(list));
    }
  }
  if (std.includes(0)) {
    throw rangeError('bundle', 'the std of the preprocessing must not be 0', brief(std));
  }
}

function checkGolden({ input, outputs }: Golden, graph: Graph, where: string): void {
  if (graph.inputs.length !== 1) {
    throw rangeError(where, 'golden vectors need a graph with one input', graph.inputs.length);
  }
  if (outputs.length !== graph.outputs.length) {
    throw rangeError(where, `there must be ${graph.outputs.length} outputs`, outputs.length);
  }
  const count = samplesIn(input, graph.values[graph.inputs[0]!]!, where);
  outputs.forEach((output, i) => {
    const value = graph.values[graph.outputs[i]!]!;
    const samples = samplesIn(output, value, where);
    if (samples === count) return;
    throw rangeError(where, `${brief(value.name)} must have ${count} samples`, samples);
  });
}

function samplesIn(data: TypedArray, { name, shape, dtype }: Value, where: string): number {
  const samples = data.length / elementsPerSample(shape);
  if (data instanceof arrayOf[dtype] && Number.isInteger(samples) && samples > 0) return samples;
  const expected = `${brief(name)} must be whole samples of ${elementsPerSample(shape)} values of ${dtype}`;
  throw rangeError(where, expected, `${data.length} in a ${data.constructor.name}`);
}
