/** TFMOT's way to choose what is quantized and how: layers are annotated, then a scheme is applied. */

import { checkOptions, rangeError, typeError } from '../core/errors.ts';
import type { Shape } from '../core/shape.ts';
import type { Annotation, TensorAnnotation } from '../graph/annotation.ts';
import type { Handle } from '../graph/dispatch.ts';
import type { Graph, Node } from '../graph/graph.ts';
import { keepsIntegers, nodesOf, segments } from '../graph/passes/segments.ts';
import { withoutDropout } from '../graph/passes/withoutDropout.ts';
import { annotate } from '../graph/trace.ts';
import { Module } from '../nn/module.ts';
import { kernelsOf } from './kernelsOf.ts';
import {
  floatGraph,
  type QuantizedModel,
  type QuantizeOptions,
  quantizeModel,
} from './quantizeModel.ts';
import { checkAnnotation } from './scheme.ts';

/** What `QuantizeConfig` is made from, and what it is as JSON. */
export interface QuantizeConfigOptions {
  /** Of the layer's kernel. */
  readonly weights?: TensorAnnotation;
  /** Of what comes out, after batch normalization and relu. `outputs` is the same by its other name. */
  readonly activations?: TensorAnnotation;
  readonly outputs?: TensorAnnotation;
}

/**
 * How one layer is quantized, as far as the scheme does not say. A subclass may set the same properties.
 *
 *     const config = new QuantizeConfig({ weights: quantizers.lsq({ bits: 4 }) });
 *     config.outputs = quantizers.fixed({ min: 0, max: 6 });
 *     const layer = quantizeAnnotateLayer(layers.conv2d({ … }), config);
 *     QuantizeConfig.fromJSON(JSON.parse(JSON.stringify(config)));
 */
export class QuantizeConfig {
  weights: TensorAnnotation | undefined;
  activations: TensorAnnotation | undefined;

  /** Throws a TypeError or a RangeError for what no layer can ask. */
  constructor(options: QuantizeConfigOptions = {}) {
    checkOptions('QuantizeConfig', options, ['weights', 'activations', 'outputs']);
    const { weights, activations, outputs } = options;
    if (activations && outputs) {
      throw rangeError('QuantizeConfig', 'activations or outputs, which are the same', 'both');
    }
    this.weights = weights;
    this.activations = activations ?? outputs;
    this.annotation();
  }

  get outputs(): TensorAnnotation | undefined {
    return this.activations;
  }

  set outputs(outputs: TensorAnnotation | undefined) {
    this.activations = outputs;
  }

  /** The config as a graph holds it. Throws as the constructor does. */
  annotation(): Annotation {
    const { weights, activations } = this;
    const annotation = { ...(weights && { weights }), ...(activations && { activations }) };
    // Names of methods are checked when the scheme, which may bring some of its own, is known.
    checkAnnotation('QuantizeConfig', annotation);
    return annotation;
  }

  toJSON(): QuantizeConfigOptions {
    return this.annotation();
  }

  static fromJSON(json: unknown): QuantizeConfig {
    if (typeof json !== 'object' || json === null || Array.isArray(json)) {
      throw typeError('QuantizeConfig', 'an object is expected', String(json));
    }
    return new QuantizeConfig(json);
  }
}

/** Passes everything on to a layer, and notes what was asked of it on what it makes. */
class Annotated extends Module {
  constructor(
    readonly layer: Module,
    readonly annotation: Annotation,
  ) {
    super();
    this.seed = layer.seed;
  }

  override get inputShape(): Shape | undefined {
    return this.layer.inputShape;
  }

  forward(x: Handle): Handle {
    const y = this.layer.apply(x);
    annotate(x, y, this.annotation);
    return y;
  }
}

/**
 * The layer, to be quantized as `config` says when `quantizeApply` or `quantizeModel` comes to it. A layer within a layer may have a
 * config of its own, which goes before. Throws a TypeError for what is no layer, and as `QuantizeConfig` does.
 */
export function quantizeAnnotateLayer(
  layer: Module,
  config: QuantizeConfig | QuantizeConfigOptions = {},
): Module {
  if (!(layer instanceof Module)) {
    throw typeError('quantizeAnnotateLayer', 'a layer is expected', typeof layer);
  }
  const made = config instanceof QuantizeConfig ? config : new QuantizeConfig(config);
  return new Annotated(layer, made.annotation());
}

/** The model with all of its layers annotated: those that have no config of their own take the scheme's. */
export function quantizeAnnotateModel(model: Module): Module {
  return quantizeAnnotateLayer(model);
}

/**
 * Quantizes an annotated model. Annotated layers take the scheme, and their own config over it; the others are quantized to 8 bits, since a
 * bundle holds integers only. Throws a RangeError for a model without annotations, and as `quantizeModel` does.
 */
export function quantizeApply(model: Module | Graph, scheme: QuantizeOptions = {}): QuantizedModel {
  const graph = withoutDropout(floatGraph('quantizeApply', model));
  if (!graph.nodes.some(({ annotations }) => annotations)) {
    const expected = 'a model with annotated layers (quantizeAnnotateModel annotates all)';
    throw rangeError('quantizeApply', expected, 'none');
  }
  const rest = unannotated(graph);
  const nodes = graph.nodes.map((node) => {
    const annotation = rest.get(node);
    return annotation ? { ...node, annotations: [annotation] } : node;
  });
  return quantizeModel({ ...graph, nodes }, scheme);
}

/**
 * 8 bits for what no annotated layer has a part in: a relu behind an annotated layer has no say in what comes out of both, and one use of
 * a layer has none in the weights if another is annotated.
 */
function unannotated(graph: Graph): ReadonlyMap<Node, Annotation> {
  const annotated = graph.nodes.filter(({ annotations }) => annotations);
  const kernels = new Set(annotated.flatMap(kernelsOf));
  const bits = { bits: 8 };
  const rest = new Map<Node, Annotation>();
  for (const segment of segments(graph)) {
    const { kind, anchor } = segment;
    const own = kernelsOf(anchor);
    const weights = own.length > 0 && !own.some((id) => kernels.has(id));
    const free = !nodesOf(segment).some(({ annotations }) => annotations);
    const activations = free && (kind === 'pick' || !keepsIntegers(kind));
    if (!weights && !activations) continue;
    rest.set(anchor, {
      ...(weights && { weights: bits }),
      ...(activations && { activations: bits }),
    });
  }
  return rest;
}
