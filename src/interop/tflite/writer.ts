import { arrayOf, type DType, type TypedArray } from '../../core/dtype.ts';
import { internal } from '../../core/errors.ts';
import type { Attrs } from '../../core/op.ts';
import type { QParams } from '../../core/qparams.ts';
import type { Shape } from '../../core/shape.ts';
import type { Graph, Node, Parameter, Value, ValueId } from '../../graph/graph.ts';
import { type OpName, ops } from '../../ops/table.ts';

/** How a tensor stands in a Graph: its type and, for i8 and u8, its quantization. */
export interface Form {
  readonly dtype: DType;
  readonly qparams?: QParams;
}

interface ParameterOptions {
  readonly qparams?: QParams;
  readonly trainable?: boolean;
  readonly decay?: boolean;
}

/** Longer names of files are cut. */
const MAX_NAME = 80;

/** Collects the values, nodes and parameters of a Graph. */
export class GraphWriter {
  readonly #values: Value[] = [];
  readonly #nodes: Node[] = [];
  readonly #parameters = new Map<ValueId, Parameter>();
  readonly #valueNames = new Set<string>();
  readonly #nodeNames = new Set<string>();

  value(id: ValueId): Value {
    return this.#values[id]!;
  }

  isParameter(id: ValueId): boolean {
    return this.#parameters.has(id);
  }

  qparams(id: ValueId): QParams {
    const { qparams, name } = this.value(id);
    if (!qparams) throw internal(`${name} has no quantization parameters`);
    return qparams;
  }

  activation(name: string, shape: Shape, { dtype, qparams }: Form): ValueId {
    return this.#add({ name, shape, dtype, ...(qparams && { qparams }) });
  }

  parameter(
    name: string,
    data: TypedArray,
    shape: Shape = [data.length],
    { qparams, trainable = false, decay = false }: ParameterOptions = {},
  ): ValueId {
    const dtype = dtypeOf(data);
    const id = this.#add({ name, shape, dtype, ...(qparams && { qparams }) });
    const parameter = { name: this.value(id).name, shape, trainable, decay, data };
    this.#parameters.set(id, parameter);
    return id;
  }

  /** A node whose output has the shape that the op gives for `inputs`; `constants` follow them. */
  node(
    op: OpName,
    name: string,
    inputs: readonly ValueId[],
    attrs: Attrs,
    form: Form,
    constants: readonly ValueId[] = [],
  ): ValueId {
    const shapes = inputs.map((id) => this.value(id).shape);
    const shape = ops[op].inferShape(shapes, attrs as never);
    const output = this.activation(name, shape, form);
    const nodeName = unique(this.#nodeNames, name);
    this.#nodes.push({
      op: op as Node['op'],
      name: nodeName,
      inputs: [...inputs, ...constants],
      output,
      attrs,
    });
    return output;
  }

  /** Gives a value another name; the one that it had is free again. */
  rename(id: ValueId, name: string): void {
    const value = this.value(id);
    this.#valueNames.delete(value.name);
    this.#values[id] = { ...value, name: unique(this.#valueNames, name) };
  }

  finish(about: Pick<Graph, 'name' | 'inputs' | 'outputs' | 'preprocessing' | 'labels'>): Graph {
    return {
      ...about,
      values: this.#values,
      nodes: this.#nodes,
      parameters: this.#parameters,
      quantizers: new Map(),
    };
  }

  #add(value: Value): ValueId {
    const name = unique(this.#valueNames, value.name);
    return this.#values.push({ ...value, name }) - 1;
  }
}

function dtypeOf(data: TypedArray): DType {
  const found = Object.entries(arrayOf).find(([, Kind]) => data instanceof Kind);
  return found![0] as DType;
}

function unique(taken: Set<string>, name: string): string {
  let candidate = name;
  for (let i = 1; taken.has(candidate); i++) candidate = `${name}_${i}`;
  taken.add(candidate);
  return candidate;
}

/**
 * A name for a tensor of a file. Converters join the names of all that they fused with semicolons: the first is that of
 * the result.
 */
export function nameOf(name: string, fallback: string): string {
  const first = name.split(';').find((part) => part !== '') ?? '';
  const cut = first.length > MAX_NAME ? first.slice(-MAX_NAME) : first;
  return cut === '' || cut === '__proto__' ? fallback : cut;
}
