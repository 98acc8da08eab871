/**
 * What an op file in `src/ops` may export, and the services it may ask for. An op has three facets, separate exports
 * so that a bundler drops those that an entry does not use:
 *
 *     conv2d      OpDef     what it is: name, shape rule, checks
 *     conv2dF32   F32Rule   how it trains: f32 forward and backward
 *     conv2dQat   QatRule   how it trains quantized: integer forward, float backward (only where one exists)
 *     conv2dInt   IntRule   how it runs as integers: the kernel calls
 */

import type { InferStructName, StructFields, StructName } from './abi.ts';
import type { DType } from './dtype.ts';
import type { InferKernelName, InferKernels, TrainKernels } from './kernels.ts';
import type { QParams } from './qparams.ts';
import type { Rng } from './rng.ts';
import type { Shape } from './shape.ts';

/** JSON values only: attributes are written into bundles. */
export type Attr = number | boolean | string | readonly Attr[] | { readonly [key: string]: Attr };
export type Attrs = Readonly<Record<string, Attr>>;

export interface OpDef<A = unknown> {
  readonly name: string;
  /** Shape of the output; throws a RangeError that starts with the op's name when the inputs do not fit. */
  inferShape(inputs: readonly Shape[], attrs: A): Shape;
}

/** A tensor in wasm memory. */
export interface Ref {
  readonly ptr: number;
  readonly shape: Shape;
  readonly dtype: DType;
}

/** An activation that went through a quantizer: q i8, with x̂ = scale · (q − zeroPoint). */
export interface QRef {
  readonly q: Ref;
  readonly scale: number;
  readonly zeroPoint: number;
  readonly qmin: number;
  readonly qmax: number;
}

/** Weights that went through a quantizer: q i8 and ŵ f32 in the layout of the weights, one scale per channel. */
export interface QWeights {
  readonly q: Ref;
  readonly dequantized: Ref;
  readonly scale: Float32Array;
}

/** What a training rule may use. All memory it allocates lives until the step ends. */
export interface TrainContext {
  readonly kernels: InferKernels & TrainKernels;
  /** Batch statistics when true, running statistics when false. */
  readonly training: boolean;
  /** For what is random in training, as dropout: another seed for each step. None in evaluation. */
  readonly random?: Rng | undefined;
  alloc(shape: Shape, dtype?: DType): Ref;
  zeros(shape: Shape, dtype?: DType): Ref;
  /** Bytes for a kernel's inner use; another call may hand out the same ones. */
  scratch(bytes: number): number;
  /** Whether calls inside `together` run at the same time. */
  readonly concurrent: boolean;
  /**
   * Runs `work`, whose calls are of one kernel and may run at the same time, in any order: they write different bytes, and nothing in
   * `work` reads these. Scratch that is asked for inside is that of the next call alone.
   */
  together(work: () => void): void;
  struct<S extends StructName>(name: S, fields: StructFields<S>): number;
  /** A view on a tensor, valid until the next allocation. */
  f32(ref: Ref): Float32Array;
  f64(ref: Ref): Float64Array;
  i32(ref: Ref): Int32Array;
}

/** What a forward keeps for its backward. */
export interface Saved {
  readonly inputs: readonly Ref[];
  readonly output: Ref;
  readonly extra?: unknown;
  /** Which inputs need a gradient. */
  readonly wants: readonly boolean[];
}

/** What batch normalization folds into y = a[c]·x + b[c], and keeps for its gradients. Per channel. */
export interface Normalization {
  /** f32 [C] in wasm memory. */
  readonly a: Ref;
  readonly b: Ref;
  readonly gamma: Float64Array;
  readonly mean: Float64Array;
  /** 1 / sqrt(variance + epsilon) */
  readonly inverse: Float64Array;
  /** Whether mean and variance depend on x. */
  readonly batchStatistics: boolean;
}

/**
 * y = clamp(a[c]·x + b[c], lo, hi), not computed yet: whoever reads it may compute it on the way, forward and back, so that
 * batch normalization, relu and quantizer are one pass over memory.
 */
export interface Pointwise {
  readonly x: Ref;
  /** a = 1, b = 0 without it. */
  readonly norm?: Normalization | undefined;
  /** Infinite where nothing is clamped. */
  readonly lo: number;
  readonly hi: number;
}

/** An operand that may still wait to be computed; `ref` computes it. */
export interface Deferrable {
  readonly ref: Ref;
  readonly pending?: Pointwise | undefined;
}

export interface F32Rule<A = unknown> {
  forward(cx: TrainContext, inputs: readonly Ref[], attrs: A): { output: Ref; extra?: unknown };
  /** Gradients of the inputs, in order; undefined where `wants` is false or none exists. */
  backward(cx: TrainContext, dy: Ref, saved: Saved, attrs: A): readonly (Ref | undefined)[];
  /** In place of computing y, what it is. It may take up what x waits for, or ask for x. */
  defer?(cx: TrainContext, x: Deferrable, rest: readonly Ref[], attrs: A): Pointwise;
}

/** The linear ops: x quantized per tensor, w per channel; y = f32 in training, u of eq. (7) in evaluation. */
export interface QatLinearRule<A = unknown> {
  readonly kind: 'linear';
  /** Axis of w that counts output channels. */
  readonly channelAxis: number;
  /**
   * y[…, c] = f32(acc · multiplier[c]) + addend[c], acc = Σ (q_x − zeroPoint) · q_w in int32, w i8.
   * multiplier and addend are f32 arrays with one entry per output channel.
   */
  forward(
    cx: TrainContext,
    x: QRef,
    w: Ref,
    attrs: A,
    epilogue: { readonly multiplier: Float32Array; readonly addend: Float32Array },
  ): Ref;
  /** dx̂, given ŵ f32. */
  inputGradient(cx: TrainContext, dy: Ref, w: Ref, xShape: Shape, attrs: A): Ref;
  /** dŵ, given x̂ f32. */
  weightGradient(cx: TrainContext, dy: Ref, x: Ref, wShape: Shape, attrs: A): Ref;
}

/** Ops that move, choose or clamp integers and keep their quantization parameters: max pooling, flatten, relu. */
export interface QatKeepRule<A = unknown> {
  readonly kind: 'keep';
  /** The output's integers, i8. `constants` are the f32 parameters that follow x: the indices of gather. */
  forward(cx: TrainContext, x: QRef, attrs: A, constants: readonly Ref[]): Ref;
  /** dx from dy f32, and x and y i8. */
  backward(cx: TrainContext, dy: Ref, x: QRef, y: Ref, attrs: A, constants: readonly Ref[]): Ref;
}

/**
 * Ops that train in float on x̂ and have an integer definition of their own for evaluation: add, average pools,
 * standalone batch normalization.
 */
export interface QatRescaleRule<A = unknown> {
  readonly kind: 'rescale';
  /** Output parameters that no data change, unless the output shares those of other tensors: softmax has them. */
  readonly output?: { readonly scale: number; readonly zeroPoint: number };
  /** A constant of the integer op that stands before the multipliers, from the scales of the inputs: softmax has one. */
  table?(inScales: readonly number[], attrs: A): Float32Array<ArrayBuffer>;
  /** How many of the first inputs are integers, all if not given. Those after them are parameters that stay real. */
  readonly operands?: number;
  /**
   * The constants of the integer op (quantization.md, table 1), from the scales of inputs and output and from the
   * parameters that stay real.
   */
  multipliers(
    inScales: readonly number[],
    outScale: number,
    shapes: readonly Shape[],
    attrs: A,
    reals: readonly ArrayLike<number>[],
  ): Float32Array<ArrayBuffer>;
  /** The constants of the node with its two operands in the other order; what it computes is the same. */
  swapped?(multipliers: Float32Array): Float32Array<ArrayBuffer>;
  /** Integers of the output, clamped to [out.qmin, out.qmax]. */
  evaluate(
    cx: TrainContext,
    xs: readonly QRef[],
    out: Omit<QRef, 'q'>,
    multipliers: Float32Array,
    attrs: A,
  ): Ref;
}

/** A constant of an integer node, in the order in which they follow the weights. */
export interface NamedConstant {
  readonly name: string;
  readonly shape: Shape;
  readonly data: Float32Array<ArrayBuffer>;
}

/**
 * Layers that feed their output back, with inputs [x, kernel, recurrent kernel, bias]: integers inside, in training as in
 * evaluation, and a real output that its quantizer rounds.
 */
export interface QatRecurrentRule<A = unknown> {
  readonly kind: 'recurrent';
  /** Axis of both kernels that counts output channels. */
  readonly channelAxis: number;
  /** Of the integer op, from the scale of x, the scales of the two kernels by channel, and the bias. */
  constants(
    inScale: number,
    weightScales: readonly [ArrayLike<number>, ArrayLike<number>],
    bias: ArrayLike<number>,
    attrs: A,
  ): readonly NamedConstant[];
  forward(
    cx: TrainContext,
    x: QRef,
    weights: readonly [QWeights, QWeights],
    bias: ArrayLike<number>,
    attrs: A,
  ): { output: Ref; extra: unknown };
  /** As that of `F32Rule`, from x̂ and ŵ. */
  backward(cx: TrainContext, dy: Ref, saved: Saved, attrs: A): readonly (Ref | undefined)[];
}

/** Ops that take rows of a parameter by indices that are an input of the graph: embedding. */
export interface QatPickRule {
  readonly kind: 'pick';
  /** The output's integers, i8, which stand for the same reals as those of the table. x: indices in f32. */
  forward(cx: TrainContext, x: Ref, table: QRef): Ref;
  /** The gradient of the table's x̂. */
  backward(cx: TrainContext, dy: Ref, x: Ref, table: Shape): Ref;
}

/** Ops that put tensors together without touching their integers: concat. All its inputs have one quantizer. */
export interface QatJoinRule<A = unknown> {
  readonly kind: 'join';
  /** The output's integers, i8. */
  forward(cx: TrainContext, xs: readonly QRef[], attrs: A): Ref;
  /** Gradients of the inputs, in order. */
  backward(cx: TrainContext, dy: Ref, xs: readonly QRef[], attrs: A): readonly Ref[];
}

/** Functions of one real: they train in float on x̂; the integer op is a table of 256 bytes, named `lookup`. */
export interface QatTableRule<A = unknown> {
  readonly kind: 'table';
  /** As that of `QatRescaleRule`. */
  readonly output?: { readonly scale: number; readonly zeroPoint: number };
  /** f(x) in f64, the same bits on every host. */
  real(x: number, attrs: A): number;
}

export type QatRule<A = unknown> =
  | QatLinearRule<A>
  | QatRecurrentRule<A>
  | QatKeepRule<A>
  | QatJoinRule<A>
  | QatPickRule
  | QatRescaleRule<A>
  | QatTableRule<A>;

/** A tensor of an integer graph as a lowering sees it: an activation, or a constant that an op reads like one. */
export interface IntValue {
  /** With the batch size filled in; that of a constant as it is. */
  readonly shape: Shape;
  readonly dtype: DType;
  /** Those of i8 and u8; f32 and i32 values stand for themselves. */
  readonly qparams: QParams;
  /** Where it lives: known when the plan is made. */
  readonly ptr: number;
  /** Bytes from one row of the last axis to the next: more than the row where it lies inside a concat's output. */
  readonly stride: number;
}

/** A constant input that follows the activations. */
export interface IntConstant {
  readonly shape: Shape;
  readonly data: ArrayLike<number>;
  readonly qparams?: QParams;
}

export type Arguments<K extends InferKernelName> = Parameters<InferKernels[K]>;

/** What the lowering of an integer op may ask of the plan. Pointers are final when they are handed out. */
export interface Lowering {
  readonly x: readonly IntValue[];
  readonly y: IntValue;
  /** The constant inputs that follow the activations, in order. */
  readonly constants: readonly IntConstant[];
  /** Copies an array into constant memory, filled with zeros up to `length` elements. */
  constant(data: Int8Array | Uint8Array | Float32Array | Int32Array, length?: number): number;
  /** Reserves constant memory for `bytes` and lets a packing kernel fill it from `source`. */
  packed(bytes: number, source: Int8Array, pack: (from: number, to: number) => void): number;
  scratch(bytes: number): number;
  struct<S extends InferStructName>(name: S, fields: StructFields<S>): number;
  readonly kernels: InferKernels;
  /** One call, on one thread. */
  call<K extends InferKernelName>(kernel: K, ...args: Arguments<K>): void;
  /**
   * One call that threads may share: `part` gives the arguments for units first … first + count − 1 of `units`, a unit
   * being worth `unitMacs` multiply-accumulates (or as much time). It is asked once for each part that the plan cuts,
   * and takes the scratch of that part itself. A part starts at a multiple of `grain` units.
   */
  parallel<K extends InferKernelName>(
    kernel: K,
    units: number,
    unitMacs: number,
    part: (first: number, count: number) => Arguments<K>,
    grain?: number,
  ): void;
}

export interface IntRule<A = unknown> {
  /** The output is the input's bytes under another shape. */
  readonly alias?: boolean;
  /** Each output element depends on the input elements at its own place alone: y may have the address of x[0]. */
  readonly inPlace?: boolean;
  /** Heeds `stride` of its inputs and output. */
  readonly strided?: boolean;
  lower(cx: Lowering, attrs: A): void;
}
