import { PbfWriter } from 'pbf';
import {
  type Activation,
  type Convolution,
  type GlobalAveragePool,
  type Layer,
  type MaxPool,
  type Network,
  type Shape,
  samePadding,
  type Window,
} from './network.ts';

/** Messages of the ONNX schema, each field with its tag. */
const MODEL = { irVersion: 1, producerName: 2, graph: 7, opsetImport: 8 };
const OPSET = { domain: 1, version: 2 };
const GRAPH = { node: 1, name: 2, initializer: 5, input: 11, output: 12 };
const NODE = { input: 1, output: 2, opType: 4, attribute: 5 };
const ATTRIBUTE = { name: 1, integer: 3, integers: 8, type: 20 };
const TENSOR = { dims: 1, dataType: 2, name: 8, rawData: 9 };
const VALUE = { name: 1, type: 2 };
const TENSOR_TYPE = { elementType: 1, shape: 2 };

const ELEMENT_TYPES = { float32: 1, uint8: 2, int8: 3, int32: 6 } as const;
const ATTRIBUTE_TYPES = { integer: 2, integers: 7 } as const;

/** The first opset whose DequantizeLinear has an axis. */
const OPSET_VERSION = 13;
const IR_VERSION = 7;

type Attributes = Readonly<Record<string, number | readonly number[]>>;

interface Tensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array | Uint8Array | Int8Array | Int32Array;
}

/**
 * The network as an .onnx file in QDQ form: floating-point nodes between DequantizeLinear and QuantizeLinear, which
 * onnxruntime fuses to integer ones. Activations are uint8, for which alone its kernels are fast, and NCHW; relu and
 * relu6 are what the ranges of the outputs clamp.
 */
export function writeOnnx(network: Network): Uint8Array {
  return new Writer(network).bytes();
}

class Writer {
  readonly #network: Network;
  readonly #graph = new PbfWriter();
  /** Uses of an activation: each has a DequantizeLinear of its own, as quantizers write it. */
  #uses = 0;

  constructor(network: Network) {
    this.#network = network;
  }

  bytes(): Uint8Array {
    const { name, input, output, activations, layers } = this.#network;
    const graph = this.#graph;
    graph.writeStringField(GRAPH.name, name);
    for (const { name, scale, zeroPoint } of activations) {
      this.#constant({ name: `${name}/scale`, shape: [], data: Float32Array.of(scale) });
      this.#constant({ name: `${name}/zeroPoint`, shape: [], data: Uint8Array.of(zeroPoint) });
    }
    for (const layer of layers) this.#layer(layer);
    graph.writeMessage(GRAPH.input, writeValue, input);
    graph.writeMessage(GRAPH.output, writeValue, output);
    return writeModel(graph.finish());
  }

  #layer(layer: Layer): void {
    if (layer.kind === 'add') this.#quantized('Add', layer.inputs.map(this.#real), layer.output);
    else if (layer.kind === 'maxPool2d') this.#maxPool(layer);
    else if (layer.kind === 'globalAveragePool2d') this.#mean(layer);
    else this.#convolution(layer);
  }

  #maxPool(layer: MaxPool): void {
    const attributes = windowAttributes(layer, layer.input.shape);
    this.#quantized('MaxPool', [this.#real(layer.input)], layer.output, attributes);
  }

  #mean({ input, output }: GlobalAveragePool): void {
    this.#quantized('GlobalAveragePool', [this.#real(input)], output);
  }

  #convolution(layer: Convolution): void {
    const { input, output, kind, kernel, bias, weightScales } = layer;
    const channels = output.shape[2];
    const terms = kind === 'conv2d' ? input.shape[2] : 1;
    const shape = [channels, terms, kernel, kernel];
    const data = kind === 'conv2d' ? fromOhwi(layer) : fromHwc(layer);
    const weights = this.#realConstant(
      { name: `${output.name}/weights`, shape, data },
      weightScales,
    );
    const biasScale = weightScales.map((scale) => input.scale * scale);
    const name = `${output.name}/bias`;
    const shift = this.#realConstant({ name, shape: [channels], data: bias }, biasScale);
    const group = kind === 'conv2d' ? 1 : channels;
    const attributes = { ...windowAttributes(layer, input.shape), group };
    this.#quantized('Conv', [this.#real(input), weights, shift], output, attributes);
  }

  /** A node whose real output is quantized to `output`. */
  #quantized(
    type: string,
    inputs: readonly string[],
    output: Activation,
    attributes: Attributes = {},
  ): void {
    const real = `${output.name}/real`;
    this.#node(type, inputs, real, attributes);
    const { name } = output;
    this.#node('QuantizeLinear', [real, `${name}/scale`, `${name}/zeroPoint`], name);
  }

  readonly #real = ({ name }: Activation): string => {
    const real = `${name}/real${this.#uses++}`;
    this.#node('DequantizeLinear', [name, `${name}/scale`, `${name}/zeroPoint`], real);
    return real;
  };

  /** A constant with one scale for each entry of its first axis. */
  #realConstant(tensor: Tensor & { data: Int8Array | Int32Array }, scales: Float32Array): string {
    const { name, data } = tensor;
    const zeros =
      data instanceof Int8Array ? new Int8Array(scales.length) : new Int32Array(scales.length);
    this.#constant(tensor);
    this.#constant({ name: `${name}/scale`, shape: [scales.length], data: scales });
    this.#constant({ name: `${name}/zeroPoint`, shape: [scales.length], data: zeros });
    const inputs = [name, `${name}/scale`, `${name}/zeroPoint`];
    this.#node('DequantizeLinear', inputs, `${name}/real`, { axis: 0 });
    return `${name}/real`;
  }

  #constant(tensor: Tensor): void {
    this.#graph.writeMessage(GRAPH.initializer, writeTensor, tensor);
  }

  #node(
    type: string,
    inputs: readonly string[],
    output: string,
    attributes: Attributes = {},
  ): void {
    this.#graph.writeMessage(GRAPH.node, writeNode, { type, inputs, output, attributes });
  }
}

/** OHWI → OIHW */
function fromOhwi({ weights, kernel, input }: Convolution): Int8Array {
  const taps = kernel * kernel;
  const terms = input.shape[2];
  return weights.map((_, at) => {
    const tap = at % taps;
    const row = Math.floor(at / taps);
    return weights[(Math.floor(row / terms) * taps + tap) * terms + (row % terms)]!;
  });
}

/** HWC → C1HW */
function fromHwc({ weights, kernel, output }: Convolution): Int8Array {
  const taps = kernel * kernel;
  const channels = output.shape[2];
  return weights.map((_, at) => weights[(at % taps) * channels + Math.floor(at / taps)]!);
}

function windowAttributes(window: Window, [height, width]: Shape): Attributes {
  const rows = samePadding(height, window);
  const columns = samePadding(width, window);
  return {
    kernel_shape: [window.kernel, window.kernel],
    strides: [window.stride, window.stride],
    pads: [rows.before, columns.before, rows.after, columns.after],
  };
}

function writeModel(graph: Uint8Array): Uint8Array {
  const model = new PbfWriter();
  model.writeVarintField(MODEL.irVersion, IR_VERSION);
  model.writeStringField(MODEL.producerName, 'octavo');
  model.writeMessage(
    MODEL.opsetImport,
    (version: number, pbf: PbfWriter) => {
      pbf.writeStringField(OPSET.domain, '');
      pbf.writeVarintField(OPSET.version, version);
    },
    OPSET_VERSION,
  );
  model.writeBytesField(MODEL.graph, graph);
  return model.finish();
}

function elementType(data: Tensor['data']): number {
  if (data instanceof Float32Array) return ELEMENT_TYPES.float32;
  if (data instanceof Uint8Array) return ELEMENT_TYPES.uint8;
  return data instanceof Int8Array ? ELEMENT_TYPES.int8 : ELEMENT_TYPES.int32;
}

function writeTensor({ name, shape, data }: Tensor, pbf: PbfWriter): void {
  for (const extent of shape) pbf.writeVarintField(TENSOR.dims, extent);
  pbf.writeVarintField(TENSOR.dataType, elementType(data));
  pbf.writeStringField(TENSOR.name, name);
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  pbf.writeBytesField(TENSOR.rawData, bytes);
}

interface Node {
  readonly type: string;
  readonly inputs: readonly string[];
  readonly output: string;
  readonly attributes: Attributes;
}

function writeNode({ type, inputs, output, attributes }: Node, pbf: PbfWriter): void {
  for (const input of inputs) pbf.writeStringField(NODE.input, input);
  pbf.writeStringField(NODE.output, output);
  pbf.writeStringField(NODE.opType, type);
  for (const attribute of Object.entries(attributes)) {
    pbf.writeMessage(NODE.attribute, writeAttribute, attribute);
  }
}

function writeAttribute([name, value]: [string, number | readonly number[]], pbf: PbfWriter): void {
  pbf.writeStringField(ATTRIBUTE.name, name);
  if (typeof value === 'number') {
    pbf.writeVarintField(ATTRIBUTE.integer, value);
    pbf.writeVarintField(ATTRIBUTE.type, ATTRIBUTE_TYPES.integer);
    return;
  }
  for (const entry of value) pbf.writeVarintField(ATTRIBUTE.integers, entry);
  pbf.writeVarintField(ATTRIBUTE.type, ATTRIBUTE_TYPES.integers);
}

/** A uint8 input or output, [1,C,H,W]. */
function writeValue({ name, shape: [height, width, channels] }: Activation, pbf: PbfWriter): void {
  pbf.writeStringField(VALUE.name, name);
  pbf.writeMessage(VALUE.type, writeType, [1, channels, height, width]);
}

/** Messages with a single field, number 1, hold the type, the shape's list and each extent. */
const ONLY = 1;

function writeType(shape: readonly number[], pbf: PbfWriter): void {
  pbf.writeMessage(
    ONLY,
    (extents: readonly number[], type: PbfWriter) => {
      type.writeVarintField(TENSOR_TYPE.elementType, ELEMENT_TYPES.uint8);
      type.writeMessage(TENSOR_TYPE.shape, writeShape, extents);
    },
    shape,
  );
}

function writeShape(extents: readonly number[], pbf: PbfWriter): void {
  for (const extent of extents) {
    pbf.writeMessage(
      ONLY,
      (value: number, dimension: PbfWriter) => dimension.writeVarintField(ONLY, value),
      extent,
    );
  }
}
