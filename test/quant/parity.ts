import type { Elements } from '../../src/core/dtype.ts';
import type { Dataset } from '../../src/data/dataset.ts';
import type { Graph } from '../../src/graph/graph.ts';
import type { QuantizedModel } from '../../src/quant/quantizeModel.ts';
import { runLayers } from '../../src/runtime/layers.ts';
import { makePlan } from '../../src/runtime/plan.ts';
import { interpret } from '../../src/runtime/reference/interpret.ts';
import { visitIntegers } from '../../src/train/integers.ts';
import { moduleOf } from '../helpers/memory.ts';

export interface Difference {
  readonly layer: string;
  readonly index: number;
  readonly got: number;
  readonly expected: number;
}

export interface Parity {
  readonly layers: number;
  readonly compared: number;
  readonly mismatching: number;
  readonly first?: Difference;
}

type Layers = ReadonlyMap<string, Elements>;

/** An implementation that gives the integers of all layers of a batch. */
export type Runner = (graph: Graph, input: Int8Array, batch: number) => Layers;

/** The planned runtime; the plan is made once for each batch size. */
export function runtime(): Runner {
  const plans = new Map<number, ReturnType<typeof makePlan>>();
  return (graph, input, batch) => {
    const plan = plans.get(batch) ?? makePlan(graph, moduleOf('infer'), { batch });
    plans.set(batch, plan);
    return runLayers(plan, input);
  };
}

export const interpreter: Runner = interpret;

/** Compares evaluation in training with a runner, every integer of every layer over a dataset. */
export async function compareParity(
  model: QuantizedModel,
  graph: Graph,
  dataset: Dataset,
  run: Runner,
): Promise<Parity> {
  const found: Difference[] = [];
  const layers = new Set<string>();
  let compared = 0;
  let mismatching = 0;
  await visitIntegers(model, dataset, ({ size }, integers, names) => {
    const got = run(graph, integers(names[0]!), size);
    for (const layer of names) {
      const expected = integers(layer);
      const other = got.get(layer);
      if (other?.length !== expected.length) throw new Error(`${layer}: ${other?.length} integers`);
      layers.add(layer);
      compared += expected.length;
      expected.forEach((q, index) => {
        if (other[index] === q) return;
        mismatching++;
        if (found.length === 0) found.push({ layer, index, got: other[index]!, expected: q });
      });
    }
  });
  const [first] = found;
  return { layers: layers.size, compared, mismatching, ...(first && { first }) };
}
