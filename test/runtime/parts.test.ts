import { describe, expect, test, vi } from 'vitest';
import type { Pair } from '../../src/ops/geometry.ts';
import type { OpName } from '../../src/ops/table.ts';
import { arithmeticGraphs } from './arithmeticGraphs.ts';
import { compareLayers } from './equality.ts';
import { IntGraph } from './intGraph.ts';
import { movementGraphs } from './movementGraphs.ts';

/** Cuts every step into as many as five parts, the last one first: any order must do. */
vi.mock('../../src/wasm/cut.ts', () => ({
  cut: (units: number, _unitMacs: number, grain: number) => {
    const grains = Math.ceil(units / grain);
    const parts = Math.min(5, grains);
    const start = (i: number) => Math.min(units, Math.floor((i * grains) / parts) * grain);
    return Array.from({ length: parts }, (_, i) => [start(i), start(i + 1) - start(i)]).reverse();
  },
}));

const graphs = { ...arithmeticGraphs, ...movementGraphs };

describe('the parts of a step together equal the interpreter', () => {
  test.each(Object.keys(graphs) as (OpName & keyof typeof graphs)[])('%s', (op) => {
    for (let seed = 0; seed < 12; seed++) {
      const b = new IntGraph(seed);
      const c = {
        ...{ seed, image: [5 + b.rng.below(7), 5 + b.rng.below(7)], kernel: [2, 3] },
        ...{ channels: 1 + b.rng.below(35), outChannels: 9, strides: [2, 1], bias: true },
        padding: [
          [1, 0],
          [0, 1],
        ],
      };
      const graph = b.build([graphs[op](b, c as never)]);
      for (const batch of [1, 3]) expect(compareLayers(graph, batch, seed)).toBeGreaterThan(0);
    }
  });

  // Many outputs of few pixels or tiles are divided by their outputs, others by pixels or rows of tiles.
  test.each<[string, Pair, Pair, Pair, number]>([
    ['conv2d by outputs', [2, 3], [2, 3], [1, 2], 91],
    ['conv2d by pixels', [9, 11], [2, 3], [1, 2], 9],
    ['tiles by outputs', [4, 4], [3, 3], [1, 1], 91],
    ['tiles that hang over by outputs', [4, 5], [3, 3], [1, 1], 97],
    ['tiles by rows', [9, 11], [3, 3], [1, 1], 9],
  ])('%s', (_, image, kernel, strides, outputs) => {
    for (let seed = 0; seed < 6; seed++) {
      const b = new IntGraph(seed);
      const padding = [pad(1), pad(1)] as const;
      const shape = [outputs + 5 * seed, ...kernel];
      const y = b.conv2d(b.input([...image, 13 + seed]), shape, { strides, padding }, true);
      for (const batch of [1, 2]) {
        expect(compareLayers(b.build([y]), batch, seed)).toBeGreaterThan(0);
      }
    }
  });
});

function pad(size: number): Pair {
  return [size, size];
}
