import type { TypedArray } from '../core/dtype.ts';
import { internal } from '../core/errors.ts';
import type { Attrs } from '../core/op.ts';
import type { QParams } from '../core/qparams.ts';
import type { Shape } from '../core/shape.ts';
import type { Graph, Node, Parameter, Value, ValueId } from '../graph/graph.ts';
import type { OpName } from '../ops/table.ts';

/** Builds the integer graph next to the float one it comes from; activations are named by their float values' ids. */
export class GraphBuilder {
  readonly #values: Value[] = [];
  readonly #nodes: Node[] = [];
  readonly #parameters = new Map<ValueId, Parameter>();
  readonly #ids = new Map<ValueId, ValueId>();

  constructor(readonly source: Graph) {}

  /** The integer form of the float activation `id`. */
  activation(id: ValueId, qparams: QParams): ValueId {
    const { name, shape } = this.source.values[id]!;
    const made = this.#values.push({ name, shape, dtype: 'i8', qparams }) - 1;
    this.#ids.set(id, made);
    return made;
  }

  /** The indices that the float input `id` counts. */
  indices(id: ValueId): void {
    const { name, shape } = this.source.values[id]!;
    this.#ids.set(id, this.#values.push({ name, shape, dtype: 'i32' }) - 1);
  }

  /** Quantization parameters of the integer form of a float activation. */
  qparams(id: ValueId): QParams {
    const { qparams } = this.#values[this.#id(id)]!;
    if (!qparams) throw internal(`value ${id} of the integer graph has no parameters`);
    return qparams;
  }

  /** The integer form of a float value, if it was made already. */
  find(id: ValueId): ValueId | undefined {
    return this.#ids.get(id);
  }

  #id(id: ValueId): ValueId {
    const made = this.find(id);
    if (made === undefined)
      throw internal(`value ${this.source.values[id]?.name} has no integer form`);
    return made;
  }

  constant(
    name: string,
    data: TypedArray,
    shape: Shape = [data.length],
    qparams?: QParams,
  ): ValueId {
    const dtype = data instanceof Int8Array ? 'i8' : data instanceof Int32Array ? 'i32' : 'f32';
    const id = this.#values.push({ name, shape, dtype, ...(qparams && { qparams }) }) - 1;
    this.#parameters.set(id, { name, shape, trainable: false, decay: false, data });
    return id;
  }

  /** The integer form of the float parameter `id`. */
  parameter(id: ValueId, data: TypedArray, shape: Shape, qparams?: QParams): ValueId {
    const made = this.constant(this.source.values[id]!.name, data, shape, qparams);
    this.#ids.set(id, made);
    return made;
  }

  /** `activations` and `output` are float ids, `constants` come from `constant`. */
  node(
    op: OpName,
    name: string,
    activations: readonly ValueId[],
    constants: readonly ValueId[],
    output: ValueId,
    qparams: QParams,
    attrs: Attrs,
  ): void {
    const inputs = [...activations.map((id) => this.#id(id)), ...constants];
    this.#nodes.push({ op, name, inputs, output: this.activation(output, qparams), attrs });
  }

  finish(): Graph {
    const { name, inputs, outputs, preprocessing, labels, labelOffset } = this.source;
    return {
      name,
      values: this.#values,
      nodes: this.#nodes,
      inputs: inputs.map((id) => this.#id(id)),
      outputs: outputs.map((id) => this.#id(id)),
      parameters: this.#parameters,
      quantizers: new Map(),
      ...(preprocessing && { preprocessing }),
      ...(labels && { labels }),
      ...(labelOffset !== undefined && { labelOffset }),
    };
  }
}
