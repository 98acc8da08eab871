import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { peek } from '../../src/core/peek.ts';
import { Rng } from '../../src/core/rng.ts';
import { cutout, horizontalFlip, randomCrop } from '../../src/data/augment.ts';
import { type Dataset, type DatasetState, takeSamples } from '../../src/data/dataset.ts';
import { fromArrays } from '../../src/data/fromArrays.ts';
import { fromIterable } from '../../src/data/fromIterable.ts';

const SHAPE = [4, 5, 2];
const COUNT = 23;
const pixels = Uint8Array.from({ length: COUNT * 40 }, (_, i) => new Rng(i).below(256));
const labels = Int32Array.from({ length: COUNT }, (_, i) => i % 3);
const augment = [randomCrop({ padding: 2 }), horizontalFlip(), cutout({ size: 3 })];
const common = { shape: SHAPE, classes: 3, batchSize: 4, seed: 11, augment };

async function* samples(epoch: number) {
  for (let i = 0; i < COUNT; i++) {
    const at = (i + epoch) % COUNT;
    yield { x: pixels.subarray(at * 40, (at + 1) * 40), y: labels[at]! };
  }
}

const sources: readonly { readonly name: string; readonly make: () => Dataset }[] = [
  { name: 'fromArrays', make: () => fromArrays({ x: pixels, y: labels, ...common }) },
  {
    name: 'fromIterable',
    make: () =>
      fromIterable({ source: samples, length: COUNT, dtype: 'u8', shuffleBuffer: 7, ...common }),
  },
];

/** All bytes of the batches that an iteration gives, the state before it and after each of them. */
async function record(dataset: Dataset) {
  const batches: number[][] = [];
  const states: DatasetState[] = [dataset.state!.save()];
  for await (const { x, y } of dataset) {
    batches.push([...x, ...y]);
    states.push(JSON.parse(JSON.stringify(dataset.state!.save())));
  }
  return { batches, states };
}

describe.each(sources)('the position of $name', ({ make }) => {
  test('a run that is restored after any batch sees the batches of an unbroken one', async () => {
    const unbroken = make();
    const epochs = [await record(unbroken), await record(unbroken), await record(unbroken)];
    const all = epochs.map(({ batches }) => batches);
    expect(all[1]).not.toEqual(all[0]);
    for (const [epoch, { states }] of epochs.entries()) {
      for (const [step, state] of states.entries()) {
        expect(state).toEqual({ epoch, step, seed: 11 });
        const resumed = make();
        resumed.state!.restore(state);
        const rest = (await record(resumed)).batches;
        expect(rest).toEqual(all[epoch]!.slice(step));
        if (epoch < 2) expect((await record(resumed)).batches).toEqual(all[epoch + 1]);
      }
    }
    expect(unbroken.state!.save()).toEqual({ epoch: 3, step: 0, seed: 11 });
  });

  test('an iteration that stops keeps its place for the checkpoint', async () => {
    const dataset = make();
    let seen = 0;
    for await (const _ of dataset) if (++seen === 2) break;
    expect(dataset.epoch).toBe(1);
    const state = dataset.state!.save();
    expect(state).toEqual({ epoch: 0, step: 2, seed: 11 });
    dataset.state!.restore(state);
    const rest = await record(dataset);
    expect(rest.batches).toEqual((await record(make())).batches.slice(2));
  });

  test('looking at the data in between moves nothing', async () => {
    const dataset = make();
    const all = await record(make());
    const batches: number[][] = [];
    for await (const { x, y } of dataset) {
      batches.push([...x, ...y]);
      if (batches.length !== 2) continue;
      for await (const _ of peek(dataset, 5));
      await takeSamples(dataset, 9);
      expect(dataset.state!.save()).toEqual({ epoch: 0, step: 2, seed: 11 });
    }
    expect(batches).toEqual(all.batches);
  });

  test('an epoch that is set starts at its first batch', async () => {
    const dataset = make();
    dataset.state!.restore({ epoch: 0, step: 3, seed: 11 });
    dataset.epoch = 2;
    expect(dataset.state!.save()).toEqual({ epoch: 2, step: 0, seed: 11 });
    expect((await record(dataset)).batches).toHaveLength(dataset.steps);
  });

  test.each<[unknown, RegExp]>([
    [undefined, /^dataset: a state that was saved is expected, got undefined$/],
    [{ epoch: -1, step: 0, seed: 11 }, /^dataset: epoch of the state must be an integer >= 0/],
    [{ epoch: 0, seed: 11 }, /^dataset: step of the state must be an integer >= 0, got undefined$/],
    [{ epoch: 0, step: 0, seed: 12 }, /^dataset: a state of seed 11 is expected, got 12$/],
  ])('refuses the state %j', (state, message) => {
    expect(() => make().state!.restore(state as DatasetState)).toThrow(message);
  });
});

test('batches of one epoch and seed are equal whatever was iterated before', async () => {
  const property = fc.asyncProperty(
    fc.record({ seed: fc.integer(), epoch: fc.nat(1000), step: fc.nat(5) }),
    async ({ seed, epoch, step }) => {
      const make = () => fromArrays({ x: pixels, y: labels, ...common, seed });
      const first = make();
      await record(first);
      first.epoch = epoch;
      const second = make();
      second.state!.restore({ epoch, step, seed });
      expect((await record(second)).batches).toEqual((await record(first)).batches.slice(step));
    },
  );
  await fc.assert(property, { seed: 4, numRuns: 20 });
});

/** Bytes that JavaScript holds after everything that nobody can reach is gone. */
function heldBytes(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

test.each(sources)('memory of $name is flat over 30,000 batches', async ({ make }) => {
  const dataset = make();
  const epochs = async (count: number) => {
    for (let i = 0; i < count; i++) for await (const _ of dataset);
    return heldBytes();
  };
  const early = await epochs(100);
  const late = await epochs(5000);
  // An object that each of 30,000 batches leaves behind has 16 bytes or more: 480,000. Compiled code comes and goes with
  // 200,000 at most.
  expect(late - early).toBeLessThan(400_000);
});

test.each(sources)('all batches of $name are one pair of arrays', async ({ make }) => {
  const buffers = new Set<ArrayBufferLike>();
  for await (const { x, y } of make()) buffers.add(x.buffer).add(y.buffer);
  expect(buffers.size).toBe(2);
});
