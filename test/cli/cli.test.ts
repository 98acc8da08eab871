import { lstatSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { countMacs } from '../../src/graph/macs.ts';
import { load } from '../../src/runtime.ts';
import { bundleOf, goldenOf, inputSize } from '../runtime/bundles.ts';
import { smallNetwork } from '../runtime/intGraph.ts';
import { inFolder, octavo, program } from './cli.ts';

const graph = smallNetwork();
const bundle = bundleOf(graph, goldenOf(graph));
const size = inputSize(graph);

/** One sentence on stderr, nothing on stdout, a failing exit. */
function expectSentence(
  { status, stdout, stderr }: ReturnType<typeof octavo>,
  message: RegExp,
): void {
  expect(stderr.join('\n')).toMatch(message);
  expect(stderr).toHaveLength(1);
  expect(stdout).toBe('');
  expect(status).toBe(1);
}

describe('bad input gives one sentence and a failing exit', () => {
  it('a truncated bundle', () => {
    inFolder((path) => {
      writeFileSync(path('cut.octavo'), bundle.subarray(0, bundle.length - 100));
      expectSentence(
        octavo('verify', path('cut.octavo')),
        /^octavo: verify: .*cut.octavo: bundle: the file is truncated: .*, got \d+$/,
      );
    });
  });

  it('a missing bundle', () => {
    expectSentence(
      octavo('verify', 'nowhere.octavo'),
      /^octavo: verify: expected a readable file at nowhere.octavo, got no such file or folder$/,
    );
  });

  it('a wrong input length', () => {
    inFolder((path) => {
      writeFileSync(path('net.octavo'), bundle);
      writeFileSync(path('x.i8'), new Int8Array(size + 1));
      const exit = octavo(
        'run',
        path('net.octavo'),
        '--input',
        path('x.i8'),
        '--output',
        path('y.i8'),
      );
      expectSentence(
        exit,
        new RegExp(`expected records of ${size} values .*, got ${size + 1} values$`),
      );
      expect(() => readFileSync(path('y.i8'))).toThrow('ENOENT');
    });
  });

  it('an input of a kind that is not known', () => {
    inFolder((path) => {
      writeFileSync(path('net.octavo'), bundle);
      writeFileSync(path('x.txt'), 'pixels');
      const exit = octavo(
        'run',
        path('net.octavo'),
        '--input',
        path('x.txt'),
        '--output',
        path('y.i8'),
      );
      expectSentence(
        exit,
        /expected records \(.u8, .i8, .f32\), .npy, PNG or JPEG in --input, got /,
      );
    });
  });

  it('a missing data folder', () => {
    expectSentence(
      octavo('quickstart', '--data', 'no-such-folder'),
      /^octavo: mnist: expected train-images-idx3-ubyte or .* in no-such-folder, got no such folder$/,
    );
  });

  it('a shape mismatch in a model', () => {
    const { status, stderr } = program(`
      import { layers, residual } from 'octavo';
      const body = residual([layers.conv2d({ filters: 8, kernelSize: 3, padding: 'same' })]);
      body.build([28, 28, 1]);
    `);
    expect(stderr).toContain(
      'RangeError: residual: the body must keep [N,28,28,1], got [N,28,28,8]',
    );
    expect(status).not.toBe(0);
  });

  it('a place where nothing can be written, before any work', () => {
    const nowhere = ['--output', 'no/such/folder/x.octavo'];
    expectSentence(
      octavo('quickstart', ...nowhere),
      /^octavo: quickstart: expected a place to write at no\/such\/folder\/x.octavo, got no such file or folder$/,
    );
  });

  it('Fashion-MNIST without a folder', () => {
    const { status, stderr } = octavo('quickstart', '--dataset', 'fashion-mnist');
    expect(stderr[0]).toMatch(/^error: --dataset fashion-mnist needs --data <dir>/);
    expect(status).toBe(2);
  });

  it('an unknown option', () => {
    const { status, stderr } = octavo('verify', '--fast', 'x');
    expect(stderr[0]).toBe("error: unknown option '--fast'");
    expect(status).toBe(2);
  });
});

describe('octavo run', () => {
  it('writes a row of output for each record of the input', async () => {
    const session = await load(bundle);
    const x = Int8Array.from({ length: 3 * size }, (_, i) => (i * 37) % 256);
    const name = session.inputs[0]!.name;
    const rows = [0, 1, 2].map((i) =>
      Object.values(session.run({ [name]: x.subarray(i * size, (i + 1) * size) }, { copy: true })),
    );
    inFolder((path) => {
      writeFileSync(path('net.octavo'), bundle);
      writeFileSync(path('x.i8'), x);
      const exit = octavo(
        'run',
        path('net.octavo'),
        '--input',
        path('x.i8'),
        '--output',
        path('y.i8'),
        '--json',
      );
      expect(exit.status).toBe(0);
      expect(JSON.parse(exit.stdout)).toMatchObject({ records: 3 });
      expect(new Int8Array(readFileSync(path('y.i8')))).toEqual(
        Int8Array.from(rows.flat().flatMap((row) => [...row])),
      );
    });
  });
});

describe('octavo verify', () => {
  it('fails a bundle that holds nothing to compare', () => {
    inFolder((path) => {
      writeFileSync(path('net.octavo'), bundleOf(graph));
      const { status, stderr } = octavo('verify', path('net.octavo'));
      expect(stderr.join('\n')).toMatch(/expected golden vectors in .*, got none/);
      expect(status).toBe(1);
    });
  });

  it('passes a good bundle, in the runtime and in the plain interpreter', () => {
    inFolder((path) => {
      writeFileSync(path('net.octavo'), bundle);
      const exit = octavo('verify', path('net.octavo'), '--reference', '--json');
      expect(exit.status).toBe(0);
      expect(JSON.parse(exit.stdout)).toMatchObject({
        vectors: 2,
        mismatching: 0,
        reference: { mismatching: 0 },
      });
    });
  });

  it('fails a bundle whose golden vector says something else', () => {
    const golden = goldenOf(graph);
    golden[0]!.outputs[0]![0]! ^= 1;
    inFolder((path) => {
      writeFileSync(path('net.octavo'), bundleOf(graph, golden));
      const exit = octavo('verify', path('net.octavo'));
      expect(exit.status).toBe(1);
      expect(exit.stdout).toMatch(
        /, 1 mismatches\n {2}vector 0, sample 0, .*\[0\]: expected -?\d+, got -?\d+/,
      );
    });
  });
});

describe('octavo quickstart', () => {
  it('gives the same integers in training and in the shipped bundle', () => {
    inFolder((path) => {
      const short = ['--limit', '1280', '--epochs', '2', '--qat-epochs', '1'];
      const exit = octavo('quickstart', ...short, '--output', path('q.octavo'), '--json');
      expect(exit.stderr.join('\n')).not.toMatch(/error/i);
      const result = JSON.parse(exit.stdout.trim().split('\n').at(-1)!);
      expect(result).toMatchObject({ dataset: 'mnist', compared: 10_000, mismatches: 0 });
      expect(result.float.top1).toBeGreaterThan(0.8);
      expect(result.int8.top1).toBeGreaterThan(0.8);
      expect(result.bytes.bundle).toBe(readFileSync(path('q.octavo')).length);
      expect(result.latencyMs).toBeGreaterThan(0);
      expect(exit.status).toBe(0);
    });
  }, 180_000);
});

describe('octavo inspect', () => {
  it('shows the input, the layers and what is known of the model', () => {
    inFolder((path) => {
      writeFileSync(path('net.octavo'), bundle);
      const text = octavo('inspect', path('net.octavo'));
      expect(text.stdout).toMatch(/^layer +op +output/);
      expect(text.stdout).toMatch(/2 golden vectors/);
      const about = JSON.parse(octavo('inspect', path('net.octavo'), '--json').stdout);
      expect(about.inputs[0].shape.slice(1).reduce((a: number, b: number) => a * b)).toBe(size);
      expect(about.nodes).toHaveLength(graph.nodes.length);
      expect(about.macs).toBe(countMacs(graph));
      expect(about.nodes[0].kernels.length).toBeGreaterThan(0);
      expect(about.nodes[0].arenaBytes).toBeLessThanOrEqual(about.memory.arena);
    });
  });

  it('times each step against the ceiling', () => {
    inFolder((path) => {
      writeFileSync(path('net.octavo'), bundle);
      expect(octavo('inspect', path('net.octavo'), '--time').stdout).toMatch(/ms in all/);
      const about = JSON.parse(octavo('inspect', path('net.octavo'), '--time', '--json').stdout);
      const sum = (key: string) =>
        about.nodes.reduce((total: number, node: Record<string, number>) => total + node[key]!, 0);
      expect(sum('share')).toBeCloseTo(1, 6);
      expect(sum('ms')).toBeGreaterThan(0);
      expect(about.ceiling).toBeGreaterThan(0);
    });
  });
});

describe('what octavo writes', () => {
  it('goes through a link to the file behind it', () => {
    inFolder((path) => {
      writeFileSync(path('net.octavo'), bundle);
      writeFileSync(path('x.i8'), new Int8Array(size));
      writeFileSync(path('y.i8'), 'old');
      symlinkSync(path('y.i8'), path('link.i8'));
      const io = ['--input', path('x.i8'), '--output', path('link.i8')];
      expect(octavo('run', path('net.octavo'), ...io).status).toBe(0);
      expect(lstatSync(path('link.i8')).isSymbolicLink()).toBe(true);
      expect(readFileSync(path('y.i8'), 'latin1')).not.toBe('old');
    });
  });
});

/** An IDX file of bytes, gzipped. */
function idxFile(shape: readonly number[], value: (i: number) => number): Uint8Array {
  const header = [0, 0, 8, shape.length, ...shape.flatMap((n) => [n >> 24, n >> 16, n >> 8, n])];
  const size = shape.reduce((product, extent) => product * extent, 1);
  return gzipSync(
    Uint8Array.from([...header, ...Array.from({ length: size }, (_, i) => value(i))]),
  );
}

describe('octavo quickstart --dataset fashion-mnist', () => {
  it('takes a folder of gzipped IDX files', () => {
    inFolder((path) => {
      const parts = [
        ['train', 320],
        ['t10k', 100],
      ] as const;
      for (const [split, n] of parts) {
        const pixel = (i: number) => (Math.floor(i / 784) % 10) * 20 + (i % 7);
        writeFileSync(path(`${split}-images-idx3-ubyte.gz`), idxFile([n, 28, 28], pixel));
        writeFileSync(
          path(`${split}-labels-idx1-ubyte.gz`),
          idxFile([n], (i) => i % 10),
        );
      }
      const exit = octavo(
        'quickstart',
        ...['--dataset', 'fashion-mnist', '--data', path('')],
        ...['--epochs', '1', '--output', path('f.octavo'), '--json'],
      );
      expect(exit.status).toBe(0);
      const result = JSON.parse(exit.stdout.trim().split('\n').at(-1)!);
      expect(result).toMatchObject({ dataset: 'fashion-mnist', compared: 100, mismatches: 0 });
    });
  }, 60_000);
});

describe('octavo', () => {
  it('has help for each command and a version', () => {
    expect(octavo('--version').stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    for (const command of ['quickstart', 'run', 'evaluate', 'verify', 'inspect']) {
      const { status, stdout } = octavo(command, '--help');
      expect(stdout).toMatch(`Usage: octavo ${command}`);
      expect(status).toBe(0);
    }
  });
});
