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
import { BatchLoader } from './batch.ts';
import { type Model, type Resolved, resolve } from './resolve.ts';

export interface Evaluation {
  /** Samples. */
  readonly count: number;
  /** Mean over the samples. */
  readonly loss: number;
  /** Share of the samples, 0 to 1, whose largest output is that of their label. */
  readonly top1: number;
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
    const sum = { count: 0, loss: 0, correct: 0 };
    let done = 0;
    for await (const batch of peek(dataset)) {
      const cx = new StepContext(device, false);
      const logits = predict(cx, store, resolved, loader.load(cx, batch));
      const result = loss.evaluate(cx, logits, batch.y);
      sum.count += batch.size;
      sum.loss += result.loss * batch.size;
      sum.correct += result.correct;
      cx.end();
      onStep?.(++done, dataset.steps);
    }
    return { count: sum.count, loss: sum.loss / sum.count, top1: sum.correct / sum.count };
  });
}

/** Logits [N,C] f32 of the first output. */
function predict(
  cx: StepContext,
  store: ParameterStore,
  { graph, quantizers }: Resolved,
  x: Ref,
): Ref {
  const tape = new Tape(cx, store);
  if (!quantizers) return execute(tape, graph, [x])[0]!.ref;
  const values = executeIntegers(cx, store, graph, quantizers, [x]);
  return tape.dequantize(values.get(graph.outputs[0]!)!);
}
