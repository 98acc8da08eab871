import { expect, test } from 'vitest';
import { Rng } from '../../../src/core/rng.ts';
import { describeWithData } from '../../helpers/data.ts';
import { sessionOf } from './golden.ts';

describeWithData('ResNet-8', ['models/mlperf-tiny'], () => {
  test('gives the same bytes over 10,000 runs', async () => {
    const session = await sessionOf('mlperf-tiny/pretrainedResnet_quant.tflite');
    const rng = new Rng(3);
    const input = Int8Array.from({ length: 32 * 32 * 3 }, () => rng.below(256) - 128);
    const first = session.run({ input }, { copy: true }).output!;
    let others = 0;
    for (let i = 0; i < 10_000; i++) {
      const { output } = session.run({ input });
      if (first.some((q, at) => q !== output![at])) others++;
    }
    expect(others).toBe(0);
  });
});
