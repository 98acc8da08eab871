import { describe, expect, test } from 'vitest';
import { withBatch } from '../../../src/core/shape.ts';
import { convert, data, evaluate, fit, optimizers, quantizeModel } from '../../../src/index.ts';
import { load } from '../../../src/runtime/load.ts';
import { importTflite } from '../../../src/tflite.ts';
import { describeWithData } from '../../helpers/data.ts';
import { type ModelSpec, type TensorSpec, tfliteFile } from '../../helpers/tflite.ts';
import { argMax, bytesOf, machineWindows, squaredError } from './golden.ts';
import { runFloat } from './runFloat.ts';
import { at, build, type Case, ints, modelOf, type Reals, randomInputs } from './small.ts';

async function runCase(one: Case) {
  const graph = importTflite(tfliteFile(modelOf(one)));
  const inputs = randomInputs(graph, 2);
  const y = await runFloat(graph, inputs, 2);
  const shape = withBatch(graph.values[graph.inputs[0]!]!.shape, 2);
  return { graph, x: { shape, data: inputs[0]! }, y };
}

function expectClose(y: Reals, expected: Reals): void {
  expect(y.shape).toEqual(expected.shape);
  const worst = Math.max(...Array.from(y.data, (v, i) => Math.abs(v - expected.data[i]!)));
  expect(worst).toBeLessThan(1e-5);
}

const f32 = (shape: readonly number[], values?: readonly number[]): TensorSpec => {
  return { shape, ...(values && { data: values }) };
};
const IMAGE = [1, 3, 4, 2] as const;
const x = { x: f32(IMAGE) };
const KERNEL = [0.5, -1, 2, 0.25, 1, 1.5];

describe('float32 ops', () => {
  test('a convolution trains: kernel and bias are parameters', async () => {
    const constants = { w: f32([3, 1, 1, 2], KERNEL), b: f32([3], [1, -1, 0.5]) };
    const options = { padding: 1, strideWidth: 1, strideHeight: 1, activation: 3 };
    const one = { op: 'CONV_2D', x, constants, y: f32([1, 3, 4, 3]), options };
    const { graph, x: image, y } = await runCase(one);
    const expected = build([2, 3, 4, 3], ([n, h, w, o]) => {
      const sum =
        KERNEL[2 * o!]! * at(image, n!, h!, w!, 0) + KERNEL[2 * o! + 1]! * at(image, n!, h!, w!, 1);
      return Math.min(6, Math.max(0, sum + [1, -1, 0.5][o!]!));
    });
    expectClose(y, expected);
    expect(graph.nodes.map(({ op }) => op)).toEqual(['conv2d', 'relu6']);
    expect([...graph.parameters.values()]).toMatchObject([
      { trainable: true, decay: true },
      { trainable: true, decay: false },
    ]);
  });

  test('RELU_N1_TO_1 is a maximum of a minimum', async () => {
    const one = {
      op: 'ADD',
      x,
      constants: { c: f32([2], [0.5, -0.5]) },
      y: f32(IMAGE),
      options: { activation: 2 },
    };
    const { x: image, y } = await runCase(one);
    expectClose(
      y,
      build([2, 3, 4, 2], (i) =>
        Math.min(1, Math.max(-1, at(image, ...i) + (i[3] === 0 ? 0.5 : -0.5))),
      ),
    );
  });

  test.each<[string, Case, readonly number[], (x: Reals, i: number[]) => number]>([
    [
      'DIV by a constant',
      { op: 'DIV', x, constants: { c: f32([], [4]) }, y: f32(IMAGE) },
      IMAGE,
      (x, i) => at(x, ...i) / 4,
    ],
    ['TANH', { op: 'TANH', x, y: f32(IMAGE) }, IMAGE, (x, i) => Math.tanh(at(x, ...i))],
    [
      'GATHER',
      {
        op: 'GATHER',
        x,
        constants: { i: ints([2, 0]) },
        y: f32([1, 3, 2, 2]),
        options: { axis: 2 },
      },
      [1, 3, 2, 2],
      (x, [n, h, w, c]) => at(x, n!, h!, 2 - 2 * w!, c!),
    ],
    [
      'MEAN',
      { op: 'MEAN', x, constants: { a: ints([3]) }, y: f32([1, 3, 4]) },
      [1, 3, 4],
      (x, [n, h, w]) => (at(x, n!, h!, w!, 0) + at(x, n!, h!, w!, 1)) / 2,
    ],
    [
      'PAD',
      { op: 'PAD', x, constants: { p: ints([0, 0, 1, 0, 0, 1, 0, 0]) }, y: f32([1, 4, 5, 2]) },
      [1, 4, 5, 2],
      (x, [n, h, w, c]) => (h! < 1 || w! > 3 ? 0 : at(x, n!, h! - 1, w!, c!)),
    ],
  ])('%s', async (_, one, shape, element) => {
    const { x: image, y } = await runCase(one);
    expectClose(
      y,
      build([2, ...shape.slice(1)], (i) => element(image, i)),
    );
  });

  test('SOFTMAX with a beta', async () => {
    const { x: rows, y } = await runCase({
      op: 'SOFTMAX',
      x: { x: f32([1, 5]) },
      y: f32([1, 5]),
      options: { beta: 0.5 },
    });
    const power = (n: number, i: number) => Math.exp(0.5 * at(rows, n, i));
    const sum = (n: number) => [0, 1, 2, 3, 4].reduce((all, i) => all + power(n, i), 0);
    expectClose(
      y,
      build([2, 5], ([n, i]) => power(n!, i!) / sum(n!)),
    );
  });
});

describe('weights of fewer bits become float32', () => {
  const dense = async (tensors: ModelSpec['tensors'], before: ModelSpec['operators']) => {
    const spec: ModelSpec = {
      tensors: { x: f32([1, 2]), y: f32([1, 2]), ...tensors },
      operators: [
        ...before,
        { op: 'FULLY_CONNECTED', inputs: ['x', 'w', ''], outputs: ['y'], options: {} },
      ],
      inputs: ['x'],
      outputs: ['y'],
    };
    const graph = importTflite(tfliteFile(spec));
    expect(graph.nodes.map(({ op }) => op)).toEqual(['dense']);
    return Array.from((await runFloat(graph, [[1, 0, 0, 1]], 2)).data);
  };

  test('float16, by a DEQUANTIZE', async () => {
    // 1, −2, 0.5, 2⁻²⁴
    const half = {
      shape: [2, 2],
      type: 'float16' as const,
      data: [0x3c00, 0xc000, 0x3800, 0x0001],
    };
    const before = [{ op: 'DEQUANTIZE', inputs: ['h'], outputs: ['w'] }];
    expect(await dense({ h: half, w: f32([2, 2]) }, before)).toEqual([1, 0.5, -2, 2 ** -24]);
  });

  test('int8 with a scale for each channel', async () => {
    const w: TensorSpec = {
      shape: [2, 2],
      type: 'int8',
      data: [3, -4, 5, 6],
      scale: [0.5, 0.25],
      zeroPoint: [0, 0],
      axis: 0,
    };
    expect(await dense({ w }, [])).toEqual([1.5, 1.25, -2, 1.5]);
  });

  test('uint8 with a zero point', async () => {
    const w: TensorSpec = {
      shape: [2, 2],
      type: 'uint8',
      data: [131, 124, 133, 134],
      scale: 0.5,
      zeroPoint: 128,
    };
    expect(await dense({ w }, [])).toEqual([1.5, 2.5, -2, 3]);
  });
});

test('dropSoftmax leaves the logits', () => {
  const spec = modelOf({
    op: 'SOFTMAX',
    x: { x: f32([1, 5]) },
    y: f32([1, 5]),
    options: { beta: 1 },
  });
  const before: ModelSpec = {
    ...spec,
    tensors: { ...spec.tensors, z: f32([1, 5]) },
    operators: [
      { op: 'TANH', inputs: ['x'], outputs: ['z'] },
      { ...spec.operators[0]!, inputs: ['z'] },
    ],
  };
  const opsOf = (dropSoftmax: boolean) =>
    importTflite(tfliteFile(before), { dropSoftmax }).nodes.map(({ op }) => op);
  expect(opsOf(false)).toEqual(['tanh', 'softmax']);
  expect(opsOf(true)).toEqual(['tanh']);
});

/** Pixels 0 to 255 as reals, as the float model takes them. */
function cifar(count: number) {
  const file = bytesOf('cifar10/test_500.bin');
  const y = Array.from({ length: count }, (_, i) => file[i * 3073]!);
  const reals = Float32Array.from({ length: count * 3072 }, (_, at) => {
    const [i, rest] = [Math.floor(at / 3072), at % 3072];
    return file[i * 3073 + 1 + (rest % 3) * 1024 + Math.floor(rest / 3)]!;
  });
  return { x: reals, y, shape: [32, 32, 3], classes: 10 };
}

describeWithData('float models', ['models/mlperf-tiny', 'golden', 'cifar10', 'kws'], () => {
  const resnet = (dropSoftmax: boolean) =>
    importTflite(bytesOf('models/mlperf-tiny/pretrainedResnet.tflite'), { dropSoftmax });

  test('ResNet-8 gives the outputs of LiteRT', async () => {
    const count = 40;
    const { data: got } = await runFloat(resnet(false), [cifar(count).x], count);
    const golden = new Float32Array(bytesOf('golden/ic_resnet8_float.test_500.f32').buffer);
    const worst = Math.max(...Array.from(got, (y, i) => Math.abs(y - golden[i]!)));
    expect(worst).toBeLessThan(1e-4);
  });

  test('ResNet-8 trains on, is quantized while it trains, and ships', async () => {
    const dataset = data.fromArrays({ ...cifar(64), batchSize: 32 });
    const graph = resnet(true);
    const before = await evaluate(graph, dataset);
    const optimizer = optimizers.adam({ learningRate: 2e-5 });
    const [report] = await fit(graph, dataset, { epochs: 1, optimizer });
    expect(report!.loss).toBeLessThan(0.8);
    const quantized = quantizeModel(graph);
    await fit(quantized, dataset, { epochs: 1, optimizer });
    const after = await evaluate(quantized, dataset);
    expect(after.top1).toBeGreaterThan(before.top1! - 0.05);
    const session = await load(convert(quantized).toBytes());
    const { output } = session.run({ input: cifar(1).x });
    expect(argMax(output as Int8Array)).toBe(cifar(1).y[0]);
  });

  test('DS-CNN is as right as its int8 form: 453 of 500, to one', async () => {
    const graph = importTflite(bytesOf('models/mlperf-tiny/kws_ref_model_float32.tflite'));
    const features = new Int8Array(bytesOf('kws/features_500x49x10.i8').buffer);
    const reals = Float32Array.from(features, (q) => (q - 83) * 0.5847029);
    const lines = new TextDecoder().decode(bytesOf('kws/labels.csv')).trim().split('\n').slice(1);
    const labels = lines.map((line) => Number(line.split(',').at(-1)));
    const { data: rows } = await runFloat(graph, [reals], 500);
    const right = labels.filter(
      (label, i) => argMax(Array.from(rows).slice(12 * i, 12 * i + 12)) === label,
    );
    expect(Math.abs(right.length - 453)).toBeLessThanOrEqual(1);
  });

  test('the autoencoder has a mean squared error of 9.7', async () => {
    const graph = importTflite(bytesOf('models/mlperf-tiny/ad01_fp32.tflite'));
    const windows = machineWindows();
    const x = Float32Array.from(windows.flatMap((window) => Array.from(window)));
    const { data: y } = await runFloat(graph, [x], windows.length);
    expect(squaredError(x, y)).toBeCloseTo(9.707, 2);
  });

  test('the person detector runs', async () => {
    const graph = importTflite(bytesOf('models/mlperf-tiny/vww_96_float.tflite'));
    const { data: rows } = await runFloat(graph, randomInputs(graph, 2), 2);
    expect(rows[0]! + rows[1]!).toBeCloseTo(1, 5);
  });
});
