import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { structs } from '../../../src/core/abi.ts';
import { inferKernels, trainKernels } from '../../../src/core/kernels.ts';
import { kernelsOf, type ModuleName, moduleOf } from '../../helpers/memory.ts';

const root = new URL('../../../', import.meta.url);

/** Whether the module section with this id is present. Ids: 11 is data. */
function hasSection(bytes: Uint8Array, id: number): boolean {
  for (let at = 8; at < bytes.length; ) {
    const section = bytes[at++]!;
    let size = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++]!;
      size |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    if (section === id) return true;
    at += size;
  }
  return false;
}

describe.each([
  { name: 'infer', header: inferKernels },
  { name: 'train', header: trainKernels },
  { name: 'scalar', header: { ...inferKernels, ...trainKernels } },
] as const)('$name.wasm', ({ name, header }) => {
  it('exports the kernels of the header, with their arguments', () => {
    const kernels = kernelsOf(name as ModuleName, new WebAssembly.Memory({ initial: 1 }));
    const arity = Object.entries(kernels)
      .filter(([, value]) => typeof value === 'function')
      .map(([kernel, value]) => [kernel, (value as { length: number }).length]);
    const expected = Object.entries(header).map(([kernel, args]) => [kernel, args.length]);
    expect(Object.fromEntries(arity)).toEqual(Object.fromEntries(expected));
  });

  it('imports a memory and nothing else, and brings no data', () => {
    const imports = WebAssembly.Module.imports(moduleOf(name as ModuleName));
    expect(imports).toEqual([{ module: 'env', name: 'memory', kind: 'memory' }]);
    expect(hasSection(readFileSync(new URL(`build/wasm/${name}.wasm`, root)), 11)).toBe(false);
  });
});

describe('assembly/abi.ts', () => {
  const source = readFileSync(new URL('assembly/abi.ts', root), 'utf8');
  const classes = [...source.matchAll(/^export class (\w+) \{\n([^}]*)\}/gm)];

  it('declares the structs of src/core/abi.ts, field by field', () => {
    const declared = classes.map(([, name, body]) => [
      name,
      [...body!.matchAll(/^ {2}(\w+): (\w+);$/gm)].map(([, field, type]) => [field, type]),
    ]);
    const expected = Object.entries(structs).map(([name, fields]) => [
      name,
      Object.entries(fields),
    ]);
    expect(declared).toEqual(expected);
  });
});
