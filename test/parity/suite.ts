import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Counts, compareCase } from './compare.ts';
import type { Row, Subject } from './networks.ts';
import { chosen } from './schemes.ts';

/**
 * One test for each case, named by network, method and bits; at the end of the file a line of counts. A row's network is made once, and let go
 * of before the next.
 */
export function paritySuite(rows: readonly Row[]): void {
  const total = { cases: 0, compared: 0, mismatching: 0 };
  afterAll(() => {
    const { cases, compared, mismatching } = total;
    const count = `${compared.toLocaleString('en')} integers compared, ${mismatching} mismatching`;
    console.log(`parity: ${cases} cases, ${count}`);
  });
  describe.each(rows.map((row) => [row.name, row] as const))('%s', (_, row) => {
    let subject: Subject | undefined;
    beforeAll(async () => {
      subject = await row.subject();
    });
    afterAll(() => {
      subject = undefined;
    });
    const schemes = chosen(row).map((scheme) => [scheme.name, scheme] as const);
    test.each(schemes)('%s', async (_, scheme) => {
      const counts = await compareCase(subject!, scheme, row);
      total.cases++;
      total.compared += counts.compared;
      total.mismatching += counts.mismatching;
      expectParity(counts);
    });
  });
}

/** No integer of any layer differs; and the network is none that would prove little, untouched by training or mostly constant. */
export function expectParity(counts: Counts): void {
  const { compared, mismatching, first, layers, expectedLayers, alive, moved } = counts;
  const expected = { mismatching: 0, first: undefined, layers: expectedLayers, moved: true };
  expect({ mismatching, first, layers, moved }).toEqual(expected);
  expect(compared).toBeGreaterThan(0);
  expect(alive).toBeGreaterThan(0.5);
}
