import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readBundle } from '../../src/bundle/read.ts';
import { Rng } from '../../src/core/rng.ts';
import { encode, type StoredTensor } from '../../src/core/safetensors.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { resnet8 } from '../../src/zoo/tiny.ts';
import { dataPath, describeWithData } from '../helpers/data.ts';
import { type ModelSpec, type TensorSpec, tfliteFile } from '../helpers/tflite.ts';
import { constant, int8, modelOf } from '../interop/tflite/small.ts';
import { inFolder, octavo } from './cli.ts';
import { writeRecipe } from './recipes.ts';

const rng = new Rng(31);

function records(samples: number, size: number): Float32Array {
  return Float32Array.from({ length: samples * size }, () => 2 * rng.uniform() - 1);
}

const bundleAt = (path: string) => readBundle(new Uint8Array(readFileSync(path)));

/** What the command says of a bundle that it wrote, which must verify. */
function expectWritten(exit: ReturnType<typeof octavo>, bundle: string): readonly string[] {
  expect(exit).toMatchObject({ status: 0 });
  const { status, stderr } = octavo('verify', bundle, '--reference');
  expect({ status, stderr }).toMatchObject({ status: 0 });
  return exit.stderr;
}

/** One convolution of images of 8 x 8 pixels, in int8. */
function integers(): ModelSpec {
  const scales = { scale: [0.01, 0.02], zeroPoint: [0, 0] };
  const w = { ...constant({ shape: [2, 3, 3, 3], type: 'int8', ...scales }), axis: 0 };
  const steps = { scale: [0.0005, 0.001], zeroPoint: [0, 0] };
  const b: TensorSpec = { shape: [2], type: 'int32', data: [1, 2], ...steps };
  const options = { padding: 0, strideWidth: 2, strideHeight: 2, activation: 1 };
  const x = int8([1, 8, 8, 3]);
  const y = { ...x, shape: [1, 4, 4, 2] };
  return modelOf({ op: 'CONV_2D', x: { x }, constants: { w, b }, y, options });
}

/** The weights of a network in a file of their own, under the names that it gives them. */
function weightsOf(graph: Graph): Uint8Array {
  const stored = [...graph.parameters.values()].map(({ name, shape, data }): StoredTensor => {
    return { name, shape, dtype: 'f32', data: Float32Array.from(data) };
  });
  return encode(stored, {}, 'test');
}

describe('octavo quantize', () => {
  test('a .tflite file of integers: the floats that they stand for, in other bits', () => {
    inFolder((path) => {
      writeFileSync(path('net.tflite'), tfliteFile(integers()));
      writeFileSync(path('data.f32'), records(5, 192));
      const args = ['-o', path('net.octavo'), '--data', path('data.f32'), '--weight-bits', '4'];
      const exit = octavo('quantize', path('net.tflite'), ...args, '--edge-bits', '4');
      const stderr = expectWritten(exit, path('net.octavo'));
      expect(stderr[0]).toMatch(/net\.tflite is a model of integers: taken as the floats/);
      const { graph } = bundleAt(path('net.octavo'));
      const weights = graph.values.find(({ shape }) => shape.length === 4 && shape[0] === 2)!;
      expect(weights.qparams).toMatchObject({ qmin: -8, qmax: 7 });
    });
  });

  test('weights of a network of the zoo', () => {
    inFolder((path) => {
      const network = resnet8({ inputShape: [16, 16, 3], classes: 4, seed: 3 }).build();
      writeFileSync(path('net.safetensors'), weightsOf(network));
      writeFileSync(path('data.f32'), records(10, 768));
      const zoo = ['--network', 'resnet8', '--classes', '4', '--input-shape', '16,16,3'];
      const args = ['-o', path('net.octavo'), '--data', path('data.f32')];
      const exit = octavo('quantize', path('net.safetensors'), ...args, ...zoo);
      expectWritten(exit, path('net.octavo'));
      const { graph } = bundleAt(path('net.octavo'));
      expect(graph.name).toBe('net');
      const ends = [graph.inputs[0]!, graph.outputs[0]!].map((id) => graph.values[id]!.shape);
      expect(ends).toEqual([
        [-1, 16, 16, 3],
        [-1, 4],
      ]);
    });
  });

  test.each([
    ['float', 0],
    ['quantized', 1],
  ])('a checkpoint of %s training, with its recipe', (_, quantizedEpochs) => {
    inFolder((path) => {
      writeRecipe(path('recipe.ts'), { floatEpochs: 1, quantizedEpochs });
      const trained = octavo('train', path('recipe.ts'), '-o', path('trained'), '--quiet');
      expect(trained).toMatchObject({ status: 0 });
      writeFileSync(
        path('data.u8'),
        Uint8Array.from(records(9, 75), (x) => 127 * (x + 1)),
      );
      const args = ['--network', path('recipe.ts'), '--data', path('data.u8')];
      const checkpoint = path('trained.checkpoint.safetensors');
      const exit = octavo('quantize', checkpoint, '-o', path('net.octavo'), ...args);
      expectWritten(exit, path('net.octavo'));
      expect(bundleAt(path('net.octavo')).graph.preprocessing).toBeDefined();
    });
  });

  test.each<[string, readonly string[], RegExp]>([
    [
      'weights without a network',
      [],
      /expected --network for the weights in .*: a recipe, or .*resnet20.*, got none/,
    ],
    [
      'a network that there is not',
      ['--network', 'resnet9'],
      /--network must be a recipe \(\.js, \.ts\) or one of .*resnet8.*, got resnet9/,
    ],
    [
      'weights of another network',
      ['--network', 'resnet20'],
      /the file must have conv1\.weight \[16,3,3,3\] for stem\/kernel, got none/,
    ],
    ['a recipe that there is not', ['--network', 'none.js'], /quantize: expected a recipe at none/],
    [
      'a shape that is none',
      ['--network', 'resnet8', '--input-shape', '16'],
      /Height, width and channels are expected, like 32,32,3/,
    ],
  ])('%s is one clear sentence, and nothing is written', (_, args, message) => {
    inFolder((path) => {
      writeFileSync(path('net.safetensors'), weightsOf(resnet8({ classes: 4 }).build()));
      writeFileSync(path('data.f32'), records(1, 3072));
      const common = ['-o', path('net.octavo'), '--data', path('data.f32')];
      const exit = octavo('quantize', path('net.safetensors'), ...common, ...args);
      expect(exit.status).toBeGreaterThan(0);
      expect(exit.stderr.join('\n')).toMatch(message);
      expect(() => readFileSync(path('net.octavo'))).toThrow();
    });
  });
});

const PYTORCH = 'models/cifar-resnet/resnet20-12fca82f.safetensors';

describeWithData('octavo quantize', [PYTORCH], () => {
  test("PyTorch's weights of a ResNet of CIFAR", () => {
    inFolder((path) => {
      writeFileSync(path('data.f32'), records(5, 3072));
      const args = ['-o', path('net.octavo'), '--data', path('data.f32'), '--network', 'resnet20'];
      expectWritten(octavo('quantize', dataPath(PYTORCH), ...args), path('net.octavo'));
    });
  });
});
