import { describe, expect, test } from 'vitest';
import { type Device, withDevice } from '../../src/autograd/device.ts';
import { crossEntropy } from '../../src/nn/losses.ts';
import { adam } from '../../src/optim/optimizer.ts';
import { quantizeModel } from '../../src/quant/quantizeModel.ts';
import { type Resolved, resolve } from '../../src/train/resolve.ts';
import { Trainer } from '../../src/train/trainer.ts';
import { blobs, networks } from '../quant/networks.ts';

const SEED = 111;
const STEPS = 1000;

/** Bytes of wasm memory, and the top of the stack between steps, after some of 1,000 steps. */
function memoryOver(model: Resolved, at: readonly number[]): Promise<[number, number][]> {
  return withDevice(async (device: Device) => {
    const trainer = new Trainer(device, model, crossEntropy(), adam(), STEPS);
    const seen: [number, number][] = [];
    const data = blobs(24, SEED, 4);
    for (let step = 0; step < STEPS; ) {
      for await (const batch of data) {
        trainer.step(batch, step++);
        if (at.includes(step)) seen.push([device.bytes, device.mark()]);
        if (step === STEPS) break;
      }
    }
    return seen;
  });
}

const name = 'average pool with padding, dense with bias on flattened pixels';

describe('memory is the same after step 20 and step 1,000', () => {
  test('in float', async () => {
    const model = resolve('test', networks[name]!()(SEED), blobs(4, SEED));
    const [early, late] = await memoryOver(model, [20, STEPS]);
    expect(late).toEqual(early);
  });

  test.each(['lsq', 'movingAverage'] as const)('quantized with %s', async (method) => {
    const net = networks[name]!()(SEED);
    const data = blobs(4, SEED);
    net.build(data.shape);
    const model = quantizeModel(net, { method });
    await model.prepare(data);
    const [early, late] = await memoryOver(resolve('test', model, data), [20, STEPS]);
    expect(late).toEqual(early);
  });
});

test('a run gives back all it took, also when it fails', async () => {
  const marks: number[] = [];
  const look = () => withDevice(async (device) => void marks.push(device.mark()));
  await look();
  const model = resolve('test', networks[name]!()(SEED), blobs(4, SEED));
  await withDevice(async (device) => new Trainer(device, model, crossEntropy(), adam(), 1));
  await look();
  const failing = withDevice(async (device) => {
    device.allocate(1000);
    throw new Error('mine');
  });
  await expect(failing).rejects.toThrow(/^mine$/);
  await look();
  expect(new Set(marks).size).toBe(1);
});

test('memory that a host does not give is an error that says what to do', async () => {
  const asking = withDevice(async (device) => device.allocate(2 ** 33));
  await expect(asking).rejects.toThrow(
    /^memory: the step needs 819\d MiB, more than this host gives; try a smaller batch$/,
  );
});
