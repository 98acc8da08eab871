import type { Plan } from './plan.ts';

/**
 * Runs a plan step by step and returns the integers of every activation by the name of its value, each copied right
 * after the step that made it. `input` is one array an input of the graph, or the array of its only input.
 */
export function runLayers(
  plan: Plan,
  input: Int8Array | readonly Int8Array[],
): Map<string, Int8Array> {
  const { graph, memory, activations } = plan;
  const inputs = input instanceof Int8Array ? [input] : input;
  const layers = new Map<string, Int8Array>();
  const viewOf = (id: number) => {
    const { ptr, size } = activations.get(id)!;
    return new Int8Array(memory.buffer, ptr, size);
  };
  const keep = (id: number) => layers.set(activations.get(id)!.name, viewOf(id).slice());
  graph.inputs.forEach((id, i) => {
    viewOf(id).set(inputs[i]!);
  });
  graph.inputs.forEach(keep);
  graph.nodes.forEach(({ output }, i) => {
    for (const call of plan.nodes[i]!) call();
    keep(output);
  });
  return layers;
}
