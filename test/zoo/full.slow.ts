import { expect, test } from 'vitest';
import { zoo } from '../../src/index.ts';
import { ship } from './shipped.ts';

/** A network of 4 GMAC takes the plain interpreter minutes. */
const MINUTES = 15;

test.each(['mobilenetV1', 'mobilenetV2', 'nasnetMobile', 'resnet50', 'resnet50V2'] as const)(
  '%s at 224: converted, evaluation, runtime and interpreter give the same integers',
  async (name) => {
    const { planned, plain, fewest, layers } = await ship(zoo[name](), 7);
    expect(planned.first).toBeUndefined();
    expect(planned.layers).toBe(layers);
    expect(plain).toEqual(planned);
    expect(fewest).toBeGreaterThan(1);
  },
  MINUTES * 60_000,
);
