import { describe, expect, test } from 'vitest';
import type { Graph } from '../../src/graph/graph.ts';
import { parametersOf } from '../../src/graph/graph.ts';
import { layers } from '../../src/nn/layers.ts';
import { sequential } from '../../src/nn/models.ts';
import { adam, type Optimizer, sgd } from '../../src/optim/optimizer.ts';
import { schedules } from '../../src/optim/schedules.ts';
import { convert } from '../../src/quant/convert.ts';
import { type MethodName, methods } from '../../src/quant/methods.ts';
import { quantizeModel } from '../../src/quant/quantizeModel.ts';
import type { StepReport } from '../../src/train/callbacks.ts';
import { evaluate } from '../../src/train/evaluate.ts';
import { fit } from '../../src/train/fit.ts';
import { visitIntegers } from '../../src/train/integers.ts';
import { blobs, SAMPLE } from '../quant/networks.ts';

const SEED = 101;
const { conv2d, batchNormalization, relu, globalAveragePool2d, dense } = layers;

function network(seed = SEED) {
  return sequential(
    [
      conv2d({ filters: 6, kernelSize: 3, strides: 2, useBias: false }),
      batchNormalization({ momentum: 0.9 }),
      relu(),
      globalAveragePool2d(),
      dense({ units: 3 }),
    ],
    { seed },
  );
}

const weightsOf = (graph: Graph) => parametersOf(graph).map(({ data }) => data.slice());
const train = (seed = SEED) => blobs(96, seed);
const fast = () => sgd({ learningRate: 0.1, momentum: 0.9 });

describe('fit', () => {
  test('brings the loss down and learns', async () => {
    const net = network();
    const history = await fit(net, train(), { epochs: 8, optimizer: fast() });
    expect(history).toHaveLength(8);
    expect(history[7]!.loss).toBeLessThan(0.5 * history[0]!.loss);
    const { count, loss, top1 } = await evaluate(net, blobs(100, SEED + 1));
    expect(count).toBe(100);
    // Guessing has loss ln 3 = 1.1 and is right once in three.
    expect(loss).toBeLessThan(0.7);
    expect(top1).toBeGreaterThan(0.8);
  });

  test.each(Object.keys(methods) as MethodName[])('goes on quantized with %s', async (method) => {
    const net = network();
    await fit(net, train(), { optimizer: fast() });
    const model = quantizeModel(net, { method });
    const optimizer = sgd({ learningRate: 0.05, momentum: 0.9 });
    const history = await fit(model, train(), { epochs: 4, optimizer });
    expect(history[3]!.loss).toBeLessThan(history[0]!.loss);
    expect((await evaluate(model, blobs(100, SEED + 1))).top1).toBeGreaterThan(0.8);
  });

  const optimizers: [string, () => Optimizer][] = [
    ['sgd', fast],
    ['adam', () => adam({ learningRate: schedules.cosine({ learningRate: 0.01, warmup: 3 }) })],
  ];

  test.each(optimizers)(
    '%s: one seed gives the same bytes, another one others',
    async (_, make) => {
      const run = async (seed: number) => {
        const net = network(seed);
        await fit(net, train(seed), { epochs: 2, optimizer: make() });
        const model = quantizeModel(net);
        await fit(model, train(seed), { optimizer: make() });
        return weightsOf(model.graph);
      };
      const first = await run(SEED);
      expect(await run(SEED)).toEqual(first);
      expect(await run(SEED + 1)).not.toEqual(first);
    },
  );

  test.each(optimizers.slice(0, 1))('%s: two fits of one epoch are one of two', async (_, make) => {
    const once = network();
    await fit(once, train(), { epochs: 2, optimizer: make() });
    const twice = network();
    const [optimizer, data] = [make(), train()];
    await fit(twice, data, { optimizer });
    await fit(twice, data, { optimizer });
    expect(weightsOf(twice.build())).toEqual(weightsOf(once.build()));
    expect(optimizer.memory.step).toBe(12);
  });

  test('adam remembers its moments and its step over two fits', async () => {
    const once = network();
    await fit(once, train(), { epochs: 2, optimizer: adam({ learningRate: 0.01 }) });
    const twice = network();
    const [optimizer, data] = [adam({ learningRate: 0.01 }), train()];
    await fit(twice, data, { optimizer });
    await fit(twice, data, { optimizer });
    expect(weightsOf(twice.build())).toEqual(weightsOf(once.build()));
  });

  test('a run among others that overlap gives the bytes of a run alone', async () => {
    const run = async () => {
      const net = network();
      await fit(net, train(), { epochs: 2, optimizer: fast(), onEpoch: () => Promise.resolve() });
      return weightsOf(net.build());
    };
    const alone = await run();
    expect(await Promise.all([run(), run(), run()])).toEqual([alone, alone, alone]);
  });

  test('a second one of the same parameters is refused, and the first goes on', async () => {
    const alone = network();
    await fit(alone, train(), { epochs: 2, optimizer: fast() });
    const net = network();
    const model = quantizeModel(net.build(SAMPLE));
    const busy = /^fit: a model that no other fit is training, got conv2d\/kernel in training$/;
    const top1: number[] = [];
    const first = fit(net, train(), {
      epochs: 2,
      optimizer: fast(),
      onEpoch: async () => {
        top1.push((await evaluate(net, train())).top1!);
        await expect(fit(net, train())).rejects.toThrow(busy);
      },
    });
    await expect(fit(net, train())).rejects.toThrow(busy);
    await expect(fit(model, train())).rejects.toThrow(busy);
    await first;
    expect(top1).toHaveLength(2);
    expect(weightsOf(net.build())).toEqual(weightsOf(alone.build()));
    expect(await fit(model, train())).toHaveLength(1);
  });

  test('learning rate 0 changes statistics alone', async () => {
    const net = network();
    const before = parametersOf(net.build(SAMPLE)).map(({ data }) => data.slice());
    await fit(net, train(), {
      optimizer: sgd({ learningRate: 0, momentum: 0.9, weightDecay: 0.1 }),
    });
    parametersOf(net.build()).forEach(({ data, trainable }, i) => {
      if (trainable) expect(data).toEqual(before[i]);
      else expect(data).not.toEqual(before[i]);
    });
  });

  test('a schedule sees every step of the run', async () => {
    const seen: [number, number][] = [];
    const learningRate = (step: number, total: number) => {
      seen.push([step, total]);
      return 0.01;
    };
    await fit(network(), train(), { epochs: 2, optimizer: sgd({ learningRate }) });
    expect(seen).toEqual(Array.from({ length: 12 }, (_, step) => [step, 12]));
  });
});

describe('reports', () => {
  test('count steps, average over the epoch, and show trained parameters', async () => {
    const net = network();
    const steps: StepReport[] = [];
    const top1: number[] = [];
    const validation = blobs(50, SEED + 2);
    const history = await fit(net, train(), {
      epochs: 2,
      optimizer: fast(),
      validation,
      onStep: (report) => steps.push(report),
      onEpoch: async () => void top1.push((await evaluate(net, validation)).top1!),
    });
    expect(steps.map(({ epoch, step }) => [epoch, step])).toEqual(
      [0, 1].flatMap((epoch) => [1, 2, 3, 4, 5, 6].map((step) => [epoch, step])),
    );
    expect(steps.every((report) => report.steps === 6 && report.epochs === 2)).toBe(true);
    expect([steps[5]!.loss, steps[11]!.loss]).toEqual(history.map(({ loss }) => loss));
    expect(top1).toEqual(history.map((report) => report.validation!.top1));
  });

  test('an epoch with a short last batch weighs samples alike', async () => {
    const frozen = sgd({ learningRate: 0 });
    const net = sequential([globalAveragePool2d(), dense({ units: 3 })], { seed: SEED });
    const [report] = await fit(net, blobs(37, SEED), { optimizer: frozen });
    const { loss, top1 } = await evaluate(net, blobs(37, SEED));
    // Other batches, other order of sums: 37 roundings of f64 of a loss of some f32.
    expect(report!.loss).toBeCloseTo(loss, 6);
    expect(report!.accuracy).toBe(top1);
  });
});

describe('an abort', () => {
  test('before the start trains nothing', async () => {
    const net = network();
    const before = weightsOf(net.build(SAMPLE));
    expect(await fit(net, train(), { signal: AbortSignal.abort() })).toEqual([]);
    expect(weightsOf(net.build())).toEqual(before);
  });

  test('ends after the current step and keeps what was learned', async () => {
    const controller = new AbortController();
    const net = network();
    let steps = 0;
    const onStep = () => {
      if (++steps === 8) controller.abort();
    };
    const { signal } = controller;
    const history = await fit(net, train(), { epochs: 5, optimizer: fast(), onStep, signal });
    expect([steps, history.length]).toEqual([8, 2]);
    const stopped = weightsOf(net.build());
    // The same eight steps, stopped by an error in a callback's place: one epoch and two steps of another run.
    const other = network();
    const [optimizer, data] = [fast(), train()];
    await fit(other, data, { optimizer });
    const again = new AbortController();
    let more = 0;
    await fit(other, data, {
      optimizer,
      signal: again.signal,
      onStep: () => ++more === 2 && again.abort(),
    });
    expect(stopped).toEqual(weightsOf(other.build()));
  });
});

describe('mistakes', () => {
  const images = train();
  const one = (units: number) => sequential([globalAveragePool2d(), dense({ units })]);
  const trained = () => sequential([layers.flatten({ inputShape: [4] }), dense({ units: 3 })]);

  test.each<[string, () => Promise<unknown>, RegExp]>([
    [
      'a typo of fit',
      () => fit(network(), images, { epoch: 3 } as never),
      /^fit: options are epochs, .*, got epoch$/,
    ],
    [
      'a typo of evaluate',
      () => evaluate(network(), images, { metric: 1 } as never),
      /^evaluate: options are loss, onStep, got metric$/,
    ],
    [
      'half an epoch',
      () => fit(network(), images, { epochs: 0.5 }),
      /^fit: epochs must be an integer >= 0, got 0.5$/,
    ],
    [
      'another sample shape',
      () => fit(trained(), images),
      /^model: samples of shape \[4\], got \[9,8,3\]$/,
    ],
    [
      'another sample shape of a Graph',
      () => fit(trained().build(), images),
      /^fit: samples of shape \[4\], got \[9,8,3\]$/,
    ],
    [
      'too few classes',
      () => fit(one(2), images),
      /^fit: a model with output \[N,3\] for 3 classes, got \[N,2\]$/,
    ],
    [
      'an image as output',
      () => evaluate(sequential([relu()]), images),
      /^evaluate: a model with output \[N,3\] for 3 classes, got \[N,9,8,3\]$/,
    ],
    [
      'no model',
      () => fit({} as never, images),
      /^fit: expected a model, a Graph or a quantized model, got Object$/,
    ],
    [
      'null',
      () => fit(null as never, images),
      /^fit: expected a model, a Graph or a quantized model, got null$/,
    ],
    [
      'no dataset',
      () => fit(network(), undefined as never),
      /^fit: expected a Dataset, got undefined$/,
    ],
    [
      'an array as dataset',
      () => fit(network(), [] as never),
      /^fit: expected a Dataset, got Array$/,
    ],
    [
      'an optimizer by name',
      () => fit(network(), images, { optimizer: 'sgd' as never }),
      /^fit: optimizer must be made by a function of optimizers, got "sgd"$/,
    ],
    [
      'an optimizer that was not made',
      () => fit(network(), images, { optimizer: adam as never }),
      /^fit: optimizer must be made by .*, got a function$/,
    ],
    [
      'a loss by name',
      () => fit(network(), images, { loss: 'mse' as never }),
      /^fit: loss must be made by a function of losses, got "mse"$/,
    ],
    [
      'evaluation with a loss by name',
      () => evaluate(network(), images, { loss: 'mse' as never }),
      /^evaluate: loss must be made by a function of losses, got "mse"$/,
    ],
    [
      'epochs as text',
      () => fit(network(), images, { epochs: '3' as never }),
      /^fit: epochs must be an integer >= 0, got "3"$/,
    ],
    [
      'integers of a float model',
      () => visitIntegers(network() as never, images, () => {}),
      /^visitIntegers: a quantized model, got a float one$/,
    ],
  ])('%s is one clear sentence', async (_, call, message) => {
    await expect(call()).rejects.toThrow(message);
  });

  test('an integer graph does not train', async () => {
    const net = network();
    net.build(SAMPLE);
    const model = quantizeModel(net);
    await model.prepare(images);
    const { graph } = convert(model);
    await expect(fit(graph, images)).rejects.toThrow(/^fit: a graph of floats, got one of i8$/);
    expect(() => quantizeModel(graph)).toThrow(/^quantizeModel: a float model, got a graph of i8$/);
  });

  test('a loss that is not finite ends the run and keeps the parameters of the last epoch', async () => {
    const net = network();
    await fit(net, train());
    const before = weightsOf(net.build());
    const steps: number[] = [];
    const failing = fit(net, train(), {
      optimizer: sgd({ learningRate: 1e30 }),
      onStep: ({ step }) => steps.push(step),
    });
    await expect(failing).rejects.toThrow(
      /^fit: a finite loss is expected at step \d+, got (NaN|-?Infinity); try a smaller learning rate or look for NaN in the data; checkNumerics finds the op that first makes it$/,
    );
    expect(steps.length).toBeLessThan(train().steps);
    expect(weightsOf(net.build())).toEqual(before);
  });

  test('more outputs than classes are fine', async () => {
    expect(await fit(one(7), images)).toHaveLength(1);
  });

  test('an error of a callback ends the run and the next one is right', async () => {
    const net = network();
    const optimizer = fast();
    const failing = fit(net, train(), {
      optimizer,
      onStep: () => {
        throw new Error('mine');
      },
    });
    await expect(failing).rejects.toThrow(/^mine$/);
    expect(optimizer.memory.step).toBe(0);
    await fit(net, train(), { optimizer });
    expect(optimizer.memory.step).toBe(6);
    const other = network();
    await fit(other, train(), { optimizer: fast() });
    expect(weightsOf(net.build())).toEqual(weightsOf(other.build()));
  });
});
