import { checkOptions, kindOf, rangeError, typeError } from '../../core/errors.ts';
import { brief, decode, type StoredTensor } from '../../core/safetensors.ts';
import { sameShape, showShape } from '../../core/shape.ts';
import type { Graph, Node, Parameter } from '../../graph/graph.ts';
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
 * Gives a network the weights in a safetensors file that PyTorch's names and layouts are in: convolutions OIHW, linear layers,
 * batch normalizations with running statistics. Returns the network's graph; the parameters are those that the network trains.
 * Nothing is changed unless the file has each parameter, in its shape, and nothing else: else this throws a RangeError or
 * TypeError that names the tensor.
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
  const tensors = tensorsOf(bytes);
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

/** By name, without what wraps all names and without what is not needed. */
function tensorsOf(bytes: Uint8Array): Map<string, StoredTensor> {
  if (!(bytes instanceof Uint8Array)) throw typeError(WHERE, 'a Uint8Array', kindOf(bytes));
  const all = [...decode(bytes, WHERE).tensors];
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
  const bad = values.find((value) => !Number.isFinite(value));
  if (bad === undefined) return values;
  throw rangeError(WHERE, `${tensor} must be finite numbers`, bad);
}
