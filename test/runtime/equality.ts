import { Rng } from '../../src/core/rng.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { runLayers } from '../../src/runtime/layers.ts';
import { makePlan } from '../../src/runtime/plan.ts';
import { interpret } from '../../src/runtime/reference/interpret.ts';
import { moduleOf } from '../helpers/memory.ts';
import { randomInputs } from './intGraph.ts';

/** Throws where a layer of the planned graph and of the interpreter differ in an integer. Returns how many it compared. */
export function compareLayers(graph: Graph, batch: number, seed: number): number {
  const plan = makePlan(graph, moduleOf('infer'), { batch });
  const inputs = randomInputs(graph, batch, new Rng(seed));
  const expected = interpret(graph, inputs, batch);
  // Twice: the second run meets an arena full of the first one's integers.
  runLayers(plan, randomInputs(graph, batch, new Rng(seed + 1)));
  const got = runLayers(plan, inputs);
  let compared = 0;
  for (const [name, layer] of expected) {
    layer.forEach((q, i) => {
      compared++;
      const other = got.get(name)![i];
      if (other === q) return;
      throw new Error(`${name} of seed ${seed} at batch ${batch}: [${i}] is ${other}, not ${q}`);
    });
  }
  return compared;
}
