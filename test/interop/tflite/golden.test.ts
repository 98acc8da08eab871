import { expect, test } from 'vitest';
import { describeWithData } from '../../helpers/data.ts';
import { compareLayers } from '../../runtime/equality.ts';
import {
  agreement,
  argMax,
  bytesOf,
  machineWindows,
  modelGraph,
  outputsOf,
  sessionOf,
  signedBytesOf,
  squaredError,
} from './golden.ts';

/** Rows laid end to end. */
function joined(rows: readonly ArrayLike<number>[]): number[] {
  return rows.flatMap((row) => Array.from(row));
}

const IMAGENET = [
  ['mobilenet_v1_0.25_128_quant', 128],
  ['mobilenet_v1_0.5_160_quant', 160],
  ['tf2_mobilenet_v2_1.0_224_ptq', 224],
] as const;

describeWithData('ImageNet models and the outputs of LiteRT', ['models/imagenet', 'golden'], () => {
  test.each(IMAGENET)('%s', async (name, size) => {
    const session = await sessionOf(`imagenet/${name}.tflite`);
    expect(session.inputs[0]).toMatchObject({ shape: [1, size, size, 3], dtype: 'u8' });
    const got = joined(outputsOf(session, bytesOf(`golden/imagenet4_${size}.u8`)));
    const { equal, worst } = agreement(got, bytesOf(`golden/${name}.out4.u8`));
    expect({ equal, worst }).toEqual({ equal: 1, worst: 0 });
  });

  test('mobilenet_v1_1.0_224_quant in two files', async () => {
    const file = 'mobilenet_v1_1.0_224_quant';
    const backbone = await sessionOf(`imagenet/${file}_part1_backbone.tflite`);
    const head = await sessionOf(`imagenet/${file}_part2_head.tflite`);
    const vectors = outputsOf(backbone, bytesOf('golden/imagenet4_224.u8'));
    expect(vectors[0]).toHaveLength(1024);
    expect(vectors[0]).toBeInstanceOf(Uint8Array);
    const got = joined(vectors.flatMap((vector) => outputsOf(head, vector as Uint8Array)));
    const { equal, worst } = agreement(got, bytesOf(`golden/${file}.out4.u8`));
    expect({ equal, worst }).toEqual({ equal: 1, worst: 0 });
  });
});

const TINY = ['models/mlperf-tiny', 'golden'];

describeWithData('ResNet-8 on CIFAR-10', [...TINY, 'cifar10'], () => {
  test('500 images: 442 right, to one image, and the integers of LiteRT', async () => {
    const session = await sessionOf('mlperf-tiny/pretrainedResnet_quant.tflite');
    const { labels, pixels } = cifar(bytesOf('cifar10/test_500.bin'));
    const rows = outputsOf(
      session,
      Int8Array.from(pixels, (pixel) => pixel - 128),
    );
    const right = rows.filter((row, i) => argMax(row) === labels[i]).length;
    expect(Math.abs(right - 442)).toBeLessThanOrEqual(1);
    const golden = signedBytesOf('golden/ic_resnet8_int8.test_500.i8');
    const { equal, worst } = agreement(joined(rows), golden);
    expect({ equal, worst }).toEqual({ equal: 1, worst: 0 });
  });
});

/** Records of a label and three planes, as labels and interleaved pixels. */
function cifar(file: Uint8Array) {
  const count = file.length / 3073;
  const labels = Array.from({ length: count }, (_, i) => file[i * 3073]!);
  const pixels = Uint8Array.from({ length: count * 3072 }, (_, at) => {
    const [i, rest] = [Math.floor(at / 3072), at % 3072];
    return file[i * 3073 + 1 + (rest % 3) * 1024 + Math.floor(rest / 3)]!;
  });
  return { labels, pixels };
}

describeWithData('DS-CNN on keywords', [...TINY, 'kws'], () => {
  test('500 utterances: 453 right, to one, and the integers of LiteRT', async () => {
    const session = await sessionOf('mlperf-tiny/kws_ref_model.tflite');
    const rows = outputsOf(session, signedBytesOf('kws/features_500x49x10.i8'));
    const lines = new TextDecoder().decode(bytesOf('kws/labels.csv')).trim().split('\n').slice(1);
    const labels = lines.map((line) => Number(line.split(',').at(-1)));
    const right = rows.filter((row, i) => argMax(row) === labels[i]).length;
    expect(Math.abs(right - 453)).toBeLessThanOrEqual(1);
    const golden = signedBytesOf('golden/kws_int8.features_500.i8');
    const { equal, worst } = agreement(joined(rows), golden);
    expect({ equal, worst }).toEqual({ equal: 1, worst: 0 });
  });
});

/** Models small enough for plain loops. */
const SMALL = [
  ['mlperf-tiny/ad01_int8.tflite', [-1, 640], [-1, 640]],
  ['mlperf-tiny/kws_ref_model.tflite', [-1, 49, 10, 1], [-1, 12]],
  ['mlperf-tiny/vww_96_int8.tflite', [-1, 96, 96, 3], [-1, 2]],
  ['tflm/micro_speech_quantized.tflite', [-1, 1960], [-1, 4]],
  ['tflm/person_detect.tflite', [-1, 96, 96, 1], [-1, 2]],
] as const;

describeWithData('the runtime and the interpreter', ['models'], () => {
  test.each(SMALL)('agree in every layer of %s', (path, input, output) => {
    const graph = modelGraph(path);
    const { values, inputs, outputs } = graph;
    expect(values[inputs[0]!]).toMatchObject({ shape: input, dtype: 'i8' });
    expect(values[outputs[0]!]).toMatchObject({ shape: output, dtype: 'i8' });
    expect(compareLayers(graph, 2, 1)).toBeGreaterThan(1000);
  });

  test('agree in every layer of mobilenet_v1_0.25_128_quant', () => {
    const graph = modelGraph('imagenet/mobilenet_v1_0.25_128_quant.tflite');
    expect(compareLayers(graph, 1, 1)).toBeGreaterThan(500_000);
  });
});

describeWithData('the autoencoder on the sample of a machine', ['models/mlperf-tiny'], () => {
  test('has a mean squared error a little above the 9.7 of its float form', async () => {
    const session = await sessionOf('mlperf-tiny/ad01_int8.tflite');
    const windows = machineWindows();
    const errors = windows.map((input) => {
      const output = session.run({ input }, { dequantize: true })['output'] as Float32Array;
      return squaredError(input, output);
    });
    expect(errors.reduce((sum, error) => sum + error, 0) / errors.length).toBeCloseTo(10.27, 1);
  });
});
