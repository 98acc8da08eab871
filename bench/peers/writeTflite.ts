import { Builder, type Offset } from 'flatbuffers';
import type {
  Activation,
  Add,
  Clamp,
  Convolution,
  GlobalAveragePool,
  Layer,
  MaxPool,
  Network,
} from './network.ts';

/** Tables of the TFL3 schema, each field with the slot that it has there. */
const MODEL = { size: 5, version: 0, operatorCodes: 1, subgraphs: 2, description: 3, buffers: 4 };
const OPERATOR_CODE = { size: 4, deprecatedBuiltinCode: 0, version: 2, builtinCode: 3 };
const SUBGRAPH = { size: 5, tensors: 0, inputs: 1, outputs: 2, operators: 3, name: 4 };
const TENSOR = { size: 5, shape: 0, type: 1, buffer: 2, name: 3, quantization: 4 };
const QUANTIZATION = { size: 7, scale: 2, zeroPoint: 3, quantizedDimension: 6 };
const OPERATOR = { size: 5, opcodeIndex: 0, inputs: 1, outputs: 2, optionsType: 3, options: 4 };
const CONV_2D = { size: 6, padding: 0, strideWidth: 1, strideHeight: 2, activation: 3 };
const DEPTHWISE_CONV_2D = {
  ...{ size: 7, padding: 0, strideWidth: 1, strideHeight: 2 },
  ...{ depthMultiplier: 3, activation: 4 },
};
const POOL_2D = {
  ...{ size: 6, padding: 0, strideWidth: 1, strideHeight: 2 },
  ...{ filterWidth: 3, filterHeight: 4 },
};

/** BuiltinOperator with the least version that takes int8, and the type of its options in the union BuiltinOptions. */
const OPERATORS = {
  add: { code: 0, version: 2, options: 11 },
  conv2d: { code: 3, version: 3, options: 1 },
  depthwiseConv2d: { code: 4, version: 3, options: 2 },
  maxPool2d: { code: 17, version: 2, options: 5 },
  globalAveragePool2d: { code: 40, version: 2, options: 27 },
  quantize: { code: 114, version: 1, options: 0 },
} as const;

type OperatorName = keyof typeof OPERATORS;

const NAMES = Object.keys(OPERATORS) as OperatorName[];

const TYPES = { int32: 2, uint8: 3, int8: 9 } as const;
const ACTIVATIONS: Readonly<Record<Clamp, number>> = { none: 0, relu: 1, relu6: 3 };
const SAME = 0;

/** Offset of a uint8 zero point against that of int8. */
const SIGN = 128;

/**
 * The network as a .tflite file: int8 inside, uint8 at its input and output through two QUANTIZE. The global average pool
 * is a MEAN over rows and columns, as converters write it.
 */
export function writeTflite(network: Network): Uint8Array {
  return new Writer(network).bytes();
}

interface TensorOptions {
  readonly name: string;
  readonly shape: readonly number[];
  readonly type: keyof typeof TYPES;
  readonly data?: ArrayBufferView;
  readonly scale?: readonly number[] | Float32Array;
  readonly zeroPoint?: number;
  /** The axis that has one scale an entry. */
  readonly axis?: number;
}

class Writer {
  readonly #builder = new Builder(1 << 20);
  readonly #network: Network;
  /** Buffer 0 is the empty one, of tensors without data. */
  readonly #buffers: Offset[] = [];
  readonly #tensors: Offset[] = [];
  readonly #operators: Offset[] = [];
  readonly #indices = new Map<Activation, number>();

  constructor(network: Network) {
    this.#network = network;
  }

  bytes(): Uint8Array {
    const { input, output, activations, layers } = this.#network;
    this.#buffers.push(this.#table(1, () => {}));
    for (const activation of activations) {
      this.#indices.set(activation, this.#activation(activation, 'int8', activation.name));
    }
    const first = this.#activation(input, 'uint8', 'image');
    const last = this.#activation(output, 'uint8', 'scores');
    this.#operator('quantize', [first], this.#index(input));
    for (const layer of layers) this.#layer(layer);
    this.#operator('quantize', [this.#index(output)], last);
    this.#finish(first, last);
    return this.#builder.asUint8Array();
  }

  #layer(layer: Layer): void {
    if (layer.kind === 'add') this.#add(layer);
    else if (layer.kind === 'maxPool2d') this.#maxPool(layer);
    else if (layer.kind === 'globalAveragePool2d') this.#mean(layer);
    else this.#convolution(layer);
  }

  #add({ inputs: [a, b], output, clamp }: Add): void {
    const options = this.#table(1, (b) => b.addFieldInt8(0, ACTIVATIONS[clamp], 0));
    this.#operator('add', [this.#index(a), this.#index(b)], this.#index(output), options);
  }

  #maxPool({ input, output, kernel, stride }: MaxPool): void {
    const options = this.#table(POOL_2D.size, (b) => {
      b.addFieldInt8(POOL_2D.padding, SAME, 1);
      b.addFieldInt32(POOL_2D.strideWidth, stride, 0);
      b.addFieldInt32(POOL_2D.strideHeight, stride, 0);
      b.addFieldInt32(POOL_2D.filterWidth, kernel, 0);
      b.addFieldInt32(POOL_2D.filterHeight, kernel, 0);
    });
    this.#operator('maxPool2d', [this.#index(input)], this.#index(output), options);
  }

  #mean({ input, output }: GlobalAveragePool): void {
    const data = Int32Array.of(1, 2);
    const axes = this.#tensor({ name: `${output.name}/axes`, shape: [2], type: 'int32', data });
    const keepDims = this.#table(1, (b) => b.addFieldInt8(0, 1, 0));
    const inputs = [this.#index(input), axes];
    this.#operator('globalAveragePool2d', inputs, this.#index(output), keepDims);
  }

  #convolution(layer: Convolution): void {
    const { kind, input, output, weights, weightScales, bias, kernel, clamp, stride } = layer;
    const channels = output.shape[2];
    const terms = weights.length / (kernel * kernel * channels);
    const depthwise = kind === 'depthwiseConv2d';
    const filter = this.#tensor({
      name: `${output.name}/weights`,
      shape: depthwise ? [1, kernel, kernel, channels] : [channels, kernel, kernel, terms],
      ...{ type: 'int8', data: weights, scale: weightScales, axis: depthwise ? 3 : 0 },
    });
    const biasScale = weightScales.map((scale) => input.scale * scale);
    const shift = this.#tensor({
      name: `${output.name}/bias`,
      shape: [channels],
      ...{ type: 'int32', data: bias, scale: biasScale, axis: 0 },
    });
    const slots = depthwise ? DEPTHWISE_CONV_2D : CONV_2D;
    const options = this.#table(slots.size, (b) => {
      b.addFieldInt8(slots.padding, SAME, 1);
      b.addFieldInt32(slots.strideWidth, stride, 0);
      b.addFieldInt32(slots.strideHeight, stride, 0);
      if (depthwise) b.addFieldInt32(DEPTHWISE_CONV_2D.depthMultiplier, 1, 0);
      b.addFieldInt8(slots.activation, ACTIVATIONS[clamp], 0);
    });
    this.#operator(kind, [this.#index(input), filter, shift], this.#index(output), options);
  }

  #activation(
    { shape, scale, zeroPoint }: Activation,
    type: 'int8' | 'uint8',
    name: string,
  ): number {
    const shift = type === 'int8' ? SIGN : 0;
    return this.#tensor({
      ...{ name, shape: [1, ...shape], type },
      ...{ scale: [scale], zeroPoint: zeroPoint - shift },
    });
  }

  #index(activation: Activation): number {
    return this.#indices.get(activation)!;
  }

  #tensor(options: TensorOptions): number {
    const { name, shape, type, data } = options;
    const b = this.#builder;
    const buffer = data ? this.#buffer(data) : 0;
    const quantization = this.#quantization(options);
    const nameAt = b.createString(name);
    const shapeAt = this.#int32s(shape);
    const tensor = this.#table(TENSOR.size, () => {
      b.addFieldOffset(TENSOR.shape, shapeAt, 0);
      b.addFieldInt8(TENSOR.type, TYPES[type], 0);
      b.addFieldInt32(TENSOR.buffer, buffer, 0);
      b.addFieldOffset(TENSOR.name, nameAt, 0);
      b.addFieldOffset(TENSOR.quantization, quantization, 0);
    });
    return this.#tensors.push(tensor) - 1;
  }

  /** Offset 0, which writes no field, without scales. */
  #quantization({ scale, zeroPoint = 0, axis = 0 }: TensorOptions): Offset {
    if (!scale) return 0;
    const b = this.#builder;
    const scales = this.#vector(4, scale, (value) => b.addFloat32(value));
    const zeroPoints = this.#vector(8, scale, () => b.addInt64(BigInt(zeroPoint)));
    return this.#table(QUANTIZATION.size, () => {
      b.addFieldOffset(QUANTIZATION.scale, scales, 0);
      b.addFieldOffset(QUANTIZATION.zeroPoint, zeroPoints, 0);
      b.addFieldInt32(QUANTIZATION.quantizedDimension, axis, 0);
    });
  }

  /** Constants start at multiples of 16 bytes, as runtimes that use them in place ask for. */
  #buffer(data: ArrayBufferView): number {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const b = this.#builder;
    b.startVector(1, bytes.length, 16);
    for (let at = bytes.length - 1; at >= 0; at--) b.addInt8(bytes[at]!);
    const vector = b.endVector();
    return this.#buffers.push(this.#table(1, () => b.addFieldOffset(0, vector, 0))) - 1;
  }

  #operator(name: OperatorName, inputs: readonly number[], output: number, options?: Offset): void {
    const b = this.#builder;
    const inputsAt = this.#int32s(inputs);
    const outputsAt = this.#int32s([output]);
    const operator = this.#table(OPERATOR.size, () => {
      b.addFieldInt32(OPERATOR.opcodeIndex, NAMES.indexOf(name), 0);
      b.addFieldOffset(OPERATOR.inputs, inputsAt, 0);
      b.addFieldOffset(OPERATOR.outputs, outputsAt, 0);
      if (options === undefined) return;
      b.addFieldInt8(OPERATOR.optionsType, OPERATORS[name].options, 0);
      b.addFieldOffset(OPERATOR.options, options, 0);
    });
    this.#operators.push(operator);
  }

  #finish(input: number, output: number): void {
    const b = this.#builder;
    const subgraph = this.#subgraph(input, output);
    const codes = NAMES.map((name) => {
      const { code, version } = OPERATORS[name];
      return this.#table(OPERATOR_CODE.size, () => {
        b.addFieldInt8(OPERATOR_CODE.deprecatedBuiltinCode, code, 0);
        b.addFieldInt32(OPERATOR_CODE.version, version, 1);
        b.addFieldInt32(OPERATOR_CODE.builtinCode, code, 0);
      });
    });
    const subgraphs = this.#offsets([subgraph]);
    const operatorCodes = this.#offsets(codes);
    const buffers = this.#offsets(this.#buffers);
    const description = b.createString('random weights');
    const model = this.#table(MODEL.size, () => {
      b.addFieldInt32(MODEL.version, 3, 0);
      b.addFieldOffset(MODEL.operatorCodes, operatorCodes, 0);
      b.addFieldOffset(MODEL.subgraphs, subgraphs, 0);
      b.addFieldOffset(MODEL.description, description, 0);
      b.addFieldOffset(MODEL.buffers, buffers, 0);
    });
    b.finish(model, 'TFL3');
  }

  #subgraph(input: number, output: number): Offset {
    const b = this.#builder;
    const name = b.createString(this.#network.name);
    const tensors = this.#offsets(this.#tensors);
    const operators = this.#offsets(this.#operators);
    const inputs = this.#int32s([input]);
    const outputs = this.#int32s([output]);
    return this.#table(SUBGRAPH.size, () => {
      b.addFieldOffset(SUBGRAPH.tensors, tensors, 0);
      b.addFieldOffset(SUBGRAPH.inputs, inputs, 0);
      b.addFieldOffset(SUBGRAPH.outputs, outputs, 0);
      b.addFieldOffset(SUBGRAPH.operators, operators, 0);
      b.addFieldOffset(SUBGRAPH.name, name, 0);
    });
  }

  #table(fields: number, fill: (builder: Builder) => void): Offset {
    this.#builder.startObject(fields);
    fill(this.#builder);
    return this.#builder.endObject();
  }

  #int32s(values: readonly number[]): Offset {
    return this.#vector(4, values, (value) => this.#builder.addInt32(value));
  }

  #offsets(values: readonly Offset[]): Offset {
    return this.#vector(4, values, (value) => this.#builder.addOffset(value));
  }

  /** Flatbuffers grow downwards: the last entry goes first. */
  #vector(size: number, values: ArrayLike<number>, add: (value: number) => void): Offset {
    this.#builder.startVector(size, values.length, size);
    for (let at = values.length - 1; at >= 0; at--) add(values[at]!);
    return this.#builder.endVector();
  }
}
