import { checkShape, kindOf, rangeError, typeError } from '../core/errors.ts';
import { BATCH, type Shape, sameShape, showShape } from '../core/shape.ts';
import type { Handle } from '../graph/dispatch.ts';
import type { Graph, Parameter } from '../graph/graph.ts';
import { createParameter, type ParameterOptions } from '../graph/initializers.ts';
import { checkTensor, SymbolicTensor, toGraph } from '../graph/trace.ts';

/** Goes from the data into the graph, and with it into the bundle. */
export type DataNotes = Pick<Graph, 'preprocessing' | 'labels'>;

/**
 * The one base class: layers extend it, and so may any model. A subclass says in `forward` how it computes, by calling
 * layers and ops on the tensors it gets; the same code is traced into a Graph and run on a tape.
 *
 *     class Tiny extends Module {
 *       conv = layers.conv2d({ filters: 8, kernelSize: 3 });
 *       head = layers.dense({ units: 10 });
 *       forward(x) { return this.head.apply(layers.flatten().apply(this.conv.apply(x))); }
 *     }
 */
export abstract class Module {
  readonly #parameters = new Map<string, Parameter>();
  #graph: Graph | undefined;
  /** Seed of the initial weights, for the module that is trained as a whole. */
  seed = 0;

  abstract forward(x: Handle): Handle;

  apply(x: Handle): Handle {
    checkTensor(this.label, x);
    return this.forward(x);
  }

  /** The module's own parameter `name`, made at the first call. Throws a RangeError if a later call wants another shape. */
  protected parameter(options: ParameterOptions): Parameter {
    const known = this.#parameters.get(options.name);
    if (!known) {
      const parameter = createParameter(options);
      this.#parameters.set(options.name, parameter);
      return parameter;
    }
    if (!sameShape(known.shape, options.shape)) {
      const expected = `an input for which ${options.name} is ${showShape(known.shape)}, as before`;
      throw rangeError(this.label, expected, showShape(options.shape));
    }
    return known;
  }

  /** How messages call the module. */
  protected get label(): string {
    return this.constructor.name;
  }

  /** Sample shape that the first layer names, if it does. */
  get inputShape(): Shape | undefined {
    return undefined;
  }

  /**
   * Traces the model once for samples of `shape` ([H,W,C] or [K], no batch axis) and gives weights their first values.
   * `about` is what the data says of itself; the graph keeps the first.
   */
  build(shape: Shape | undefined = this.inputShape, about: DataNotes = {}): Graph {
    if (shape !== undefined) checkShape('model', 'inputShape', shape);
    this.#checkShape(shape);
    if (this.#graph) {
      this.#graph = { ...about, ...this.#graph };
      return this.#graph;
    }
    if (!shape) {
      throw typeError(
        'model',
        'an inputShape on the first layer, or build(shape) before this call',
        'none',
      );
    }
    const x = new SymbolicTensor([BATCH, ...shape]);
    const y = this.apply(x);
    if (!(y instanceof SymbolicTensor))
      throw typeError('model', 'forward must return a tensor', kindOf(y));
    this.#graph = { ...about, ...toGraph([x], [y], { seed: this.seed }) };
    return this.#graph;
  }

  /** Samples keep the shape of the first ones, which is the one that the first layer names. */
  #checkShape(shape: Shape | undefined): void {
    const graph = this.#graph;
    const known = graph ? graph.values[graph.inputs[0]!]!.shape.slice(1) : this.inputShape;
    if (!shape || !known || sameShape(shape, known)) return;
    throw rangeError('model', `samples of shape ${showShape(known)}`, showShape(shape));
  }
}
