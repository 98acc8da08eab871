import { describe, expect, test } from 'vitest';
import { readBundle } from '../../src/bundle/read.ts';
import { writeBundle } from '../../src/bundle/write.ts';
import { decode, encode, type StoredTensor } from '../../src/core/safetensors.ts';
import { type AnyJson, idOf, put, seal, tamper } from './tamper.ts';
import { tinyBundle } from './tinyBundle.ts';

function refuses(bytes: Uint8Array, message: RegExp): void {
  let error = new Error('nothing was thrown');
  try {
    readBundle(bytes);
  } catch (thrown) {
    error = thrown as Error;
  }
  expect(error.message).toMatch(message);
  expect(error.message).toMatch(/^bundle: .*, got ./);
}

describe('readBundle refuses in the description', () => {
  test.each<[string, unknown, RegExp]>([
    ['format', 2, /^bundle: the format version must be 1, got 2$/],
    ['graph', undefined, /^bundle: the graph must be a JSON object, got undefined$/],
    ['provenance', undefined, /the provenance must be a JSON object, got undefined$/],
    ['provenance.x', [], /provenance x must be a string or a finite number, got \[\]$/],
    ['license', 1, /the license must be a string, got 1$/],
    ['graph.labels', [1], /labels must be strings, got number$/],
    ['graph.preprocessing.std', [1, 0], /the std of the preprocessing must not be 0, got \[1,0\]$/],
    ['graph.preprocessing.mean', [0, 0, 0], /the mean .* must be 1 or 2 finite numbers, got/],
    ['graph.preprocessing.mean', ['0'], /the mean .* must be 1 or 2 finite numbers, got \[0\]$/],
    [
      'graph.preprocessing.mean',
      new Array(4097).fill(0),
      /the mean of the preprocessing may have 4096 entries, got 4097$/,
    ],
    ['graph.labelOffset', '1', /labelOffset must be a number, got 1$/],
    ['graph.labelOffset', -1, /labelOffset must be an integer in \[0, 65535\], got -1$/],
    ['graph.labelOffset', 1e9, /labelOffset must be an integer in \[0, 65535\], got 1000000000$/],
    ['graph.preprocessing.crop', 0.9, /crop must be a JSON object, got 0.9$/],
    ['graph.preprocessing.crop', {}, /crop must have either fraction or size, got none$/],
    ['graph.preprocessing.crop', { fraction: 1, size: 2 }, /either fraction or size, got 1$/],
    [
      'graph.preprocessing.crop',
      { fraction: 0 },
      /crop.fraction must be .* in \[0.01, 1\], got 0$/,
    ],
    ['graph.preprocessing.crop', { fraction: '1' }, /crop.fraction must be a finite .*, got "1"$/],
    [
      'graph.preprocessing.crop',
      { fraction: null },
      /crop.fraction must be a finite .*, got null$/,
    ],
    [
      'graph.preprocessing.crop',
      { size: 6 },
      /beside resize.shorterSide, which leaves the centre, crop must be a fraction, got size 6$/,
    ],
    ['graph.preprocessing.crop', { size: 1.5 }, /crop.size must be an integer in .*, got 1.5$/],
    ['graph.preprocessing.resize', null, /resize must be a JSON object, got null$/],
    ['graph.preprocessing.resize', {}, /resize.shorterSide must be an .*, got undefined$/],
    [
      'graph.preprocessing.resize',
      { shorterSide: 5 },
      /resize.shorterSide must be an integer in \[6, 65535\], got 5$/,
    ],
    ['graph.preprocessing.resize.shorterSide', 1e300, /in \[6, 65535\], got 1e\+300$/],
    ['graph.outputs', [], /the graph must have an output|every tensor must belong/],
    ['graph.outputs', [0, 0], /golden\/0\/output\/0 must have samples \[6,6,2\], got \[2,4\]$/],
    ['golden', 1, /must belong to the graph or a golden vector, got golden\/1\/input$/],
    ['golden', 3, /there must be one tensor golden\/2\/input for one use, got none$/],
    ['golden', 2 ** 31, /the number of golden vectors must fit the tensors, got 2147483648$/],
  ])('%s = %j', (path, value, message) => {
    refuses(
      tamper((json) => put(json, path, value)),
      message,
    );
  });
});

describe('readBundle refuses in a value', () => {
  test.each<[string, unknown, RegExp]>([
    ['relu.name', 'add', /values: names must be different, not empty and not __proto__, got add$/],
    ['relu.name', '__proto__', /values: names must be different/],
    ['relu.name', '', /values: names must be different/],
    ['relu.dtype', 'u4', /the dtype of relu must be one of f32, i8, u8, i32, f64, got u4$/],
    ['relu.dtype', 'f64', /value relu: a value of f64 must have no qparams, got some$/],
    ['relu.dtype', 'f32', /value relu: a value of f32 must have no qparams, got some$/],
    ['relu.shape', [1, 6, 6, 3], /relu: the first axis must be the open batch axis, got \[1,6/],
    ['relu.shape', [-1, 0, 6, 3], /relu: extents must be integers >= 1, got \[N,0,6,3\]$/],
    ['relu.shape', [-1, 2 ** 20, 2 ** 20], /one sample must have at most 2147483647 bytes/],
    ['relu.shape', [-1, 5, 6, 3], /relu: the output must be \[N,6,6,3\], got \[N,5,6,3\]$/],
    [
      'relu.qparams',
      undefined,
      /relu: an activation of i8 must have quantization parameters, got none$/,
    ],
    ['relu.qparams.scale', 0, /value relu: scale must be a finite f32 above 0, got 0$/],
    ['relu.qparams.scale', -1, /scale must be a finite f32 above 0, got -1$/],
    ['relu.qparams.scale', 0.1, /scale must be a finite f32 above 0, got 0.1$/],
    ['relu.qparams.scale', 1e300, /scale must be a finite f32 above 0, got 1e\+300$/],
    [
      'relu.qparams.scale',
      0.25,
      /relu: all must have the scale 0.25 and zero point -3 of the output, got 0.5 and -3$/,
    ],
    ['relu.qparams.zeroPoint', -4, /zeroPoint must be an integer in \[-3, 127\], got -4$/],
    ['relu.qparams.qmax', 128, /qmin and qmax of i8 must be in \[-128,127\], got \[-3,128\]$/],
    ['relu.qparams.qmax', -4, /must be integers with qmin <= qmax, got \[-3,-4\]$/],
    ['relu.qparams.qmax', 0.5, /zeroPoint, qmin and qmax must be integers, got \[-3,-3,0.5\]$/],
    ['c/kernel.qparams.scale', 'x', /there must be one tensor x for one use, got none$/],
    ['c/kernel.qparams.scale', 'gap/m', /there must be one tensor gap\/m for one use, got none$/],
    ['c/kernel.qparams.axis', 3, /axis 3 of \[3,3,3,2\] must have one scale per channel, got 3$/],
    ['c/kernel.qparams.axis', undefined, /scales without an axis must be one, got 3$/],
    ['c/kernel.qparams.zeroPoint', 1, /the zero point per channel must be 0, got 1$/],
    ['c/kernel.shape', [3, 3, 2, 3], /have the shape of its value \[3,3,2,3\], got \[3,3,3,2\]$/],
    ['c/multiplier.dtype', 'i32', /must have 3 values of i32, got 3 in a Float32Array$/],
  ])('%s = %j', (path, value, message) => {
    refuses(
      tamper((json) => put(json, `graph.values.${path}`, value)),
      message,
    );
  });

  test('that nothing makes', () => {
    const lost = (json: AnyJson) =>
      json.graph.values.push({ ...json.graph.values[0], name: 'lost' });
    refuses(
      tamper(lost),
      /each value must be an input, a parameter or the output of a node, got lost$/,
    );
  });
});

describe('readBundle refuses in a node', () => {
  test.each<[string, unknown, RegExp]>([
    ['relu.op', 'eval', /^bundle: node relu: the op must be one of add, .*, got eval$/],
    ['relu.op', 'valueOf', /node relu: the op must be one of .*, got valueOf$/],
    ['relu.op', 'batchNormalization', /the op must be one of .*, got batchNormalization$/],
    ['relu.name', 'add', /nodes: names must be different, not empty and not __proto__, got add$/],
    ['relu.inputs', [999], /node relu: value ids must be integers in \[0, \d+\], got 999$/],
    ['relu.inputs', [-1], /node relu: value ids must be integers in .*, got -1$/],
    ['relu.inputs', [0.5], /inputs of node relu must be integers, got \[0.5\]$/],
    ['relu.inputs', [], /node relu: the op needs 1 activations, got 0$/],
    ['relu.output', 0, /node relu: each value must be made once, got 0$/],
    ['relu.output', '3', /the output of node relu must be a number, got 3$/],
    ['conv2d.attrs', [], /attrs of node conv2d must be a JSON object, got \[\]$/],
    ['conv2d.attrs.strides', undefined, /conv2d: strides: must be a list of 2, got undefined$/],
    ['conv2d.attrs.strides', [0, 1], /strides: must be an integer in \[1, 65535\], got 0$/],
    ['conv2d.attrs.strides', [65536, 1], /strides: must be an integer in \[1, 65535\], got 65536$/],
    [
      'conv2d.attrs.padding',
      [
        ['1', 1],
        [1, 1],
      ],
      /padding: must be an integer in \[0, 65535\], got 1$/,
    ],
    ['conv2d.attrs.padding', [1, 1], /conv2d: padding: must be a list of 2, got 1$/],
    ['maxPool2d.attrs.poolSize', [7, 2], /the padded input must hold a window of height 7, got 6$/],
    [
      'maxPool2d.attrs.padding',
      [
        [2, 0],
        [0, 0],
      ],
      /must be below the window \[2,2\], got \[\[2,0\],\[0,0\]\]$/,
    ],
    ['maxPool2d.attrs.dilation', [2, 1], /the dilation of a pool must be 1, got \[2,1\]$/],
  ])('%s = %j', (path, value, message) => {
    refuses(
      tamper((json) => put(json, `graph.nodes.${path}`, value)),
      message,
    );
  });

  /** Node, position of the input, name of the value that takes its place; '' cuts the list there. */
  test.each<[string, number, string, RegExp]>([
    ['relu', 0, 'relu', /node relu: inputs must be made by earlier nodes, got value \d+$/],
    ['conv2d', 3, '', /constants are weights, multiplier, addend and maybe bias, got 2$/],
    ['conv2d', 2, 'gap/m', /node conv2d: multiplier: the shape must be \[3\], got \[1\]$/],
    ['conv2d', 2, 'c/bias', /node conv2d: multiplier: the type must be f32, got i32$/],
    [
      'dense',
      1,
      'flatten',
      /node dense: constants must be parameters, got the activation flatten$/,
    ],
    [
      'dense',
      2,
      'flatten',
      /node dense: constants must be parameters, got the activation flatten$/,
    ],
    [
      'flatten',
      0,
      'c/kernel',
      /the first inputs must be activations, got the parameter c\/kernel$/,
    ],
    ['add', 1, 'averagePool2d', /inputs must be made by earlier nodes/],
    ['add', 1, 'input', /node add: add: extents must be equal or 1, got \[N,6,6,3\] and/],
    ['add', 2, 'gap/m', /node add: multipliers: the shape must be \[2\], got \[1\]$/],
    ['add', 2, '', /node add: the op has 1 constants, got 0$/],
    ['relu', 1, 'gap/m', /node relu: the op has 0 constants, got 1$/],
  ])('%s reads as input %i %j', (name, position, value, message) => {
    const edit = (json: AnyJson) => {
      const { inputs } = json.graph.nodes.find((node: AnyJson) => node.name === name);
      if (value === '') inputs.length = position;
      else inputs[position] = idOf(json, value);
    };
    refuses(tamper(edit), message);
  });

  test('that stands before its input', () => {
    refuses(
      tamper((json) => json.graph.nodes.reverse()),
      /inputs must be made by earlier nodes/,
    );
  });

  test('a constant that 17 nodes read', () => {
    const edit = ({ graph }: AnyJson) => {
      const mean = graph.nodes.at(-1);
      for (let i = 0; i < 16; i++) {
        const output = graph.values.push({ ...graph.values[mean.output], name: `v${i}` }) - 1;
        graph.nodes.push({ ...mean, name: `n${i}`, output });
      }
    };
    refuses(tamper(edit), /parameter gap\/m may have 16 readers, got 17$/);
  });
});

describe('readBundle refuses in a tensor', () => {
  test.each<[string, number, number, RegExp]>([
    ['c/kernel/scale', 1, Number.NaN, /c\/kernel: scale must be a finite f32 above 0, got NaN$/],
    [
      'c/multiplier',
      2,
      Infinity,
      /conv2d: multiplier: every entry must be finite and at most 2\^96, got Infinity$/,
    ],
    [
      'd/addend',
      0,
      Number.NaN,
      /depthwiseConv2d: addend: every entry must be finite and at most 2\^96, got NaN$/,
    ],
    [
      'avg/m',
      8,
      Number.NaN,
      /averagePool2d: multipliers: every entry must be finite and at most 2\^96, got NaN$/,
    ],
    [
      'add/m',
      1,
      2 ** 97,
      /add: multipliers: every entry must be finite and at most 2\^96, got 1.58/,
    ],
    ['f/addend', 0, -(2 ** 97), /dense: addend: every entry must be finite and at most 2\^96, got/],
    ['c/bias', 0, -(2 ** 31), /accumulator of channel 0 must stay below 2\^31, got 2147\d+$/],
  ])('%s[%i] = %d', (name, index, to, message) => {
    const edit = (_: AnyJson, tensors: Map<string, StoredTensor>) => {
      const tensor = tensors.get(name)!;
      const data = tensor.data.slice();
      data[index] = to;
      tensors.set(name, { ...tensor, data });
    };
    refuses(tamper(edit), message);
  });

  /** A tensor, what changes in it, and what it is read as. */
  test.each<[string, Partial<StoredTensor> | undefined, RegExp]>([
    ['d/addend', undefined, /there must be one tensor d\/addend for one use, got none$/],
    ['gap/m', { shape: [] }, /must have the shape of its value \[1\], got \[\]$/],
    [
      'c/kernel/scale',
      { shape: [3, 1] },
      /scales c\/kernel\/scale must be a list of f32, got 3,1 f32$/,
    ],
    ['golden/1/output/0', { shape: [4, 1] }, /output\/0 must have samples \[4\], got \[4,1\]$/],
    [
      'golden/1/output/0',
      { shape: [2, 4], data: new Int8Array(8) },
      /dense must have 1 samples, got 2$/,
    ],
    [
      'golden/1/output/0',
      { shape: [0, 4], data: new Int8Array(0) },
      /dense must be whole samples of 4/,
    ],
    [
      'golden/1/output/0',
      { dtype: 'u8', data: new Uint8Array(4) },
      /of i8, got 4 in a Uint8Array$/,
    ],
    ['gap/m', { name: 'x' }, /there must be one tensor gap\/m for one use, got none$/],
  ])('%s with %j', (name, change, message) => {
    const edit = (_: AnyJson, tensors: Map<string, StoredTensor>) => {
      if (change) tensors.set(name, { ...tensors.get(name)!, ...change });
      else tensors.delete(name);
    };
    refuses(tamper(edit), message);
  });

  test('one that nothing uses', () => {
    const data = Int8Array.of(1);
    const edit = (_: AnyJson, tensors: Map<string, StoredTensor>) => {
      tensors.set('x', { name: 'x', dtype: 'i8', shape: [1], data });
    };
    refuses(tamper(edit), /every tensor must belong to the graph or a golden vector, got x$/);
  });
});

describe('readBundle refuses as a whole', () => {
  const { metadata, tensors } = decode(writeBundle(tinyBundle()));
  const octavo = metadata.octavo!;
  const all = [...tensors.values()];

  test('a safetensors file of something else', () => {
    const expected = 'not an Octavo bundle: the metadata must have the key "octavo"';
    refuses(encode([], { format: 'pt' }), new RegExp(`^bundle: ${expected}, got format$`));
    refuses(encode([]), new RegExp(`^bundle: ${expected}, got none$`));
  });

  test('a file that is not safetensors', () => {
    const bytes = new TextEncoder().encode('TFL3 is what another file says');
    const message =
      /^bundle: not a safetensors file: the header length must be at most 16777216, got/;
    refuses(bytes, message);
  });

  test('a missing or wrong checksum', () => {
    const damaged = /^bundle: the file is damaged: the checksum of its content must be [0-9a-f]{8}/;
    refuses(encode(all, { octavo }), damaged);
    refuses(encode(all, { octavo, 'octavo.checksum': '00000000' }), damaged);
  });

  test('a key that appears twice in the description', () => {
    const text = octavo.replace('"golden":2', '"golden":0,"golden":2');
    refuses(seal(text, all), /^bundle: no key of the description may appear twice, got 1$/);
  });

  test.each(['', 'null', '[]', '"x"', '{', '['.repeat(100_000)])('as description: %#', (text) => {
    refuses(seal(text, []), /^bundle: the description must be (JSON|a JSON object)/);
  });
});

describe('writeBundle refuses', () => {
  test('a float graph', () => {
    const bundle = tinyBundle();
    const values = bundle.graph.values.map((value) => ({ ...value, dtype: 'f32' as const }));
    expect(() => writeBundle({ ...bundle, graph: { ...bundle.graph, values } })).toThrow(
      /^bundle: value input: a value of f32 must have no qparams, got some$/,
    );
  });

  test('golden vectors that do not fit', () => {
    const { graph } = tinyBundle();
    const golden = [{ input: new Int8Array(72), outputs: [new Int8Array(4)] }];
    expect(() => writeBundle({ graph, golden })).toThrow(
      /^bundle: golden vector 0: there must be 2 outputs, got 1$/,
    );
  });

  test('a parameter whose name is taken by a scale', () => {
    const bundle = tinyBundle();
    const values = bundle.graph.values.map((value) =>
      value.name === 'gap/m' ? { ...value, name: 'c/kernel/scale' } : value,
    );
    expect(() => writeBundle({ ...bundle, graph: { ...bundle.graph, values } })).toThrow(
      /^bundle: tensors must have different names, got c\/kernel\/scale$/,
    );
  });
});
