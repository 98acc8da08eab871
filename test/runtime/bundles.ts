import type { Golden } from '../../src/bundle/bundle.ts';
import { writeBundle } from '../../src/bundle/write.ts';
import { Rng } from '../../src/core/rng.ts';
import { sampleSize } from '../../src/core/shape.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { interpret } from '../../src/runtime/reference/interpret.ts';
import { randomInputs } from './intGraph.ts';

/** Golden vectors from the interpreter, of 1 and then 2 samples. */
export function goldenOf(graph: Graph): Golden[] {
  return [1, 2].map((batch) => {
    const input = randomInputs(graph, batch, new Rng(batch))[0]!;
    const layers = interpret(graph, input, batch);
    return { input, outputs: graph.outputs.map((id) => layers.get(graph.values[id]!.name)!) };
  });
}

export function bundleOf(graph: Graph, golden: readonly Golden[] = []): Uint8Array<ArrayBuffer> {
  return writeBundle({ graph, golden });
}

/** Elements of one sample of the graph's only input. */
export function inputSize(graph: Graph): number {
  return sampleSize(graph.values[graph.inputs[0]!]!.shape);
}
