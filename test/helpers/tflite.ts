import { Builder } from 'flatbuffers';
import { sizeOf } from '../../src/core/shape.ts';
import { BITS, type TfliteType, TYPES } from '../../src/interop/tflite/model.ts';
import { builtinCode, OPTIONS } from '../../src/interop/tflite/schema.ts';

export interface TensorSpec {
  readonly shape: readonly number[];
  readonly type?: TfliteType;
  readonly name?: string;
  readonly signature?: readonly number[];
  /** Elements of a constant of a whole-byte type. */
  readonly data?: ArrayLike<number>;
  /** Bytes of a constant, in place of `data`. */
  readonly bytes?: Uint8Array;
  readonly scale?: number | readonly number[];
  readonly zeroPoint?: number | readonly number[];
  readonly axis?: number;
  readonly variable?: boolean;
}

export interface OperatorSpec {
  /** A builtin name, or any other for a custom op. */
  readonly op: string;
  /** Names of tensors; '' for one that is absent. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly options?: Readonly<Record<string, number | readonly number[]>>;
}

export interface ModelSpec {
  /** By name. */
  readonly tensors: Readonly<Record<string, TensorSpec>>;
  readonly operators: readonly OperatorSpec[];
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly version?: number;
}

/** Writes a .tflite file. */
export function tfliteFile(spec: ModelSpec): Uint8Array {
  return new Writer(spec).finish();
}

type Field = (builder: Builder) => void;

class Writer {
  readonly #builder = new Builder(4096);
  readonly #names: readonly string[];
  readonly #codes: string[];
  readonly #buffers: number[] = [];

  constructor(readonly spec: ModelSpec) {
    this.#names = Object.keys(spec.tensors);
    this.#codes = [...new Set(spec.operators.map(({ op }) => op))];
  }

  finish(): Uint8Array {
    const { spec } = this;
    this.#buffers.push(this.#table([]));
    const tensors = this.#vector(Object.entries(spec.tensors).map(([n, t]) => this.#tensor(n, t)));
    const operators = this.#vector(spec.operators.map((operator) => this.#operator(operator)));
    const inputs = this.#ints(this.#ids(spec.inputs));
    const outputs = this.#ints(this.#ids(spec.outputs));
    const graph = this.#table([
      offset(tensors),
      offset(inputs),
      offset(outputs),
      offset(operators),
    ]);
    const codes = this.#vector(this.#codes.map((name) => this.#code(name)));
    const graphs = this.#vector([graph]);
    const buffers = this.#vector(this.#buffers);
    const description = this.#builder.createString('made by a test');
    const fields = [int(spec.version ?? 3), ...[codes, graphs, description, buffers].map(offset)];
    this.#builder.finish(this.#table(fields), 'TFL3');
    return this.#builder.asUint8Array().slice();
  }

  #ids(names: readonly string[]): number[] {
    return names.map((name) => {
      const id = this.#names.indexOf(name);
      if (id < 0 && name !== '') throw new Error(`no tensor ${name}`);
      return id;
    });
  }

  #tensor(name: string, spec: TensorSpec): number {
    const { type = 'float32', shape, signature } = spec;
    const bytes = spec.bytes ?? (spec.data && toBytes(type, spec.data));
    const buffer = bytes ? this.#buffer(bytes) : 0;
    const signed = signature && this.#ints(signature);
    const fields: (Field | undefined)[] = [
      offset(this.#ints(shape)),
      byte(TYPES.indexOf(type)),
      int(buffer),
      offset(this.#builder.createString(spec.name ?? name)),
      spec.scale === undefined ? undefined : offset(this.#quantization(spec)),
      spec.variable ? byte(1) : undefined,
      undefined,
      signed === undefined ? undefined : offset(signed),
    ];
    return this.#table(fields);
  }

  #buffer(bytes: Uint8Array): number {
    const data = this.#builder.createByteVector(bytes);
    return this.#buffers.push(this.#table([offset(data)])) - 1;
  }

  #quantization({ scale = [], zeroPoint = 0, axis = 0 }: TensorSpec): number {
    const builder = this.#builder;
    const scales = [scale].flat();
    const zeros = [zeroPoint].flat();
    builder.startVector(4, scales.length, 4);
    for (const value of scales.toReversed()) builder.addFloat32(value);
    const scaleVector = builder.endVector();
    builder.startVector(8, zeros.length, 8);
    for (const value of zeros.toReversed()) builder.addInt64(BigInt(value));
    const zeroVector = builder.endVector();
    const skipped = [undefined, undefined];
    const ends = [undefined, undefined, int(axis)];
    return this.#table([...skipped, offset(scaleVector), offset(zeroVector), ...ends]);
  }

  #code(name: string): number {
    const code = builtinCode(name);
    const custom = code < 0 ? this.#builder.createString(name) : undefined;
    const full = code < 0 ? builtinCode('CUSTOM') : code;
    const text = custom === undefined ? undefined : offset(custom);
    return this.#table([byte(Math.min(full, 127)), text, int(1), int(full)]);
  }

  #operator({ op, inputs, outputs, options }: OperatorSpec): number {
    const known = OPTIONS[op];
    const table = known && options && offset(this.#options(op, options));
    const fields: (Field | undefined)[] = [
      int(this.#codes.indexOf(op)),
      offset(this.#ints(this.#ids(inputs))),
      offset(this.#ints(this.#ids(outputs))),
    ];
    if (table) fields.push(byte(known.union), table);
    return this.#table(fields);
  }

  #options(op: string, options: NonNullable<OperatorSpec['options']>): number {
    const { fields } = OPTIONS[op]!;
    const slots: (Field | undefined)[] = [];
    for (const [key, value] of Object.entries(options)) {
      const field = fields[key];
      if (!field) throw new Error(`${op} has no option ${key}`);
      if (typeof value !== 'number') slots[field.slot] = offset(this.#ints(value));
      else if (field.kind === 'float') slots[field.slot] = float(value);
      else slots[field.slot] = field.kind === 'byte' ? byte(value) : int(value);
    }
    return this.#table(slots);
  }

  #vector(offsets: readonly number[]): number {
    const builder = this.#builder;
    builder.startVector(4, offsets.length, 4);
    for (const target of offsets.toReversed()) builder.addOffset(target);
    return builder.endVector();
  }

  #ints(values: readonly number[]): number {
    const builder = this.#builder;
    builder.startVector(4, values.length, 4);
    for (const value of values.toReversed()) builder.addInt32(value);
    return builder.endVector();
  }

  #table(fields: readonly (Field | undefined)[]): number {
    const builder = this.#builder;
    builder.startObject(fields.length);
    // Holes of a sparse array count as absent.
    for (let slot = 0; slot < fields.length; slot++) {
      const write = fields[slot];
      if (!write) continue;
      write(builder);
      builder.slot(slot);
    }
    return builder.endObject();
  }
}

const offset =
  (target: number): Field =>
  (builder) =>
    builder.addOffset(target);
const int =
  (value: number): Field =>
  (builder) =>
    builder.addInt32(value);
const byte =
  (value: number): Field =>
  (builder) =>
    builder.addInt8(value);
const float =
  (value: number): Field =>
  (builder) =>
    builder.addFloat32(value);

const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  int16: Int16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
  float16: Uint16Array,
} as const;

function toBytes(type: TfliteType, data: ArrayLike<number>): Uint8Array {
  if (type === 'int64') {
    return new Uint8Array(BigInt64Array.from(Array.from(data), (v) => BigInt(v)).buffer);
  }
  const Array_ = ARRAYS[type as keyof typeof ARRAYS];
  if (!Array_) throw new Error(`no array of ${type}`);
  return new Uint8Array(Array_.from(Array.from(data)).buffer);
}

/** Bytes that a constant of this shape has. */
export function bytesOfTensor(type: TfliteType, shape: readonly number[]): number {
  return Math.ceil((sizeOf(shape) * BITS[type]!) / 8);
}
