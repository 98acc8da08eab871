import { describe, expect, test } from 'vitest';
import { type Graph, parametersOf } from '../../src/graph/graph.ts';
import { layers } from '../../src/nn/layers.ts';
import { sequential } from '../../src/nn/models.ts';
import { sgd } from '../../src/optim/optimizer.ts';
import type { Callback, EpochReport, StepReport, TrainingRun } from '../../src/train/callbacks.ts';
import { bestWeights, earlyStopping } from '../../src/train/earlyStopping.ts';
import { fit } from '../../src/train/fit.ts';
import { blobs, SAMPLE } from '../quant/networks.ts';

const SEED = 141;
const { globalAveragePool2d, dense } = layers;
const network = () => sequential([globalAveragePool2d(), dense({ units: 3 })], { seed: SEED });
const weightsOf = (graph: Graph) => parametersOf(graph).map(({ data }) => data.slice());
const train = () => blobs(48, SEED);
const optimizer = () => sgd({ learningRate: 0.1 });

describe('callbacks', () => {
  test('are called in the order of the list, the shorthands last', async () => {
    const calls: string[] = [];
    const noting = (name: string): Callback => ({
      name,
      onStart: () => void calls.push(`${name} start`),
      onStep: ({ epoch, step }) => void calls.push(`${name} ${epoch}:${step}`),
      onEpoch: async ({ epoch }) => void calls.push(`${name} epoch ${epoch}`),
      onEnd: (history) => void calls.push(`${name} end ${history.length}`),
    });
    await fit(network(), blobs(32, SEED), {
      callbacks: [noting('a'), noting('b')],
      onStep: ({ step }) => calls.push(`c ${step}`),
    });
    const steps = [1, 2].flatMap((step) => [`a 0:${step}`, `b 0:${step}`, `c ${step}`]);
    const around = ['a epoch 0', 'b epoch 0', 'a end 1', 'b end 1'];
    expect(calls).toEqual(['a start', 'b start', ...steps, ...around]);
  });

  test('are waited for', async () => {
    let open = 0;
    const slow = async () => {
      open++;
      await new Promise((resolve) => setTimeout(resolve, 1));
      open--;
    };
    const waiting = () => expect(open).toBe(0);
    const callbacks: Callback[] = [
      { name: 'slow', onStart: slow, onStep: slow, onEpoch: slow, onEnd: slow },
      { name: 'next', onStart: waiting, onStep: waiting, onEpoch: waiting, onEnd: waiting },
    ];
    await fit(network(), train(), { callbacks });
    expect.assertions(6);
  });

  test('may stop training after a step, which counts as its end', async () => {
    const kept: Uint8Array[] = [];
    const stopping: Callback = {
      name: 'stop',
      onStep: ({ step }, run) => {
        if (step === 2) run.stop();
      },
    };
    const options = { epochs: 3, callbacks: [stopping] };
    const checkpoint = { save: (bytes: Uint8Array) => void kept.push(bytes) };
    const history = await fit(network(), train(), {
      ...options,
      optimizer: optimizer(),
      checkpoint,
    });
    expect(history.map(({ epoch, steps }) => [epoch, steps])).toEqual([[0, 2]]);
    const resumed = { ...options, optimizer: optimizer(), resume: kept.at(-1)! };
    expect(await fit(network(), train(), resumed)).toEqual([]);
  });

  test('may take and give back weights', async () => {
    const net = network();
    const before = weightsOf(net.build(SAMPLE));
    let first: ReturnType<TrainingRun['weights']> | undefined;
    const restoring: Callback = {
      name: 'restoring',
      onStart: (run) => {
        first = run.weights();
      },
      onEnd: (_, run) => run.setWeights(first!),
    };
    await fit(net, train(), { callbacks: [restoring] });
    expect(weightsOf(net.build())).toEqual(before);
    const wrong: Callback = { name: 'wrong', onStart: (run) => run.setWeights(new Map()) };
    await expect(fit(net, train(), { callbacks: [wrong] })).rejects.toThrow(
      /^setWeights: 9 values of dense\/kernel in a Float32Array, got none$/,
    );
  });

  test.each<[string, unknown, RegExp]>([
    ['one', { name: 'x' }, /^fit: callbacks must be an array, got Object$/],
    [
      'a function',
      [() => 1],
      /^fit: callbacks\[0\] must be an object with a name, got a function$/,
    ],
    ['no name', [{}], /^fit: callbacks\[0\] must be an object with a name, got Object$/],
  ])('are refused when they are %s', async (_, callbacks, message) => {
    const failing = fit(network(), train(), { callbacks: callbacks as never });
    await expect(failing).rejects.toThrow(message);
  });
});

describe('reports', () => {
  test('tell the rate and the time left', async () => {
    const reports: StepReport[] = [];
    await fit(network(), train(), { epochs: 2, onStep: (report) => reports.push(report) });
    for (const { samplesPerSecond, secondsLeft } of reports) {
      expect(samplesPerSecond).toBeGreaterThan(0);
      expect(secondsLeft).toBeGreaterThanOrEqual(0);
    }
    expect(reports.at(-1)!.secondsLeft).toBe(0);
  });

  test('are a history that JSON keeps', async () => {
    const options = { epochs: 2, validation: blobs(20, SEED + 1) };
    const history = await fit(network(), train(), options);
    expect(JSON.parse(JSON.stringify(history))).toEqual(history);
    expect(Object.keys(history[0]!)).toEqual([
      ...['epoch', 'steps', 'loss', 'accuracy', 'seconds', 'validation'],
    ]);
  });
});

/** Runs callbacks over epochs with these validation losses and says what they did. */
async function watch(callback: Callback, values: readonly number[]) {
  let stopped = 0;
  let current = -1;
  let given: number | undefined;
  const run: TrainingRun = {
    stop: () => {
      stopped = current + 1;
    },
    weights: () => new Map([['epoch', Float32Array.of(current)]]),
    setWeights: (weights) => {
      given = weights.get('epoch')![0];
    },
  };
  await callback.onStart?.(run);
  for (const loss of values) {
    current++;
    const validation = { count: 1, loss, top1: 1 - loss };
    const report: EpochReport = {
      epoch: current,
      steps: 1,
      loss,
      accuracy: 0,
      seconds: 0,
      validation,
    };
    await callback.onEpoch?.(report, run);
    if (stopped > 0) break;
  }
  await callback.onEnd?.([], run);
  return { stopped, best: given };
}

describe('earlyStopping', () => {
  const falling = [0.9, 0.8, 0.85, 0.7, 0.75, 0.72, 0.71, 0.5];

  test.each([
    [1, 3, 1],
    [2, 6, 3],
    [3, 7, 3],
    [4, 0, 7],
  ])(
    'with patience %i ends after epoch %i with the weights of epoch %i',
    async (patience, stopped, best) => {
      expect(await watch(earlyStopping({ patience }), falling)).toEqual({ stopped, best });
    },
  );

  test('counts small changes as none', async () => {
    const callback = earlyStopping({ minDelta: 0.15, patience: 4 });
    expect(await watch(callback, falling)).toEqual({ stopped: 0, best: 7 });
    expect(await watch(earlyStopping({ minDelta: 0.15 }), falling)).toEqual({
      stopped: 2,
      best: 0,
    });
  });

  test('knows what is better', async () => {
    const callback = earlyStopping({ monitor: 'validation.top1', patience: 2 });
    expect(await watch(callback, falling)).toEqual({ stopped: 6, best: 3 });
    expect(await watch(earlyStopping({ monitor: 'loss', patience: 2 }), falling)).toEqual({
      stopped: 6,
      best: 3,
    });
  });

  test('leaves weights alone when told so', async () => {
    const callback = earlyStopping({ restoreBestWeights: false });
    expect(await watch(callback, falling)).toEqual({ stopped: 3, best: undefined });
  });

  test('starts anew with each training', async () => {
    const callback = earlyStopping();
    await watch(callback, [0.1, 0.2]);
    expect(await watch(callback, falling)).toEqual({ stopped: 3, best: 1 });
  });

  test('ends a training, which then has its best weights', async () => {
    const seen: Float32Array[][] = [];
    const net = network();
    // After the first epoch the loss is climbed: that epoch stays the best.
    const learningRate = (step: number) => (step < 3 ? 0.1 : -0.1);
    const history = await fit(net, train(), {
      epochs: 9,
      optimizer: sgd({ learningRate }),
      validation: blobs(30, SEED + 1),
      callbacks: [earlyStopping({ patience: 2 })],
      onEpoch: () => void seen.push(weightsOf(net.build()) as Float32Array[]),
    });
    expect(history).toHaveLength(3);
    expect(weightsOf(net.build())).toEqual(seen[0]);
    expect(weightsOf(net.build())).not.toEqual(seen[2]);
  });

  test('is nothing without validation data', async () => {
    await expect(fit(network(), train(), { callbacks: [earlyStopping()] })).rejects.toThrow(
      /^earlyStopping: validation data for validation.loss, got none$/,
    );
  });

  test.each<[object, RegExp]>([
    [{ monitor: 'val_loss' }, /^earlyStopping: monitor must be one of loss, .*, got "val_loss"$/],
    [{ patience: 0 }, /^earlyStopping: patience must be an integer >= 1, got 0$/],
    [{ minDelta: -1 }, /^earlyStopping: minDelta must be a finite number >= 0, got -1$/],
    [{ mode: 'min' }, /^earlyStopping: options are monitor, .*, got mode$/],
  ])('refuses %j', (options, message) => {
    expect(() => earlyStopping(options)).toThrow(message);
  });
});

describe('bestWeights', () => {
  test('never stops', async () => {
    const rising = [0.5, 0.4, 0.6, 0.7, 0.8, 0.9];
    expect(await watch(bestWeights(), rising)).toEqual({ stopped: 0, best: 1 });
  });
});
