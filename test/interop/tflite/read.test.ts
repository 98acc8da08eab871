import { Builder } from 'flatbuffers';
import { describe, expect, test } from 'vitest';
import { Rng } from '../../../src/core/rng.ts';
import { readTflite } from '../../../src/interop/tflite/read.ts';
import { type ModelSpec, tfliteFile } from '../../helpers/tflite.ts';

const SPEC: ModelSpec = {
  tensors: {
    x: { shape: [1, 4, 4, 2], type: 'int8', scale: 0.5, zeroPoint: 3, signature: [-1, 4, 4, 2] },
    w: {
      shape: [3, 1, 1, 2],
      type: 'int8',
      data: [1, 2, 3, 4, 5, -6],
      scale: [0.25, 0.5, 1],
      zeroPoint: [0, 0, 0],
      axis: 0,
    },
    b: { shape: [3], type: 'int32', data: [7, -8, 9], scale: [1, 1, 1], zeroPoint: [0, 0, 0] },
    y: { shape: [1, 4, 4, 3], type: 'int8', scale: 2, zeroPoint: -128 },
    size: { shape: [2], type: 'int64', data: [1, 48] },
    z: { shape: [1, 48], type: 'int8', scale: 2, zeroPoint: -128 },
    odd: { shape: [1, 48], type: 'int8', scale: 2, zeroPoint: -128 },
  },
  operators: [
    {
      op: 'CONV_2D',
      inputs: ['x', 'w', 'b'],
      outputs: ['y'],
      options: { padding: 1, strideWidth: 1, strideHeight: 1, activation: 3 },
    },
    { op: 'RESHAPE', inputs: ['y', 'size'], outputs: ['z'], options: { shape: [1, 48] } },
    { op: 'HARD_SWISH', inputs: ['z'], outputs: ['odd'] },
    { op: 'SecretSauce', inputs: ['z', ''], outputs: ['odd'] },
  ],
  inputs: ['x'],
  outputs: ['odd'],
};

/** What no other error may be: every refusal is a sentence about the file. */
function refusal(bytes: Uint8Array): Error | undefined {
  try {
    readTflite(bytes);
    return undefined;
  } catch (error) {
    if (!(error instanceof RangeError || error instanceof TypeError)) throw error;
    if (!error.message.startsWith('tflite')) throw error;
    return error;
  }
}

describe('readTflite', () => {
  const model = readTflite(tfliteFile(SPEC));

  test('reads tensors with shapes, types, constants and quantization', () => {
    expect(model.tensors.map(({ name }) => name)).toEqual(Object.keys(SPEC.tensors));
    const [x, w, b, y] = model.tensors;
    expect(x).toMatchObject({ shape: [1, 4, 4, 2], signature: [-1, 4, 4, 2], type: 'int8' });
    expect(x!.quantization).toEqual({ scale: [0.5], zeroPoint: [3], axis: 0, custom: false });
    expect(x!.data).toBeUndefined();
    expect(Array.from(new Int8Array(w!.data!))).toEqual([1, 2, 3, 4, 5, -6]);
    expect(w!.quantization!.scale).toEqual([0.25, 0.5, 1]);
    expect(b!.type).toBe('int32');
    expect(y!.quantization!.zeroPoint).toEqual([-128]);
  });

  test('reads operators with names, options and their defaults', () => {
    const [conv, reshape, swish, custom] = model.operators;
    expect(conv).toMatchObject({ name: 'CONV_2D', inputs: [0, 1, 2], outputs: [3], version: 1 });
    expect(conv!.options).toEqual({
      padding: 1,
      strideWidth: 1,
      strideHeight: 1,
      activation: 3,
      dilationWidth: 1,
      dilationHeight: 1,
    });
    expect(reshape!.options).toEqual({ shape: [1, 48] });
    expect(swish).toMatchObject({ name: 'HARD_SWISH', custom: false });
    expect(custom).toMatchObject({ name: 'SecretSauce', custom: true, inputs: [5, -1] });
    expect(model).toMatchObject({ inputs: [0], outputs: [6] });
  });
});

describe('files that make no sense', () => {
  test.each<[string, Uint8Array, RegExp]>([
    ['nothing', new Uint8Array(), /not a \.tflite file: bytes 4 to 7 must be TFL3, got 0 bytes/],
    ['text', new TextEncoder().encode('<!doctype html>'), /must be TFL3, got ctyp/],
    ['another schema', tfliteFile({ ...SPEC, version: 2 }), /schema version must be 3, got 2/],
    [
      'a constant that is too short',
      tfliteFile({ ...SPEC, tensors: { ...SPEC.tensors, w: { shape: [4], data: [1] } } }),
      /tensor 1 w: \[4\] of float32 must have 16 bytes, got 4/,
    ],
    [
      'a tensor that nothing can hold',
      tfliteFile({ ...SPEC, tensors: { ...SPEC.tensors, z: { shape: [65536, 65536] } } }),
      /tensor 5 z: a tensor must have at most 2147483647 elements/,
    ],
    [
      'too many axes',
      tfliteFile({ ...SPEC, tensors: { ...SPEC.tensors, z: { shape: Array(9).fill(1) } } }),
      /at most 8 axes, got 9/,
    ],
  ])('%s', (_, bytes, message) => {
    expect(() => readTflite(bytes)).toThrow(message);
    expect(refusal(bytes)).toBeInstanceOf(RangeError);
  });

  test('bytes of another kind are a TypeError', () => {
    expect(() => readTflite('model.tflite' as never)).toThrow(TypeError);
  });
});

describe('damaged files are read or refused, and nothing else', () => {
  const file = tfliteFile(SPEC);

  test('cut at every length', () => {
    for (let length = 0; length < file.length; length++) refusal(file.slice(0, length));
    expect(refusal(file.slice(0, file.length >> 1))).toBeDefined();
  });

  test('every byte replaced by 0, 255 and a random one', () => {
    const rng = new Rng(11);
    for (let at = 0; at < file.length; at++) {
      for (const value of [0, 255, rng.below(256)]) {
        const damaged = file.slice();
        damaged[at] = value;
        refusal(damaged);
      }
    }
  });

  test('many bytes at once', () => {
    const rng = new Rng(12);
    for (let round = 0; round < 3000; round++) {
      const damaged = file.slice();
      for (let i = 1 + rng.below(8); i > 0; i--) damaged[rng.below(file.length)] = rng.below(256);
      refusal(damaged);
    }
  });

  test('offsets that share one long name cost no more than the file is long', () => {
    const builder = new Builder(1024);
    const name = builder.createString('n'.repeat(200_000));
    builder.startObject(4);
    builder.addFieldOffset(3, name, 0);
    const tensor = builder.endObject();
    const vector = (count: number, target: number) => {
      builder.startVector(4, count, 4);
      for (let i = 0; i < count; i++) builder.addOffset(target);
      return builder.endVector();
    };
    const tensors = vector(20_000, tensor);
    builder.startObject(1);
    builder.addFieldOffset(0, tensors, 0);
    const graphs = vector(1, builder.endObject());
    builder.startObject(3);
    builder.addFieldInt32(0, 3, 0);
    builder.addFieldOffset(2, graphs, 0);
    builder.finish(builder.endObject(), 'TFL3');
    expect(refusal(builder.asUint8Array().slice())?.message).toMatch(/tables must not overlap/);
  });
});
