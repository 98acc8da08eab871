import { StepContext } from '../autograd/context.ts';
import { withDevice } from '../autograd/device.ts';
import { execute } from '../autograd/execute.ts';
import { ParameterStore } from '../autograd/parameters.ts';
import { Tape } from '../autograd/tape.ts';
import type { Ref } from '../core/op.ts';
import type { Graph, ValueId } from '../graph/graph.ts';

/** A batch as calibration wants it: real values [size, …] in the shape of the graph's input. */
export interface CalibrationBatch {
  readonly x: Float32Array;
  readonly size: number;
}

/** Runs a graph in floats, with running statistics, and shows every value that each batch gives. */
export async function runBatches(
  graph: Graph,
  batches: readonly CalibrationBatch[],
  visit: (cx: StepContext, id: ValueId, x: Ref) => void,
): Promise<void> {
  const [, ...sample] = graph.values[graph.inputs[0]!]!.shape;
  await withDevice(async (device) => {
    const store = new ParameterStore(device, graph);
    for (const { x, size } of batches) {
      const cx = new StepContext(device, false);
      const input = cx.alloc([size, ...sample]);
      cx.f32(input).set(x);
      execute(new Tape(cx, store), graph, [input], { tap: (id, { ref }) => visit(cx, id, ref) });
      cx.end();
    }
  });
}
