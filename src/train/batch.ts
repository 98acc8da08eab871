import type { StepContext } from '../autograd/context.ts';
import type { Ref } from '../core/op.ts';
import { applyTable, normalizeTable } from '../core/preprocess.ts';
import { withBatch } from '../core/shape.ts';
import type { Batch } from '../data/dataset.ts';
import { checkBatch } from '../graph/checkBatch.ts';
import type { Graph } from '../graph/graph.ts';

/** Copies a batch into a step's memory as the f32 values that the graph takes; uint8 goes through the table. */
export class BatchLoader {
  readonly #table: Float32Array | undefined;

  constructor(
    readonly where: string,
    readonly graph: Graph,
  ) {
    const { preprocessing } = graph;
    if (preprocessing) this.#table = normalizeTable(preprocessing);
  }

  /** Throws a RangeError or TypeError for a batch that does not fit the graph, before anything is copied. */
  load(cx: StepContext, batch: Batch): Ref {
    checkBatch(this.where, this.graph, batch);
    const { x, size } = batch;
    const id = this.graph.inputs[0]!;
    const ref = cx.alloc(withBatch(this.graph.values[id]!.shape, size));
    const view = cx.f32(ref);
    if (x instanceof Uint8Array) applyTable(x, this.#table!, view);
    else view.set(x);
    return ref;
  }
}
