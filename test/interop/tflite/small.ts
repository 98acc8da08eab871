import { arrayOf, type TypedArray } from '../../../src/core/dtype.ts';
import { Rng } from '../../../src/core/rng.ts';
import { type Shape, sizeOf, withBatch } from '../../../src/core/shape.ts';
import type { Graph } from '../../../src/graph/graph.ts';
import { importTflite } from '../../../src/interop/tflite/import.ts';
import type { TfliteType } from '../../../src/interop/tflite/model.ts';
import { runLayers } from '../../../src/runtime/layers.ts';
import { makePlan } from '../../../src/runtime/plan.ts';
import { interpret } from '../../../src/runtime/reference/interpret.ts';
import { moduleOf } from '../../helpers/memory.ts';
import {
  type ModelSpec,
  type OperatorSpec,
  type TensorSpec,
  tfliteFile,
} from '../../helpers/tflite.ts';

/** An n-dimensional array of reals. */
export interface Reals {
  readonly shape: Shape;
  readonly data: ArrayLike<number>;
}

/** Outputs are the integers that both the runtime and the interpreter give. */
export function runGraph(graph: Graph, inputs: readonly TypedArray[], batch: number): TypedArray[] {
  const layers = runLayers(makePlan(graph, moduleOf('infer'), { batch }), inputs);
  const expected = interpret(graph, inputs, batch);
  return graph.outputs.map((id) => {
    const { name } = graph.values[id]!;
    const got = layers.get(name)!;
    if (String(got) === String(expected.get(name))) return got;
    throw new Error(`${name}: the runtime and the interpreter differ`);
  });
}

/** Random integers of the graph's inputs, all values of the type; reals in [−2, 2] for f32. */
export function randomInputs(graph: Graph, batch: number, seed = 1): TypedArray[] {
  const rng = new Rng(seed);
  return graph.inputs.map((id) => {
    const { shape, dtype } = graph.values[id]!;
    const data = new arrayOf[dtype](sizeOf(withBatch(shape, batch)));
    if (dtype === 'f32') return data.map(() => 4 * rng.uniform() - 2);
    return data.map(() => rng.below(256) - (dtype === 'i8' ? 128 : 0));
  });
}

export function dequantized(graph: Graph, id: number, data: TypedArray, batch: number): Reals {
  const { shape, qparams } = graph.values[id]!;
  const { scale = [1], zeroPoint = 0 } = qparams ?? {};
  const reals = Array.from(data, (q) => (q - zeroPoint) * scale[0]!);
  return { shape: withBatch(shape, batch), data: reals };
}

/** Tensors in order of appearance, so that a spec reads like a table. */
export interface Case {
  readonly op: string;
  /** Computed inputs of the op. */
  readonly x: Readonly<Record<string, TensorSpec>>;
  /** Constants that follow them. */
  readonly constants?: Readonly<Record<string, TensorSpec>>;
  /** Names of the op's inputs where they do not stand in that order. */
  readonly order?: readonly string[];
  readonly y: TensorSpec | readonly TensorSpec[];
  readonly options?: OperatorSpec['options'];
}

/** A model of one operator. */
export function modelOf({ op, x, constants = {}, order, y, options }: Case): ModelSpec {
  const outputs = [y].flat() as TensorSpec[];
  const names = outputs.map((_, i) => `y${i === 0 ? '' : i}`);
  const inputs = order ?? [...Object.keys(x), ...Object.keys(constants)];
  return {
    tensors: {
      ...x,
      ...constants,
      ...Object.fromEntries(names.map((name, i) => [name, outputs[i]!])),
    },
    operators: [{ op, inputs, outputs: names, ...(options && { options }) }],
    inputs: Object.keys(x),
    outputs: names,
  };
}

/** Inputs and outputs, as reals, of a one-op model on a batch of 2. */
export function runCase(one: Case, batch = 2) {
  const graph = importTflite(tfliteFile(modelOf(one)));
  const inputs = randomInputs(graph, batch);
  const outputs = runGraph(graph, inputs, batch);
  return {
    graph,
    x: inputs.map((data, i) => dequantized(graph, graph.inputs[i]!, data, batch)),
    y: outputs.map((data, i) => dequantized(graph, graph.outputs[i]!, data, batch)),
  };
}

/** An int8 activation: real = scale · (q − zeroPoint). */
export function int8(shape: Shape, scale = 0.05, zeroPoint = 3): TensorSpec {
  return { shape, type: 'int8', scale, zeroPoint };
}

export function uint8(shape: Shape, scale = 0.05, zeroPoint = 131): TensorSpec {
  return { shape, type: 'uint8', scale, zeroPoint };
}

/** Constants of shapes, axes and the like. */
export function ints(data: readonly number[], type: TfliteType = 'int32'): TensorSpec {
  return { shape: [data.length], type, data };
}

export function scalar(value: number): TensorSpec {
  return { shape: [], type: 'int32', data: [value] };
}

/** Random integers for a constant. */
export function constant(spec: TensorSpec, seed = 7): TensorSpec {
  const rng = new Rng(seed);
  const unsigned = spec.type === 'uint8';
  const data = Array.from(
    { length: sizeOf(spec.shape) },
    () => rng.below(256) - (unsigned ? 0 : 128),
  );
  return { ...spec, data };
}

/** Row-major position of an index. */
function positionOf(shape: Shape, index: readonly number[]): number {
  return index.reduce((at, i, axis) => at * shape[axis]! + i, 0);
}

/** Element of `x` at an index. */
export function at(x: Reals, ...index: readonly number[]): number {
  return x.data[positionOf(x.shape, index)]!;
}

/** The array whose element at each index is what `element` says. */
export function build(shape: Shape, element: (index: number[]) => number): Reals {
  const data = Array.from({ length: sizeOf(shape) }, (_, flat) => {
    const index: number[] = [];
    let rest = flat;
    for (const extent of shape.toReversed()) {
      index.unshift(rest % extent);
      rest = Math.floor(rest / extent);
    }
    return element(index);
  });
  return { shape, data };
}
