import { expect, test } from 'vitest';
import { zoo } from '../../src/index.ts';
import type { Module } from '../../src/nn/module.ts';
import { ship } from './shipped.ts';

/** The structure of the large networks at 32 or 64 pixels: `npm run test:zoo` runs them at 224. */
const small = { inputShape: [32, 32, 3], classes: 20 };

const networks: Record<string, () => Module> = {
  'mobilenetV1 at 64': () => zoo.mobilenetV1({ ...small, inputShape: [64, 64, 3], alpha: 0.5 }),
  'mobilenetV2 at 64': () => zoo.mobilenetV2({ ...small, inputShape: [64, 64, 3] }),
  'resnet50 at 32': () => zoo.resnet50(small),
  'resnet50V2 at 32': () => zoo.resnet50V2(small),
  // Images of all parities occur.
  'nasnetMobile at 41 by 37': () => zoo.nasnetMobile({ ...small, inputShape: [41, 37, 3] }),
  resnet8: () => zoo.resnet8(),
  dscnn: () => zoo.dscnn(),
  visualWakeWords: () => zoo.visualWakeWords(),
  autoencoder: () => zoo.autoencoder(),
  resnet20: () => zoo.resnet20(),
  'resnet56 at 20': () => zoo.resnet56({ inputShape: [20, 20, 3] }),
  digits: () => zoo.digits(),
};

test.each(Object.entries(networks))(
  '%s: converted, evaluation, runtime and interpreter give the same integers',
  async (_, make) => {
    const { planned, plain, fewest, layers } = await ship(make(), 7);
    expect(planned.first).toBeUndefined();
    expect(planned.layers).toBe(layers);
    expect(plain).toEqual(planned);
    // Nothing has died on the way.
    expect(fewest).toBeGreaterThan(1);
  },
);
