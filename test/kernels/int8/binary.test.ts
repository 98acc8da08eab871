import { describe, it } from 'vitest';
import type { StructFields } from '../../../src/core/abi.ts';
import type { InferKernels } from '../../../src/core/kernels.ts';
import { Rng } from '../../../src/core/rng.ts';
import { GuardedMemory } from '../../helpers/guarded.ts';
import { implementations } from '../../helpers/memory.ts';
import {
  preluReference,
  vaddReference,
  vminmaxReference,
  vmulReference,
} from '../../reference/int8/vector.ts';
import { lengths, randomBytes, ranges, same } from './cases.ts';

const guarded = new GuardedMemory(16);

type Fields = StructFields<'BinaryParams'>;

interface BinaryCase {
  readonly name: string;
  run(kernels: InferKernels, n: number, a: number, b: number, y: number, params: number): void;
  reference(a: Int8Array, b: Int8Array, fields: Fields): Int8Array;
}

const binaries: BinaryCase[] = [
  {
    name: 'qs8_vadd',
    run: (kernels, ...args) => kernels.qs8_vadd(...args),
    reference: vaddReference,
  },
  {
    name: 'qs8_vmul',
    run: (kernels, ...args) => kernels.qs8_vmul(...args),
    reference: vmulReference,
  },
  {
    name: 'qs8_vminmax, the smaller',
    run: (kernels, ...args) => kernels.qs8_vminmax(...args, 0),
    reference: (a, b, fields) => vminmaxReference(a, b, fields, Math.min),
  },
  {
    name: 'qs8_vminmax, the larger',
    run: (kernels, ...args) => kernels.qs8_vminmax(...args, -1),
    reference: (a, b, fields) => vminmaxReference(a, b, fields, Math.max),
  },
];

/** Multipliers with magic or without: both where |u| < 2²² for all operands, else without alone. */
const multipliers = [
  [0.5, 0.5, [0, 1]],
  [1, -1, [0, 1]],
  [0.013, 0.71, [0, 1]],
  [-0.0031, -0.0079, [0, 1]],
  [0, 2 ** -20, [0, 1]],
  [64, -64, [1]],
  [1e30, -1e30, [0]],
] as const;

const zeroPoints = [
  [-128, 127],
  [127, -128],
  [5, -9],
] as const;

function forEachFields(visit: (fields: Fields) => void): void {
  for (const { zeroPoint, qmin, qmax } of ranges) {
    for (const [aMultiplier, bMultiplier, magics] of multipliers) {
      for (const [aZeroPoint, bZeroPoint] of zeroPoints) {
        const operands = { aZeroPoint, bZeroPoint, aMultiplier, bMultiplier };
        for (const magic of magics) {
          visit({ ...operands, outZeroPoint: zeroPoint, qmin, qmax, magic });
        }
      }
    }
  }
}

function binarySuite(kernels: InferKernels, { name, run, reference }: BinaryCase): void {
  it.each(lengths)(`${name}, n %i`, (n) => {
    const rng = new Rng(n + 1);
    forEachFields((fields) => {
      guarded.reset();
      const [a, b] = [randomBytes(rng, n), randomBytes(rng, n)];
      const y = guarded.output(a, 'y', n % 16);
      const params = guarded.params('BinaryParams', fields).pointer;
      const pa = guarded.input(a, 'a', 3).pointer;
      const pb = guarded.inputAtEnd(b).pointer;
      run(kernels, n, pa, pb, y.pointer, params);
      guarded.check();
      same(`seed ${n + 1}, ${JSON.stringify(fields)}`, y.read(), reference(a, b, fields));
    });
  });

  it(`${name} of all pairs of bytes`, () => {
    const a = Int8Array.from({ length: 65536 }, (_, i) => i & 255);
    const b = Int8Array.from({ length: 65536 }, (_, i) => i >> 8);
    const range = { outZeroPoint: -3, qmin: -128, qmax: 127, magic: 1 };
    for (const [aMultiplier, bMultiplier] of [[0.0125, 0.5]] as const) {
      const fields = { aZeroPoint: 3, bZeroPoint: -77, aMultiplier, bMultiplier, ...range };
      guarded.reset();
      const y = guarded.output(a);
      const params = guarded.params('BinaryParams', fields).pointer;
      const [pa, pb] = [guarded.input(a).pointer, guarded.input(b).pointer];
      run(kernels, a.length, pa, pb, y.pointer, params);
      guarded.check();
      same(JSON.stringify(fields), y.read(), reference(a, b, fields));
    }
  });

  it(`${name} works in place`, () => {
    const fields = {
      ...{ aZeroPoint: 1, bZeroPoint: 2, aMultiplier: 0.25, bMultiplier: 0.125 },
      ...{ outZeroPoint: 0, qmin: -128, qmax: 127, magic: 1 },
    };
    const x = randomBytes(new Rng(1), 45);
    guarded.reset();
    const y = guarded.inout(x);
    const params = guarded.params('BinaryParams', fields).pointer;
    run(kernels, 45, y.pointer, y.pointer, y.pointer, params);
    guarded.check();
    same(name, y.read(), reference(x, x, fields));
  });
}

function preluSuite(kernels: InferKernels): void {
  it.each([1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33])('qs8_prelu, %i channels', (channels) => {
    const rng = new Rng(channels);
    for (const rows of [0, 1, 3]) {
      forEachFields((fields) => {
        guarded.reset();
        const [x, alpha] = [randomBytes(rng, rows * channels), randomBytes(rng, channels)];
        const y = guarded.output(x, 'y', rows);
        const params = guarded.params('BinaryParams', fields).pointer;
        const px = guarded.input(x, 'x', 5).pointer;
        const pa = guarded.inputAtEnd(alpha).pointer;
        kernels.qs8_prelu(rows, channels, px, pa, y.pointer, params);
        guarded.check();
        const slopes = x.map((_, i) => alpha[i % channels]!);
        const label = `${rows} rows, ${JSON.stringify(fields)}`;
        same(label, y.read(), preluReference(x, slopes, fields));
      });
    }
  });
}

for (const { name, kernels } of implementations('infer', guarded.memory)) {
  describe(name, () => {
    for (const one of binaries) binarySuite(kernels, one);
    preluSuite(kernels);
  });
}
