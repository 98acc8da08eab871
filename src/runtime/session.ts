import { arrayOf, type DType } from '../core/dtype.ts';
import { checkOptions, typeError } from '../core/errors.ts';
import type { Preprocessing } from '../core/preprocess.ts';
import type { Shape } from '../core/shape.ts';
import type { ValueId } from '../graph/graph.ts';
import { bind, type Call } from '../wasm/step.ts';
import { type InputData, type InputWriter, inputWriter } from './input.ts';
import type { Plan } from './plan.ts';

/** An input or output of a session. Those of integers stand for reals: scale · (q − zeroPoint). */
export interface TensorInfo {
  readonly name: string;
  /** With the batch size filled in. */
  readonly shape: Shape;
  readonly dtype: DType;
  readonly scale?: number;
  readonly zeroPoint?: number;
}

export type Inputs = Readonly<Record<string, InputData>>;
export type OutputData = Int8Array | Uint8Array | Float32Array | Int32Array;
export type Outputs<T = OutputData> = Readonly<Record<string, T>>;

export interface RunOptions {
  /** Return copies, which later runs leave alone. */
  readonly copy?: boolean;
  /** Return the f32 reals that the integers stand for, as copies. */
  readonly dequantize?: boolean;
}

const RUN_OPTIONS = ['copy', 'dequantize'];

/** A model ready to run. Its memory is freed with it. */
export class Session {
  /** A single input is named `input`; several have the names of their graph values. */
  readonly inputs: readonly TensorInfo[];
  /** A single output is named `output`; several have the names of their graph values. */
  readonly outputs: readonly TensorInfo[];
  /** From the bundle: how `prepareImage` makes pixels of images, and what reals these stand for. */
  readonly preprocessing: Preprocessing | undefined;
  readonly #writers: readonly InputWriter[];
  readonly #calls: readonly Call[];
  readonly #views: Outputs;

  /** `calls` are those of the plan's steps: on this thread alone, or shared with others. */
  constructor(plan: Plan, calls: readonly Call[] = callsOf(plan)) {
    const { graph, activations, memory } = plan;
    this.preprocessing = graph.preprocessing;
    this.inputs = describe(plan, graph.inputs, 'input');
    this.outputs = describe(plan, graph.outputs, 'output');
    this.#writers = this.inputs.map(({ name }, i) => inputWriter(plan, i, name));
    this.#calls = calls;
    this.#views = byName(this.outputs, (_, i) => {
      const { ptr, size, dtype } = activations.get(graph.outputs[i]!)!;
      return new arrayOf[dtype](memory.buffer, ptr, size) as OutputData;
    });
  }

  /**
   * Runs the model on one array an input: of its own type, f32 reals, or u8 pixels where the model has preprocessing.
   * Returns one array an output. Without options these are views of the session's memory in an object that is the
   * same each time, so nothing is allocated, and the next run overwrites them. Throws a TypeError for wrong names and
   * kinds, a RangeError for wrong lengths.
   */
  run(inputs: Inputs, options?: RunOptions & { readonly dequantize?: false }): Outputs;
  run(inputs: Inputs, options: RunOptions & { readonly dequantize: true }): Outputs<Float32Array>;
  run(inputs: Inputs, options?: RunOptions): Outputs | Outputs<Float32Array> {
    this.#checkNames(inputs);
    if (options) checkOptions('run', options, RUN_OPTIONS);
    const writers = this.#writers;
    for (let i = 0; i < writers.length; i++) writers[i]!(inputs[this.inputs[i]!.name]!);
    const calls = this.#calls;
    for (let i = 0; i < calls.length; i++) calls[i]!();
    if (options?.dequantize) return this.#reals();
    if (options?.copy) return this.#copies();
    return this.#views;
  }

  #checkNames(inputs: Inputs): void {
    const infos = this.inputs;
    let given = 0;
    for (const _ in inputs) given++;
    let known = 0;
    for (let i = 0; i < infos.length; i++) if (inputs?.[infos[i]!.name] !== undefined) known++;
    if (given === infos.length && known === given) return;
    const names = infos.map(({ name }) => `"${name}"`).join(', ');
    throw typeError('run', `inputs must be an object with ${names}`, showKeys(inputs));
  }

  // Closures stay out of `run`: one that captures `this` costs a context object a call.

  #copies(): Outputs {
    return byName(this.outputs, ({ name }) => this.#views[name]!.slice());
  }

  /** x̂ = f32((q − zeroPoint) · scale); what is not quantized stands for itself. */
  #reals(): Outputs<Float32Array> {
    return byName(this.outputs, ({ name, scale = 1, zeroPoint = 0 }) =>
      Float32Array.from(this.#views[name]!, (q) => (q - zeroPoint) * scale),
    );
  }
}

/** Every part of every step, one after the other. */
function callsOf({ nodes, kernels }: Plan): Call[] {
  return nodes.flat().flatMap(({ kernel, parts }) => {
    return parts.map((part) => bind(kernels, kernel, part));
  });
}

function describe(plan: Plan, ids: readonly ValueId[], single: string): TensorInfo[] {
  return ids.map((id) => {
    const { name, shape, dtype } = plan.activations.get(id)!;
    const { qparams } = plan.graph.values[id]!;
    const known = { name: ids.length === 1 ? single : name, shape, dtype };
    return qparams ? { ...known, scale: qparams.scale[0]!, zeroPoint: qparams.zeroPoint } : known;
  });
}

function byName<T>(
  infos: readonly TensorInfo[],
  make: (info: TensorInfo, i: number) => T,
): Outputs<T> {
  return Object.fromEntries(infos.map((info, i) => [info.name, make(info, i)]));
}

function showKeys(inputs: unknown): string {
  if (typeof inputs !== 'object' || inputs === null) return String(inputs);
  if (ArrayBuffer.isView(inputs)) return inputs.constructor.name;
  return (
    Object.entries(inputs)
      .map(([key, value]) => (value === undefined ? `"${key}": undefined` : `"${key}"`))
      .join(', ') || 'none'
  );
}
