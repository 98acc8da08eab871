import type { QuantizerTable } from '../autograd/quantizer.ts';
import { kindOf, typeError } from '../core/errors.ts';
import { showShape } from '../core/shape.ts';
import type { Dataset } from '../data/dataset.ts';
import type { Graph } from '../graph/graph.ts';
import { Module } from '../nn/module.ts';

/** A model under quantization-aware training, as `quantizeModel` makes it. */
export interface Quantized {
  readonly graph: Graph;
  readonly quantizers: QuantizerTable;
  /** Real inputs x [size, …] that golden vectors are made from; none before ranges are set. */
  samples: { readonly x: Float32Array; readonly size: number };
  /** Sets ranges from data, if that was not done yet. Called before the first step. */
  prepare(dataset: Dataset): Promise<void>;
}

/** What `fit`, `evaluate` and the like take. */
export type Model = Module | Graph | Quantized;

export interface Resolved {
  readonly graph: Graph;
  readonly quantizers?: QuantizerTable;
  samples?: Quantized['samples'];
  prepare?(dataset: Dataset): Promise<void>;
}

/** The graph of a model for this dataset. Throws a RangeError when samples do not fit it. */
export function resolve(where: string, model: Model, dataset: Dataset): Resolved {
  if (!Array.isArray(dataset?.shape)) throw typeError(where, 'expected a Dataset', kindOf(dataset));
  const { shape, preprocessing, labels } = dataset;
  const about = { ...(preprocessing && { preprocessing }), ...(labels && { labels }) };
  if (model instanceof Module) return checked(where, { graph: model.build(shape, about) }, dataset);
  if (typeof model !== 'object' || model === null) {
    throw typeError(where, 'expected a model, a Graph or a quantized model', kindOf(model));
  }
  if ('quantizers' in model && 'graph' in model) return checked(where, model, dataset);
  if ('nodes' in model) return checked(where, { graph: { ...about, ...model } }, dataset);
  throw typeError(where, 'expected a model, a Graph or a quantized model', kindOf(model));
}

function checked(
  where: string,
  resolved: Resolved,
  { shape, classes, targetShape }: Dataset,
): Resolved {
  const { graph } = resolved;
  const { shape: open, dtype } = graph.values[graph.inputs[0]!]!;
  if (dtype !== 'f32') throw typeError(where, 'a graph of floats', `one of ${dtype}`);
  const input = open.slice(1);
  const output = graph.values[graph.outputs[0]!]!.shape;
  if (String(input) !== String(shape)) {
    throw typeError(where, `samples of shape ${showShape(input)}`, showShape(shape));
  }
  if (targetShape) {
    if (String(output.slice(1)) === String(targetShape)) return resolved;
    const expected = `a model whose outputs have the targets' shape ${showShape(targetShape)}`;
    throw typeError(where, expected, showShape(output.slice(1)));
  }
  if (output.length !== 2 || output[1]! < classes) {
    throw typeError(
      where,
      `a model with output [N,${classes}] for ${classes} classes`,
      showShape(output),
    );
  }
  return resolved;
}
