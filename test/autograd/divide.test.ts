import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { divisions, readFields } from '../../src/autograd/divide.ts';
import type { Memory, Rule, Rules } from '../../src/autograd/division.ts';
import { floatKernels } from '../hosts/floatKernels.ts';
import { integerKernels } from '../hosts/integerKernels.ts';
import { type Line, Rig } from '../hosts/rig.ts';

type Kernel = (...args: number[]) => void;

const wasm = (name: string) =>
  readFileSync(new URL(`../../build/wasm/${name}.wasm`, import.meta.url));
const modules = { infer: wasm('infer'), train: wasm('train') };

/** Every kernel on its shapes, as hosts run it. Kernels that both tables have are those of `floatKernels`. */
const lines: Readonly<Record<string, Line>> = { ...integerKernels, ...floatKernels };

/** First and count of `parts` ranges of whole grains, or of as many as there are. */
function rangesOf(units: number, grain: number, parts: number): [first: number, count: number][] {
  const grains = Math.ceil(units / grain);
  const most = Math.min(parts, grains);
  const start = (i: number) => Math.min(units, Math.floor((i * grains) / most) * grain);
  return Array.from({ length: most }, (_, i) => [start(i), start(i + 1) - start(i)]);
}

/** Makes `kernel` run as calls of its parts, the last first; gives a count of the calls that were cut. */
function divide(rig: Rig, kernel: string, rule: Rule, parts: number): { cut: number } {
  const seen = { cut: 0 };
  const kernels = rig.kernels as unknown as Record<string, Kernel>;
  const whole = kernels[kernel]!;
  const memory: Memory = {
    fields: (struct, ptr) => readFields(new DataView(rig.buffer), struct, ptr),
    scratch: (bytes) => rig.scratch(bytes),
  };
  kernels[kernel] = (...args) => {
    const { units, grain = 1, part } = rule(args, memory);
    const ranges = rangesOf(units, grain, parts);
    if (ranges.length > 1) seen.cut++;
    // All arguments before any call, as threads have them.
    const calls = ranges.map((range) => part(...range));
    for (const call of calls.reverse()) whole(...call);
  };
  return seen;
}

test.each(Object.keys(divisions))('%s in parts gives the bytes of the whole', async (kernel) => {
  const line = lines[kernel];
  if (!line) throw new Error(`${kernel} is divided, and no line of test/hosts runs it`);
  const expected = await new Rig(modules).digestOf(line);
  for (const parts of [2, 3, 5]) {
    const rig = new Rig(modules);
    const seen = divide(rig, kernel, divisions[kernel as keyof Rules]!, parts);
    expect(await rig.digestOf(line)).toBe(expected);
    expect(seen.cut, `calls of ${kernel} that were cut`).toBeGreaterThan(0);
  }
});
