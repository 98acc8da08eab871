import { readBundle } from '../../src/bundle/read.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { sgd } from '../../src/optim/optimizer.ts';
import { convert } from '../../src/quant/convert.ts';
import { type QuantizedModel, quantizeModel } from '../../src/quant/quantizeModel.ts';
import { fit } from '../../src/train/fit.ts';
import {
  compareParity,
  type Difference,
  interpreter,
  type Parity,
  type Runner,
  runtime,
} from '../quant/parity.ts';
import type { Row, Subject } from './networks.ts';
import type { Scheme } from './schemes.ts';

/** A copy whose weights may be trained. */
function copyOf(graph: Graph): Graph {
  const parameters = [...graph.parameters].map(([id, parameter]) => {
    return [id, { ...parameter, data: parameter.data.slice() }] as const;
  });
  return { ...graph, parameters: new Map(parameters) };
}

interface Trained {
  readonly model: QuantizedModel;
  /** Training has changed ranges, if there was any. */
  readonly moved: boolean;
}

/** Ranges from data, then some steps, which move weights, ranges and statistics. */
async function train({ graph, known }: Subject, scheme: Scheme, steps: number): Promise<Trained> {
  const model = quantizeModel(copyOf(graph), { calibrationBatches: 2, ...scheme.options(graph) });
  await model.calibrate(known);
  if (steps === 0) return { model, moved: true };
  const before = scalesOf(model);
  const stop = new AbortController();
  await fit(model, known, {
    // Deep networks of random weights have gradients of any size.
    optimizer: sgd({ learningRate: 0.05, momentum: 0.9, clipNorm: 1 }),
    signal: stop.signal,
    onStep: ({ step }) => {
      if (step >= steps) stop.abort();
    },
  });
  return { model, moved: scalesOf(model).some((scale, i) => scale !== before[i]) };
}

const scalesOf = ({ graph }: QuantizedModel) =>
  [...graph.quantizers.values()].flatMap(({ scale }) => [...scale.data]);

/** What the comparison of a case found, over all implementations. */
export interface Counts {
  readonly compared: number;
  readonly mismatching: number;
  readonly first: Difference | undefined;
  readonly layers: number;
  readonly expectedLayers: number;
  /** Of the layers, the share whose integers are not all equal. */
  readonly alive: number;
  readonly moved: boolean;
}

/** Adds the names of layers with different integers to `alive`. */
function watching(run: Runner, alive: Set<string>): Runner {
  return (graph, input, batch) => {
    const layers = run(graph, input, batch);
    for (const [name, integers] of layers) {
      if (integers.some((q) => q !== integers[0])) alive.add(name);
    }
    return layers;
  };
}

/** Quantizes, calibrates, trains, ships, and compares evaluation with what reads the bundle, in every layer. */
export async function compareCase(subject: Subject, scheme: Scheme, row: Row): Promise<Counts> {
  const { model, moved } = await train(subject, scheme, row.steps);
  const { graph } = readBundle(convert(model).toBytes());
  const alive = new Set<string>();
  const found: Parity[] = [];
  for (const run of [watching(runtime(), alive), ...(row.plain ? [interpreter] : [])]) {
    found.push(await compareParity(model, graph, subject.other, run));
  }
  const expectedLayers = graph.nodes.length + 1;
  return {
    compared: found.reduce((sum, { compared }) => sum + compared, 0),
    mismatching: found.reduce((sum, { mismatching }) => sum + mismatching, 0),
    first: found.find(({ first }) => first)?.first,
    layers: Math.min(...found.map(({ layers }) => layers)),
    expectedLayers,
    alive: alive.size / expectedLayers,
    moved,
  };
}
