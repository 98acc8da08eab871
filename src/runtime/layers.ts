import { arrayOf, type Elements, type TypedArray } from '../core/dtype.ts';
import { bind } from '../wasm/step.ts';
import type { Plan, PlannedValue } from './plan.ts';

/**
 * Runs a plan step by step and returns the integers of every activation by the name of its value, each copied right
 * after the step that made it. `input` is one array an input of the graph, or the array of its only input.
 */
export function runLayers(
  plan: Plan,
  input: Elements | readonly Elements[],
): Map<string, TypedArray> {
  const { graph, memory, activations } = plan;
  const inputs = ArrayBuffer.isView(input) ? [input] : input;
  const layers = new Map<string, TypedArray>();
  const keep = (id: number) => {
    const activation = activations.get(id)!;
    layers.set(activation.name, copyOf(activation, memory.buffer));
  };
  graph.inputs.forEach((id, i) => {
    const { ptr, size, dtype } = activations.get(id)!;
    new arrayOf[dtype](memory.buffer, ptr, size).set(inputs[i]!);
  });
  graph.inputs.forEach(keep);
  graph.nodes.forEach(({ output }, i) => {
    for (const { kernel, parts } of plan.nodes[i]!) {
      for (const part of parts) bind(plan.kernels, kernel, part)();
    }
    keep(output);
  });
  return layers;
}

/** The elements of an activation, which may lie among those of others. */
function copyOf(
  { ptr, shape, size, dtype, stride }: PlannedValue,
  buffer: ArrayBuffer,
): TypedArray {
  const copy = new arrayOf[dtype](size);
  const row = shape.at(-1)!;
  for (let i = 0; i * row < size; i++) {
    copy.set(new arrayOf[dtype](buffer, ptr + i * stride, row), i * row);
  }
  return copy;
}
