import { describe, expect, test } from 'vitest';
import { decode, encode } from '../../src/core/safetensors.ts';
import { parametersOf } from '../../src/graph/graph.ts';
import { crossEntropy } from '../../src/nn/losses.ts';
import { sgd } from '../../src/optim/optimizer.ts';
import { fixInputOutputRange } from '../../src/quant/fixRange.ts';
import type { QuantizedModel } from '../../src/quant/quantizeModel.ts';
import type { FitOptions } from '../../src/train/options.ts';
import { decodeState, encodeState } from '../../src/train/state.ts';
import { blobs, SAMPLE } from '../quant/networks.ts';
import {
  cosine,
  floatSetup,
  momentum,
  network,
  newest,
  quantizedSetup,
  run,
  SAMPLES,
  SEED,
} from './checkpointRuns.ts';

describe('a checkpoint that is not of this run is refused, and nothing is changed', async () => {
  const { kept, checkpoint } = newest();
  await run(floatSetup(momentum()), { epochs: 1, checkpoint });
  const good = kept.bytes;
  const { tensors, metadata } = decode(good);

  async function refused(bytes: Uint8Array, message: RegExp, setup = floatSetup(momentum())) {
    const before = parametersOf(setup.graph()).map(({ data }) => data.slice());
    await expect(run(setup, { resume: bytes })).rejects.toThrow(message);
    expect(parametersOf(setup.graph()).map(({ data }) => data)).toEqual(before);
    expect([setup.dataset.epoch, setup.optimizer.memory.step]).toEqual([0, 0]);
  }

  test('cut off anywhere', async () => {
    const message = /^fit: resume: (the file is truncated|not a safetensors file): .*, got .*$/;
    for (let length = 0; length < good.length; length += 97) {
      await refused(good.subarray(0, length), message);
    }
    await refused(good.subarray(0, good.length - 1), message);
  });

  test('with any bit of its data turned', async () => {
    const { data } = decode(good);
    const start = good.length - data.length;
    for (let at = start; at < good.length; at += 61) {
      const bad = good.slice();
      bad[at]! ^= 1 << (at % 8);
      await refused(
        bad,
        /^fit: resume: expected data with the checksum [0-9a-f]{8}; it is damaged, got [0-9a-f]{8}$/,
      );
    }
  });

  test('with a number of its state changed', async () => {
    const state = metadata['state']!.replace('"epoch":1', '"epoch":0');
    const bad = encode([...tensors.values()], { ...metadata, state });
    await refused(
      bad,
      /^fit: resume: expected data with the checksum [0-9a-f]{8}; it is damaged, got [0-9a-f]{8}$/,
    );
  });

  test('with parts missing under a right checksum', () => {
    const { tensors: _, ...progress } = decodeState(good, 'test');
    const { callbacks, history, position, ...rest } = progress;
    const state = (parts: object) => encodeState({ ...parts, tensors: new Map() } as never);
    const cases: [object, RegExp][] = [
      [{}, /^test: fingerprint must be a JSON object, got undefined$/],
      [rest, /^test: position must be a JSON object, got undefined$/],
      [{ ...progress, position: { epoch: -1, step: 0 } }, /^test: epoch must be .* >= 0, got -1$/],
      [{ ...progress, position: { epoch: 0 } }, /^test: step must be .* >= 0, got undefined$/],
      [{ ...progress, sums: { loss: null } }, /^test: loss must be a finite number .*, got null$/],
      [{ ...rest, position }, /^test: expected lists of reports and callbacks, got others$/],
    ];
    for (const [parts, message] of cases) {
      expect(() => decodeState(state(parts), 'test')).toThrow(message);
    }
  });

  test('another safetensors file', async () => {
    const other = encode([...tensors.values()]);
    await refused(other, /^fit: resume: expected a checkpoint \(octavo-checkpoint-1\), got none$/);
  });

  test('of another model', async () => {
    const model = network(4);
    const setup = { ...floatSetup(momentum()), model, graph: () => model.build(SAMPLE) };
    const message = /^fit: resume: a checkpoint of this model \(float, .*\), got float, 5 ops, .*$/;
    await refused(good, message, setup);
  });

  test('of the float model for the quantized one', async () => {
    const message = /^fit: resume: a checkpoint of this model \(quantized, .*\), got float, .*$/;
    await refused(good, message, { ...quantizedSetup('lsq'), optimizer: momentum() });
  });

  test('of other ranges for good', async () => {
    const setup = (inputMax: number) => {
      const made = quantizedSetup('lsq');
      fixInputOutputRange(made.model as QuantizedModel, { inputMin: -1, inputMax });
      return made;
    };
    const { kept, checkpoint } = newest();
    await run(setup(1), { epochs: 1, checkpoint });
    const message =
      /^fit: resume: a checkpoint of this model \(quantized, .*\), got quantized, .*$/;
    await refused(kept.bytes, message, setup(2));
  });

  test('of another optimizer', async () => {
    const message = /^fit: resume: a checkpoint of this optimizer \(adam .*\), got sgd .*$/;
    await refused(good, message, floatSetup(cosine()));
  });

  test('of other constants of the rule, averaging, clipping or parameter groups', async () => {
    const rule = { learningRate: 0.1, momentum: 0.9, weightDecay: 1e-3 };
    const words = (momentum: number, nesterov: boolean, weightDecay: number, rest = '') =>
      `sgd with [12] slots, momentum ${momentum}, nesterov ${nesterov}, weightDecay ${weightDecay}${rest}`;
    const sets: [Parameters<typeof sgd>[0], string][] = [
      [{ momentum: 0.8 }, words(0.8, false, 0.001)],
      [{ nesterov: true }, words(0.9, true, 0.001)],
      [{ weightDecay: 0 }, words(0.9, false, 0)],
      [{ averaging: { decay: 0.9 } }, words(0.9, false, 0.001, ', averaging 0.9')],
      [{ clipNorm: 0.5 }, words(0.9, false, 0.001, ', clipNorm 0.5')],
      [{ clipValue: 2 }, words(0.9, false, 0.001, ', clipValue 2')],
      [
        { groups: [{ match: /dense/ }] },
        words(0.9, false, 0.001, ', 1 parameter groups, digest [0-9a-f]{8}'),
      ],
    ];
    for (const [options, mine] of sets) {
      const saved = words(0.9, false, 0.001);
      const message = new RegExp(
        `^fit: resume: a checkpoint of this optimizer \\(${mine}\\), got ${saved}$`,
      );
      await refused(good, message, floatSetup(sgd({ ...rule, ...options })));
    }
  });

  test('of a loss with other settings', async () => {
    const message =
      /^fit: resume: a checkpoint of this loss \(crossEntropy, labelSmoothing 0.1\), got crossEntropy, labelSmoothing 0$/;
    const loss = crossEntropy({ labelSmoothing: 0.1 });
    await refused(good, message, floatSetup(momentum(), { loss }));
  });

  test('of groups with other members or other options', async () => {
    const grouped = (match: RegExp, frozen = false) => {
      return sgd({ learningRate: 0.1, momentum: 0.9, groups: [{ match, frozen }] });
    };
    const { kept, checkpoint } = newest();
    await run(floatSetup(grouped(/dense/)), { epochs: 1, checkpoint });
    const message =
      /^fit: resume: a checkpoint of this optimizer \(sgd .* groups, digest .*\), got /;
    await refused(kept.bytes, message, floatSetup(grouped(/conv2d/)));
    await refused(kept.bytes, message, floatSetup(grouped(/dense/, true)));
    // Another pattern for the same parameters is the same group.
    await run(floatSetup(grouped(/^dense\//)), { resume: kept.bytes });
  });

  test('of other data', async () => {
    const message = /^fit: resume: a checkpoint of this data \(.*seed 132.*\), got .*seed 131.*$/;
    await refused(good, message, { ...floatSetup(momentum()), dataset: blobs(SAMPLES, SEED + 1) });
    const fewer = { ...floatSetup(momentum()), dataset: blobs(SAMPLES - 1, SEED) };
    await refused(good, /^fit: resume: a checkpoint of this data \(69 .*\), got 70 .*$/, fewer);
  });

  test('of another seed', async () => {
    const message = /^fit: resume: a checkpoint of this seed \(5\), got 131$/;
    await refused(good, message, floatSetup(momentum(), { seed: 5 }));
  });

  test('of more epochs than the run has', async () => {
    const message = /^fit: resume: expected a position in a run of 0 epochs, got 1$/;
    await refused(good, message, floatSetup(momentum(), { epochs: 0 }));
  });

  test('whole, it decodes to what was saved', () => {
    const { position, history, stopped } = decodeState(good, 'test');
    expect([position, history.length, stopped]).toEqual([{ epoch: 1, step: 0 }, 1, false]);
  });
});

describe('mistakes', () => {
  test.each<[string, FitOptions, RegExp]>([
    ['no place', { checkpoint: {} }, /^fit: checkpoint: a path, or a function save, got none$/],
    [
      'a number as path',
      { checkpoint: { path: 3 as never } },
      /^fit: checkpoint: path must be the name of a file, got 3$/,
    ],
    [
      'a path as save',
      { checkpoint: { save: 'x' as never } },
      /^fit: checkpoint: save must be a function, got "x"$/,
    ],
    [
      'never',
      { checkpoint: { path: 'x', everySteps: 0 } },
      /^fit: checkpoint: everySteps must be an integer >= 1, got 0$/,
    ],
    [
      'a typo',
      { checkpoint: { file: 'x' } as never },
      /^fit: checkpoint: options are path, .*, got file$/,
    ],
    [
      'resume from nowhere',
      { resume: true },
      /^fit: resume: true needs checkpoint.path, got none$/,
    ],
    [
      'resume from a name',
      { resume: 'x' as never },
      /^fit: resume must be bytes or true, got "x"$/,
    ],
  ])('%s', async (_, options, message) => {
    await expect(run(floatSetup(momentum()), options)).rejects.toThrow(message);
  });
});
