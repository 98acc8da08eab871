import { describe, expect, test } from 'vitest';
import { writeBundle } from '../../src/bundle/write.ts';
import type { Attrs } from '../../src/core/op.ts';
import { BATCH } from '../../src/core/shape.ts';
import { fromArrays } from '../../src/data/fromArrays.ts';
import type { Graph, Parameter } from '../../src/graph/graph.ts';
import { input } from '../../src/graph/trace.ts';
import { add, layers } from '../../src/nn/layers.ts';
import { model, sequential } from '../../src/nn/models.ts';
import type { OpName } from '../../src/ops/table.ts';
import { convert } from '../../src/quant/convert.ts';
import { type MethodName, methods } from '../../src/quant/methods.ts';
import { prepare } from '../../src/quant/prepare.ts';
import { quantizeModel } from '../../src/quant/quantizeModel.ts';
import { resolveScheme } from '../../src/quant/scheme.ts';
import { digits } from '../../src/zoo/digits.ts';
import { smallNetwork } from '../runtime/intGraph.ts';

const { conv2d, depthwiseConv2d, batchNormalization, relu, maxPool2d, dense, flatten } = layers;

function tiny(): Graph {
  const x = input([4, 4, 2]);
  const y = batchNormalization().apply(conv2d({ filters: 3, kernelSize: 1 }).apply(x));
  const z = relu().apply(depthwiseConv2d({ kernelSize: 3, padding: 'same' }).apply(y));
  const pooled = relu().apply(maxPool2d().apply(add(z, y)));
  return model({ inputs: x, outputs: dense({ units: 2 }).apply(flatten().apply(pooled)) }).build();
}

/** 'name: target [qmin,qmax]' and what marks each quantizer, by the value it stands on. */
function show(graph: Graph): string[] {
  return [...graph.quantizers].map(([id, spec]) => {
    const { target, qmin, qmax, axis, fixedZeroPoint, scale, zeroPoint, state, own = {} } = spec;
    const shown = (name: string, { shape, trainable }: Parameter) =>
      `${name} [${shape}]${trainable ? ' learned' : ''}`;
    const marks = [
      shown('scale', scale),
      ...(axis === undefined ? [] : [`axis ${axis}`]),
      ...(fixedZeroPoint === undefined ? [] : [`fixed ${fixedZeroPoint}`]),
      ...(zeroPoint ? [shown('zero point', zeroPoint)] : []),
      ...(state ? [`state [${state.shape}]`] : []),
      ...Object.entries(own).map(([name, parameter]) => shown(name, parameter)),
    ];
    return `${graph.values[id]!.name}: ${target} [${qmin},${qmax}] ${marks.join(', ')}`;
  });
}

/** What a method's quantizers look like: after the range of activations of both signs, after a relu, and of weights. */
interface Marks {
  readonly free: string;
  readonly fixed: string;
  readonly weight: string;
  /** Of data, whose range is calibrated. */
  readonly data: string;
}

const KEPT = 'scale [1], zero point [1]';
const LEARNED = ' learned';
const observing = {
  ...{ data: `${KEPT}, state [3]`, free: `${KEPT}, state [3]` },
  ...{ fixed: 'scale [1], fixed -128, state [3]', weight: '' },
};

const marks: Readonly<Record<MethodName, Marks>> = {
  learnedScale: {
    ...{ data: KEPT, free: 'scale [1] learned, zero point [1] learned' },
    ...{ fixed: 'scale [1] learned, fixed -128', weight: LEARNED },
  },
  lsq: {
    ...{ data: KEPT, free: 'scale [1] learned, zero point [1]' },
    ...{ fixed: 'scale [1] learned, fixed -128', weight: LEARNED },
  },
  lsqPlus: {
    ...{ data: `${KEPT}, beta [1]`, free: 'scale [1] learned, zero point [1], beta [1] learned' },
    ...{ fixed: 'scale [1] learned, fixed -128', weight: LEARNED },
  },
  ewgs: {
    ...{ data: KEPT, free: 'scale [1] learned, zero point [1]' },
    ...{ fixed: 'scale [1] learned, fixed -128', weight: LEARNED },
  },
  pact: {
    data: `${KEPT}, alpha [1], beta [1]`,
    free: `${KEPT}, alpha [1] learned, beta [1] learned`,
    ...{ fixed: 'scale [1], fixed -128, alpha [1] learned', weight: LEARNED },
  },
  tqt: {
    data: 'scale [1], fixed 0, log2Threshold [1], squares [1], weight [1]',
    free: 'scale [1], fixed 0, log2Threshold [1] learned, squares [1], weight [1]',
    fixed: 'scale [1], fixed -128, log2Threshold [1] learned, squares [1], weight [1]',
    weight: ', log2Threshold [N] learned, squares [N], weight [N]',
  },
  movingAverage: observing,
  minMax: observing,
  lastValue: observing,
};

function expected({ data, free, fixed, weight }: Marks): string[] {
  const activation = (range: string) => `activation [-128,127] ${range}`;
  const weights = (scales: number, axis: number) => {
    const own = weight.startsWith(',') ? weight.replaceAll('N', `${scales}`) : '';
    const learned = own ? '' : weight;
    return `weight [-127,127] scale [${scales}]${learned}, axis ${axis}${own}`;
  };
  return [
    `input: ${activation(data)}`,
    `batchNormalization: ${activation(free)}`,
    `relu: ${activation(fixed)}`,
    `add: ${activation(free)}`,
    `dense: ${activation(free)}`,
    `conv2d/kernel: ${weights(3, 0)}`,
    `depthwiseConv2d/kernel: ${weights(3, 2)}`,
    `dense/kernel: ${weights(2, 0)}`,
  ];
}

describe('prepare', () => {
  test.each(Object.keys(methods) as MethodName[])(
    '%s: on inputs, outputs of segments that do not keep integers, and weights',
    (method) => {
      const graph = prepare(tiny(), resolveScheme('test', { method }));
      expect(show(graph)).toEqual(expected(marks[method]));
    },
  );

  test('leaves the float graph as it was and shares its parameters', () => {
    const float = tiny();
    const graph = prepare(float, resolveScheme('test'));
    expect(float.quantizers.size).toBe(0);
    expect(graph.nodes).toBe(float.nodes);
    expect(graph.parameters).toBe(float.parameters);
  });

  test('scales and zero points take no weight decay, scales stay above 0', () => {
    for (const { scale, zeroPoint, state } of prepare(
      tiny(),
      resolveScheme('test'),
    ).quantizers.values()) {
      expect([scale.decay, zeroPoint?.decay ?? false, state]).toEqual([false, false, undefined]);
      expect(scale.minimum).toBe(2 ** -40);
    }
  });

  test('names of quantizers are different', () => {
    const names = [...prepare(digits().build(), resolveScheme('test')).quantizers.values()].map(
      ({ name }) => name,
    );
    expect(new Set(names).size).toBe(names.length);
  });
});

test.each<[string, () => unknown, RegExp]>([
  [
    'a typo',
    () => quantizeModel(tiny(), { bits: 4 } as never),
    /^quantizeModel: options are method, weights, activations, edgeBits, otherBits, layers, quantizers, calibrationBatches, got bits$/,
  ],
  [
    'an unknown method',
    () => quantizeModel(tiny(), { method: 'dorefa' as never }),
    /^quantizeModel: method must be one of learnedScale, lsq, .*, lastValue, got "dorefa"$/,
  ],
  [
    'a name of Object',
    () => quantizeModel(tiny(), { method: 'toString' as never }),
    /^quantizeModel: method must be one of learnedScale, lsq, .*, lastValue, got "toString"$/,
  ],
  [
    'no batches',
    () => quantizeModel(tiny(), { calibrationBatches: 0 }),
    /^quantizeModel: calibrationBatches must be an integer >= 1, got 0$/,
  ],
  [
    'a quantized graph',
    () => quantizeModel(quantizeModel(tiny()).graph),
    /^quantizeModel: a float model, got a quantized one$/,
  ],
  [
    'a quantized model',
    () => quantizeModel(quantizeModel(tiny()) as never),
    /^quantizeModel: a float model, got a quantized one$/,
  ],
  [
    'something else',
    () => quantizeModel({} as never),
    /^quantizeModel: a model or a Graph, got Object$/,
  ],
  [
    'a model of no known shape',
    () => quantizeModel(sequential([relu()])),
    /^model: an inputShape on the first layer/,
  ],
  [
    'a norm over other ranks',
    () => quantizeModel(sequential([batchNormalization({ inputShape: [2, 2, 5, 3] })])),
    /^quantizeModel: batchNormalization over \[N,C\], \[N,T,C\] or \[N,H,W,C\], got \[N,2,2,5,3\]$/,
  ],
  [
    'a model without a layer',
    () => quantizeModel({ ...tiny(), nodes: [] }),
    /^quantizeModel: a model that computes, got no layer$/,
  ],
  [
    'convert before ranges',
    () => convert(quantizeModel(tiny())),
    /^convert: a model whose ranges were set by fit or evaluate, got none$/,
  ],
  [
    'convert of a float model',
    () => convert(tiny() as never),
    /^convert: a quantized model or a graph of integers, got a float one$/,
  ],
  [
    'a misspelt option of convert',
    () => convert(quantizeModel(tiny()), { licence: 'MIT' } as never),
    /^convert: options are provenance, license, got licence$/,
  ],
])('%s is one clear sentence', (_, call, message) => {
  expect(call).toThrow(message);
});

describe('convert refuses before it gives a graph', () => {
  const calibrated = async () => {
    const model = quantizeModel(tiny());
    await model.calibrate(
      fromArrays({ x: new Float32Array(64).fill(0.5), y: [0, 1], shape: [4, 4, 2], classes: 2 }),
    );
    return model;
  };

  test.each<[string, (graph: Graph) => void, RegExp]>([
    [
      'a scale that is NaN',
      ({ quantizers }) => quantizers.get(0)!.scale.data.fill(Number.NaN),
      /^convert: value input: scale must be a finite f32 above 0, got NaN$/,
    ],
    [
      'a bias that is infinite',
      ({ parameters }) => {
        const bias = [...parameters.values()].find(({ name }) => name === 'dense/bias');
        bias!.data.fill(Infinity);
      },
      /^convert: node dense: addend: every entry must be finite.*, got Infinity$/,
    ],
  ])('%s', async (_, spoil, message) => {
    const model = await calibrated();
    spoil(model.graph);
    expect(() => convert(model)).toThrow(message);
  });

  test('provenance that is no object', async () => {
    const model = await calibrated();
    expect(() => convert(model, { provenance: 'abc' as never })).toThrow(
      /^convert: provenance must be an object of strings and numbers, got "abc"$/,
    );
  });

  test('provenance that is no text', async () => {
    const model = await calibrated();
    const provenance = { accuracy: Number.NaN };
    expect(() => convert(model, { provenance })).toThrow(
      /^convert: provenance accuracy must be a string or a finite number, got NaN$/,
    );
  });
});

/** x [N,2] and y = op of `inputs`, with the parameters p and q [1,2]; z = relu y. */
function operands(op: OpName, inputs: readonly string[], attrs: Attrs = {}, last = 'relu z y') {
  const names = ['x', 'y', 'z', 'p', 'q'];
  const id = (name: string) => names.indexOf(name);
  const [lastOp, output, ...lastInputs] = last.split(' ') as [OpName, string, ...string[]];
  const values = names.map((name) => {
    return { name, shape: [id(name) < 3 ? BATCH : 1, 2], dtype: 'f32' as const };
  });
  const parameter = (name: string): [number, Parameter] => [
    id(name),
    { name, shape: [1, 2], trainable: false, decay: false, data: Float32Array.of(1, 0) },
  ];
  const nodes = [
    { op, name: 'y', inputs: inputs.map(id), output: 1, attrs },
    { op: lastOp, name: output, inputs: lastInputs.map(id), output: 2, attrs: {} },
  ];
  const parameters = new Map([parameter('p'), parameter('q')]);
  const graph = { name: 'operands', values, nodes, inputs: [0], outputs: [2] };
  return { ...graph, parameters, quantizers: new Map() } satisfies Graph;
}

describe('an operand without an integer form is refused before anything runs', () => {
  test.each<[string, Graph, RegExp]>([
    [
      'a constant in a concat',
      operands('concat', ['x', 'p'], { axis: 1 }),
      /^quantize: node "y": concat must join computed values, got the parameter "p"$/,
    ],
    [
      'a relu of a constant',
      operands('relu', ['p']),
      /^quantize: node "y": the input of relu must be computed, got the parameter "p"$/,
    ],
    [
      'a sum of constants',
      operands('add', ['p', 'q']),
      /^quantize: node "y": an operand of add must be computed, got the parameter "p"$/,
    ],
    [
      'slopes of a constant',
      operands('prelu', ['p', 'x']),
      /^quantize: node "y": the first operand of prelu must be computed, got the parameter "p"$/,
    ],
    [
      'computed indices',
      operands('gather', ['x', 'x'], { axis: 1 }),
      /^quantize: node "y": only the first input of gather may be computed, got the computed value "x"$/,
    ],
    [
      'computed weights',
      operands('dense', ['x', 'x']),
      /^quantize: node "y": only the first input of dense may be computed, got the computed value "x"$/,
    ],
    [
      'weights that are an operand as well',
      operands('add', ['x', 'p'], {}, 'dense z y p'),
      /^quantize: node "z": what other ops read as an operand must be nothing else, got the parameter "p"$/,
    ],
  ])('%s', (_, graph, message) => {
    expect(() => quantizeModel(graph)).toThrow(message);
  });

  test('and what has one is not', () => {
    for (const inputs of [
      ['x', 'p'],
      ['p', 'x'],
      ['x', 'x'],
    ]) {
      expect(() => quantizeModel(operands('subtract', inputs))).not.toThrow();
    }
    expect(() => quantizeModel(operands('gather', ['x', 'p'], { axis: 1 }))).not.toThrow();
  });
});

test('convert takes a graph of integers as it is', () => {
  const graph = smallNetwork();
  const converted = convert(graph, { license: 'MIT' });
  expect(converted.graph).toBe(graph);
  expect(converted.toBytes()).toEqual(writeBundle({ graph, golden: [], license: 'MIT' }));
});
