import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { accuracy, gain, packBits, unpackBits } from '../../bench/results/paired.ts';
import { PAGE, partOf, pathsOf } from '../../bench/results/part.ts';
import { digestOf, replacePart, Store } from '../../bench/results/store.ts';
import { tables } from '../../bench/results/tables.ts';

const folder = mkdtempSync(join(tmpdir(), 'octavo-results-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('the store', () => {
  test('keeps what it is given, and finds it under the same configuration in any order', () => {
    const path = join(folder, 'deep', 'one.json');
    new Store<object, number>(path).add({ a: 1, b: [2, 3] }, 7, 0.5);
    const again = new Store<object, number>(path);
    again.add({ a: 2 }, 8, 0.25);
    const third = new Store<object, number>(path);
    expect(third.get({ b: [2, 3], a: 1, c: undefined })).toMatchObject({
      outcome: 7,
      minutes: 0.5,
    });
    expect(third.get({ a: 2 })?.outcome).toBe(8);
    expect(third.get({ a: 3 })).toBeUndefined();
    // No half-written file stays behind.
    expect(readdirSync(join(folder, 'deep'))).toEqual(['one.json']);
    expect(readFileSync(path, 'utf8').trim().split('\n')).toHaveLength(4);
  });

  test('digests differ where configurations do', () => {
    expect(digestOf({ a: 1, b: 2 })).toBe(digestOf({ b: 2, a: 1 }));
    expect(digestOf({ a: [4, 8] })).not.toBe(digestOf({ a: [8, 4] }));
  });
});

test('a part of the page is replaced where it is, or appended', () => {
  const page = replacePart('# Results\n', 'one', 'first');
  expect(page).toBe('# Results\n\n<!-- one -->\nfirst\n<!-- /one -->\n');
  const two = replacePart(page, 'two', 'second');
  expect(replacePart(two, 'one', 'third')).toBe(
    '# Results\n\n<!-- one -->\nthird\n<!-- /one -->\n\n<!-- two -->\nsecond\n<!-- /two -->\n',
  );
});

describe('paired differences', () => {
  test('bits are packed and come back', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 40 }), (bits) => {
        expect(unpackBits(packBits(bits), bits.length)).toEqual(bits);
      }),
      { seed: 3 },
    );
    expect(packBits([true, false, false, true, true])).toBe('98');
  });

  test('mean and bounds are those of the differences by sample', () => {
    const before = [true, true, false, false];
    const after = [true, false, true, true];
    // Differences 0, −100, 100, 100: mean 25, deviation √(27500/3).
    const error = Math.sqrt(27500 / 3 / 4);
    const { mean, lowest, highest } = gain([before], [after]);
    expect(mean).toBe(25);
    expect(lowest).toBeCloseTo(25 - 1.645 * error, 9);
    expect(highest).toBeCloseTo(25 + 1.645 * error, 9);
    expect(accuracy(after)).toBe(75);
  });

  test('several runs count by their mean on each sample', () => {
    const runs = [
      [true, false],
      [false, false],
    ];
    expect(gain([[true, false]], runs).mean).toBe(-25);
    expect(gain(runs, runs)).toEqual({ mean: 0, lowest: 0, highest: 0 });
  });
});

describe.each(Object.entries(tables))('table %s', (name, table) => {
  test('its cells are all different, and the page has its part and its plot', () => {
    const digests = table.cells.map(digestOf);
    expect(new Set(digests).size).toBe(digests.length);
    const { cells, plot: picture } = pathsOf(name);
    const store = new Store<object, unknown>(cells);
    const page = readFileSync(PAGE, 'utf8');
    const { text, plot } = partOf(name, table, (cell) => store.get(cell));
    expect(replacePart(page, name, text)).toBe(page);
    expect(existsSync(picture) ? readFileSync(picture, 'utf8') : undefined).toBe(plot);
  });
});
