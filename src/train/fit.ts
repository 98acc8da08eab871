import { withDevice } from '../autograd/device.ts';
import { rangeError } from '../core/errors.ts';
import type { Dataset } from '../data/dataset.ts';
import { type Graph, parametersOf } from '../graph/graph.ts';
import { checkLabelCount } from '../graph/labels.ts';
import type { EpochReport } from './callbacks.ts';
import { resume } from './checkpoint.ts';
import { claim } from './claim.ts';
import { checkFitOptions, type FitOptions } from './options.ts';
import { type Model, resolve } from './resolve.ts';
import { FitRun } from './run.ts';

/**
 * Trains a model, an imported Graph or a quantized model on batches of (x [N,…], class indices [N]). The model's
 * parameters are updated in place; the optimizer remembers, so a second call goes on. Returns one report per epoch, as JSON
 * values. A run that was killed and is resumed from its checkpoint ends with the bytes of an unbroken one. Throws a
 * RangeError when a loss or a gradient is not finite: parameters keep the values of the last epoch or checkpoint.
 */
export async function fit(
  model: Model,
  dataset: Dataset,
  options: FitOptions = {},
): Promise<EpochReport[]> {
  const run = checkFitOptions(options);
  const resolved = resolve('fit', model, dataset);
  checkLabelCount('fit', resolved.graph, resolved.graph.labels);
  checkTrainable(resolved.graph);
  if (run.validation) resolve('fit: validation', resolved.graph, run.validation);
  const task = { model, resolved, dataset, options: run };
  return claim('fit', resolved.graph, async () => {
    const resumed = await resume(task);
    await resolved.prepare?.(dataset);
    return withDevice((device) => new FitRun(device, task, resumed).run(), run.threads);
  });
}

function checkTrainable(graph: Graph): void {
  if (parametersOf(graph).some(({ trainable }) => trainable)) return;
  throw rangeError('fit', 'expected a model with parameters to train', 'none');
}
