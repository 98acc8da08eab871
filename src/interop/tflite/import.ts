import { checkOptions, kindOf, typeError } from '../../core/errors.ts';
import type { Preprocessing } from '../../core/preprocess.ts';
import type { Graph, ValueId } from '../../graph/graph.ts';
import { learnAllOps } from '../../graph/integer/otherOps.ts';
import { fuse } from '../../graph/passes/fuse.ts';
import { checkStructure, validateGraph } from '../../graph/validate.ts';
import { type ImportState, OpContext, openShape } from './context.ts';
import { dequantizeModel, pixelsOf } from './dequantize.ts';
import { foldConstants, liveOperators } from './fold.ts';
import { formOf, unsignedForm } from './forms.ts';
import type { TfliteModel, TfliteOperator, TfliteTensor } from './model.ts';
import { handlers } from './ops/table.ts';
import { readTflite } from './read.ts';
import { Refusal, refuse, Warnings } from './refusal.ts';
import { GraphWriter, nameOf } from './writer.ts';

export interface TfliteOptions {
  /** Name of the graph; `model` by default. */
  readonly name?: string;
  /** Names of the classes. */
  readonly labels?: readonly string[];
  /** How pixels become the input. */
  readonly preprocessing?: Preprocessing;
  /** Leave out a softmax that makes an output: losses take logits. */
  readonly dropSoftmax?: boolean;
  /**
   * Of an int8 or uint8 model the float network that it stands for: it trains, and can be quantized otherwise. Without `preprocessing`, that
   * of a uint8 image is what the file's own scale says.
   */
  readonly dequantize?: boolean;
  /** Told of faults in the file that do no harm; by default nobody is. */
  readonly onWarning?: (message: string) => void;
}

const OPTIONS = ['name', 'labels', 'preprocessing', 'dropSoftmax', 'dequantize', 'onWarning'];

/**
 * The graph of a .tflite file: integers for an int8 or uint8 model, ready for a bundle, floats that train for a float32
 * one or with `dequantize` (docs/importing.md). Throws a RangeError that names every op that is not supported, with its place and the
 * reason, and a RangeError or TypeError for a file that makes no sense.
 */
export function importTflite(bytes: Uint8Array, options: TfliteOptions = {}): Graph {
  checkOptions('importTflite', options, OPTIONS);
  const { onWarning = () => {}, dropSoftmax = false, dequantize = false } = options;
  if (typeof onWarning !== 'function') {
    throw typeError('importTflite', 'onWarning must be a function', kindOf(onWarning));
  }
  const warnings = new Warnings();
  const stored = readTflite(bytes);
  const folded = foldConstants(dequantize ? dequantizeModel(stored) : stored);
  const model = dropSoftmax ? withoutSoftmax(folded) : folded;
  const preprocessing = options.preprocessing ?? (dequantize ? pixelsOf(stored) : undefined);
  const graph = new Import(model, warnings).run({
    ...options,
    ...(preprocessing && { preprocessing }),
  });
  warnings.flush(onWarning);
  return graph;
}

/** The model with the input of a final SOFTMAX for its output. */
function withoutSoftmax(model: TfliteModel): TfliteModel {
  const outputs = model.outputs.map((index) => {
    const last = model.operators.find((operator) => operator.outputs.includes(index));
    return last?.name === 'SOFTMAX' ? (last.inputs[0] ?? index) : index;
  });
  return { ...model, outputs };
}

class Import {
  readonly #state: ImportState;
  readonly #problems: string[] = [];
  readonly #operators: readonly TfliteOperator[];

  constructor(
    readonly model: TfliteModel,
    warnings: Warnings,
  ) {
    this.#operators = liveOperators(model);
    const [first] = model.inputs.map((index) => model.tensors[index]!);
    const batch = Math.max(1, first?.shape[0] ?? 1);
    const state = { model, warnings, batch, writer: new GraphWriter() };
    this.#state = { ...state, made: new Map(), parameters: new Map() };
  }

  run({ name = 'model', labels, preprocessing }: TfliteOptions): Graph {
    const inputs = this.model.inputs.map((index, i) => this.#input(index, i));
    this.#checkKinds();
    for (const operator of this.#operators) this.#map(operator);
    const outputs = this.model.outputs.map((index) => this.#output(index));
    this.#throwProblems();
    const about = { ...(preprocessing && { preprocessing }), ...(labels && { labels }) };
    const graph = fuse(this.#state.writer.finish({ name, inputs, outputs, ...about }));
    const integer = graph.values.some(({ qparams }) => qparams !== undefined);
    learnAllOps();
    if (integer) validateGraph(graph, 'importTflite');
    else checkStructure(graph, 'importTflite');
    return graph;
  }

  #throwProblems(): void {
    const [first] = this.#problems;
    if (first === undefined) return;
    const count = this.#problems.length;
    if (count === 1) throw new RangeError(`importTflite: ${first}`);
    throw new RangeError(
      `importTflite: ${count} problems:\n${this.#problems.map((problem) => `  ${problem}`).join('\n')}`,
    );
  }

  /** Runs `work`; a refusal in it becomes a problem of `where`, and `otherwise` is returned. */
  #attempt<T>(where: string, work: () => T, otherwise: () => T): T {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#problems.push(`${where}: ${error.message}`);
      return otherwise();
    }
  }

  #input(index: number, i: number): ValueId {
    const { writer, made, batch } = this.#state;
    const tensor = this.model.tensors[index]!;
    const name = nameOf(tensor.name, `input_${i}`);
    const make = () => {
      const form = formOf(tensor);
      if (form.dtype === 'i32') throw refuse('float32, int8 or uint8', tensor.type);
      const shape = openShape(tensor.shape, batch, tensor.name);
      if (tensor.type !== 'uint8') return writer.activation(name, shape, form);
      const input = writer.activation(name, shape, unsignedForm(form.qparams!));
      const flip = Int8Array.from({ length: 256 }, (_, byte) => byte - 128);
      const table = writer.parameter(`${name}/table`, flip);
      const signed = writer.node('lookup', `${name}/signed`, [input], {}, form, [table]);
      made.set(index, signed);
      return input;
    };
    const id = this.#attempt(`input "${tensor.name}"`, make, () => this.#placeholder(tensor));
    if (!made.has(index)) made.set(index, id);
    return id;
  }

  #output(index: number): ValueId {
    const { writer, made } = this.#state;
    const tensor = this.model.tensors[index]!;
    const make = () => {
      const id = made.get(index);
      if (id === undefined) throw new Refusal('expected an op that makes it, got none');
      if (this.model.inputs.includes(index))
        throw new Refusal('expected a computed tensor, got an input');
      const name = nameOf(tensor.name, 'output');
      if (tensor.type !== 'uint8') {
        writer.rename(id, name);
        return id;
      }
      writer.rename(id, `${name}/signed`);
      const form = unsignedForm(writer.qparams(id));
      const flip = Uint8Array.from({ length: 256 }, (_, byte) => byte ^ 128);
      const table = writer.parameter(`${name}/table`, flip);
      return writer.node('lookup', name, [id], {}, form, [table]);
    };
    return this.#attempt(`output "${tensor.name}"`, make, () => this.#placeholder(tensor));
  }

  /** Stands for a tensor that could not be made, so that what follows is checked too. */
  #placeholder({ index, name, shape }: TfliteTensor): ValueId {
    const form = formOrFloat(this.model.tensors[index]!);
    const open = [-1, ...shape.slice(1)];
    return this.#state.writer.activation(nameOf(name, `tensor_${index}`), open, form);
  }

  /** Every op is either one of floats or one of integers; QUANTIZE and DEQUANTIZE stand between. */
  #checkKinds(): void {
    const kinds = this.#operators.map((operator) => this.#kindOf(operator));
    const integer = kinds.includes('integer') || !kinds.includes('float');
    this.#operators.forEach((operator, i) => {
      const edge = operator.name === 'QUANTIZE' || operator.name === 'DEQUANTIZE';
      if (integer && kinds[i] === 'float') {
        this.#refuse(operator, 'expected integers, as the other ops have, got float32');
      } else if (!integer && edge) {
        this.#refuse(operator, 'expected a model of integers, got one of float32');
      }
    });
  }

  #kindOf({ name, inputs, outputs }: TfliteOperator): 'integer' | 'float' | 'edge' {
    if (name === 'QUANTIZE' || name === 'DEQUANTIZE') return 'edge';
    // A constant is read as whatever its op computes with.
    const types = [...inputs.slice(0, 1), ...outputs]
      .filter((index) => index >= 0 && !this.model.tensors[index]!.data)
      .map((index) => this.model.tensors[index]!.type);
    if (types.some((type) => type === 'int8' || type === 'uint8')) return 'integer';
    return types.includes('float32') ? 'float' : 'edge';
  }

  #refuse(operator: TfliteOperator, reason: string): void {
    this.#problems.push(`${this.#place(operator)}: ${reason}`);
  }

  #place({ name, index, outputs }: TfliteOperator): string {
    const output = this.model.tensors[outputs[0] ?? -1]?.name ?? '';
    return `${name} (operator ${index}, output "${nameOf(output, 'without a name')}")`;
  }

  #map(operator: TfliteOperator): void {
    const handler = operator.custom ? undefined : handlers[operator.name];
    const missing = () => {
      for (const index of operator.outputs) {
        const { made } = this.#state;
        if (!made.has(index)) made.set(index, this.#placeholder(this.model.tensors[index]!));
      }
    };
    const work = () => {
      const got = operator.custom ? 'a custom one' : operator.name;
      if (!handler) throw refuse('an op that can be imported', got);
      handler(new OpContext(this.#state, operator));
    };
    this.#attempt(this.#place(operator), work, missing);
  }
}

function formOrFloat(tensor: TfliteTensor) {
  try {
    return formOf(tensor);
  } catch {
    return { dtype: 'f32' } as const;
  }
}
