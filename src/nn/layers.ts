import {
  Elu,
  type EluOptions,
  LeakyRelu,
  type LeakyReluOptions,
  PRelu,
  type PReluOptions,
} from './activations.ts';
import {
  Embedding,
  type EmbeddingOptions,
  MultiHeadAttention,
  type MultiHeadAttentionOptions,
  PositionEmbedding,
  type PositionEmbeddingOptions,
} from './attention.ts';
import {
  BatchNormalization,
  Dense,
  type DenseOptions,
  LayerNormalization,
  type LayerNormOptions,
  type NormOptions,
} from './dense.ts';
import { Dropout, type DropoutOptions } from './dropout.ts';
import { BASE, Clamp, type LayerOptions, Pointwise } from './layer.ts';
import { Concatenate, type ConcatenateOptions, Merge, merging } from './merge.ts';
import type { Module } from './module.ts';
import {
  Cropping2d,
  type Cropping2dOptions,
  Permute,
  type PermuteOptions,
  Reshape,
  type ReshapeOptions,
  UpSampling2d,
  type UpSampling2dOptions,
  ZeroPadding2d,
  type ZeroPadding2dOptions,
} from './movement.ts';
import { GlobalPool, type GlobalPoolOptions } from './pools.ts';
import {
  Bidirectional,
  type BidirectionalOptions,
  type LstmOptions,
  Recurrent,
  type RecurrentOptions,
} from './recurrent.ts';
import { SeparableConv2d } from './separable.ts';
import {
  type Conv1dOptions,
  type Cropping1dOptions,
  conv1d,
  cropping1d,
  depthwiseConv1d,
  globalPool1d,
  type Kernel1dOptions,
  type Pool1dOptions,
  pool1d,
  RepeatVector,
  type RepeatVectorOptions,
  separableConv1d,
  type UpSampling1dOptions,
  upSampling1d,
  type ZeroPadding1dOptions,
  zeroPadding1d,
} from './sequences.ts';
import { type TransposedConvOptions, TransposedConvolution } from './transposed.ts';
import {
  type Conv2dOptions,
  Convolution,
  KERNEL,
  type KernelOptions,
  Pool,
  type PoolOptions,
} from './windows.ts';

export type { MultiHeadAttentionOptions } from './attention.ts';
export type { LayerNormOptions, NormOptions } from './dense.ts';
export type { LayerOptions } from './layer.ts';
export { concatenate } from './merge.ts';
export type { WindowOptions } from './windows.ts';

/** Layer makers; each is one op of the graph with its parameters, or two. Images are NHWC, names and options those of Keras. */
export const layers = {
  /** x [N,H,W,Ci] → [N,H′,W′,filters] */
  conv2d: (options: Conv2dOptions): Module =>
    new Convolution('conv2d', options, [...KERNEL, 'filters']),
  /** x [N,H,W,C] → [N,H′,W′,C], one kernel for each channel */
  depthwiseConv2d: (options: KernelOptions): Module =>
    new Convolution('depthwiseConv2d', options, KERNEL),
  /** x [N,H,W,Ci] → [N,H′,W′,filters]: one kernel for each channel, then a 1x1 convolution that alone has a bias */
  separableConv2d: (options: Conv2dOptions): Module => new SeparableConv2d(options),
  /** x [N,H,W,Ci] → [N,H·strides,W·strides,filters] where padding is 'same' */
  conv2dTranspose: (options: TransposedConvOptions): Module => new TransposedConvolution(options),
  /** x [N,T,Ci] → [N,T′,filters] */
  conv1d: (options: Conv1dOptions): Module => conv1d(options),
  /** x [N,T,C] → [N,T′,C], one kernel for each channel */
  depthwiseConv1d: (options: Kernel1dOptions): Module => depthwiseConv1d(options),
  /** x [N,T,Ci] → [N,T′,filters], as separableConv2d */
  separableConv1d: (options: Conv1dOptions): Module => separableConv1d(options),
  /** x [N,K] → [N,units]; the steps of x [N,T,K] each for itself */
  dense: (options: DenseOptions): Module => new Dense(options),
  /**
   * Long short-term memory with the gates i f c o of Keras. x [N,T,C] → [N,units], or [N,T,units] with returnSequences
   *
   *     i, f, o = sigmoid(x·W + h·U + b)      c ← f·c + i·tanh(x·W + h·U + b)      h ← o·tanh(c)
   *
   * The kernel starts as glorotUniform, the recurrent kernel orthogonal, the bias as 0, that of the forget gate as 1.
   */
  lstm: (options: LstmOptions): Recurrent => new Recurrent('lstm', options),
  /**
   * Gated recurrent unit with the gates z r h of Keras and its resetAfter, the only form here.
   * x [N,T,C] → [N,units], or [N,T,units]
   *
   *     z, r = sigmoid(x·W + b₀ + h·U + b₁)      h ← z·h + (1 − z)·tanh(x·W + b₀ + r·(h·U + b₁))
   */
  gru: (options: RecurrentOptions): Recurrent => new Recurrent('gru', options),
  /** x [N,T,C] → [N,2·units] or [N,T,2·units]: a recurrent layer, and beside it another that reads x from its end */
  bidirectional: (options: BidirectionalOptions): Module => new Bidirectional(options),
  /** x [N,…,C] → the same shape */
  batchNormalization: (options: NormOptions = {}): Module => new BatchNormalization(options),
  /** x [N,…,C] → the same shape, each vector of C numbers by its own mean and deviation */
  layerNormalization: (options: LayerNormOptions = {}): Module => new LayerNormalization(options),
  /** x [N,…] of indices → [N,…,outputDimension], a learned vector for each */
  embedding: (options: EmbeddingOptions): Module => new Embedding(options),
  /** x [N,T,C] → the same shape, by self-attention; to attend to others: `layers.multiHeadAttention({ … }).attend(query, value, key)` */
  multiHeadAttention: (options: MultiHeadAttentionOptions): MultiHeadAttention =>
    new MultiHeadAttention(options),
  /** x [N,T,C] → the same shape, with a learned vector added at each position */
  positionEmbedding: (options: PositionEmbeddingOptions = {}): Module =>
    new PositionEmbedding(options),
  relu: (options: LayerOptions = {}): Module => new Clamp('relu', options, BASE),
  relu6: (options: LayerOptions = {}): Module => new Clamp('relu6', options, BASE),
  leakyRelu: (options: LeakyReluOptions = {}): Module => new LeakyRelu(options),
  /** With a learned slope for each channel, as Keras has it with the axes of the image shared. */
  prelu: (options: PReluOptions = {}): Module => new PRelu(options),
  elu: (options: EluOptions = {}): Module => new Elu(options),
  sigmoid: (options: LayerOptions = {}): Module => new Pointwise('sigmoid', options, BASE),
  tanh: (options: LayerOptions = {}): Module => new Pointwise('tanh', options, BASE),
  /** x · sigmoid(x) */
  swish: (options: LayerOptions = {}): Module => new Pointwise('swish', options, BASE),
  /** x · relu6(x + 3) / 6 */
  hardSwish: (options: LayerOptions = {}): Module => new Pointwise('hardSwish', options, BASE),
  /** x · Φ(x), not its approximation by tanh */
  gelu: (options: LayerOptions = {}): Module => new Pointwise('gelu', options, BASE),
  /** Over the last axis. The loss takes logits: a model that is trained ends before it. */
  softmax: (options: LayerOptions = {}): Module => new Pointwise('softmax', options, BASE),
  /** x / sqrt(Σ x²) over the last axis */
  unitNormalization: (options: LayerOptions = {}): Module =>
    new Pointwise('l2Normalize', options, BASE),
  /** Two inputs: `layers.add().merge(a, b)`, or the function `add(a, b)`. */
  add: (options: LayerOptions = {}): Merge => new Merge('add', options),
  subtract: (options: LayerOptions = {}): Merge => new Merge('subtract', options),
  multiply: (options: LayerOptions = {}): Merge => new Merge('multiply', options),
  minimum: (options: LayerOptions = {}): Merge => new Merge('minimum', options),
  maximum: (options: LayerOptions = {}): Merge => new Merge('maximum', options),
  /** Any number of inputs: `layers.concatenate().merge(a, b, …)`, or the function `concatenate([a, b, …])`. */
  concatenate: (options: ConcatenateOptions = {}): Concatenate => new Concatenate(options),
  /** x [N,H,W,C]; strides default to poolSize, as in Keras */
  maxPool2d: (options: PoolOptions = {}): Module => new Pool('maxPool2d', options),
  averagePool2d: (options: PoolOptions = {}): Module => new Pool('averagePool2d', options),
  /** x [N,H,W,C] → [N,C], or [N,1,1,C] with keepDims */
  globalAveragePool2d: (options: GlobalPoolOptions = {}): Module =>
    new GlobalPool('globalAveragePool2d', options),
  globalMaxPool2d: (options: GlobalPoolOptions = {}): Module =>
    new GlobalPool('globalMaxPool2d', options),
  /** x [N,T,C] → [N,T′,C]; strides default to poolSize */
  maxPool1d: (options: Pool1dOptions = {}): Module => pool1d('maxPool1d', options),
  averagePool1d: (options: Pool1dOptions = {}): Module => pool1d('averagePool1d', options),
  /** x [N,T,C] → [N,C], or [N,1,C] with keepDims */
  globalMaxPool1d: (options: GlobalPoolOptions = {}): Module => globalPool1d('max', options),
  globalAveragePool1d: (options: GlobalPoolOptions = {}): Module =>
    globalPool1d('average', options),
  /** x [N,T,C] → zeros before and behind it */
  zeroPadding1d: (options: ZeroPadding1dOptions = {}): Module => zeroPadding1d(options),
  /** x [N,T,C] → without some elements at its ends */
  cropping1d: (options: Cropping1dOptions = {}): Module => cropping1d(options),
  /** x [N,T,C] → [N,size·T,C] */
  upSampling1d: (options: UpSampling1dOptions = {}): Module => upSampling1d(options),
  /** x [N,C] → [N,n,C] */
  repeatVector: (options: RepeatVectorOptions): Module => new RepeatVector(options),
  /** In training, elements become 0 with probability rate and the others grow by 1 / (1 − rate). */
  dropout: (options: DropoutOptions): Module => new Dropout(options),
  /** x [N,H,W,C] → rows and columns of 0 around it */
  zeroPadding2d: (options: ZeroPadding2dOptions = {}): Module => new ZeroPadding2d(options),
  /** x [N,H,W,C] → without some rows and columns */
  cropping2d: (options: Cropping2dOptions = {}): Module => new Cropping2d(options),
  /** x [N,H,W,C] → [N,size·H,size·W,C] */
  upSampling2d: (options: UpSampling2dOptions = {}): Module => new UpSampling2d(options),
  /** x [N,…] → [N,…targetShape] */
  reshape: (options: ReshapeOptions): Module => new Reshape(options),
  /** x [N,…] with its other axes in another order */
  permute: (options: PermuteOptions): Module => new Permute(options),
  /** x [N,…] → [N,K] */
  flatten: (options: LayerOptions = {}): Module => new Pointwise('flatten', options, BASE),
} as const;

/** y = a + b, for models written as code. */
export const add = /* @__PURE__ */ merging('add');
/** y = a − b */
export const subtract = /* @__PURE__ */ merging('subtract');
/** y = a · b, element by element: [N,H,W,C] by [N,1,1,C] scales channels */
export const multiply = /* @__PURE__ */ merging('multiply');
