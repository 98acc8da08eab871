/** Layers of transformers. */

import { checkFlag, checkInteger, rangeError } from '../core/errors.ts';
import { showShape } from '../core/shape.ts';
import type { Handle } from '../graph/dispatch.ts';
import type { InitializerName } from '../graph/initializers.ts';
import { checkTensor } from '../graph/trace.ts';
import { projected } from './dense.ts';
import { BASE, checkInitializer, initializerOf, Layer, type LayerOptions } from './layer.ts';

export interface MultiHeadAttentionOptions extends LayerOptions {
  /** How many times the input is attended to, each with projections of its own. */
  readonly heads: number;
  /** Features of the queries and keys of a head. */
  readonly keyDimension: number;
  /** Features of the values of a head; default those of the keys. */
  readonly valueDimension?: number;
  /** Features of the output; default those of the query. */
  readonly units?: number;
  /** Whether a step sees no later one; default false. */
  readonly causal?: boolean;
  readonly useBias?: boolean;
  readonly kernelInitializer?: InitializerName;
}

const SIZES = ['heads', 'keyDimension', 'valueDimension', 'units'] as const;

/**
 * y = concat_h( softmax(Q_h·K_hᵀ / sqrt(keyDimension)) · V_h ) · W, where Q_h, K_h and V_h are affine maps of query, key
 * and value (Vaswani et al. 2017, section 3.2.2): Keras' MultiHeadAttention.
 */
export class MultiHeadAttention extends Layer<MultiHeadAttentionOptions> {
  constructor(options: MultiHeadAttentionOptions) {
    const kind = 'multiHeadAttention';
    super('matmul', options, [...BASE, ...SIZES, 'causal', 'useBias', 'kernelInitializer'], kind);
    for (const name of SIZES) {
      const size = options[name];
      const optional = name === 'valueDimension' || name === 'units';
      if (!optional || size !== undefined) checkInteger(kind, name, size as number, 1);
    }
    const { causal = false } = options;
    checkFlag(kind, 'causal', causal);
    initializerOf(kind, options);
  }

  /** Each step of x attends to all of x. */
  forward(x: Handle): Handle {
    return this.attend(x);
  }

  /**
   * query [N,T,C], value [N,S,C′], key [N,S,C″] → [N,T,units]. What is not given is the one before it: attend(x) is
   * self-attention, attend(x, memory) that of a decoder to what an encoder made.
   */
  attend(query: Handle, value: Handle = query, key: Handle = value): Handle {
    for (const x of [query, value, key]) {
      checkTensor(this.label, x);
      if (x.shape.length === 3) continue;
      throw rangeError(this.label, 'the inputs must be [N,T,C]', showShape(x.shape));
    }
    const { keyDimension, valueDimension = keyDimension, causal = false } = this.options;
    const q = this.#heads('query', query, keyDimension);
    const k = this.#heads('key', key, keyDimension);
    const v = this.#heads('value', value, valueDimension);
    const scores = q.apply('matmul', [q, k], { transposeB: true }, this.#name('scores'));
    const attrs = { beta: 1 / Math.sqrt(keyDimension), causal };
    const weights = scores.apply('attentionSoftmax', [scores], attrs, this.#name('weights'));
    const mixed = weights.apply('matmul', [weights, v], { transposeB: false }, this.#name('mixed'));
    const steps = mixed.apply('transpose', [mixed], { perm: [0, 2, 1, 3] });
    const [batch, count, heads, features] = steps.shape as [number, number, number, number];
    const joined = [batch, count, heads * features];
    const merged = steps.apply('reshape', [steps], { shape: joined });
    return this.#project('output', merged, this.options.units ?? query.shape[2]!);
  }

  #name(part: string): string {
    return `${this.label}/${part}`;
  }

  /** x [N,T,C] → [N,heads,T,features] */
  #heads(part: string, x: Handle, features: number): Handle {
    const { heads } = this.options;
    const y = this.#project(part, x, heads * features);
    const split = y.apply('reshape', [y], { shape: [...y.shape.slice(0, 2), heads, features] });
    return split.apply('transpose', [split], { perm: [0, 2, 1, 3] });
  }

  /** x [N,T,C] → [N,T,units] */
  #project(part: string, x: Handle, units: number): Handle {
    const features = x.shape[2]!;
    const kernel = this.parameter({
      name: `${part}Kernel`,
      shape: [units, features],
      initializer: initializerOf(this.label, this.options),
      decay: true,
      fanIn: features,
      fanOut: units,
    });
    const { useBias = true } = this.options;
    const bias = () =>
      this.parameter({ name: `${part}Bias`, shape: [units], initializer: 'zeros' });
    return projected(x, useBias ? [kernel, bias()] : [kernel], this.#name(part));
  }
}

export interface PositionEmbeddingOptions extends LayerOptions {
  readonly embeddingsInitializer?: InitializerName;
}

/** y = x + table, x [N,T,C] and a learned vector for each of the T positions (Gehring et al. 2017, section 3.1). */
export class PositionEmbedding extends Layer<PositionEmbeddingOptions> {
  constructor(options: PositionEmbeddingOptions) {
    super('add', options, [...BASE, 'embeddingsInitializer'], 'positionEmbedding');
    checkInitializer('positionEmbedding', 'embeddingsInitializer', this.#initializer());
  }

  #initializer(): InitializerName {
    return this.options.embeddingsInitializer ?? 'glorotUniform';
  }

  forward(x: Handle): Handle {
    if (x.shape.length !== 3) {
      throw rangeError(this.label, 'the input must be [N,T,C]', showShape(x.shape));
    }
    const [, positions, features] = x.shape as [number, number, number];
    const table = this.parameter({
      name: 'embeddings',
      shape: [positions, features],
      initializer: this.#initializer(),
      fanIn: positions,
      fanOut: features,
    });
    return this.call([x, table]);
  }
}

export interface EmbeddingOptions extends LayerOptions {
  /** How many indices there are. */
  readonly inputDimension: number;
  /** Features of each. */
  readonly outputDimension: number;
  readonly embeddingsInitializer?: InitializerName;
}

/** f32 counts exactly so far. */
const MOST_ROWS = 2 ** 24;

/** y = table[x], x [N,…] whole numbers below inputDimension, which training gets as f32 and a session as i32. */
export class Embedding extends Layer<EmbeddingOptions> {
  constructor(options: EmbeddingOptions) {
    const sizes = ['inputDimension', 'outputDimension'] as const;
    super('embedding', options, [...BASE, ...sizes, 'embeddingsInitializer']);
    for (const name of sizes) checkInteger('embedding', name, options[name], 1, MOST_ROWS);
    const { embeddingsInitializer = 'glorotUniform' } = options;
    checkInitializer('embedding', 'embeddingsInitializer', embeddingsInitializer);
  }

  forward(x: Handle): Handle {
    const { inputDimension, outputDimension, embeddingsInitializer } = this.options;
    const table = this.parameter({
      name: 'embeddings',
      shape: [inputDimension, outputDimension],
      initializer: embeddingsInitializer ?? 'glorotUniform',
      decay: true,
      fanIn: inputDimension,
      fanOut: outputDimension,
    });
    return this.call([x, table]);
  }
}
