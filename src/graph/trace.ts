import { checkShape, kindOf, rangeError, typeError } from '../core/errors.ts';
import type { Attrs } from '../core/op.ts';
import { Rng } from '../core/rng.ts';
import { BATCH, type Shape, showShape } from '../core/shape.ts';
import { type OpName, ops } from '../ops/table.ts';
import type { Annotation } from './annotation.ts';
import { type Handle, isHandle, type Operand } from './dispatch.ts';
import type { Graph, Node, Parameter, Value, ValueId } from './graph.ts';
import { initialize, isUninitialized } from './initializers.ts';

/**
 * A value that is not computed yet. Applying an op makes another one that remembers the op and its inputs, so a model's
 * outputs hold the whole network and tracing is a walk back from them.
 */
export class SymbolicTensor implements Handle {
  static #count = 0;
  /** Order of creation, which is the order of the program. */
  readonly sequence = SymbolicTensor.#count++;
  /** Of the layers that made it, the outermost first. */
  annotations: readonly Annotation[] = [];

  constructor(
    readonly shape: Shape,
    readonly source?: {
      readonly op: OpName;
      readonly inputs: readonly Operand[];
      readonly attrs: Attrs;
      readonly name: string;
    },
  ) {}

  apply(op: OpName, inputs: readonly Operand[], attrs: Attrs, name: string = op): SymbolicTensor {
    const shapes = inputs.map((input) => input.shape);
    return new SymbolicTensor(ops[op].inferShape(shapes, attrs as never), {
      op,
      inputs,
      attrs,
      name,
    });
  }
}

/** A symbolic input of a functional model. `shape` is that of one sample, without the batch axis. */
export function input(shape: Shape): SymbolicTensor {
  checkShape('input', 'shape', shape);
  return new SymbolicTensor([BATCH, ...shape]);
}

/** Notes on everything that lies between `x` and `y`, around what inner layers have noted. */
export function annotate(x: Handle, y: Handle, annotation: Annotation): void {
  if (!(x instanceof SymbolicTensor && y instanceof SymbolicTensor)) return;
  for (const symbol of between(x, y)) {
    symbol.annotations = [annotation, ...symbol.annotations];
  }
}

/** What was computed after `x` and that `y` needs. */
function between(x: SymbolicTensor, y: SymbolicTensor): Set<SymbolicTensor> {
  const found = new Set<SymbolicTensor>();
  const open = [y];
  for (let symbol = open.pop(); symbol; symbol = open.pop()) {
    if (found.has(symbol) || symbol === x || !symbol.source) continue;
    if (symbol.sequence <= x.sequence) continue;
    found.add(symbol);
    for (const operand of symbol.source.inputs) {
      if (operand instanceof SymbolicTensor) open.push(operand);
    }
  }
  return found;
}

/** Throws a TypeError unless `x` is what layers and ops compute with. */
export function checkTensor(where: string, x: Handle): void {
  if (Array.isArray(x?.shape) && isHandle(x)) return;
  throw typeError(where, 'a tensor from input() or inside forward is expected', kindOf(x));
}

export interface TraceOptions {
  readonly name?: string;
  /** Seed of the initial weights. */
  readonly seed?: number;
}

/**
 * The Graph from `inputs` to `outputs`. Parameters that have no values yet get them here, in order of appearance, from
 * `seed`. Throws a RangeError when an output depends on an input that is not listed.
 */
export function toGraph(
  inputs: readonly SymbolicTensor[],
  outputs: readonly SymbolicTensor[],
  { name = 'model', seed = 0 }: TraceOptions = {},
): Graph {
  const values: Value[] = [];
  const nodes: Node[] = [];
  const parameters = new Map<ValueId, Parameter>();
  const ids = new Map<Operand, ValueId>();
  const taken = new Set<string>();

  const addValue = (key: Operand, value: Value): ValueId => {
    ids.set(key, values.length);
    return values.push(value) - 1;
  };
  inputs.forEach((symbol, i) => {
    const name = unique(taken, i === 0 ? 'input' : `input_${i}`);
    addValue(symbol, { name, shape: symbol.shape, dtype: 'f32' });
  });
  for (const symbol of reachable(inputs, outputs)) {
    const { op, inputs: operands, attrs, name } = symbol.source!;
    const nodeName = unique(taken, name);
    for (const operand of operands) {
      if (isHandle(operand) || ids.has(operand)) continue;
      // A layer from another model brings that one's name along: the value takes only its last part.
      const name = unique(taken, `${nodeName}/${operand.name.split('/').at(-1)}`);
      if (!operand.name.includes('/')) operand.name = name;
      if (isUninitialized(operand)) initialize(operand, new Rng(seed * 1000003 + parameters.size));
      parameters.set(addValue(operand, { name, shape: operand.shape, dtype: 'f32' }), operand);
    }
    const nodeInputs = operands.map((operand) => ids.get(operand)!);
    const output = addValue(symbol, { name: nodeName, shape: symbol.shape, dtype: 'f32' });
    const { annotations } = symbol;
    nodes.push({
      op,
      name: nodeName,
      inputs: nodeInputs,
      output,
      attrs,
      ...(annotations.length > 0 && { annotations }),
    });
  }
  return {
    name,
    values,
    nodes,
    inputs: inputs.map((symbol) => ids.get(symbol)!),
    outputs: outputs.map((symbol) => ids.get(symbol)!),
    parameters,
    quantizers: new Map(),
  };
}

/** The computed symbols that `outputs` need, in program order. */
function reachable(
  inputs: readonly SymbolicTensor[],
  outputs: readonly SymbolicTensor[],
): SymbolicTensor[] {
  const found = new Set<SymbolicTensor>();
  const open = [...outputs];
  for (let symbol = open.pop(); symbol; symbol = open.pop()) {
    if (found.has(symbol) || inputs.includes(symbol)) continue;
    if (!symbol.source) {
      throw rangeError(
        'model',
        'every input that the outputs need must be listed',
        showShape(symbol.shape),
      );
    }
    found.add(symbol);
    for (const operand of symbol.source.inputs) {
      if (operand instanceof SymbolicTensor) open.push(operand);
      else if (isHandle(operand)) throw typeError('model', 'only symbolic values', 'a tensor');
    }
  }
  return [...found].sort((a, b) => a.sequence - b.sequence);
}

/** Keras' way: conv2d, conv2d_1, conv2d_2. */
function unique(taken: Set<string>, name: string): string {
  let candidate = name;
  for (let i = 1; taken.has(candidate); i++) candidate = `${name}_${i}`;
  taken.add(candidate);
  return candidate;
}
