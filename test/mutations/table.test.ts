import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { kernels, scripts } from './table.mjs';

/** `npm run test:mutations` makes the mistakes; this keeps the table true to the sources between its runs. */
test.each([...scripts, ...kernels])('$family: its text stands once in $file', (mutation) => {
  const { file, find, replace, test: tests } = mutation;
  expect(readFileSync(file, 'utf8').split(find)).toHaveLength(2);
  expect(replace).not.toBe(find);
  expect(existsSync(tests), tests).toBe(true);
});
