import { checkOptions, internal, kindOf, rangeError, typeError } from '../core/errors.ts';
import { type Shape, sameShape, showShape } from '../core/shape.ts';
import { type Handle, isHandle, type Operand } from '../graph/dispatch.ts';
import { SymbolicTensor } from '../graph/trace.ts';
import { add } from './layers.ts';
import { Module } from './module.ts';

export interface ModelOptions {
  /** Seed of the initial weights; default 0. */
  readonly seed?: number;
}

class Sequential extends Module {
  constructor(
    readonly members: readonly Module[],
    { seed = 0 }: ModelOptions,
  ) {
    super();
    this.seed = seed;
  }

  protected override get label(): string {
    return 'sequential';
  }

  override get inputShape(): Shape | undefined {
    return this.members[0]?.inputShape;
  }

  forward(x: Handle): Handle {
    return this.members.reduce((value, member) => member.apply(value), x);
  }
}

class Residual extends Module {
  constructor(readonly body: Module) {
    super();
  }

  protected override get label(): string {
    return 'residual';
  }

  forward(x: Handle): Handle {
    const y = this.body.apply(x);
    // Addition would repeat the one with fewer channels.
    if (sameShape(x.shape, y.shape)) return add(y, x);
    throw rangeError('residual', `the body must keep ${showShape(x.shape)}`, showShape(y.shape));
  }
}

/** One module after another. */
export function sequential(members: readonly Module[], options: ModelOptions = {}): Module {
  checkLayers('sequential', members);
  checkOptions('sequential', options, ['seed']);
  return new Sequential(members, options);
}

function checkLayers(where: string, members: readonly Module[]): void {
  if (!Array.isArray(members)) {
    const one = (members as unknown) instanceof Module;
    throw typeError(where, 'an array of layers is expected', one ? 'a layer' : kindOf(members));
  }
  if (members.length === 0) throw typeError(where, 'at least one layer', 'none');
  members.forEach((member: unknown, i) => {
    if (member instanceof Module) return;
    const maker = typeof member === 'function' ? ' (call it: dense({ … }) makes a layer)' : '';
    throw typeError(where, `entry ${i} must be a layer`, `${kindOf(member)}${maker}`);
  });
}

/** y = body(x) + x; the body keeps the shape. */
export function residual(members: readonly Module[]): Module {
  checkLayers('residual', members);
  return new Residual(sequential(members));
}

class Functional extends Module {
  constructor(
    readonly input: SymbolicTensor,
    readonly output: SymbolicTensor,
    { seed = 0 }: ModelOptions,
  ) {
    super();
    this.seed = seed;
  }

  protected override get label(): string {
    return 'model';
  }

  override get inputShape(): Shape {
    return this.input.shape.slice(1);
  }

  /** Replays the recorded ops on `x`; their attributes hold for one shape. */
  forward(x: Handle): Handle {
    const { shape } = this.input;
    if (!sameShape(x.shape.slice(1), shape.slice(1))) {
      throw rangeError('model', `an input of shape ${showShape(shape)}`, showShape(x.shape));
    }
    const made = new Map<Handle, Handle>([[this.input, x]]);
    for (const symbol of this.#program()) {
      const { op, inputs, attrs, name } = symbol.source!;
      const operands = inputs.map(
        (operand): Operand => (isHandle(operand) ? made.get(operand)! : operand),
      );
      const first = operands[0];
      if (!first || !isHandle(first)) throw internal(`${op} has no input`);
      const value = first.apply(op, operands, attrs, name);
      if (value instanceof SymbolicTensor) value.annotations = symbol.annotations;
      made.set(symbol, value);
    }
    return made.get(this.output)!;
  }

  #program(): SymbolicTensor[] {
    const found = new Set<SymbolicTensor>();
    const open = [this.output];
    for (let symbol = open.pop(); symbol; symbol = open.pop()) {
      if (symbol === this.input || found.has(symbol)) continue;
      if (!symbol.source)
        throw typeError('model', 'every input that the output needs', 'another input');
      found.add(symbol);
      for (const operand of symbol.source.inputs)
        if (operand instanceof SymbolicTensor) open.push(operand);
    }
    return [...found].sort((a, b) => a.sequence - b.sequence);
  }
}

/**
 * A model from symbolic tensors:
 *
 *     const x = input([28, 28, 1]);
 *     const net = model({ inputs: x, outputs: layers.dense({ units: 10 }).apply(layers.flatten().apply(x)) });
 */
export function model(
  ends: { readonly inputs: Handle; readonly outputs: Handle },
  options: ModelOptions = {},
): Module {
  checkOptions('model', options, ['seed']);
  const { inputs, outputs } = ends ?? {};
  if (!(inputs instanceof SymbolicTensor && outputs instanceof SymbolicTensor)) {
    const got = ends ? `inputs: ${kindOf(inputs)}, outputs: ${kindOf(outputs)}` : kindOf(ends);
    throw typeError(
      'model',
      '{ inputs, outputs } with inputs from input() and outputs made from them',
      got,
    );
  }
  return new Functional(inputs, outputs, options);
}
