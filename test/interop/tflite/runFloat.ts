import { StepContext } from '../../../src/autograd/context.ts';
import { withDevice } from '../../../src/autograd/device.ts';
import { execute } from '../../../src/autograd/execute.ts';
import { ParameterStore } from '../../../src/autograd/parameters.ts';
import { Tape } from '../../../src/autograd/tape.ts';
import { withBatch } from '../../../src/core/shape.ts';
import type { Graph } from '../../../src/graph/graph.ts';
import type { Reals } from './small.ts';

/** The first output of a graph of floats. */
export async function runFloat(
  graph: Graph,
  x: readonly ArrayLike<number>[],
  batch: number,
): Promise<Reals> {
  return withDevice(async (device) => {
    const cx = new StepContext(device, false);
    const tape = new Tape(cx, new ParameterStore(device, graph));
    const inputs = graph.inputs.map((id, i) => {
      const ref = cx.alloc(withBatch(graph.values[id]!.shape, batch));
      cx.f32(ref).set(x[i]!);
      return ref;
    });
    const [output] = execute(tape, graph, inputs);
    const reals = { shape: output!.ref.shape, data: cx.f32(output!.ref).slice() };
    cx.end();
    return reals;
  });
}
