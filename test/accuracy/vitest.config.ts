import { defineConfig } from 'vitest/config';
import base from '../vitest.config.ts';

/** Whole models on whole test sets: minutes, where the data folder is, and apart from the tests of every change. */
export default defineConfig({
  ...base,
  test: {
    ...base.test,
    include: ['test/accuracy/**/*.test.ts'],
    exclude: ['**/node_modules/**'],
    testTimeout: 600_000,
  },
});
