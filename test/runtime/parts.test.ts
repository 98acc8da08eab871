import { describe, expect, test, vi } from 'vitest';
import type { OpName } from '../../src/ops/table.ts';
import { arithmeticGraphs } from './arithmeticGraphs.ts';
import { compareLayers } from './equality.ts';
import { IntGraph } from './intGraph.ts';
import { movementGraphs } from './movementGraphs.ts';

/** Cuts every step into as many as five parts, the last one first: any order must do. */
vi.mock('../../src/runtime/cut.ts', () => ({
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
});
