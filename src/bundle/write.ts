import type { Attr } from '../core/op.ts';
import type { Preprocessing } from '../core/preprocess.ts';
import { decode, encode, type StoredTensor } from '../core/safetensors.ts';
import { elementsPerSample, withBatch } from '../core/shape.ts';
import type { Graph, Value, ValueId } from '../graph/graph.ts';
import { learnAllOps } from '../graph/integer/otherOps.ts';
import {
  type Bundle,
  CHECKSUM_KEY,
  checkBundle,
  checksum,
  DESCRIPTION_KEY,
  FORMAT_VERSION,
} from './bundle.ts';
import { bitsOf, packed } from './packed.ts';

/**
 * The bytes of a bundle file (docs/bundle.md). Equal bundles give equal bytes. Throws a RangeError or TypeError that
 * starts with `bundle` when the graph is not an integer graph or something does not fit it.
 */
export function writeBundle(bundle: Bundle): Uint8Array<ArrayBuffer> {
  learnAllOps();
  checkBundle(bundle);
  const description = JSON.stringify(describe(bundle));
  const tensors = [...parameterTensors(bundle.graph), ...goldenTensors(bundle)];
  const draft = encode(tensors, {}, 'bundle');
  const sum = checksum(description, decode(draft, 'bundle').data);
  return encode(tensors, { [DESCRIPTION_KEY]: description, [CHECKSUM_KEY]: sum }, 'bundle');
}

/** The description as plain data. The order of keys is the order of this code: part of the format. */
function describe({ graph, golden, provenance = {}, license }: Bundle) {
  const { name, values, nodes, inputs, outputs, parameters } = graph;
  const { preprocessing, labels, labelOffset } = graph;
  return {
    format: FORMAT_VERSION,
    graph: {
      name,
      values: values.map((value, id) => describeValue(value, parameters.has(id))),
      nodes: nodes.map(({ op, name, inputs, output, attrs }) => {
        return { op, name, inputs, output, attrs: sorted(attrs) };
      }),
      parameters: [...parameters.keys()].sort((a, b) => a - b),
      inputs,
      outputs,
      ...(preprocessing && { preprocessing: describePreprocessing(preprocessing) }),
      ...(labels && { labels }),
      ...(labelOffset !== undefined && { labelOffset }),
    },
    golden: golden.length,
    provenance: sorted(provenance),
    ...(license !== undefined && { license }),
  };
}

function describePreprocessing({ mean, std, crop, resize }: Preprocessing) {
  return {
    mean: [...mean],
    std: [...std],
    ...(crop && { crop: { fraction: crop.fraction, size: crop.size } }),
    ...(resize && { resize: { shorterSide: resize.shorterSide } }),
  };
}

function describeValue({ name, shape, dtype, qparams }: Value, isParameter: boolean) {
  if (!qparams) return { name, shape, dtype };
  const { scale, zeroPoint, qmin, qmax, axis } = qparams;
  return {
    name,
    shape,
    dtype,
    qparams: {
      scale: isParameter ? scaleName(name) : scale[0],
      zeroPoint,
      qmin,
      qmax,
      ...(axis !== undefined && { axis }),
    },
  };
}

function scaleName(name: string): string {
  return `${name}/scale`;
}

/** The same value with the keys of every object in code-unit order. */
function sorted(value: Attr): Attr {
  if (typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(sorted);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, child]) => [key, sorted(child)]));
}

function parameterTensors({ values, parameters }: Graph): StoredTensor[] {
  return [...parameters].flatMap(([id, { data }]) => {
    const { name, shape, dtype, qparams } = values[id]!;
    const tensor = { name, shape, dtype, data };
    if (!qparams) return [tensor];
    const bits = bitsOf(qparams);
    const whole = dtype !== 'i8' || bits > 7;
    const stands = whole ? tensor : packed(name, data as Int8Array, bits);
    const scale = Float32Array.from(qparams.scale);
    const stored = {
      name: scaleName(name),
      shape: [scale.length],
      dtype: 'f32',
      data: scale,
    } as const;
    return [stands, stored];
  });
}

function goldenTensors({ graph, golden }: Bundle): StoredTensor[] {
  return golden.flatMap(({ input, outputs }, i) => {
    const samples = input.length / elementsPerSample(graph.values[graph.inputs[0]!]!.shape);
    const tensor = (name: string, id: ValueId, data: StoredTensor['data']): StoredTensor => {
      const { shape, dtype } = graph.values[id]!;
      return { name: `golden/${i}/${name}`, shape: withBatch(shape, samples), dtype, data };
    };
    return [
      tensor('input', graph.inputs[0]!, input),
      ...outputs.map((output, j) => tensor(`output/${j}`, graph.outputs[j]!, output)),
    ];
  });
}
