import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { quantizeTable } from '../../src/core/preprocess.ts';
import { Rng } from '../../src/core/rng.ts';
import { quantize } from '../../src/core/rounding.ts';
import { interpret } from '../../src/runtime/reference/interpret.ts';
import { load } from '../../src/runtime.ts';
import { moduleOf } from '../helpers/memory.ts';
import { bundleOf, inputSize } from './bundles.ts';
import { IntGraph, randomInputs, smallNetwork } from './intGraph.ts';

const graph = smallNetwork();
const size = inputSize(graph);
const bytes = bundleOf(graph);
const input = randomInputs(graph, 1, new Rng(1))[0]!;
const expected = [...interpret(graph, input).values()].at(-1)!;

const preprocessing = { mean: [0.5, 0.4, 0.3], std: [0.2, 0.3, 0.25] };
const withPixels = bundleOf(smallNetwork(1, { preprocessing }));

/** A network with two inputs and two outputs. */
function forked() {
  const b = new IntGraph(3);
  const sum = b.add(b.input([5, 4, 2]), b.input([5, 4, 2]));
  return b.build([sum, b.globalAveragePool(sum)]);
}

describe('load', () => {
  test('describes inputs and outputs, with the batch filled in', async () => {
    const session = await load(bytes, { batch: 4 });
    const { zeroPoint } = graph.values[graph.outputs[0]!]!.qparams!;
    const scale = Math.fround(0.05);
    expect(session.outputs).toEqual([
      { name: 'output', shape: [4, 5], dtype: 'i8', scale, zeroPoint },
    ]);
    expect(session.inputs).toMatchObject([{ name: 'input', shape: [4, 9, 8, 3], dtype: 'i8' }]);
  });

  test('takes an ArrayBuffer, a compiled module or its bytes', async () => {
    const wasm = moduleOf('infer');
    expect((await load(bytes.slice().buffer)).run({ input }).output).toEqual(expected);
    expect((await load(bytes, { wasm })).run({ input }).output).toEqual(expected);
  });

  test('does not keep the bytes of the bundle', async () => {
    const own = bytes.slice();
    const session = await load(own);
    own.fill(0);
    expect(session.run({ input }).output).toEqual(expected);
  });

  test.each([
    [{ batch: 0 }, 'load: batch must be an integer >= 1, got 0'],
    [{ thread: 2 }, 'load: options are wasm, batch, threads, got thread'],
    [
      { wasm: Uint8Array.of(1, 2, 3) },
      'load: wasm must be a valid WebAssembly module, got 3 other bytes',
    ],
    [
      { wasm: 'infer.wasm' },
      'load: wasm must be a WebAssembly.Module or its bytes, got "infer.wasm"',
    ],
    [
      { wasm: new URL('file:///infer.wasm') },
      'load: wasm must be a WebAssembly.Module or its bytes, got URL',
    ],
    [{ batch: '3' }, 'load: batch must be an integer >= 1, got "3"'],
    [{ batch: 1e9 }, /^load: the model must fit into 2048 MiB, got \d+ MiB at batch 1000000000$/],
  ])('refuses %o', async (options, message) => {
    await expect(load(bytes, options as object)).rejects.toThrow(message);
  });

  test('refuses what is not bytes, and modules that are not its own', async () => {
    const message = 'load: the bundle must be a Uint8Array or an ArrayBuffer, got "model.octavo"';
    await expect(load('model.octavo' as never)).rejects.toThrow(message);
    const of = 'load: the bundle must be a Uint8Array or an ArrayBuffer, got ';
    await expect(load(undefined as never)).rejects.toThrow(`${of}undefined`);
    await expect(load({} as never)).rejects.toThrow(`${of}Object`);
    const empty = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0);
    // Imports a function `a` of a module `m`.
    const needy = Uint8Array.of(...empty, 1, 4, 1, 96, 0, 0, 2, 7, 1, 1, 109, 1, 97, 0, 0);
    for (const wasm of [empty, needy, new WebAssembly.Module(needy)]) {
      await expect(load(bytes, { wasm })).rejects.toThrow(
        'load: wasm must be the octavo inference module, which exports f32_qs8_vquantize, got another module',
      );
    }
  });

  test('says that a page came instead of the bundle', async () => {
    const page = new TextEncoder().encode('<!DOCTYPE html><title>404</title>');
    await expect(load(page)).rejects.toThrow(
      /^bundle: not an Octavo bundle: the bytes must be those of the file, got text that looks like HTML$/,
    );
  });

  test('says what to do on a host that does not compile from bytes', async () => {
    const { compile } = WebAssembly;
    WebAssembly.compile = () =>
      Promise.reject(new WebAssembly.CompileError('Wasm code generation disallowed by embedder'));
    try {
      await expect(load(bytes)).rejects.toThrow(
        'load: this host does not compile WebAssembly from bytes; import octavo/infer.wasm as a WebAssembly.Module and pass it as the option wasm',
      );
    } finally {
      WebAssembly.compile = compile;
    }
  });

  test('refuses weights whose sums could leave int32', async () => {
    const b = new IntGraph(1);
    const wide = b.build([b.dense(b.input([140000]), 1)]);
    const [weights] = wide.parameters.values();
    (weights!.data as Int8Array).fill(127);
    expect(() => bundleOf(wide)).toThrow(/the accumulator of channel 0 must stay below 2\^31/);
  });
});

describe('run', () => {
  test('gives the integers of the interpreter for each sample of a batch', async () => {
    const inputs = randomInputs(graph, 3, new Rng(2))[0]!;
    const session = await load(bytes, { batch: 3 });
    const layers = [...interpret(graph, inputs, 3).values()];
    expect(session.run({ input: inputs }).output).toEqual(layers.at(-1));
  });

  test('quantizes reals', async () => {
    const rng = new Rng(4);
    const reals = Float32Array.from({ length: size }, () => rng.uniform() * 16 - 8);
    const { zeroPoint, scale } = graph.values[graph.inputs[0]!]!.qparams!;
    const inverse = Math.fround(1 / scale[0]!);
    const integers = Int8Array.from(reals, (x) => quantize(x, inverse, zeroPoint, -128, 127));
    const session = await load(bytes);
    const { output } = session.run({ input: reals }, { copy: true });
    expect(output).toEqual(session.run({ input: integers }).output);
  });

  test('puts pixels through the preprocessing', async () => {
    const rng = new Rng(5);
    const pixels = Uint8Array.from({ length: size }, () => rng.below(256));
    const table = quantizeTable(preprocessing, graph.values[graph.inputs[0]!]!.qparams!);
    const integers = Int8Array.from(pixels, (pixel, i) => table[(i % 3) * 256 + pixel]!);
    const session = await load(withPixels);
    const { output } = session.run({ input: integers }, { copy: true });
    expect(session.run({ input: pixels }).output).toEqual(output);
    expect(session.run({ input: new Uint8ClampedArray(pixels) }).output).toEqual(output);
  });

  test('knows several inputs and outputs by the names of their values', async () => {
    const two = forked();
    const session = await load(bundleOf(two));
    const [input, input_1] = randomInputs(two, 1, new Rng(6)) as [Int8Array, Int8Array];
    const layers = interpret(two, [input, input_1]);
    const outputs = session.run({ input, input_1 });
    expect(Object.keys(outputs)).toEqual(['add_0', 'globalAveragePool2d_1']);
    for (const [name, output] of Object.entries(outputs)) expect(output).toEqual(layers.get(name));
  });

  test('returns views that the next run overwrites, and copies on request', async () => {
    const session = await load(bytes);
    const first = session.run({ input });
    const copy = session.run({ input }, { copy: true }).output!;
    const other = session.run({ input: new Int8Array(size) });
    expect(other).toBe(first);
    expect(other.output).toBe(first.output);
    expect(first.output).not.toEqual(expected);
    expect(copy).toEqual(expected);
  });

  test('dequantizes on request', async () => {
    const session = await load(bytes);
    const { scale, zeroPoint } = session.outputs[0] as { scale: number; zeroPoint: number };
    const { output } = session.run({ input }, { dequantize: true });
    expect(output).toEqual(Float32Array.from(expected, (q) => (q - zeroPoint) * scale));
  });

  test('allocates nothing: one memory, one result, no heap', async () => {
    setFlagsFromString('--expose-gc');
    const gc = runInNewContext('gc') as () => void;
    const session = await load(withPixels);
    const feeds = [input, new Float32Array(size), new Uint8Array(size)].map((x) => ({ input: x }));
    const result = session.run(feeds[0]!);
    const { buffer } = result.output!;
    const runs = 1000;
    const grown = () => {
      gc();
      const before = process.memoryUsage().heapUsed;
      for (let i = 0; i < runs; i++) session.run(feeds[i % 3]!);
      return process.memoryUsage().heapUsed - before;
    };
    // Feedback and compilers allocate while they warm up. Afterwards a single object a run would be 12000 bytes.
    let least = Infinity;
    for (let i = 0; i < 100 && least > 2000; i++) least = Math.min(least, grown());
    expect(least).toBeLessThan(2000);
    expect(session.run(feeds[0]!)).toBe(result);
    expect(result.output!.buffer).toBe(buffer);
    expect(buffer.byteLength).toBeGreaterThan(0);
  });
});

describe('run says what is wrong', () => {
  const i8 = (length: number) => new Int8Array(length);
  test.each<[string, unknown, string]>([
    [
      'a wrong length',
      { input: i8(215) },
      'run: input "input" expects 216 values ([1,9,8,3]), got 215',
    ],
    ['a wrong name', { image: i8(216) }, 'run: inputs must be an object with "input", got "image"'],
    ['no name', {}, 'run: inputs must be an object with "input", got none'],
    [
      'one name more',
      { input, mask: input },
      'run: inputs must be an object with "input", got "input", "mask"',
    ],
    [
      'an array instead of names',
      i8(216),
      'run: inputs must be an object with "input", got Int8Array',
    ],
    [
      'an input that is undefined',
      { input: undefined },
      'run: inputs must be an object with "input", got "input": undefined',
    ],
    ['nothing', undefined, 'run: inputs must be an object with "input", got undefined'],
    [
      'a plain array',
      { input: [1, 2] },
      'run: input "input" expects Int8Array or Float32Array, got Array',
    ],
    [
      'pixels without preprocessing',
      { input: new Uint8Array(216) },
      'run: input "input" expects Int8Array or Float32Array, got Uint8Array',
    ],
  ])('%s', async (_, inputs, message) => {
    const session = await load(bytes);
    expect(() => session.run(inputs as never)).toThrow(message);
  });

  test.each([
    [{ dequantise: true }, 'run: options are copy, dequantize, got dequantise'],
    ['copy', 'run: options must be an object, got "copy"'],
  ])('options %o', async (options, message) => {
    const session = await load(bytes);
    expect(() => session.run({ input }, options as never)).toThrow(message);
  });

  test('wrong types where pixels are welcome', async () => {
    const session = await load(withPixels);
    expect(() => session.run({ input: new Float64Array(216) as never })).toThrow(
      'run: input "input" expects Int8Array, Float32Array or Uint8Array, got Float64Array',
    );
  });
});
