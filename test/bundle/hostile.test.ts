import { describe, expect, test } from 'vitest';
import { readBundle } from '../../src/bundle/read.ts';
import { writeBundle } from '../../src/bundle/write.ts';
import { type Preprocessing, quantizeTable } from '../../src/core/preprocess.ts';
import { Rng } from '../../src/core/rng.ts';
import { decode } from '../../src/core/safetensors.ts';
import { BATCH } from '../../src/core/shape.ts';
import type { Graph } from '../../src/graph/graph.ts';
import type { InputData } from '../../src/runtime/input.ts';
import { load } from '../../src/runtime/load.ts';
import { interpret } from '../../src/runtime/reference/interpret.ts';
import type { Session } from '../../src/runtime/session.ts';
import { moduleOf } from '../helpers/memory.ts';
import { randomInputs } from '../runtime/intGraph.ts';
import { type AnyJson, tamper } from './tamper.ts';
import { tinyBundle } from './tinyBundle.ts';

const wasm = moduleOf('infer');

/** An engine's own error, not ours. */
const SLIP =
  /[Uu]ndefined \(|not a function|not iterable|Cannot|call stack|Invalid (array|string|typed)/;

/** Reads without a fault, or throws what `readBundle` promises. Anything else fails the test. */
function survives(bytes: Uint8Array): 'read' | 'refused' {
  try {
    readBundle(bytes);
    return 'read';
  } catch (error) {
    const kind = error instanceof RangeError || error instanceof TypeError;
    if (!kind || !error.message.startsWith('bundle: ') || SLIP.test(error.message)) throw error;
    return 'refused';
  }
}

/** What reads is planned and run too, on integers and on pixels, and gives the integers of the interpreter. */
async function survivesRun(bytes: Uint8Array): Promise<'run' | 'refused'> {
  if (survives(bytes) === 'refused') return 'refused';
  const { graph } = readBundle(bytes);
  const session = await load(bytes, { wasm });
  const rng = new Rng(6);
  const given = randomInputs(graph, 1, rng);
  expectInterpreted(session, graph, given, given);
  const { preprocessing } = graph;
  if (!preprocessing) return 'run';
  const pixels = given.map((input) => new Uint8Array(input.buffer));
  const integers = pixels.map((input, i) => {
    const table = quantizeTable(preprocessing, graph.values[graph.inputs[i]!]!.qparams!);
    return Int8Array.from(input, (pixel, at) => table[((at * 256) % table.length) + pixel]!);
  });
  expectInterpreted(session, graph, pixels, integers);
  return 'run';
}

function expectInterpreted(
  session: Session,
  graph: Graph,
  inputs: readonly InputData[],
  integers: Parameters<typeof interpret>[1],
): void {
  const named = Object.fromEntries(inputs.map((data, i) => [session.inputs[i]!.name, data]));
  const got = session.run(named);
  const layers = interpret(graph, integers);
  graph.outputs.forEach((id, i) => {
    expect(got[session.outputs[i]!.name]).toEqual(layers.get(graph.values[id]!.name));
  });
}

describe('a file that is damaged', () => {
  const bytes = writeBundle(tinyBundle());

  test('is refused when it is cut, wherever', () => {
    for (let length = 0; length < bytes.length; length++) {
      expect(survives(bytes.subarray(0, length))).toBe('refused');
    }
  });

  test('is refused when it is longer', () => {
    const longer = new Uint8Array(bytes.length + 1);
    longer.set(bytes);
    expect(() => readBundle(longer)).toThrow(
      /^bundle: the file must end after \d+ bytes of data, got \d+$/,
    );
  });

  test('is refused when a bit of description or data flips', () => {
    const rng = new Rng(2);
    const start = new TextDecoder().decode(bytes).indexOf('\\"format');
    const json = decode(bytes).metadata.octavo!.length;
    const dataStart = decode(bytes).data.byteOffset;
    for (let run = 0; run < 1000; run++) {
      const inData = run % 2 === 0;
      const at = inData ? dataStart + rng.below(bytes.length - dataStart) : start + rng.below(json);
      const copy = bytes.slice();
      copy[at]! ^= 1 << rng.below(8);
      expect(survives(copy), `byte ${at}`).toBe('refused');
    }
  });

  test('never does worse than a clean Error, for any bytes changed', () => {
    const rng = new Rng(3);
    for (let run = 0; run < 3000; run++) {
      const copy = bytes.slice();
      for (let i = rng.below(4); i >= 0; i--) copy[rng.below(copy.length)] = rng.below(256);
      survives(copy);
    }
  });
});

/** A bundle of less than a kilobyte: one relu over `channels` values. */
function wide(channels: number, preprocessing: Preprocessing): Uint8Array {
  const qparams = { scale: [1], zeroPoint: 0, qmin: 0, qmax: 127 };
  const value = { shape: [BATCH, channels], dtype: 'i8' as const, qparams };
  return writeBundle({
    graph: {
      name: 'wide',
      values: [
        { ...value, name: 'x' },
        { ...value, name: 'y' },
      ],
      nodes: [{ op: 'relu', name: 'relu', inputs: [0], output: 1, attrs: {} }],
      inputs: [0],
      outputs: [1],
      parameters: new Map(),
      quantizers: new Map(),
      preprocessing,
    },
    golden: [],
  });
}

/**
 * Seconds of processor time that `work` takes, on all threads of this process. Loading waits for nothing, so on a quiet
 * machine a clock on the wall shows no more than this; on a busy one it would count other processes too.
 */
async function cpuSeconds(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

/** A random place in a JSON tree: its parent and key. */
function randomPlace(root: AnyJson, rng: Rng): [AnyJson, string] {
  let parent = root;
  for (;;) {
    const keys = Object.keys(parent);
    const key = keys[rng.below(keys.length)]!;
    const child = parent[key];
    const leaf = typeof child !== 'object' || child === null || Object.keys(child).length === 0;
    if (leaf || rng.below(6) === 0) return [parent, key];
    parent = child;
  }
}

const POISON = [
  null,
  true,
  -1,
  0,
  1,
  2,
  3,
  0.5,
  127,
  128,
  255,
  65535,
  65536,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  1e300,
  -1e300,
  1e-320,
  '',
  'x',
  '__proto__',
  'i8',
  'f32',
  'i32',
  'relu',
  'dense',
  'c/kernel',
  'golden/0/input',
  [],
  [[]],
  [0],
  [-1, 1],
  [-1, 2 ** 40, 2 ** 40],
  {},
  { length: 1e9 },
  { strides: 'x' },
];

describe('a description written by a stranger', () => {
  test('runs or is refused with a clean Error, whatever value stands wherever', async () => {
    const rng = new Rng(4);
    const counts = { run: 0, refused: 0 };
    for (let run = 0; run < 4000; run++) {
      const bytes = tamper((json) => {
        for (let i = rng.below(2); i >= 0; i--) {
          const [parent, key] = randomPlace(json, rng);
          const [from, other] = randomPlace(json, rng);
          const choices = [
            () => POISON[rng.below(POISON.length)],
            () => from[other],
            () => undefined,
          ];
          parent[key] = structuredClone(choices[rng.below(3)]!());
        }
      });
      counts[await survivesRun(bytes)]++;
    }
    expect(counts.run).toBeGreaterThan(100);
    expect(counts.refused).toBeGreaterThan(1000);
  });

  test('runs as the interpreter does with any constants that it may have', async () => {
    const rng = new Rng(7);
    const pick = <T>(list: readonly T[]): T => list[rng.below(list.length)]!;
    const factors = [0, -0, 1e-45, -1e-45, 0.5, -1, 1e5, -1e9, 2 ** 96, -(2 ** 96)];
    const anyOf = { i8: [-127, 0, 127], f32: factors, i32: [0, 1, -(2 ** 30), 2 ** 30] };
    let run = 0;
    for (let i = 0; i < 300; i++) {
      const bytes = tamper((json, tensors) => {
        for (const [name, tensor] of tensors) {
          if (/^golden|scale$/.test(name) || rng.below(2)) continue;
          const data = tensor.data.map(() => pick(anyOf[tensor.dtype as keyof typeof anyOf]));
          tensors.set(name, { ...tensor, data });
        }
        for (const { dtype, shape, qparams } of json.graph.values) {
          if (dtype !== 'i8' || shape[0] !== -1 || qparams.qmin !== -128 || rng.below(3)) continue;
          qparams.qmin = -rng.below(120) - 8;
          qparams.qmax = rng.below(120) + 7;
        }
      });
      if ((await survivesRun(bytes)) === 'run') run++;
    }
    expect(run).toBeGreaterThan(200);
  });

  test('never does worse with other tensors', async () => {
    const rng = new Rng(5);
    for (let run = 0; run < 1000; run++) {
      const bytes = tamper((_, tensors) => {
        const names = [...tensors.keys()];
        const name = names[rng.below(names.length)]!;
        const other = tensors.get(names[rng.below(names.length)]!)!;
        tensors.set(name, { ...other, name });
      });
      await survivesRun(bytes);
    }
  });

  /** The tiny bundle with a chain of relus behind its last node, all of them outputs or only the old ones. */
  const chain = (count: number, outputs: boolean) =>
    tamper((json, tensors) => {
      const { values, nodes } = json.graph;
      for (let i = 0; i < count; i++) {
        const { qparams } = values[nodes.at(-1).output];
        values.push({ name: `v${i}`, shape: [-1, 3], dtype: 'i8', qparams });
        const output = values.length - 1;
        nodes.push({ op: 'relu', name: `n${i}`, inputs: [output - 1], output, attrs: {} });
        if (outputs) json.graph.outputs.push(output);
      }
      json.golden = 0;
      for (const name of [...tensors.keys()]) if (/^golden/.test(name)) tensors.delete(name);
    });

  test.each([
    ['one after the other', false],
    ['all to be kept', true],
  ])('of as many nodes as there may be is loaded in a second: %s', async (_, outputs) => {
    const count = 4096 - tinyBundle().graph.nodes.length;
    const bytes = chain(count, outputs);
    await load(writeBundle(tinyBundle()), { wasm });
    expect(await cpuSeconds(() => load(bytes, { wasm }))).toBeLessThan(1);
    expect(() => readBundle(chain(count + 1, outputs))).toThrow(
      /^bundle: the graph may have 4096 nodes, got 4097$/,
    );
  });

  test('of one pixel with millions of channels needs one table', async () => {
    const session = await load(wide(3_000_000, { mean: [0.5], std: [0.25] }), { wasm });
    const input = new Uint8Array(3_000_000).fill(200);
    const { output } = session.run({ input });
    expect(new Set(output as Int8Array)).toEqual(new Set([1]));
  });

  test('that fits into no memory is refused before anything is made of it', async () => {
    const bytes = wide(2 ** 30, { mean: [0.5], std: [0.25] });
    const before = process.memoryUsage().rss;
    await expect(load(bytes, { wasm })).rejects.toThrow(
      /^load: the model must fit into 2048 MiB, got \d+ MiB at batch 1$/,
    );
    expect(process.memoryUsage().rss - before).toBeLessThan(2 ** 26);
  });
});
