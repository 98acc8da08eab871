import { StepContext } from '../autograd/context.ts';
import { withDevice } from '../autograd/device.ts';
import { execute } from '../autograd/execute.ts';
import { ParameterStore } from '../autograd/parameters.ts';
import { Tape } from '../autograd/tape.ts';
import { typeError } from '../core/errors.ts';
import { peek } from '../core/peek.ts';
import type { Dataset } from '../data/dataset.ts';
import type { Graph } from '../graph/graph.ts';
import type { Module } from '../nn/module.ts';
import { BatchLoader } from './batch.ts';
import { claim } from './claim.ts';
import { resolve } from './resolve.ts';

/**
 * Sets the running statistics of all batch normalizations to the mean of those of the batches of `dataset`: a forward
 * pass for each, nothing else is trained. For weights whose statistics nobody has seen: random, averaged or imported ones.
 */
export async function estimateStatistics(model: Module | Graph, dataset: Dataset): Promise<void> {
  const { graph, quantizers } = resolve('estimateStatistics', model, dataset);
  if (quantizers)
    throw typeError('estimateStatistics', 'a float model is expected', 'a quantized one');
  await claim('estimateStatistics', graph, () =>
    withDevice(async (device) => {
      const store = new ParameterStore(device, graph);
      const loader = new BatchLoader('estimateStatistics', graph);
      let seen = 0;
      for await (const batch of peek(dataset)) {
        const cx = new StepContext(device, true);
        execute(new Tape(cx, store), averaging(graph, seen++), [loader.load(cx, batch)]);
        cx.end();
      }
      store.download();
    }),
  );
}

/** The graph whose norms take the mean over `seen` batches and the next one; at first they forget what they had. */
function averaging(graph: Graph, seen: number): Graph {
  const momentum = seen / (seen + 1);
  const nodes = graph.nodes.map((node) =>
    node.op === 'batchNormalization' ? { ...node, attrs: { ...node.attrs, momentum } } : node,
  );
  return { ...graph, nodes };
}
