import { readFileSync } from 'node:fs';
import type * as runtime from '../../src/runtime.ts';
import type { Case, Contender, Input } from './contender.ts';

/** The file that ships. */
const RUNTIME = new URL('../../dist/runtime.js', import.meta.url).href;

export async function openOctavo(
  { files }: Case,
  input: Input,
  threads: number,
): Promise<Contender> {
  const { load }: typeof runtime = await import(RUNTIME);
  const session = await load(new Uint8Array(readFileSync(files.octavo)), { threads });
  const inputs = { input };
  return {
    name: 'Octavo',
    run: () => session.run(inputs),
    outputs: async () => session.run(inputs, { copy: true })['output']!,
    close() {},
  };
}
