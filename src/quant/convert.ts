import { StepContext } from '../autograd/context.ts';
import { withDeviceSync } from '../autograd/device.ts';
import { executeIntegers } from '../autograd/integer.ts';
import { ParameterStore } from '../autograd/parameters.ts';
import { type Bundle, checkBundle, type Golden } from '../bundle/bundle.ts';
import { writeBundle } from '../bundle/write.ts';
import { checkOptions, kindOf, rangeError, typeError } from '../core/errors.ts';
import { quantize } from '../core/rounding.ts';
import type { Graph, ValueId } from '../graph/graph.ts';
import { learnAllOps } from '../graph/integer/otherOps.ts';
import { checkLabelCount } from '../graph/labels.ts';
import { indexInputs, segments } from '../graph/passes/segments.ts';
import { GraphBuilder } from './graphBuilder.ts';
import { QuantizedModel } from './quantizeModel.ts';
import { qparamsOf, SegmentConverter } from './segmentConverter.ts';

export interface ConvertOptions {
  /** Written into the bundle: where the model comes from. */
  readonly provenance?: Readonly<Record<string, string | number>>;
  /** SPDX expression of the model's licence. */
  readonly license?: string;
}

/** Throws a TypeError, starting with `where`, for what cannot stand in a bundle. */
export function checkAbout(where: string, about: ConvertOptions): void {
  checkOptions(where, about, ['provenance', 'license']);
  const { provenance } = about;
  if (provenance === undefined) return;
  if (typeof provenance !== 'object' || provenance === null || Array.isArray(provenance)) {
    const expected = 'provenance must be an object of strings and numbers';
    throw typeError(where, expected, kindOf(provenance));
  }
}

/** An integer graph, ready to ship. */
export interface Converted {
  readonly graph: Graph;
  /** The bundle file (docs/bundle.md). Equal models give equal bytes. */
  toBytes(): Uint8Array<ArrayBuffer>;
}

/**
 * Turns a trained quantized model into an integer graph: weights become int8, batch normalization and scales become M
 * and B, clamps become bounds. A graph of integers, as `importTflite` makes it, is ready as it is. Throws a RangeError for a model
 * whose ranges were never set or are not finite, or whose labels are not as many as its outputs.
 */
export function convert(model: QuantizedModel | Graph, options: ConvertOptions = {}): Converted {
  checkAbout('convert', options);
  if (!(model instanceof QuantizedModel)) return ready(model, options);
  if (!model.calibrated) {
    throw rangeError('convert', 'a model whose ranges were set by fit or evaluate', 'none');
  }
  const graph = toIntegers(model.graph);
  checkLabelCount('convert', graph, graph.labels);
  learnAllOps();
  checkBundle({ graph, golden: [], ...options }, 'convert');
  const bundle: Bundle = { graph, golden: [goldenVector(model)], ...options };
  return { graph, toBytes: () => writeBundle(bundle) };
}

/** Whatever has no quantized values is a float model. */
function ready(graph: Graph, options: ConvertOptions): Converted {
  if (!graph?.values?.some(({ qparams }) => qparams)) {
    throw typeError('convert', 'a quantized model or a graph of integers', 'a float one');
  }
  checkLabelCount('convert', graph, graph.labels);
  learnAllOps();
  const bundle: Bundle = { graph, golden: [], ...options };
  checkBundle(bundle, 'convert');
  return { graph, toBytes: () => writeBundle(bundle) };
}

/** Integers in and out as evaluation computes them. */
function goldenVector(model: QuantizedModel): Golden {
  const { graph, samples, quantizers } = model;
  return withDeviceSync((device) => {
    const store = new ParameterStore(device, graph);
    const cx = new StepContext(device, false);
    const [, ...sample] = graph.values[graph.inputs[0]!]!.shape;
    const x = cx.alloc([samples.size, ...sample]);
    cx.f32(x).set(samples.x);
    const values = executeIntegers(cx, store, graph, quantizers, [x]);
    const integers = (id: ValueId) => {
      const { q } = values.get(id)!;
      return q.dtype === 'i32' ? cx.i32(q).slice() : cx.i8(q).slice();
    };
    return { input: integers(graph.inputs[0]!), outputs: graph.outputs.map(integers) };
  });
}

/** The integer graph of a quantized one: a node for each segment (quantization.md, table 1). */
export function toIntegers(graph: Graph): Graph {
  const builder = new GraphBuilder(graph);
  for (const [id, { data, shape }] of graph.parameters) {
    if (graph.quantizers.get(id)?.target !== 'activation') continue;
    const qparams = qparamsOf(graph, id);
    const inverse = Math.fround(1 / qparams.scale[0]!);
    const { zeroPoint, qmin, qmax } = qparams;
    const q = Int8Array.from(data, (x) => quantize(x, inverse, zeroPoint, qmin, qmax));
    builder.parameter(id, q, shape, qparams);
  }
  const found = segments(graph);
  const indices = indexInputs(graph, found);
  for (const id of graph.inputs) {
    if (indices.has(id)) builder.indices(id);
    else builder.activation(id, qparamsOf(graph, id));
  }
  for (const segment of found) new SegmentConverter(graph, builder, segment).convert();
  return builder.finish();
}
