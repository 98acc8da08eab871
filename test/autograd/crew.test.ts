import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createCrewDevice } from '../../src/autograd/crew.ts';
import type { Device } from '../../src/autograd/device.ts';
import type { Ref } from '../../src/core/op.ts';
import { MOST_CALLS } from '../../src/wasm/openCalls.ts';

const LENGTH = 5;

let device: Device;
let start = 0;

beforeAll(async () => {
  device = (await createCrewDevice(3))!;
  start = device.mark();
});

afterEach(() => device.release(start));

/** `count` tensors of LENGTH elements, those of the i-th i + 1. */
function tensors(count: number): Ref[] {
  const refs = Array.from({ length: count }, () => device.tensor([LENGTH]));
  refs.forEach((ref, i) => {
    device.view(ref, 'f32').fill(i + 1);
  });
  return refs;
}

const values = (refs: readonly Ref[]) => refs.map((ref) => [...device.view(ref, 'f32')]);
const filled = (...numbers: number[]) => numbers.map((n) => new Array(LENGTH).fill(n));
const double = ({ ptr }: Ref) => device.kernels.f32_vscale(LENGTH, ptr, 2, ptr);

describe('Crew.together', () => {
  test.each([0, 1, 2, MOST_CALLS, MOST_CALLS + 1, 2 * MOST_CALLS + 5])(
    'makes %i calls, each once',
    (count) => {
      const refs = tensors(count);
      device.crew!.together(() => refs.forEach(double));
      expect(values(refs)).toEqual(filled(...refs.map((_, i) => 2 * (i + 1))));
    },
  );

  test('makes none of them before its work ends', () => {
    const refs = tensors(2);
    device.crew!.together(() => {
      refs.forEach(double);
      expect(values(refs)).toEqual(filled(1, 2));
    });
    expect(values(refs)).toEqual(filled(2, 4));
  });

  test('makes none of them when its work fails, and calls go on as ever', () => {
    const refs = tensors(2);
    const failing = () => {
      double(refs[0]!);
      throw new Error('of the work');
    };
    expect(() => device.crew!.together(failing)).toThrow(/^of the work$/);
    expect(values(refs)).toEqual(filled(1, 2));
    double(refs[0]!);
    device.crew!.together(() => double(refs[1]!));
    expect(values(refs)).toEqual(filled(2, 4));
  });

  test('refuses to be called inside itself', () => {
    const refs = tensors(1);
    const nested = () => device.crew!.together(() => refs.forEach(double));
    const message = /^internal: calls that run together are collected twice/;
    expect(() => device.crew!.together(nested)).toThrow(message);
    nested();
    expect(values(refs)).toEqual(filled(2));
  });

  test('refuses calls of two kernels', () => {
    const [a, b] = tensors(2) as [Ref, Ref];
    const both = () => {
      double(a);
      device.kernels.f32_vadd(LENGTH, a.ptr, b.ptr, b.ptr);
    };
    const message = /^internal: f32_vscale and f32_vadd run together/;
    expect(() => device.crew!.together(both)).toThrow(message);
    expect(values([a, b])).toEqual(filled(1, 2));
  });

  test('gives each call scratch of its own, as large as it asks for', () => {
    const crew = device.crew!;
    const refs = tensors(3);
    const places: { ptr: number; bytes: number }[] = [];
    expect(crew.nextScratch(8)).toBeUndefined();
    crew.together(() => {
      refs.forEach((ref, i) => {
        for (const bytes of [8, 1000 + i]) places[i] = { ptr: crew.nextScratch(bytes)!, bytes };
        expect(crew.nextScratch(8)).toBe(places[i]!.ptr);
        double(ref);
      });
    });
    const sorted = places.toSorted((a, b) => a.ptr - b.ptr);
    for (const [i, { ptr, bytes }] of sorted.slice(0, -1).entries()) {
      expect(ptr + bytes).toBeLessThanOrEqual(sorted[i + 1]!.ptr);
    }
  });
});
