import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { alignUp, type Block, placeBlocks } from '../../src/runtime/arena.ts';

const block = fc
  .record({ bytes: fc.integer({ min: 0, max: 5000 }), first: fc.nat(20), length: fc.nat(6) })
  .map(({ bytes, first, length }): Block => ({ bytes, first, last: first + length }));
const blocks = fc.array(block, { maxLength: 40 });

const together = (a: Block, b: Block) => a.first <= b.last && b.first <= a.last;

describe('arena', () => {
  test('blocks that live together never overlap, and all lie inside', () => {
    const property = fc.property(blocks, (list) => {
      const { offsets, bytes } = placeBlocks(list);
      list.forEach((a, i) => {
        expect(offsets[i]! % 64).toBe(0);
        expect(offsets[i]! + a.bytes).toBeLessThanOrEqual(bytes);
        list.forEach((b, j) => {
          if (i >= j || !together(a, b) || a.bytes === 0 || b.bytes === 0) return;
          const apart =
            offsets[i]! + a.bytes <= offsets[j]! || offsets[j]! + b.bytes <= offsets[i]!;
          expect(apart, `${JSON.stringify([a, b])} at ${[offsets[i], offsets[j]]}`).toBe(true);
        });
      });
    });
    fc.assert(property, { seed: 1, numRuns: 500 });
  });

  test('the arena holds what lives at once, and no more than everything', () => {
    const property = fc.property(blocks, (list) => {
      const { bytes } = placeBlocks(list);
      const sum = (some: Block[]) => some.reduce((total, b) => total + alignUp(b.bytes), 0);
      const times = list.map(({ first }) => first);
      const peak = times.map((t) => sum(list.filter((b) => b.first <= t && t <= b.last)));
      expect(bytes).toBeGreaterThanOrEqual(Math.max(0, ...peak));
      expect(bytes).toBeLessThanOrEqual(sum(list));
    });
    fc.assert(property, { seed: 2, numRuns: 300 });
  });

  test('a chain of layers needs two neighbours at a time', () => {
    const sizes = [640, 1280, 1280, 640, 64];
    const chain = sizes.map((bytes, i) => ({ bytes, first: i, last: i + 1 }));
    expect(placeBlocks(chain).bytes).toBe(2560);
  });

  test('takes the smallest gap that is large enough', () => {
    // Three blocks stay for good and leave gaps of 256 and 128 bytes where two others lived.
    const list: Block[] = [
      { bytes: 1024, first: 0, last: 9 },
      { bytes: 256, first: 0, last: 1 },
      { bytes: 192, first: 0, last: 9 },
      { bytes: 128, first: 0, last: 1 },
      { bytes: 120, first: 0, last: 9 },
      { bytes: 100, first: 5, last: 6 },
    ];
    const { offsets, bytes } = placeBlocks(list);
    expect(offsets[5]).toBe(offsets[3]);
    expect(bytes).toBe(1024 + 256 + 192 + 128 + 128);
  });
});
