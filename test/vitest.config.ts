import { defineConfig } from 'vitest/config';

export default defineConfig({
  define: { OCTAVO_VERSION: '"test"' },
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['test/**/*.test.ts'],
    exclude: ['test/accuracy/**', 'test/hosts/**', '**/node_modules/**'],
    reporters: ['default', './test/reporter.ts'],
    testTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
  },
});
