import { StepContext } from '../autograd/context.ts';
import { withDevice } from '../autograd/device.ts';
import { execute } from '../autograd/execute.ts';
import { executeIntegers } from '../autograd/integer.ts';
import { ParameterStore } from '../autograd/parameters.ts';
import { Tape } from '../autograd/tape.ts';
import { checkOptions } from '../core/errors.ts';
import type { Ref } from '../core/op.ts';
import { peek } from '../core/peek.ts';
import type { Dataset } from '../data/dataset.ts';
import { checkLoss, crossEntropy, type Loss } from '../nn/losses.ts';
import { dequantize } from '../ops/pointwise.ts';
import { BatchLoader } from './batch.ts';
import { addResult, type MetricSums, metricsOf } from './metrics.ts';
import { type Model, type Resolved, resolve } from './resolve.ts';

/** Means over the samples. */
export interface Evaluation {
  /** Samples. */
  readonly count: number;
  readonly loss: number;
  /** What training calls accuracy. */
  readonly top1?: number;
  /** Mean absolute error, of losses over real targets. */
  readonly mae?: number;
}

export interface EvaluateOptions {
  readonly loss?: Loss;
  readonly onStep?: (done: number, steps: number) => void;
}

/**
 * Loss and accuracy over a dataset, with running statistics. A quantized model is evaluated in integers, as the
 * shipped bundle computes: quantization.md §8.
 */
export async function evaluate(
  model: Model,
  dataset: Dataset,
  options: EvaluateOptions = {},
): Promise<Evaluation> {
  checkOptions('evaluate', options, ['loss', 'onStep']);
  const { loss = crossEntropy(), onStep } = options;
  checkLoss('evaluate', loss);
  const resolved = resolve('evaluate', model, dataset);
  await resolved.prepare?.(dataset);
  return withDevice(async (device) => {
    const store = new ParameterStore(device, resolved.graph);
    const loader = new BatchLoader('evaluate', resolved.graph);
    const sums: MetricSums = { loss: 0, samples: 0 };
    let done = 0;
    for await (const batch of peek(dataset)) {
      const cx = new StepContext(device, false);
      const logits = predict(cx, store, resolved, loader.load(cx, batch));
      addResult(sums, loss.evaluate(cx, logits, batch.y, batch.teacher), batch.size);
      cx.end();
      onStep?.(++done, dataset.steps);
    }
    const { accuracy: top1, ...metrics } = metricsOf(sums);
    return { count: sums.samples, ...metrics, ...(top1 !== undefined && { top1 }) };
  });
}

/** The first output, f32: logits [N,C] as a rule. */
export function predict(
  cx: StepContext,
  store: ParameterStore,
  { graph, quantizers }: Resolved,
  x: Ref,
): Ref {
  if (!quantizers) return execute(new Tape(cx, store), graph, [x])[0]!.ref;
  const values = executeIntegers(cx, store, graph, quantizers, [x]);
  return dequantize(cx, values.get(graph.outputs[0]!)!);
}
