import { expect, test } from 'vitest';
import { BUDGET, measureSize } from '../bench/size.ts';

test(`a page downloads at most ${BUDGET} bytes of runtime, gzip -9`, async () => {
  const { gzip, raw } = await measureSize();
  expect(gzip).toBeLessThanOrEqual(BUDGET);
  // Kernels are inside: without them it would be smaller than this.
  expect(raw).toBeGreaterThan(30000);
});
