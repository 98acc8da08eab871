import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { layers } from '../../src/nn/layers.ts';

test('docs/layers.md has a row for every layer', () => {
  const page = readFileSync(new URL('../../docs/layers.md', import.meta.url), 'utf8');
  const cells = page.split('\n').filter((line) => line.startsWith('| `'));
  const first = cells.map((line) => line.split('|')[1]!);
  const named = first.flatMap((cell) => [...cell.matchAll(/`(\w+)`/g)].map((match) => match[1]!));
  expect(named.sort()).toEqual(Object.keys(layers).sort());
});
