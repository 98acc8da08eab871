import type { StepContext } from '../autograd/context.ts';
import { internal } from '../core/errors.ts';
import type { Ref } from '../core/op.ts';
import { applyTable, normalizeTable } from '../core/preprocess.ts';
import { withBatch } from '../core/shape.ts';
import type { Batch } from '../data/dataset.ts';
import type { Graph } from '../graph/graph.ts';

/** Copies a batch into a step's memory as the f32 values that the graph takes; uint8 goes through the table. */
export class BatchLoader {
  readonly #table: Float32Array;

  constructor(readonly graph: Graph) {
    this.#table = normalizeTable(graph.preprocessing ?? { mean: [0], std: [1] });
  }

  load(cx: StepContext, { x, size }: Batch): Ref {
    const id = this.graph.inputs[0];
    if (id === undefined) throw internal('the graph has no input');
    const ref = cx.alloc(withBatch(this.graph.values[id]!.shape, size));
    const view = cx.f32(ref);
    if (x instanceof Uint8Array) applyTable(x, this.#table, view);
    else view.set(x);
    return ref;
  }
}
