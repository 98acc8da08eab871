import type { Attrs } from '../../core/op.ts';
import type { QParams } from '../../core/qparams.ts';
import { type Shape, sameShape, showShape } from '../../core/shape.ts';
import type { ValueId } from '../../graph/graph.ts';
import { requantizeTable } from '../../ops/lookup.ts';
import type { OpName } from '../../ops/table.ts';
import { bytesOf, integersOf, realsOf } from './constants.ts';
import { clampOf, formOf, qparamsOf, sameScale, withBounds } from './forms.ts';
import type { TfliteModel, TfliteOperator, TfliteTensor } from './model.ts';
import { Refusal, refuse, type Warnings } from './refusal.ts';
import { type Form, type GraphWriter, nameOf } from './writer.ts';

/** What all ops of one import share. */
export interface ImportState {
  readonly model: TfliteModel;
  readonly writer: GraphWriter;
  readonly warnings: Warnings;
  /** Extent of axis 0 of the model's inputs: what the file calls one batch. */
  readonly batch: number;
  /** Values of the tensors that are made so far. */
  readonly made: Map<number, ValueId>;
  /** Parameters of constants that were asked for before, by what they are used as. */
  readonly parameters: Map<string, ValueId>;
}

/** The shape of an activation of the file with the batch axis open. */
export function openShape(shape: readonly number[], batch: number, name: string): Shape {
  const [first, ...rest] = shape;
  if (first !== undefined && first > 0 && first % batch === 0) return [-(first / batch), ...rest];
  const expected = `axis 0 of "${name}" to be the batch, a multiple of ${batch}`;
  throw refuse(expected, `[${shape}]`);
}

/** One operator of the file, to a handler that turns it into nodes. */
export class OpContext {
  readonly writer: GraphWriter;
  readonly name: string;

  constructor(
    readonly state: ImportState,
    readonly operator: TfliteOperator,
  ) {
    this.writer = state.writer;
    const [output] = operator.outputs;
    const index = operator.index;
    if (output === undefined) throw refuse('an output', 'none');
    this.name = nameOf(state.model.tensors[output]!.name, `${operator.name}_${index}`);
  }

  // What the file says.

  number(option: string): number {
    return this.operator.options[option] as number;
  }

  list(option: string): readonly number[] {
    return this.operator.options[option] as readonly number[];
  }

  has(input: number): boolean {
    return (this.operator.inputs[input] ?? -1) >= 0;
  }

  tensor(input: number): TfliteTensor {
    const index = this.operator.inputs[input] ?? -1;
    if (index < 0) throw refuse(`an input ${input}`, 'none');
    return this.state.model.tensors[index]!;
  }

  output(i = 0): TfliteTensor {
    const index = this.operator.outputs[i];
    if (index === undefined) throw refuse(`an output ${i}`, 'none');
    return this.state.model.tensors[index]!;
  }

  /** Whether the output is a tensor of quantized integers. */
  get integer(): boolean {
    return formOf(this.output()).dtype === 'i8';
  }

  integers(input: number): number[] {
    return integersOf(this.tensor(input));
  }

  warn(kind: string, message: string): void {
    const { name, index } = this.operator;
    this.state.warnings.add(kind, `${name} (operator ${index}, output "${this.name}"): ${message}`);
  }

  /** Throws a Refusal unless an axis, which may count from the end, is one of `rank` and not the batch axis. */
  axis(axis: number, rank: number): number {
    const counted = axis < 0 ? axis + rank : axis;
    if (!(Number.isInteger(counted) && counted >= 0 && counted < rank)) {
      throw refuse(`an axis of ${rank}`, axis);
    }
    if (counted === 0) throw refuse('an axis other than 0, which is the batch', axis);
    return counted;
  }

  // Values of the graph.

  /** An input that is computed, of any type. */
  any(input: number): ValueId {
    const { index, name } = this.tensor(input);
    const id = this.state.made.get(index);
    if (id === undefined) throw refuse(`"${name}" to be made by an earlier op`, 'none');
    return id;
  }

  /** An input of the output's type; a constant becomes a parameter that ops read like an activation. */
  x(input = 0): ValueId {
    const tensor = this.tensor(input);
    const id = tensor.data ? this.#constantActivation(tensor) : this.any(input);
    const form = this.writer.value(id).dtype;
    const wanted = this.integer ? 'i8' : 'f32';
    if (form === wanted) return id;
    const kind = wanted === 'i8' ? 'int8 or uint8' : 'float32';
    throw refuse(`input ${input} to be ${kind}, as the output is`, tensor.type);
  }

  #constantActivation(tensor: TfliteTensor): ValueId {
    // A scalar is a list of one: ops broadcast it.
    const shape = tensor.shape.length === 0 ? [1] : tensor.shape;
    return this.shared(tensor, 'activation', (name) => {
      if (!this.integer) return this.writer.parameter(name, realsOf(tensor), shape);
      const qparams = qparamsOf(tensor);
      return this.writer.parameter(name, bytesOf(tensor), shape, { qparams });
    });
  }

  /** The parameter of a constant for a use: made once, however many ops read it. */
  shared(tensor: TfliteTensor, use: string, make: (name: string) => ValueId): ValueId {
    const key = `${tensor.index} ${use}`;
    const known = this.state.parameters.get(key);
    if (known !== undefined) return known;
    const id = make(nameOf(tensor.name, `constant_${tensor.index}`));
    this.state.parameters.set(key, id);
    return id;
  }

  shape(id: ValueId): Shape {
    return this.writer.value(id).shape;
  }

  qparams(id: ValueId): QParams {
    return this.writer.qparams(id);
  }

  /** How output i stands in the graph; i8 with the bounds of the fused activation. */
  form(i = 0): Form {
    const form = formOf(this.output(i));
    if (!form.qparams) return form;
    return { ...form, qparams: withBounds(form.qparams, this.clamp()) };
  }

  /** The clamp of the fused activation. */
  clamp(): { readonly lo: number; readonly hi: number } {
    const activation = (this.operator.options['activation'] ?? 0) as number;
    const clamp = clampOf(activation);
    if (clamp) return clamp;
    throw refuse('a fused activation NONE, RELU, RELU6 or RELU_N1_TO_1', `number ${activation}`);
  }

  outShape(i = 0): Shape {
    const { shape, name } = this.output(i);
    return openShape(shape, this.state.batch, name);
  }

  // Nodes of the graph.

  emit(
    op: OpName,
    inputs: readonly ValueId[],
    attrs: Attrs = {},
    { form = this.form(), constants = [] as readonly ValueId[], name = this.name } = {},
  ): ValueId {
    try {
      return this.writer.node(op, name, inputs, attrs, form, constants);
    } catch (error) {
      if (error instanceof RangeError) throw new Refusal(error.message);
      throw error;
    }
  }

  /** An op that keeps its input's integers: its output has their quantization. */
  keep(op: OpName, x: ValueId, attrs: Attrs = {}, name = this.name): ValueId {
    const { dtype, qparams } = this.writer.value(x);
    return this.emit(op, [x], attrs, { form: { dtype, ...(qparams && { qparams }) }, name });
  }

  /** The value under another shape. */
  reshape(x: ValueId, shape: Shape): ValueId {
    const from = this.shape(x);
    if (sameShape(from, shape)) return x;
    const flat = shape.length === 2 && shape[0] === from[0];
    return flat ? this.keep('flatten', x) : this.keep('reshape', x, { shape });
  }

  /** f32 constants of a node. */
  factors(name: string, data: Float32Array<ArrayBuffer>): ValueId {
    return this.writer.parameter(`${this.name}/${name}`, data);
  }

  /** i8 with other quantization parameters, by a table. */
  requantized(x: ValueId, to: QParams, entries = requantizeTable(this.qparams(x), to)): ValueId {
    const from = this.qparams(x);
    const clamps = to.qmin > from.qmin || to.qmax < from.qmax;
    if (sameScale(from, to) && !clamps) return x;
    const table = this.writer.parameter(`${this.name}/table`, entries);
    const form: Form = { dtype: 'i8', qparams: to };
    return this.emit('lookup', [x], {}, { form, constants: [table] });
  }

  /** In a float graph: the fused activation as nodes of its own. */
  activated(x: ValueId): ValueId {
    return this.clamped(x, this.clamp());
  }

  /** In a float graph: x between two reals. */
  clamped(x: ValueId, { lo, hi }: { readonly lo: number; readonly hi: number }): ValueId {
    if (lo === -Infinity) return x;
    if (lo === 0 && hi !== 1) return this.emit(hi === 6 ? 'relu6' : 'relu', [x]);
    const bound = (name: string, real: number) => this.factors(name, Float32Array.of(real));
    const below = this.emit('minimum', [x, bound('hi', hi)]);
    return this.emit('maximum', [below, bound('lo', lo)]);
  }

  /** Makes `id` the value of output i, requantized if it must be. */
  bind(id: ValueId, i = 0): void {
    const expected = this.outShape(i);
    const shape = this.shape(id);
    if (!sameShape(shape, expected)) {
      throw refuse(`the output ${showShape(expected)} that the file states`, showShape(shape));
    }
    const { qparams } = this.form(i);
    const value = qparams && this.writer.value(id).qparams ? this.requantized(id, qparams) : id;
    this.state.made.set(this.operator.outputs[i]!, value);
  }
}
