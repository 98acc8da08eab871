import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readBundle } from '../../src/bundle/read.ts';
import { writeNpy } from '../../src/cli/npy.ts';
import { Rng } from '../../src/core/rng.ts';
import { type ModelSpec, type TensorSpec, tfliteFile } from '../helpers/tflite.ts';
import { modelOf } from '../interop/tflite/small.ts';
import { inFolder, octavo } from './cli.ts';
import { pngFile } from './imageFiles.ts';

const rng = new Rng(12);
const reals = (n: number) => Array.from({ length: n }, () => 2 * rng.uniform() - 1);
const float = (shape: readonly number[]): TensorSpec => ({ shape, type: 'float32' });

/** A convolution of images of 8 x 8 pixels. */
function net(): ModelSpec {
  const constants = {
    w: { ...float([2, 3, 3, 3]), data: reals(54) },
    b: { ...float([2]), data: reals(2) },
  };
  const options = { padding: 0, strideWidth: 2, strideHeight: 2, activation: 1 };
  return modelOf({
    ...{ op: 'CONV_2D', x: { x: float([1, 8, 8, 3]) }, constants, y: float([1, 4, 4, 2]), options },
  });
}

/** Writes the model and 12 records, and runs the command on them. */
function quantized(
  args: readonly string[],
  check: (exit: ReturnType<typeof octavo>, path: (name: string) => string) => void,
): void {
  inFolder((path) => {
    writeFileSync(path('net.tflite'), tfliteFile(net()));
    writeFileSync(path('data.f32'), Float32Array.from(reals(12 * 192)));
    writeFileSync(path('half.f32'), Float32Array.from(reals(100)));
    writeFileSync(path('nchw.npy'), writeNpy(Float32Array.from(reals(2 * 192)), [2, 3, 8, 8]));
    mkdirSync(path('photos'));
    for (let i = 0; i < 5; i++) {
      const pixels = Array.from({ length: 300 }, () => rng.below(256));
      writeFileSync(path(`photos/${i}.png`), pngFile(10, 3, pixels));
    }
    const all = args.map((arg) => (arg.startsWith('@') ? path(arg.slice(1)) : arg));
    check(octavo('quantize', path('net.tflite'), '-o', path('net.octavo'), ...all), path);
  });
}

describe('octavo quantize', () => {
  test('records: a bundle that verifies, with what the options say', () => {
    const options = ['--method', 'moving-average', '--samples', '7', '--license', 'MIT', '--json'];
    const bits = ['--weight-bits', '4', '--edge-bits', '4', '--per-tensor', '--name', 'small'];
    quantized(['--data', '@data.f32', ...options, ...bits], ({ status, stdout }, path) => {
      expect(status).toBe(0);
      const bundle = path('net.octavo');
      const report = JSON.parse(stdout.trim().split('\n').at(-1)!);
      const bytes = new Uint8Array(readFileSync(bundle));
      expect(report).toMatchObject({ bundle, samples: 7, bytes: bytes.length });
      const { graph, provenance, license } = readBundle(bytes);
      expect([graph.name, license]).toEqual(['small', 'MIT']);
      const about = { source: 'net.tflite', calibration: 'moving-average', samples: 7 };
      expect(provenance).toEqual(about);
      const weights = graph.values.find(({ shape }) => shape.length === 4 && shape[0] === 2)!;
      const { scale, qmin, qmax } = weights.qparams!;
      expect([qmin, qmax, new Set(scale).size]).toEqual([-8, 7, 1]);
      expect(octavo('verify', bundle, '--reference').status).toBe(0);
    });
  });

  test('a folder of images: pixels are part of the bundle', () => {
    const options = [
      '--mean',
      '0.5',
      '--std',
      '0.5',
      '--method',
      'percentile',
      '--percentile',
      '99',
    ];
    quantized(['--data', '@photos', ...options], ({ status, stderr }, path) => {
      expect(status).toBe(0);
      expect(stderr.at(-1)).toMatch(/% of the source file; ranges from 5 samples$/);
      const { graph } = readBundle(new Uint8Array(readFileSync(path('net.octavo'))));
      expect(graph.preprocessing).toEqual({ mean: [0.5], std: [0.5] });
    });
  });

  test.each<[string, readonly string[], RegExp]>([
    [
      'no such data',
      ['--data', '@nothing'],
      /^octavo: quantize: expected a readable file at .*nothing, got/,
    ],
    [
      'other data',
      ['--data', '@net.tflite'],
      /a folder of images, \.f32, \.u8 or \.npy is expected as --data/,
    ],
    [
      'part of a sample',
      ['--data', '@half.f32'],
      /must hold whole samples of 192 values \(\[8,8,3\]\), got 100 values/,
    ],
    [
      'channels before pixels',
      ['--data', '@nchw.npy'],
      /nchw\.npy: expected samples of \[8,8,3\], got an array \[2,3,8,8\]/,
    ],
    [
      'images without their mean',
      ['--data', '@photos'],
      /for samples of uint8 --mean and --std are expected, got neither/,
    ],
    [
      'a method that there is not',
      ['--data', '@data.f32', '--method', 'best'],
      /argument 'best' is invalid/,
    ],
    [
      'bits that there are not',
      ['--data', '@data.f32', '--weight-bits', '9'],
      /A whole number from 2 to 8 is expected/,
    ],
  ])('%s is one clear sentence, and nothing is written', (_, args, message) => {
    quantized(args, ({ status, stderr }, path) => {
      expect(status).toBeGreaterThan(0);
      expect(stderr.join('\n')).toMatch(message);
      expect(() => readFileSync(path('net.octavo'))).toThrow();
    });
  });
});
