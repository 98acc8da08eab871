import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Counts, compareCase } from './compare.ts';
import type { Row, Subject } from './networks.ts';
import { chosen, type Scheme } from './schemes.ts';

export interface Case {
  readonly row: Row;
  readonly scheme: Scheme;
}

/** Every case of a row has the same network: it is made once, and let go of before the next. */
export const casesOf = (row: Row): readonly Case[] =>
  chosen(row).map((scheme) => ({ row, scheme }));

const total = { cases: 0, compared: 0, mismatching: 0 };

/** One test for each case, named by network, method and bits; at the end of the file a line of counts. */
export function paritySuite(rows: readonly Row[], casesOfRow = casesOf): void {
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
    test.each(casesOfRow(row).map(({ scheme }) => [scheme.name, scheme] as const))(
      '%s',
      async (_, scheme) => expectParity(await compareCase(subject!, scheme, row)),
    );
  });
}

/** All layers, no integer that differs, and not all of them constant, which would prove little. */
function expectParity({ compared, mismatching, first, layers, expectedLayers, alive }: Counts) {
  total.cases++;
  total.compared += compared;
  total.mismatching += mismatching;
  expect({ mismatching, first, layers }).toEqual({
    ...{ mismatching: 0, first: undefined, layers: expectedLayers },
  });
  expect(compared).toBeGreaterThan(0);
  expect(alive).toBeGreaterThan(0.5);
}
