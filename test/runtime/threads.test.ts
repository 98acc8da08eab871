import { writeFileSync } from 'node:fs';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { writeBundle } from '../../src/bundle/write.ts';
import { Rng } from '../../src/core/rng.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { load } from '../../src/runtime.ts';
import { cut } from '../../src/wasm/cut.ts';
import { inFolder, program } from '../cli/cli.ts';
import { IntGraph, randomInputs } from './intGraph.ts';

describe('cut', () => {
  test('leaves a step whole on one thread and where parts would be too small', () => {
    expect(cut(100, 1e6, 1, 1)).toEqual([[0, 100]]);
    expect(cut(100, 9_999, 1, 4)).toEqual([[0, 100]]);
    expect(cut(1, 1e9, 1, 4)).toEqual([[0, 1]]);
  });

  test.each([
    [1000, 1e5, 1, 2],
    [1003, 1e5, 4, 3],
    [49, 1e6, 4, 64],
    [12544, 1e4, 8, 16],
  ])('covers %i units once, at multiples of the grain', (units, macs, grain, threads) => {
    const parts = cut(units, macs, grain, threads);
    expect(parts.length).toBeGreaterThan(1);
    expect(parts.length).toBeLessThanOrEqual(4 * threads);
    let next = 0;
    for (const [first, count] of parts) {
      expect(first).toBe(next);
      expect(first % grain).toBe(0);
      expect(count).toBeGreaterThan(0);
      next = first + count;
    }
    expect(next).toBe(units);
  });
});

/** Large enough that its convolutions are worth cutting; more steps are not. */
function network(seed: number): Graph {
  const b = new IntGraph(seed);
  const padding = [
    [1, 1],
    [1, 1],
  ] as const;
  const x = b.input([24, 24, 16]);
  const stem = b.conv2d(x, [64, 3, 3], { padding }, true);
  const deep = b.conv2d(b.depthwise(stem, [3, 3], { padding }), [64, 1, 1]);
  const sum = b.clamp(b.add(stem, deep));
  return b.build([b.dense(b.globalAveragePool(b.conv2d(sum, [96, 1, 1])), 10)]);
}

describe('load with threads', () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.restoreAllMocks();
  });

  test('a session goes on when later ones bring more threads', async () => {
    const graph = network(1);
    const bytes = writeBundle({ graph, golden: [] });
    const inputs = { input: randomInputs(graph, 1, new Rng(5))[0]! };
    const first = await load(bytes, { threads: 2 });
    const expected = first.run(inputs, { copy: true }).output;
    for (let threads = 3; threads < 6; threads++) {
      await load(bytes, { threads });
      for (let i = 0; i < 50; i++) expect(first.run(inputs).output).toEqual(expected);
    }
  });

  test.each([2, 3, 8])('%i threads give the integers of one', async (threads) => {
    const graph = network(threads);
    const bytes = writeBundle({ graph, golden: [] });
    const alone = await load(bytes);
    const shared = await load(bytes, { threads });
    for (let seed = 0; seed < 30; seed++) {
      const [input] = randomInputs(graph, 1, new Rng(seed)) as [Int8Array];
      expect(shared.run({ input }).output).toEqual(alone.run({ input }).output);
    }
  });

  test('sessions on the same helpers keep apart', async () => {
    const graphs = [network(11), network(12)];
    const bundles = graphs.map((graph) => writeBundle({ graph, golden: [] }));
    const alone = await Promise.all(bundles.map((bytes) => load(bytes)));
    const shared = await Promise.all(bundles.map((bytes) => load(bytes, { threads: 2 })));
    for (let seed = 0; seed < 20; seed++) {
      const [input] = randomInputs(graphs[0]!, 1, new Rng(seed)) as [Int8Array];
      const which = seed % 2;
      expect(shared[which]!.run({ input }).output).toEqual(alone[which]!.run({ input }).output);
    }
  });

  test('a process that loads several at once lives until all run, and no longer', () => {
    const graph = network(1);
    const [input] = randomInputs(graph, 1, new Rng(1)) as [Int8Array];
    inFolder((path) => {
      writeFileSync(path('model.octavo'), writeBundle({ graph, golden: [] }));
      const { status, stdout } = program(`
        import { readFileSync } from 'node:fs';
        import { load } from 'octavo/runtime';
        const bytes = readFileSync(${JSON.stringify(path('model.octavo'))});
        const input = Int8Array.of(${input});
        const expected = String((await load(bytes)).run({ input }).output);
        let different = 0;
        for (let round = 0; round < 10; round++) {
          const loading = [2, 4, 3, 2].map((threads) => load(bytes, { threads }));
          for (const session of await Promise.all(loading)) {
            for (let i = 0; i < 20; i++) different += String(session.run({ input }).output) !== expected;
          }
        }
        console.log(different);
      `);
      expect([stdout, status]).toEqual(['0\n', 0]);
    });
  });

  test('runs on one thread, saying so once, where memory cannot be shared', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    vi.stubGlobal('crossOriginIsolated', false);
    const graph = network(1);
    const bytes = writeBundle({ graph, golden: [] });
    const [input] = randomInputs(graph, 1, new Rng(1)) as [Int8Array];
    const expected = (await load(bytes)).run({ input }).output;
    for (let i = 0; i < 2; i++) {
      const session = await load(bytes, { threads: 2 });
      expect(session.run({ input }).output).toEqual(expected);
    }
    expect(warn.mock.calls).toEqual([
      ['octavo: running on one thread: the page is not cross-origin isolated'],
    ]);
  });

  test.each([0, 65, 1.5])('refuses %d threads', async (threads) => {
    await expect(load(new Uint8Array(), { threads })).rejects.toThrow(
      /^load: threads must be an integer in \[1, 64\], got/,
    );
  });
});
