import { defineConfig } from 'vitest/config';

export default defineConfig({
  define: { OCTAVO_VERSION: '"test"' },
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['test/**/*.test.ts'],
    exclude: ['test/accuracy/**', 'test/hosts/**', '**/node_modules/**'],
    setupFiles: ['test/helpers/ops.ts'],
    reporters: ['default', './test/reporter.ts'],
    // Only what hangs is to run into these, on busy machines too.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
  },
});
