import { bytesOf, type DType } from '../core/dtype.ts';
import { rangeError, typeError } from '../core/errors.ts';
import type { Attrs } from '../core/op.ts';
import type { Preprocessing } from '../core/preprocess.ts';
import type { QParams } from '../core/qparams.ts';
import { asRecord, brief, decode, parseJson, type StoredTensor } from '../core/safetensors.ts';
import { sameShape } from '../core/shape.ts';
import type { Graph, Node, Parameter, Value, ValueId } from '../graph/graph.ts';
import {
  type Bundle,
  CHECKSUM_KEY,
  checksum,
  DESCRIPTION_KEY,
  FORMAT_VERSION,
  type Golden,
} from './bundle.ts';

/**
 * What the file says, which need not make sense: its parts have the right types, and nothing more is known. A caller learns
 * the ops of the graph, unpacks parameters where there are bytes, and then calls `checkBundle`.
 */
export function parseBundle(bytes: Uint8Array): Bundle {
  // A '<' with a last byte of the header length that no file can have.
  if (bytes[0] === 0x3c && bytes[7]) {
    const expected = 'not an Octavo bundle: the bytes must be those of the file';
    throw rangeError('bundle', expected, 'text that looks like HTML');
  }
  const { tensors, metadata, data } = decode(bytes, 'bundle');
  const description = metadata[DESCRIPTION_KEY];
  if (description === undefined) {
    const keys = Object.keys(metadata).join(', ') || 'none';
    const expected = `not an Octavo bundle: the metadata must have the key "${DESCRIPTION_KEY}"`;
    throw rangeError('bundle', expected, brief(keys));
  }
  const json = record(parseJson(description, 'bundle', 'description'), 'the description');
  if (json.format !== FORMAT_VERSION) {
    throw rangeError('bundle', `the format version must be ${FORMAT_VERSION}`, brief(json.format));
  }
  const sum = checksum(description, data);
  if (metadata[CHECKSUM_KEY] !== sum) {
    const expected = `the file is damaged: the checksum of its content must be ${sum}`;
    throw rangeError('bundle', expected, brief(metadata[CHECKSUM_KEY]));
  }
  return build(json, tensors);
}

function build(json: Json, tensors: Map<string, StoredTensor>): Bundle {
  const graph = readGraph(record(json.graph, 'the graph'), tensors);
  const golden = readGoldens(json.golden, graph, tensors);
  for (const name of tensors.keys()) {
    throw rangeError(
      'bundle',
      'every tensor must belong to the graph or a golden vector',
      brief(name),
    );
  }
  const provenance = record(json.provenance, 'the provenance') as Record<string, string | number>;
  const { license } = json;
  return {
    graph,
    golden,
    provenance,
    ...(license !== undefined && { license: license as string }),
  };
}

function readGraph(json: Json, tensors: Map<string, StoredTensor>): Graph {
  const values = list(json.values, 'values').map((value) => readValue(value, tensors));
  const parameters = new Map<ValueId, Parameter>();
  for (const id of integers(json.parameters, 'parameters')) {
    const name = values[id]?.name;
    if (name === undefined) throw rangeError('bundle', 'parameters must be value ids', id);
    const { shape, data } = take(tensors, name);
    parameters.set(id, { name, shape, data, trainable: false, decay: false });
  }
  return {
    name: string(json.name, 'the name of the graph'),
    values,
    nodes: list(json.nodes, 'nodes').map(readNode),
    inputs: integers(json.inputs, 'inputs'),
    outputs: integers(json.outputs, 'outputs'),
    parameters,
    quantizers: new Map(),
    ...(json.preprocessing !== undefined && {
      preprocessing: readPreprocessing(json.preprocessing),
    }),
    ...(json.labels !== undefined && { labels: list(json.labels, 'labels') as string[] }),
    ...(json.labelOffset !== undefined && { labelOffset: number(json.labelOffset, 'labelOffset') }),
  };
}

function readValue(json: unknown, tensors: Map<string, StoredTensor>): Value {
  const value = record(json, 'a value');
  const name = string(value.name, 'the name of a value');
  const dtype = string(value.dtype, `the dtype of ${brief(name)}`);
  if (!Object.hasOwn(bytesOf, dtype)) {
    const expected = `the dtype of ${brief(name)} must be one of ${Object.keys(bytesOf).join(', ')}`;
    throw rangeError('bundle', expected, brief(dtype));
  }
  const shape = integers(value.shape, `the shape of ${brief(name)}`);
  const qparams =
    value.qparams === undefined ? {} : { qparams: readQParams(value.qparams, tensors) };
  return { name, shape, dtype: dtype as DType, ...qparams };
}

function readQParams(json: unknown, tensors: Map<string, StoredTensor>): QParams {
  const { scale, zeroPoint, qmin, qmax, axis } = record(json, 'qparams');
  const [z, lo, hi] = integers([zeroPoint, qmin, qmax], 'zeroPoint, qmin and qmax') as Triple;
  return {
    scale: typeof scale === 'string' ? readScale(take(tensors, scale)) : [number(scale, 'scale')],
    zeroPoint: z,
    qmin: lo,
    qmax: hi,
    ...(axis !== undefined && { axis: integers([axis], 'axis')[0]! }),
  };
}

function readScale({ name, dtype, shape, data }: StoredTensor): number[] {
  if (dtype === 'f32' && shape.length === 1) return numbers(data);
  throw rangeError(
    'bundle',
    `the scales ${brief(name)} must be a list of f32`,
    `${shape} ${dtype}`,
  );
}

/** `Array.from`, which is slow until it has run often. */
function numbers(data: ArrayLike<number>): number[] {
  const list: number[] = new Array(data.length);
  for (let i = 0; i < data.length; i++) list[i] = data[i]!;
  return list;
}

function readNode(json: unknown): Node {
  const { op, name, inputs, output, attrs } = record(json, 'a node');
  const what = `of node ${brief(name)}`;
  return {
    op: string(op, `the op ${what}`) as Node['op'],
    name: string(name, `the name ${what}`),
    inputs: integers(inputs, `inputs ${what}`),
    output: number(output, `the output ${what}`),
    attrs: record(attrs, `attrs ${what}`) as Attrs,
  };
}

function readPreprocessing(json: unknown): Preprocessing {
  const { mean, std, crop, resize } = record(json, 'the preprocessing');
  return {
    mean: list(mean, 'mean') as number[],
    std: list(std, 'std') as number[],
    ...(crop !== undefined && { crop: record(crop, 'crop') }),
    ...(resize !== undefined && {
      resize: record(resize, 'resize') as NonNullable<Preprocessing['resize']>,
    }),
  };
}

function readGoldens(json: unknown, graph: Graph, tensors: Map<string, StoredTensor>): Golden[] {
  const count = number(json, 'the number of golden vectors');
  if (!(Number.isInteger(count) && count >= 0 && count <= tensors.size)) {
    throw rangeError('bundle', 'the number of golden vectors must fit the tensors', count);
  }
  return Array.from({ length: count }, (_, i) => {
    const read = (what: string, id: ValueId | undefined) => {
      const tensor = take(tensors, `golden/${i}/${what}`);
      const sample = graph.values[id ?? -1]?.shape.slice(1) ?? [];
      if (sameShape(tensor.shape.slice(1), sample)) return tensor.data;
      throw rangeError(
        'bundle',
        `${tensor.name} must have samples [${sample}]`,
        `[${tensor.shape}]`,
      );
    };
    const input = read('input', graph.inputs[0]);
    return { input, outputs: graph.outputs.map((id, j) => read(`output/${j}`, id)) };
  });
}

/** Each tensor of the file has one use. */
function take(tensors: Map<string, StoredTensor>, name: string): StoredTensor {
  const tensor = tensors.get(name);
  if (!tensor)
    throw rangeError('bundle', `there must be one tensor ${brief(name)} for one use`, 'none');
  tensors.delete(name);
  return tensor;
}

type Json = Readonly<Record<string, unknown>>;
type Triple = [number, number, number];

function record(json: unknown, what: string): Json {
  return asRecord(json, 'bundle', what);
}

function list(json: unknown, what: string): readonly unknown[] {
  if (Array.isArray(json)) return json;
  throw typeError('bundle', `${what} must be a list`, brief(json));
}

function string(json: unknown, what: string): string {
  if (typeof json === 'string') return json;
  throw typeError('bundle', `${what} must be a string`, brief(json));
}

function number(json: unknown, what: string): number {
  if (typeof json === 'number') return json;
  throw typeError('bundle', `${what} must be a number`, brief(json));
}

function integers(json: unknown, what: string): number[] {
  const items = list(json, what);
  if (items.every(Number.isSafeInteger)) return items as number[];
  throw typeError('bundle', `${what} must be integers`, brief(items));
}
