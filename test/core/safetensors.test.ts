import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { arrayOf, bytesOf, type DType } from '../../src/core/dtype.ts';
import { Rng } from '../../src/core/rng.ts';
import { decode, encode, type StoredTensor } from '../../src/core/safetensors.ts';
import { sizeOf } from '../../src/core/shape.ts';

/** A file with a header of our choice and `size` bytes of data. */
function file(header: string | object, size = 0): Uint8Array {
  const json = new TextEncoder().encode(
    typeof header === 'string' ? header : JSON.stringify(header),
  );
  const bytes = new Uint8Array(8 + json.length + size);
  new DataView(bytes.buffer).setUint32(0, json.length, true);
  bytes.set(json, 8);
  return bytes;
}

const tensor = (begin: number, end: number, shape = [end - begin], dtype = 'I8') => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

const DTYPES = Object.keys(arrayOf) as DType[];

const tensors = fc.uniqueArray(
  fc
    .record({
      name: fc.string({ unit: 'binary', maxLength: 12 }),
      dtype: fc.constantFrom(...DTYPES),
      shape: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 }),
      seed: fc.integer(),
    })
    .map(({ seed, ...rest }): StoredTensor => {
      const rng = new Rng(seed);
      const data = new arrayOf[rest.dtype](sizeOf(rest.shape));
      for (let i = 0; i < data.length; i++) data[i] = rng.uint32() - 2 ** 31;
      return { ...rest, data };
    }),
  { selector: ({ name }) => name, maxLength: 8 },
);

const metadata = fc.dictionary(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }));

describe('encode and decode', () => {
  test('are inverse', () => {
    const property = fc.property(tensors, metadata, (list, info) => {
      const read = decode(encode(list, info));
      expect(new Map(list.map((t) => [t.name, t]))).toEqual(new Map(read.tensors));
      expect(Object.entries(read.metadata).sort()).toEqual(Object.entries(info).sort());
    });
    fc.assert(property, { seed: 1, numRuns: 300 });
  });

  test('the bytes do not depend on the order of tensors or keys', () => {
    const property = fc.property(tensors, metadata, (list, info) => {
      const reversed = Object.fromEntries(Object.entries(info).reverse());
      expect(encode([...list].reverse(), reversed)).toEqual(encode(list, info));
    });
    fc.assert(property, { seed: 2, numRuns: 100 });
  });

  test('data starts at a multiple of 64, each tensor at one of its element', () => {
    const property = fc.property(tensors, metadata, (list, info) => {
      const bytes = encode(list, info);
      const read = decode(bytes);
      expect(read.data.byteOffset % 64).toBe(0);
      for (const { data, dtype } of read.tensors.values()) {
        expect(data.buffer).toBe(bytes.buffer);
        expect(data.byteOffset % bytesOf[dtype]).toBe(0);
      }
    });
    fc.assert(property, { seed: 3, numRuns: 100 });
  });

  test('an unaligned file is copied', () => {
    const list: StoredTensor[] = [
      { name: 'a', dtype: 'f64', shape: [2], data: Float64Array.of(1, 2) },
      { name: 'b', dtype: 'i8', shape: [1], data: Int8Array.of(-7) },
    ];
    const bytes = encode(list);
    const moved = new Uint8Array(bytes.length + 3).subarray(3);
    moved.set(bytes);
    expect([...decode(moved).tensors.values()]).toEqual(list);
  });

  test('the layout is the one of the specification', () => {
    const bytes = encode(
      [
        { name: 'b', dtype: 'i8', shape: [3], data: Int8Array.of(1, -1, 2) },
        { name: 'a', dtype: 'f32', shape: [1, 1], data: Float32Array.of(1) },
      ],
      { z: 'last', k: 'first' },
    );
    const json =
      '{"__metadata__":{"k":"first","z":"last"},' +
      '"a":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]},' +
      '"b":{"dtype":"I8","shape":[3],"data_offsets":[4,7]}}';
    const length = 192 - 8;
    expect(new TextDecoder().decode(bytes.subarray(8, 192))).toBe(json.padEnd(length));
    expect([...bytes.subarray(0, 8)]).toEqual([length, 0, 0, 0, 0, 0, 0, 0]);
    expect([...bytes.subarray(192)]).toEqual([0, 0, 128, 63, 1, 255, 2]);
  });

  test('names that mean something to objects are only names', () => {
    const list = ['__proto__', 'constructor', '0', 'toString'].map(
      (name): StoredTensor => ({ name, dtype: 'u8', shape: [], data: Uint8Array.of(1) }),
    );
    const { tensors, metadata } = decode(encode(list, JSON.parse('{"__proto__":"x"}')));
    expect([...tensors.keys()].sort()).toEqual(list.map(({ name }) => name).sort());
    expect(Object.entries(metadata)).toEqual([['__proto__', 'x']]);
    expect(({} as Record<string, unknown>).dtype).toBeUndefined();
  });
});

describe('encode refuses', () => {
  const one: StoredTensor = { name: 'a', dtype: 'i8', shape: [1], data: Int8Array.of(1) };
  test.each<[StoredTensor[], RegExp]>([
    [[one, one], /^safetensors: tensors must have different names, got a$/],
    [[{ ...one, name: '__metadata__' }], /must have different names, got __metadata__$/],
    [
      [{ ...one, shape: [2] }],
      /^safetensors: tensor a must have 2 values of i8, got 1 in a Int8Array$/,
    ],
    [
      [{ ...one, dtype: 'u8' }],
      /^safetensors: tensor a must have 1 values of u8, got 1 in a Int8Array$/,
    ],
  ])('%j', (list, message) => {
    expect(() => encode(list)).toThrow(message);
  });

  test('a header above the cap', () => {
    const text = 'x'.repeat(16 * 1024 * 1024);
    expect(() => encode([], { text })).toThrow(
      /^safetensors: the header must have at most 16777216 bytes, got/,
    );
  });
});

describe('decode refuses', () => {
  const deep = `{"a":${'['.repeat(1e6)}${']'.repeat(1e6)}}`;
  test.each<[string, Uint8Array, RegExp]>([
    [
      'no bytes',
      new Uint8Array(0),
      /^safetensors: the file is truncated: the first 8 bytes .*, got 0$/,
    ],
    [
      'another file',
      new TextEncoder().encode('\x89PNG\r\n\x1a\n…'),
      /not a safetensors file: the header length/,
    ],
    [
      'a header length of 2^32 + 2',
      Uint8Array.of(2, 0, 0, 0, 1, 0, 0, 0, 123, 125),
      /at most 16777216, got 4294967298$/,
    ],
    [
      'a cut header',
      file('{}').subarray(0, 9),
      /the file is truncated: the header has 2 bytes, got 1$/,
    ],
    ['an empty header', file(''), /the header must start with '{', got byte undefined$/],
    ['leading spaces', file(' {}'), /the header must start with '{', got byte 32$/],
    ['an array', file('[]'), /the header must start with '{', got byte 91$/],
    ['broken UTF-8', file('{"a').fill(255, 10), /the header must be UTF-8, got other bytes$/],
    ['broken JSON', file('{"a"'), /the header must be JSON, got {"a"$/],
    ['more after the JSON', file('{}{}'), /the header must be JSON, got {}{}$/],
    [
      'a key twice',
      file('{"a":{"dtype":"I8","shape":[0],"shape":[0],"data_offsets":[0,0]}}'),
      /no key of the header may appear twice, got 1$/,
    ],
    [
      'a tensor twice',
      file('{"a":{},"\\u0061":{}}'),
      /no key of the header may appear twice, got 1$/,
    ],
    ['metadata twice', file('{"__metadata__":{},"__metadata__":{}}'), /may appear twice, got 1$/],
    [
      'metadata of numbers',
      file({ __metadata__: { a: 1 } }),
      /metadata must be strings, got number$/,
    ],
    [
      'metadata of a list',
      file({ __metadata__: [] }),
      /__metadata__ must be a JSON object, got \[\]$/,
    ],
    ['a tensor that is no object', file({ a: null }), /tensor a must be a JSON object, got null$/],
    ['deep nesting', file(deep), /tensor a must be a JSON object, got \[an object\]$/],
    [
      'an unknown dtype',
      file({ a: tensor(0, 1, [1], 'F8') }, 1),
      /the dtype of tensor a must be one of F32, I8, U8, I32, F64, got F8$/,
    ],
    [
      'an inherited dtype',
      file({ a: tensor(0, 1, [1], 'toString') }, 1),
      /must be one of .*, got toString$/,
    ],
    [
      'no shape',
      file({ a: { dtype: 'I8', data_offsets: [0, 0] } }),
      /the shape of tensor a must be integers >= 0, got undefined$/,
    ],
    [
      'a negative extent',
      file({ a: tensor(0, 1, [-1]) }, 1),
      /the shape of tensor a must be integers >= 0, got \[-1\]$/,
    ],
    ['a fraction', file({ a: tensor(0, 1, [0.5]) }, 1), /must be integers >= 0, got \[0.5\]$/],
    [
      'an extent above 2^53',
      file('{"a":{"dtype":"I8","shape":[1e16],"data_offsets":[0,1]}}', 1),
      /must be integers >= 0, got \[10000000000000000\]$/,
    ],
    [
      'three offsets',
      file({ a: { dtype: 'I8', shape: [0], data_offsets: [0, 0, 0] } }),
      /data_offsets of tensor a must be two integers >= 0, got \[0,0,0\]$/,
    ],
    [
      'the wrong size',
      file({ a: tensor(0, 3, [2]) }, 3),
      /tensor a i8 \[2\] must have 2 bytes, got 3$/,
    ],
    [
      'a product that overflows to 0',
      file({ a: tensor(0, 0, new Array(8).fill(2 ** 32)) }),
      /must have 1.15.*e\+77 bytes, got 0$/,
    ],
    [
      'a product that is not a number',
      file({ a: tensor(0, 0, [...new Array(40).fill(2 ** 52), 0]) }),
      /must have NaN bytes, got 0$/,
    ],
    ['a negative size', file({ a: tensor(3, 1, [0]) }, 3), /must have 0 bytes, got -2$/],
    [
      'a hole',
      file({ a: tensor(0, 1), b: tensor(2, 3) }, 3),
      /tensor b must start at 1, without hole or overlap, got 2$/,
    ],
    [
      'an overlap',
      file({ a: tensor(0, 2), b: tensor(1, 3) }, 3),
      /tensor b must start at 2, without hole or overlap, got 1$/,
    ],
    [
      'a hole in front',
      file({ a: tensor(1, 2) }, 2),
      /tensor a must start at 0, without hole or overlap, got 1$/,
    ],
    [
      'missing data',
      file({ a: tensor(0, 9) }, 5),
      /the file is truncated: the header promises 9 bytes of data, got 5$/,
    ],
    [
      'trailing bytes',
      file({ a: tensor(0, 2) }, 3),
      /the file must end after 2 bytes of data, got 3$/,
    ],
    ['bytes without a tensor', file('{}', 1), /the file must end after 0 bytes of data, got 1$/],
  ])('%s', (_, bytes, message) => {
    expect(() => decode(bytes)).toThrow(message);
  });

  test('says who reads', () => {
    expect(() => decode(new Uint8Array(3), 'bundle')).toThrow(/^bundle: the file is truncated/);
  });

  test('colons and quotes in strings are not keys', () => {
    const info = { 'a":"b': '\\":{"x":1}', ':': '::"\\' };
    expect(decode(encode([], info)).metadata).toEqual(info);
  });
});
