import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readBundle } from '../../src/bundle/read.ts';
import { type ModelSpec, type TensorSpec, tfliteFile } from '../helpers/tflite.ts';
import { constant, int8, modelOf, uint8 } from '../interop/tflite/small.ts';
import { inFolder, octavo } from './cli.ts';

const scales = { scale: [0.01, 0.02], zeroPoint: [0, 0] };
const weights: TensorSpec = {
  ...constant({ shape: [2, 3, 3, 3], type: 'int8', ...scales }),
  axis: 0,
};
const bias: TensorSpec = { shape: [2], type: 'int32', data: [100, -100], ...scales };

function model(x: TensorSpec, b = bias): ModelSpec {
  const options = { padding: 0, strideWidth: 2, strideHeight: 2, activation: 1 };
  const y = { ...x, shape: [1, 4, 4, 2] };
  return modelOf({ op: 'CONV_2D', x: { x }, constants: { w: weights, b }, y, options });
}

/** Writes a model as net.tflite, runs `octavo import` on it and gives `check` the exit and the bundle's path. */
function imported(
  spec: ModelSpec,
  args: readonly string[],
  check: (exit: ReturnType<typeof octavo>, bundle: string) => void,
): void {
  inFolder((path) => {
    writeFileSync(path('net.tflite'), tfliteFile(spec));
    writeFileSync(path('labels.txt'), 'cat\ndog\n');
    const all = args.map((arg) => (arg === 'labels.txt' ? path(arg) : arg));
    const exit = octavo('import', path('net.tflite'), '-o', path('net.octavo'), ...all);
    check(exit, path('net.octavo'));
  });
}

describe('octavo import', () => {
  it('writes a bundle that can be verified, with what the options say', () => {
    const args = ['--name', 'pets', '--license', 'MIT', '--labels', 'labels.txt', '--resize', '8'];
    imported(model(uint8([1, 8, 8, 3])), [...args, '--json'], (exit, path) => {
      expect(exit.status).toBe(0);
      const report = JSON.parse(exit.stdout.trim().split('\n').at(-1)!);
      expect(report).toMatchObject({ bundle: path, nodes: 3, warnings: [] });
      const bundle = readBundle(new Uint8Array(readFileSync(path)));
      expect(bundle).toMatchObject({
        graph: {
          name: 'pets',
          labels: ['cat', 'dog'],
          preprocessing: { resize: { shorterSide: 8 } },
        },
        license: 'MIT',
        provenance: { source: 'net.tflite' },
      });
      expect(bundle.golden).toHaveLength(1);
      const verified = octavo('verify', path, '--reference', '--json');
      expect(verified.status).toBe(0);
      const { vectors, mismatching, reference } = JSON.parse(verified.stdout.trim());
      expect({ vectors, mismatching, all: reference.mismatching }).toEqual({
        vectors: 1,
        mismatching: 0,
        all: 0,
      });
    });
  });

  it('takes the name of the file, and tells faults that do no harm on stderr', () => {
    imported(model(int8([1, 8, 8, 3]), { ...bias, axis: 3 }), [], (exit, path) => {
      expect(exit.status).toBe(0);
      expect(exit.stderr[0]).toMatch(/^import: CONV_2D \(operator 0, output "y"\): bias "b"/);
      expect(readBundle(new Uint8Array(readFileSync(path))).graph.name).toBe('net');
    });
  });

  it('refuses a model of floats and says what to do with it', () => {
    const f32 = modelOf({ op: 'TANH', x: { x: { shape: [1, 4] } }, y: { shape: [1, 4] } });
    imported(f32, [], (exit) => {
      expect(exit).toMatchObject({ status: 1, stdout: '' });
      expect(exit.stderr[0]).toMatch(
        /^octavo: import: .*octavo quantize makes a bundle of one of floats\), got one of floats$/,
      );
    });
  });

  it('refuses what is not supported, all of it, and leaves no bundle', () => {
    const spec = modelOf({ op: 'LSTM', x: { x: int8([1, 4]) }, y: int8([1, 4]) });
    imported(spec, [], (exit, path) => {
      expect(exit.status).toBe(1);
      expect(exit.stderr.join('\n')).toContain('LSTM (operator 0, output "y")');
      expect(() => readFileSync(path)).toThrow('ENOENT');
    });
  });
});
