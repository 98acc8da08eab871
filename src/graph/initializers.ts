import { internal } from '../core/errors.ts';
import { log } from '../core/math.ts';
import type { Rng } from '../core/rng.ts';
import type { Shape } from '../core/shape.ts';
import type { Parameter } from './graph.ts';

/** Fills a new parameter. `fanIn` and `fanOut` count the connections of one unit. */
export type Initializer = (data: Float32Array, rng: Rng, fanIn: number, fanOut: number) => void;

export const initializers = {
  zeros: (data) => void data.fill(0),
  ones: (data) => void data.fill(1),
  /** U(−a, a), a = sqrt(6 / (fanIn + fanOut))      Glorot and Bengio 2010, eq. (16) */
  glorotUniform: (data, rng, fanIn, fanOut) => uniform(data, rng, Math.sqrt(6 / (fanIn + fanOut))),
  /** U(−a, a), a = sqrt(6 / fanIn)      He et al. 2015, eq. (10) */
  heUniform: (data, rng, fanIn) => uniform(data, rng, Math.sqrt(6 / fanIn)),
  /** [fanOut, fanIn] with orthonormal columns, or rows where these are fewer      Saxe et al. 2014 */
  orthogonal: (data, rng, fanIn) => orthogonal(data, rng, fanIn),
} as const satisfies Record<string, Initializer>;

export type InitializerName = keyof typeof initializers;

function uniform(data: Float32Array, rng: Rng, limit: number): void {
  for (let i = 0; i < data.length; i++) data[i] = (2 * rng.uniform() - 1) * limit;
}

/** Normally distributed: the polar method of Marsaglia and Bray 1964, which needs no sine. */
function normal(rng: Rng): number {
  for (;;) {
    const [u, v] = [2 * rng.uniform() - 1, 2 * rng.uniform() - 1];
    const s = u * u + v * v;
    if (s > 0 && s < 1) return u * Math.sqrt((-2 * log(s)) / s);
  }
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}

/** The shorter side of the matrix by Gram and Schmidt; a second pass removes what rounding left of the first. */
function orthogonal(data: Float32Array, rng: Rng, columns: number): void {
  const rows = data.length / columns;
  const wide = columns > rows;
  const vectors: Float64Array[] = [];
  for (let j = 0; j < Math.min(rows, columns); j++) {
    const vector = Float64Array.from({ length: Math.max(rows, columns) }, () => normal(rng));
    for (const known of [...vectors, ...vectors]) {
      const part = dot(vector, known);
      known.forEach((value, i) => {
        vector[i]! -= part * value;
      });
    }
    const length = Math.sqrt(dot(vector, vector));
    vectors.push(vector.map((value) => value / length));
  }
  for (let i = 0; i < data.length; i++) {
    const [r, c] = [Math.floor(i / columns), i % columns];
    data[i] = wide ? vectors[r]![c]! : vectors[c]![r]!;
  }
}

interface Pending {
  readonly fill: Initializer;
  readonly fanIn: number;
  readonly fanOut: number;
}

/** Parameters that wait for their first trace, which brings the seed. */
const pending = new WeakMap<Parameter, Pending>();

export interface ParameterOptions {
  readonly name: string;
  readonly shape: Shape;
  /** By name, or its own. */
  readonly initializer: InitializerName | Initializer;
  readonly trainable?: boolean;
  readonly decay?: boolean;
  readonly fanIn?: number;
  readonly fanOut?: number;
}

/** A parameter whose values are drawn when it is first traced. */
export function createParameter(options: ParameterOptions): Parameter {
  const { name, shape, initializer, trainable = true, decay = false } = options;
  const { fanIn = 1, fanOut = 1 } = options;
  const parameter: Parameter = { name, shape, trainable, decay, data: new Float32Array(0) };
  const fill = typeof initializer === 'function' ? initializer : initializers[initializer];
  pending.set(parameter, { fill, fanIn, fanOut });
  return parameter;
}

export function isUninitialized(parameter: Parameter): boolean {
  return pending.has(parameter);
}

export function initialize(parameter: Parameter, rng: Rng): void {
  const waiting = pending.get(parameter);
  if (!waiting) throw internal(`parameter ${parameter.name} is initialized twice`);
  const data = new Float32Array(parameter.shape.reduce((size, extent) => size * extent, 1));
  waiting.fill(data, rng, waiting.fanIn, waiting.fanOut);
  parameter.data = data;
  pending.delete(parameter);
}
