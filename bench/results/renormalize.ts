import { StepContext } from '../../src/autograd/context.ts';
import { withDevice } from '../../src/autograd/device.ts';
import { execute } from '../../src/autograd/execute.ts';
import { ParameterStore } from '../../src/autograd/parameters.ts';
import { Tape } from '../../src/autograd/tape.ts';
import type { Dataset } from '../../src/data/dataset.ts';
import type { Graph, Node, Parameter, Value, ValueId } from '../../src/graph/graph.ts';
import { BatchLoader } from '../../src/train/batch.ts';

const EPSILON = 1e-5;
/** Of the running statistics: they come from many more images than a fine-tuning sees. */
const MOMENTUM = 0.99;

const CONVOLUTIONS: ReadonlySet<string> = new Set(['conv2d', 'depthwiseConv2d']);
const WEIGHTED: ReadonlySet<string> = new Set([...CONVOLUTIONS, 'dense']);

interface Moments {
  readonly mean: Float64Array;
  readonly square: Float64Array;
  rows: number;
}

/**
 * The same network with a batch normalization behind each convolution that has a bias, but for the one that answers: a .tflite file has them
 * folded, and a folded network of ReLUs diverges at learning rates that few bits need. Statistics are those of `dataset`, gamma and beta undo them, so that the outputs of evaluation stay
 * what they were but for rounding.
 */
export async function renormalize(graph: Graph, dataset: Dataset): Promise<Graph> {
  const answering = graph.nodes.findLast(({ op }) => WEIGHTED.has(op));
  const convolutions = graph.nodes.filter((node) => {
    return CONVOLUTIONS.has(node.op) && node.inputs.length === 3 && node !== answering;
  });
  const moments = await momentsOf(
    graph,
    new Set(convolutions.map(({ output }) => output)),
    dataset,
  );
  const values: Value[] = [...graph.values];
  const parameters = new Map(graph.parameters);
  const replaced = new Map<ValueId, ValueId>();
  const nodes = graph.nodes.flatMap((node): Node[] => {
    const inputs = node.inputs.map((id) => replaced.get(id) ?? id);
    if (!convolutions.includes(node)) return [{ ...node, inputs }];
    const [x, w, b] = inputs as [ValueId, ValueId, ValueId];
    const name = `${node.name}/normalized`;
    const norms = normParameters(name, graph.parameters.get(b)!, moments.get(node.output)!);
    parameters.delete(b);
    const ids = norms.map((parameter) => {
      const id = values.push({ name: parameter.name, shape: parameter.shape, dtype: 'f32' }) - 1;
      parameters.set(id, parameter);
      return id;
    });
    const output = values.push({ ...values[node.output]!, name }) - 1;
    replaced.set(node.output, output);
    const attrs = { epsilon: EPSILON, momentum: MOMENTUM };
    const norm = {
      op: 'batchNormalization',
      name,
      inputs: [node.output, ...ids],
      output,
      attrs,
    } as const;
    return [{ ...node, inputs: [x, w] }, norm];
  });
  const outputs = graph.outputs.map((id) => replaced.get(id) ?? id);
  return { ...graph, values, nodes, parameters, outputs };
}

/** gamma, beta, mean and variance, with which the norm adds the bias and does nothing else. */
function normParameters(
  name: string,
  bias: Parameter,
  { mean, square, rows }: Moments,
): Parameter[] {
  const shape = bias.shape;
  const average = Float32Array.from(mean, (sum) => sum / rows);
  const variance = Float32Array.from(square, (sum, c) =>
    Math.max(0, sum / rows - average[c]! ** 2),
  );
  const gamma = variance.map((v) => Math.sqrt(v + EPSILON));
  const beta = average.map((m, c) => m + bias.data[c]!);
  const parameter = (
    what: string,
    data: Float32Array<ArrayBuffer>,
    trainable: boolean,
  ): Parameter => ({
    ...{ name: `${name}/${what}`, shape, trainable, decay: false, data },
  });
  return [
    parameter('gamma', gamma, true),
    parameter('beta', beta, true),
    parameter('movingMean', average, false),
    parameter('movingVariance', variance, false),
  ];
}

/** Sums by channel of what the convolutions give, without their bias. */
async function momentsOf(
  graph: Graph,
  wanted: ReadonlySet<ValueId>,
  dataset: Dataset,
): Promise<ReadonlyMap<ValueId, Moments>> {
  const found = new Map<ValueId, Moments>();
  const biases = new Map(graph.nodes.map(({ output, inputs }) => [output, inputs[2]]));
  const biasOf = (id: ValueId) => graph.parameters.get(biases.get(id)!)!.data;
  await withDevice(async (device) => {
    const store = new ParameterStore(device, graph);
    const loader = new BatchLoader('renormalize', graph);
    for await (const batch of dataset) {
      const cx = new StepContext(device, false);
      const tap = (id: ValueId, { ref }: { readonly ref: Parameters<typeof cx.f32>[0] }) => {
        if (wanted.has(id)) add(found, id, cx.f32(ref), biasOf(id));
      };
      execute(new Tape(cx, store), graph, [loader.load(cx, batch)], { tap });
      cx.end();
    }
  });
  return found;
}

function add(
  found: Map<ValueId, Moments>,
  id: ValueId,
  y: Float32Array,
  bias: ArrayLike<number>,
): void {
  const channels = bias.length;
  const zeros = () => new Float64Array(channels);
  const moments = found.get(id) ?? { mean: zeros(), square: zeros(), rows: 0 };
  found.set(id, moments);
  y.forEach((value, i) => {
    const plain = value - bias[i % channels]!;
    moments.mean[i % channels]! += plain;
    moments.square[i % channels]! += plain * plain;
  });
  moments.rows += y.length / channels;
}
