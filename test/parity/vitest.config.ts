import { defineConfig } from 'vitest/config';
import base from '../vitest.config.ts';

/** The suite of `npm run test:parity`: one file at a time, as networks of 25 million weights take up to 2 GiB. */
export default defineConfig({
  ...base,
  test: {
    ...base.test,
    include: ['test/parity/*.slow.ts'],
    maxWorkers: 1,
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});
