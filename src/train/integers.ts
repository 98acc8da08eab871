import { StepContext } from '../autograd/context.ts';
import { withDevice } from '../autograd/device.ts';
import { executeIntegers } from '../autograd/integer.ts';
import { ParameterStore } from '../autograd/parameters.ts';
import { typeError } from '../core/errors.ts';
import { peek } from '../core/peek.ts';
import type { Batch, Dataset } from '../data/dataset.ts';
import { BatchLoader } from './batch.ts';
import { type Quantized, resolve } from './resolve.ts';

/** Sees the integers of a batch: [size, …] for each value that has int8 integers and is no constant, by the value's name. */
export type IntegerVisitor = (
  batch: Batch,
  integers: (name: string) => Int8Array,
  names: readonly string[],
) => void;

/**
 * Evaluates a quantized model over a dataset and shows every integer that it computes. What the visitor gets is a copy.
 * The shipped bundle computes the same ones.
 */
export async function visitIntegers(
  model: Quantized,
  dataset: Dataset,
  visit: IntegerVisitor,
): Promise<void> {
  const resolved = resolve('visitIntegers', model, dataset);
  const { quantizers } = resolved;
  if (!quantizers) throw typeError('visitIntegers', 'a quantized model', 'a float one');
  await model.prepare(dataset);
  const { graph } = resolved;
  await withDevice(async (device) => {
    const store = new ParameterStore(device, graph);
    const loader = new BatchLoader('visitIntegers', graph);
    for await (const batch of peek(dataset)) {
      const cx = new StepContext(device, false);
      const values = executeIntegers(cx, store, graph, quantizers, [loader.load(cx, batch)]);
      const computed = [...values].filter(
        ([id, { q }]) => q.dtype === 'i8' && !graph.parameters.has(id),
      );
      const byName = new Map(computed.map(([id, { q }]) => [graph.values[id]!.name, q]));
      visit(batch, (name) => cx.i8(byName.get(name)!).slice(), [...byName.keys()]);
      cx.end();
    }
  });
}
