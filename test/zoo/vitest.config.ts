import { defineConfig } from 'vitest/config';
import base from '../vitest.config.ts';

/** The suite of `npm run test:zoo`: one network at a time, as each takes up to 2 GiB. */
export default defineConfig({
  ...base,
  test: { ...base.test, include: ['test/zoo/full.slow.ts'], maxWorkers: 1 },
});
