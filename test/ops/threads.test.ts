import { describe, expect, test, vi } from 'vitest';
import { Rng } from '../../src/core/rng.ts';
import { sizeOf } from '../../src/core/shape.ts';
import { allCases, drawInputs } from './cases.ts';
import { runRule } from './run.ts';

/** Cuts whatever can be cut into as many as five parts, so that small tensors do. */
vi.mock('../../src/wasm/cut.ts', () => ({
  cut: (units: number, _unitCost: number, grain: number, threads: number) => {
    const grains = Math.ceil(units / grain);
    const parts = threads === 1 ? 1 : Math.min(5, grains);
    const start = (i: number) => Math.min(units, Math.floor((i * grains) / parts) * grain);
    return Array.from({ length: parts }, (_, i) => [start(i), start(i + 1) - start(i)]);
  },
}));

const SEED = 23;
const bytes = (x: Float32Array | undefined) =>
  x && new Uint8Array(x.buffer, x.byteOffset, x.byteLength);

describe('f32 rules on three threads give the bytes of one', () => {
  test.each(allCases)('$title', async (one) => {
    const data = drawInputs(one, SEED);
    const rng = new Rng(SEED);
    const dy = Float32Array.from({ length: sizeOf(one.output) }, () => 2 * rng.uniform() - 1);
    const [alone, shared] = [await runRule(one, data, dy), await runRule(one, data, dy, 3)];
    expect(bytes(shared.output)).toEqual(bytes(alone.output));
    expect(shared.gradients.map(bytes)).toEqual(alone.gradients.map(bytes));
  });
});
