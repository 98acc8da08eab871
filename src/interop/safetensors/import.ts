import type { Elements } from '../../core/dtype.ts';
import { checkOptions, kindOf, rangeError, typeError } from '../../core/errors.ts';
import { brief, type Decoded, decode, type StoredTensor } from '../../core/safetensors.ts';
import { sameShape, showShape } from '../../core/shape.ts';
import type { Graph, Node, Parameter } from '../../graph/graph.ts';
import { decodeState, isCheckpoint, withPrefix } from '../../train/state.ts';
import { checkWeights, namedParameters, type Weights, writeWeights } from '../../train/weights.ts';
import { type Layout, layoutsOf, reordered } from './layouts.ts';

export interface SafetensorsOptions {
  /**
   * Name of the file's module for a layer of the network: `cifarResnetModule` for those of CIFAR, or a function of one's
   * own. Unless given, the layer's name with dots for slashes.
   */
  readonly moduleOf?: (layer: string) => string;
}

const WHERE = 'importSafetensors';

/** How many batches a statistic has seen: PyTorch saves it, nothing here needs it. */
const IGNORED = /(^|\.)num_batches_tracked$/;

/** What data-parallel training puts before every name. */
const WRAPPER = 'module.';

/** Where one parameter of the network is in the file. */
interface Place {
  readonly parameter: Parameter;
  readonly layout: Layout;
  readonly tensor: string;
}

/**
 * Gives a network the weights in a safetensors file: one that PyTorch's names and layouts are in (convolutions OIHW, linear layers,
 * batch normalizations with running statistics), or one of Octavo's own, a checkpoint or what `octavo train` writes of a float network. Of a
 * checkpoint of quantized training come the weights without their ranges. Returns the network's graph; the parameters are those that the
 * network trains. Nothing is changed unless the file has each parameter, in its shape, and, if it is not a checkpoint, nothing else: else
 * this throws a RangeError or TypeError that names the tensor.
 */
export function importSafetensors(
  bytes: Uint8Array,
  network: Graph | { build(): Graph },
  options: SafetensorsOptions = {},
): Graph {
  checkOptions(WHERE, options, ['moduleOf']);
  const { moduleOf = (layer: string) => layer.replaceAll('/', '.') } = options;
  if (typeof moduleOf !== 'function') {
    throw typeError(WHERE, 'moduleOf must be a function of a name', kindOf(moduleOf));
  }
  const graph = graphOf(network);
  if (!(bytes instanceof Uint8Array)) throw typeError(WHERE, 'a Uint8Array', kindOf(bytes));
  const decoded = decode(bytes, WHERE);
  const own = ownWeights(graph, bytes, decoded);
  if (own) {
    checkWeights(WHERE, graph, own);
    for (const name of namedParameters(graph).keys()) checkFinite(name, own.get(name)!);
    writeWeights(graph, own);
    return graph;
  }
  const tensors = tensorsOf(decoded);
  const places = graph.nodes.flatMap((node) => placesOf(graph, node, moduleOf));
  checkNames(places, tensors);
  const values = places.map((place) => valuesOf(place, tensors));
  places.forEach(({ parameter }, i) => {
    parameter.data = values[i]!;
  });
  return graph;
}

function graphOf(network: Graph | { build(): Graph }): Graph {
  if (typeof network !== 'object' || network === null) {
    throw typeError(WHERE, 'a model or a Graph', kindOf(network));
  }
  const graph = 'nodes' in network ? network : network.build?.();
  if (!graph?.nodes) throw typeError(WHERE, 'a model or a Graph', kindOf(network));
  if (graph.quantizers.size === 0) return graph;
  throw typeError(WHERE, 'a float model', 'a quantized one');
}

/** What a file of Octavo's own has by the names of parameters; nothing for another file. */
function ownWeights(
  graph: Graph,
  bytes: Uint8Array,
  { metadata, tensors }: Decoded,
): Weights | undefined {
  if (isCheckpoint(metadata)) return withPrefix(decodeState(bytes, WHERE).tensors, 'model/');
  const named = [...namedParameters(graph)];
  const all = named.every(([name, { shape }]) => {
    const found = tensors.get(name);
    return found?.dtype === 'f32' && sameShape(found.shape, shape);
  });
  if (!all || tensors.size !== named.length) return undefined;
  return new Map([...tensors].map(([name, { data }]) => [name, data]));
}

/** By name, without what wraps all names and without what is not needed. */
function tensorsOf(decoded: Decoded): Map<string, StoredTensor> {
  const all = [...decoded.tensors];
  const wrapped = all.length > 0 && all.every(([name]) => name.startsWith(WRAPPER));
  return new Map(
    all
      .filter(([name]) => !IGNORED.test(name))
      .map(([name, tensor]) => [wrapped ? name.slice(WRAPPER.length) : name, tensor]),
  );
}

function placesOf(graph: Graph, node: Node, moduleOf: (layer: string) => string): Place[] {
  const parameters = node.inputs.slice(1).map((id) => graph.parameters.get(id));
  if (!parameters.some(Boolean)) return [];
  const layouts = layoutsOf(graph, node);
  if (!layouts) {
    const expected = `a network whose parameters PyTorch keeps alike`;
    throw rangeError(WHERE, expected, `${node.op} in the layer ${node.name}`);
  }
  const module = moduleOf(node.name);
  return parameters.flatMap((parameter, i) => {
    const layout = layouts[i];
    if (!parameter || !layout) return [];
    return [
      { parameter, layout, tensor: module === '' ? layout.name : `${module}.${layout.name}` },
    ];
  });
}

/** Each parameter has a tensor of its own and each tensor a parameter. */
function checkNames(places: readonly Place[], tensors: ReadonlyMap<string, StoredTensor>): void {
  const wanted = new Map<string, Place>();
  for (const place of places) {
    const { tensor, parameter } = place;
    const other = wanted.get(tensor)?.parameter;
    if (other && other !== parameter) {
      const expected = `moduleOf must tell ${other.name} from ${parameter.name}`;
      throw rangeError(WHERE, expected, `${tensor} for both`);
    }
    wanted.set(tensor, place);
    if (tensors.has(tensor)) continue;
    const shape = showShape(place.layout.shape(parameter.shape));
    throw rangeError(WHERE, `the file must have ${tensor} ${shape} for ${parameter.name}`, 'none');
  }
  const extra = [...tensors.keys()].find((name) => !wanted.has(name));
  if (extra === undefined) return;
  throw rangeError(WHERE, 'every tensor must belong to the network', brief(extra));
}

function valuesOf(
  { parameter, layout, tensor }: Place,
  tensors: ReadonlyMap<string, StoredTensor>,
): Float32Array<ArrayBuffer> {
  const { shape, dtype, data } = tensors.get(tensor)!;
  const expected = layout.shape(parameter.shape);
  if (!sameShape(shape, expected)) {
    const what = `${tensor} must be ${showShape(expected)} for ${parameter.name}`;
    throw rangeError(WHERE, what, showShape(shape));
  }
  if (dtype !== 'f32' && dtype !== 'f64') {
    throw typeError(WHERE, `${tensor} must be of F32 or F64`, dtype.toUpperCase());
  }
  const values = reordered(data, layout, parameter.shape);
  checkFinite(tensor, values);
  return values;
}

function checkFinite(tensor: string, values: Elements): void {
  const bad = values.find((value) => !Number.isFinite(value));
  if (bad === undefined) return;
  throw rangeError(WHERE, `${tensor} must be finite numbers`, bad);
}
