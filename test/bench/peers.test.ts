import { PbfReader } from 'pbf';
import { describe, expect, test } from 'vitest';
import { architectures } from '../../bench/peers/architectures.ts';
import { difference } from '../../bench/peers/difference.ts';
import { type Convolution, macsOf, type Network, samePadding } from '../../bench/peers/network.ts';
import { RandomNetwork } from '../../bench/peers/randomNetwork.ts';
import { writeOnnx } from '../../bench/peers/writeOnnx.ts';
import { writeTflite } from '../../bench/peers/writeTflite.ts';
import type { TfliteModel, TfliteTensor } from '../../src/interop/tflite/model.ts';
import { readTflite } from '../../src/interop/tflite/read.ts';

const SIZE = 9;

/** Each kind of layer, extents that stride 2 does not divide, and two uses of one activation. */
function smallNetwork(): Network {
  const net = new RandomNetwork('small', SIZE, 7);
  let x = net.conv2d(net.input, 5, { kernel: 3, stride: 2, clamp: 'relu' });
  x = net.maxPool2d(x, { kernel: 3, stride: 2 });
  const y = net.depthwiseConv2d(x, { kernel: 3, stride: 1, clamp: 'relu6' });
  x = net.add(x, net.conv2d(y, 5, { kernel: 1, stride: 1, clamp: 'none' }), 'relu');
  return net.build(net.globalAveragePool2d(x));
}

const small = smallNetwork();
const [stem, , depthwise, pointwise] = small.layers as unknown as Convolution[];

describe('difference', () => {
  test('finds the largest, in units, and counts', () => {
    expect(difference([1, 2, 250], [1, 4, 249])).toEqual({ largest: 2, count: 2 });
    expect(difference([0.5, 1], [0.75, 1], 0.125)).toEqual({ largest: 2, count: 1 });
  });

  test('has no largest where outputs are no numbers, or fewer', () => {
    expect(difference([1, Number.NaN, 3], [1, 2, 3]).largest).toBeNaN();
    expect(difference([1, 2], [1]).largest).toBeNaN();
  });
});

describe('samePadding', () => {
  test('puts the odd row after', () => {
    expect(samePadding(224, { kernel: 7, stride: 2 })).toEqual({
      extent: 112,
      before: 2,
      after: 3,
    });
    expect(samePadding(7, { kernel: 3, stride: 2 })).toEqual({ extent: 4, before: 1, after: 1 });
    expect(samePadding(5, { kernel: 1, stride: 2 })).toEqual({ extent: 3, before: 0, after: 0 });
  });
});

describe('RandomNetwork', () => {
  test('counts the MACs that the papers of the architectures give', () => {
    const counts = Object.entries(architectures).map(([name, build]) => [name, macsOf(build(32))]);
    // At 32x32, where no SAME padding changes the ratio of the extents: (32 / 224)² but for the classifier.
    const scaled = (macs: number, classifier: number) => (macs - classifier) / 49 + classifier;
    expect(Object.fromEntries(counts)).toEqual({
      mobilenet_v1: scaled(568740352, 1024e3),
      mobilenet_v2: scaled(300774272, 1280e3),
      resnet50: scaled(3857973248, 2048e3),
    });
  });

  test('draws the same network from the same seed', () => {
    expect(smallNetwork()).toEqual(small);
  });

  test('keeps to the ranges of int8 weights and uint8 zero points', () => {
    for (const { weights } of [stem!, depthwise!, pointwise!]) {
      expect(Math.max(...weights.map(Math.abs))).toBe(127);
    }
    for (const { scale, zeroPoint } of small.activations) {
      expect(Math.fround(scale)).toBe(scale);
      expect(scale).toBeGreaterThan(0);
      expect(Number.isInteger(zeroPoint) && zeroPoint >= 0 && zeroPoint <= 255).toBe(true);
    }
  });
});

/** Operators by name, with what they read and write by name. */
function operatorsOf({ operators, tensors }: TfliteModel): unknown[] {
  const nameOf = (index: number) => tensors[index]!.name;
  return operators.map(({ name, inputs, outputs, options }) => {
    return { name, inputs: inputs.map(nameOf), outputs: outputs.map(nameOf), options };
  });
}

describe('writeTflite', () => {
  const bytes = writeTflite(small);
  const model = readTflite(bytes);
  const tensor = (name: string): TfliteTensor => model.tensors.find((t) => t.name === name)!;

  test('writes the layers in order between two QUANTIZE', () => {
    const stride = (extent: number) => ({ strideWidth: extent, strideHeight: extent });
    const dilation = { dilationWidth: 1, dilationHeight: 1 };
    const window = { filterWidth: 3, filterHeight: 3 };
    const same = { padding: 0 };
    const weighted = (name: string) => [`${name}/weights`, `${name}/bias`];
    expect(operatorsOf(model)).toEqual([
      { name: 'QUANTIZE', inputs: ['image'], outputs: ['input'], options: {} },
      {
        name: 'CONV_2D',
        inputs: ['input', ...weighted('t0')],
        outputs: ['t0'],
        options: { ...same, ...stride(2), ...dilation, activation: 1 },
      },
      {
        name: 'MAX_POOL_2D',
        inputs: ['t0'],
        outputs: ['t1'],
        options: { ...same, ...stride(2), ...window, activation: 0 },
      },
      {
        name: 'DEPTHWISE_CONV_2D',
        inputs: ['t1', ...weighted('t2')],
        outputs: ['t2'],
        options: { ...same, ...stride(1), ...dilation, depthMultiplier: 1, activation: 3 },
      },
      {
        name: 'CONV_2D',
        inputs: ['t2', ...weighted('t3')],
        outputs: ['t3'],
        options: { ...same, ...stride(1), ...dilation, activation: 0 },
      },
      { name: 'ADD', inputs: ['t1', 't3'], outputs: ['t4'], options: { activation: 1 } },
      { name: 'MEAN', inputs: ['t4', 't5/axes'], outputs: ['t5'], options: { keepDims: 1 } },
      { name: 'QUANTIZE', inputs: ['t5'], outputs: ['scores'], options: {} },
    ]);
    expect([model.inputs, model.outputs].map(([at]) => model.tensors[at!]!.name)).toEqual([
      'image',
      'scores',
    ]);
  });

  test('writes uint8 at the edges and int8 inside, at the same reals', () => {
    expect(tensor('image')).toMatchObject({ type: 'uint8', shape: [1, SIZE, SIZE, 3] });
    expect(tensor('image').quantization!.zeroPoint).toEqual([128]);
    expect(tensor('input')).toMatchObject({ type: 'int8', shape: [1, SIZE, SIZE, 3] });
    expect(tensor('input').quantization!.zeroPoint).toEqual([0]);
    expect(tensor('t2')).toMatchObject({ type: 'int8', shape: [1, 3, 3, 5] });
    expect(tensor('t2').quantization).toMatchObject({
      scale: [Math.fround(6 / 255)],
      zeroPoint: [-128],
    });
  });

  test('writes weights with a scale a channel, and biases in units of the accumulator', () => {
    const weights = tensor('t0/weights');
    expect(weights).toMatchObject({ type: 'int8', shape: [5, 3, 3, 3] });
    expect(new Int8Array(weights.data!.slice().buffer)).toEqual(stem!.weights);
    expect(weights.quantization).toMatchObject({ scale: [...stem!.weightScales], axis: 0 });
    const filter = tensor('t2/weights');
    expect(filter.shape).toEqual([1, 3, 3, 5]);
    expect(filter.quantization).toMatchObject({ scale: [...depthwise!.weightScales], axis: 3 });
    const bias = tensor('t3/bias');
    expect(new Int32Array(bias.data!.slice().buffer)).toEqual(pointwise!.bias);
    const products = pointwise!.weightScales.map((scale) => pointwise!.input.scale * scale);
    expect(bias.quantization!.scale).toEqual([...products]);
  });

  test('starts constants at multiples of 16 bytes', () => {
    const { data } = tensor('t0/weights');
    expect((data!.byteOffset - bytes.byteOffset) % 16).toBe(0);
  });
});

interface Message {
  readonly [tag: number]: (number | Uint8Array)[];
}

/** The fields of a protobuf message by tag, unread. */
function fieldsOf(bytes: Uint8Array): Message {
  const fields: Record<number, (number | Uint8Array)[]> = {};
  new PbfReader(bytes).readFields((tag, into, pbf) => {
    const bytesFollow = 2;
    into[tag] ??= [];
    into[tag].push(pbf.type === bytesFollow ? pbf.readBytes().slice() : pbf.readVarint());
  }, fields);
  return fields;
}

const messages = (fields: Message, tag: number) =>
  (fields[tag] ?? []).map((of) => fieldsOf(of as Uint8Array));
const strings = (fields: Message, tag: number) =>
  (fields[tag] ?? []).map((of) => new TextDecoder().decode(of as Uint8Array));

describe('writeOnnx', () => {
  const model = fieldsOf(writeOnnx(small));
  const graph = messages(model, 7)[0]!;
  const nodes = messages(graph, 1).map((node) => {
    return { type: strings(node, 4)[0], inputs: strings(node, 1), attributes: messages(node, 5) };
  });
  const initializers = messages(graph, 5).map((of) => {
    return { name: strings(of, 8)[0], dims: of[1] ?? [], type: of[2]![0], data: of[9]![0] };
  });
  const constant = (name: string) => initializers.find((of) => of.name === name)!;

  test('names its opset', () => {
    expect(messages(model, 8)[0]![2]).toEqual([13]);
  });

  test('quantizes what every layer makes, and has a DequantizeLinear for each use', () => {
    const types = nodes.map(({ type }) => type);
    const count = (wanted: string) => types.filter((type) => type === wanted).length;
    expect(count('QuantizeLinear')).toBe(small.layers.length);
    // Seven inputs of layers, and weights and bias of three.
    expect(count('DequantizeLinear')).toBe(7 + 2 * 3);
    const layers = types.filter((type) => !type!.endsWith('Linear'));
    expect(layers).toEqual(['Conv', 'MaxPool', 'Conv', 'Conv', 'Add', 'GlobalAveragePool']);
  });

  test('pads as samePadding says, top and left before bottom and right', () => {
    const { attributes } = nodes.find(({ type }) => type === 'Conv')!;
    const byName = Object.fromEntries(attributes.map((of) => [strings(of, 1)[0], of[8] ?? of[3]]));
    expect(byName).toEqual({
      kernel_shape: [3, 3],
      strides: [2, 2],
      pads: [1, 1, 1, 1],
      group: [1],
    });
  });

  test('transposes weights to OIHW, depthwise ones to C1HW', () => {
    const { dims, data, type } = constant('t0/weights');
    expect([dims, type]).toEqual([[5, 3, 3, 3], 3]);
    const w = new Int8Array((data as Uint8Array).buffer);
    // [Co,Ci,K,K] against [Co,K,K,Ci] at (4, 1, 2, 0)
    expect(w[((4 * 3 + 1) * 3 + 2) * 3 + 0]).toBe(stem!.weights[((4 * 3 + 2) * 3 + 0) * 3 + 1]);
    const filter = constant('t2/weights');
    expect(filter.dims).toEqual([5, 1, 3, 3]);
    const taps = new Int8Array((filter.data as Uint8Array).buffer);
    expect(taps[(3 * 3 + 1) * 3 + 2]).toBe(depthwise!.weights[(1 * 3 + 2) * 5 + 3]);
  });

  test('has an NCHW image of uint8', () => {
    const input = messages(graph, 11)[0]!;
    const type = messages(messages(input, 2)[0]!, 1)[0]!;
    expect(strings(input, 1)).toEqual(['input']);
    expect(type[1]).toEqual([2]);
    const extents = messages(messages(type, 2)[0]!, 1).map((of) => of[1]![0]);
    expect(extents).toEqual([1, 3, SIZE, SIZE]);
  });
});
