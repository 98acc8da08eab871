import { checkOptions, checkShape, kindOf, rangeError, typeError } from '../core/errors.ts';
import type { Attrs } from '../core/op.ts';
import type { Shape } from '../core/shape.ts';
import { apply, type Handle } from '../graph/dispatch.ts';
import { type InitializerName, initializers } from '../graph/initializers.ts';
import type { Pair } from '../ops/geometry.ts';
import type { OpName } from '../ops/table.ts';
import { Module } from './module.ts';
import { rowBehind, sequenceOf } from './rows.ts';

export interface LayerOptions {
  /** Name of the node in the graph; by default the op's name, numbered. */
  readonly name?: string;
  /** Shape of one sample, on a model's first layer: [H,W,C] or [K]. */
  readonly inputShape?: Shape;
}

/** Options that every layer has. */
export const BASE = ['name', 'inputShape'];

export function pair(op: string, name: string, value: number | Pair): Pair {
  if (typeof value === 'number') return [value, value];
  if (Array.isArray(value) && value.length === 2) return value;
  throw typeError(op, `${name} must be a number or a pair`, shown(value));
}

export function shown(value: unknown): unknown {
  return Array.isArray(value) ? value : kindOf(value);
}

export function initializerOf(
  op: string,
  { kernelInitializer = 'glorotUniform' }: { readonly kernelInitializer?: InitializerName },
): InitializerName {
  checkInitializer(op, 'kernelInitializer', kernelInitializer);
  return kernelInitializer;
}

export function checkInitializer(op: string, name: string, initializer: InitializerName): void {
  if (Object.hasOwn(initializers, initializer)) return;
  const expected = `${name} must be one of ${Object.keys(initializers).join(', ')}`;
  throw rangeError(op, expected, kindOf(initializer));
}

/** What every layer has: a name, perhaps an input shape, and options that exist. */
export abstract class Layer<O extends LayerOptions> extends Module {
  constructor(
    protected readonly op: OpName,
    protected readonly options: O,
    known: readonly string[],
    /** What messages call it, where that is not the op. */
    protected readonly kind: string = op,
  ) {
    super();
    checkOptions(kind, options, known);
    const { inputShape, name } = options;
    if (inputShape !== undefined) checkShape(kind, 'inputShape', inputShape);
    if (name !== undefined && typeof name !== 'string') {
      throw typeError(kind, 'name must be a string', kindOf(name));
    }
  }

  protected override get label(): string {
    return this.options.name ?? this.kind;
  }

  override get inputShape(): Shape | undefined {
    return this.options.inputShape;
  }

  protected call(inputs: Parameters<typeof apply>[1], attrs: Attrs = {}): Handle {
    return apply(this.op, inputs, attrs, this.options.name);
  }

  protected bias(channels: number) {
    return this.parameter({ name: 'bias', shape: [channels], initializer: 'zeros' });
  }
}

/** An op with one input and attributes that do not depend on it. */
export class Pointwise extends Layer<LayerOptions> {
  forward(x: Handle): Handle {
    return this.call([x]);
  }
}

/** relu and relu6, which fold into what stands before them: over sequences also into a convolution. */
export class Clamp extends Layer<LayerOptions> {
  forward(x: Handle): Handle {
    const image = rowBehind(x);
    return image ? sequenceOf(this.call([image])) : this.call([x]);
  }
}
