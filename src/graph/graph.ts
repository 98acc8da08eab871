import type { DType, TypedArray } from '../core/dtype.ts';
import type { Attrs } from '../core/op.ts';
import type { Preprocessing } from '../core/preprocess.ts';
import type { QParams } from '../core/qparams.ts';
import type { Shape } from '../core/shape.ts';
import type { OpName } from '../ops/table.ts';
import type { Annotation } from './annotation.ts';

/** Index into `Graph.values`. */
export type ValueId = number;

/** What flows along an edge. Activations have the open batch axis first; parameters and constants have none. */
export interface Value {
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: DType;
  /** Set on the int8 values of an integer graph. */
  readonly qparams?: QParams;
}

export interface Node {
  readonly op: OpName;
  readonly name: string;
  readonly inputs: readonly ValueId[];
  readonly output: ValueId;
  readonly attrs: Attrs;
  /** What its layers asked of quantization, the outermost first. One layer's request is one object on all of its nodes. */
  readonly annotations?: readonly Annotation[];
}

/**
 * Weights, statistics, quantizer scales, constants. The array is the truth between runs: training copies it into wasm
 * memory and back, so every graph that shares a Parameter sees the trained values.
 */
export interface Parameter {
  name: string;
  readonly shape: Shape;
  readonly trainable: boolean;
  /** Whether weight decay applies: true for kernels, false for biases, norms and quantizer scales. */
  readonly decay: boolean;
  /** Lower bound that holds after each update: quantizer scales stay above 0. */
  readonly minimum?: number;
  data: TypedArray;
}

/**
 * One quantizer: where it stands is its key in `Graph.quantizers`; how it works is its method in `src/quant`. Values that a
 * concat puts side by side have the scale and zero point in common.
 */
export interface QuantizerSpec {
  readonly name: string;
  readonly method: string;
  readonly target: 'activation' | 'weight';
  readonly qmin: number;
  readonly qmax: number;
  /** Weights: the kept axis. */
  readonly axis?: number;
  /** Activations after relu or relu6: the zero point is qmin and is not learned. */
  readonly fixedZeroPoint?: number;
  /** f32 [1] for activations, [channels] for weights. */
  readonly scale: Parameter;
  /** f32 [1], activations only; rounded and clamped to [qmin, qmax] in the forward. */
  readonly zeroPoint?: Parameter;
  /** What an observer remembers between steps. */
  readonly state?: Parameter;
  /** What its method learns or remembers besides, by name; scale and zero point follow from it then. */
  readonly own?: Readonly<Record<string, Parameter>>;
  /** The states of all quantizers with this scale and zero point, its own among them: the range covers what all saw. */
  readonly states?: readonly Parameter[];
}

/**
 * A network as plain data. `values` holds everything that has a shape; `nodes` are in topological order and each makes
 * one value; `parameters` are the values that are not computed.
 *
 * In an integer graph every activation is i8 with `qparams`, and nodes carry their constants as trailing inputs
 * (quantization.md, table 1).
 */
export interface Graph {
  readonly name: string;
  readonly values: readonly Value[];
  readonly nodes: readonly Node[];
  readonly inputs: readonly ValueId[];
  readonly outputs: readonly ValueId[];
  readonly parameters: ReadonlyMap<ValueId, Parameter>;
  readonly quantizers: ReadonlyMap<ValueId, QuantizerSpec>;
  readonly preprocessing?: Preprocessing;
  /** Names of the entries of an output of classes. */
  readonly labels?: readonly string[];
  /** Entry of class 0 in an output of classes, 0 unless given: 1 where one for the background stands before them. */
  readonly labelOffset?: number;
}

/** How many nodes, and graph outputs, read each value. */
export function countUses(graph: Graph): number[] {
  const uses = graph.values.map(() => 0);
  for (const node of graph.nodes) for (const id of node.inputs) uses[id]!++;
  for (const id of graph.outputs) uses[id]!++;
  return uses;
}

/** The parameters that an optimizer updates or that training changes, each once, in order of appearance. */
export function parametersOf(graph: Graph): Parameter[] {
  const quantizers = [...graph.quantizers.values()];
  return [
    ...new Set([
      ...graph.parameters.values(),
      ...quantizers.map((q) => q.scale),
      ...quantizers.flatMap((q) =>
        [q.zeroPoint ?? [], q.state ?? [], Object.values(q.own ?? {})].flat(),
      ),
    ]),
  ];
}
