import { kindOf, rangeError, typeError } from '../../core/errors.ts';
import { brief } from '../../core/safetensors.ts';
import {
  BITS,
  type TfliteModel,
  type TfliteOperator,
  type TfliteQuantization,
  type TfliteTensor,
  TYPES,
} from './model.ts';
import { builtinName, LAST_OLD_CODE, OPTIONS } from './schema.ts';
import { FlatFile, type Table } from './table.ts';

const WHERE = 'tflite';

/** More axes than any op of the format has. */
const MAX_RANK = 8;

/** An extent, and a tensor, that 32 bits can count. */
const MAX_SIZE = 2 ** 31 - 1;

/**
 * Reads the main subgraph of a .tflite file. Constants are views of `bytes`. The file may come from anyone: whatever is in
 * it, this returns a model whose indices, sizes and lengths fit together, or throws a RangeError or TypeError that
 * starts with `tflite` and names the part of the file.
 */
export function readTflite(bytes: Uint8Array): TfliteModel {
  if (!(bytes instanceof Uint8Array)) {
    throw typeError(WHERE, 'the file must be a Uint8Array', kindOf(bytes));
  }
  checkIdentifier(bytes);
  const model = new FlatFile(bytes).root(WHERE);
  const version = model.scalar(0, 'uint');
  if (version !== 3) throw rangeError(WHERE, 'the schema version must be 3', version);
  const codes = model.tables(1, 'operator code').map(readCode);
  const buffers = model.tables(4, 'buffer').map(readBuffer);
  const [main] = model.tables(2, 'subgraph');
  if (!main) throw rangeError(WHERE, 'the file must have a subgraph', 'none');
  const tensors = main.tables(0, 'tensor').map((table, i) => readTensor(table, i, buffers));
  const checked = (indices: readonly number[], lowest: number, what: string) =>
    checkIndices(indices, lowest, tensors.length, `${WHERE}: ${what}`);
  const operators = main.tables(3, 'operator').map((table, i): TfliteOperator => {
    const operator = readOperator(table, i, codes);
    checked(operator.inputs, -1, `inputs of operator ${i}`);
    checked(operator.outputs, 0, `outputs of operator ${i}`);
    return operator;
  });
  const inputs = main.numbers(1, 'int') ?? [];
  const outputs = main.numbers(2, 'int') ?? [];
  checked(inputs, 0, 'inputs');
  checked(outputs, 0, 'outputs');
  return { description: model.text(3), tensors, operators, inputs, outputs };
}

function checkIdentifier(bytes: Uint8Array): void {
  const head = String.fromCharCode(...bytes.subarray(4, 8));
  if (head === 'TFL3') return;
  const got = bytes.length < 8 ? `${bytes.length} bytes` : brief(head);
  throw rangeError(WHERE, 'not a .tflite file: bytes 4 to 7 must be TFL3', got);
}

interface Code {
  readonly name: string;
  readonly custom: boolean;
  readonly version: number;
}

function readCode(table: Table): Code {
  const version = table.scalar(2, 'int', 1);
  const old = table.scalar(0, 'byte');
  const code = old < LAST_OLD_CODE ? old : table.scalar(3, 'int', old);
  const name = builtinName(Math.max(code, 0));
  if (name !== 'CUSTOM') return { name, custom: false, version };
  return { name: table.text(1) || 'CUSTOM', custom: true, version };
}

/** The bytes of a buffer; undefined for an empty one, which stands for a tensor that is computed. */
function readBuffer(table: Table): Uint8Array | undefined {
  // Offsets 0 and 1 are what writers leave where the data are in place.
  const at = table.long(1);
  const data = at > 1 ? table.outside(at, table.long(2)) : table.bytes(0);
  return data && data.length > 0 ? data : undefined;
}

function readTensor(
  table: Table,
  index: number,
  buffers: readonly (Uint8Array | undefined)[],
): TfliteTensor {
  const name = table.text(3);
  const where = `${WHERE}: tensor ${index} ${brief(name)}`;
  const shape = readShape(table.numbers(0, 'int') ?? [], 0, where);
  const open = table.numbers(7, 'int');
  const signature = open && open.length > 0 ? readShape(open, -1, where) : undefined;
  const code = table.scalar(1, 'byte');
  const type = TYPES[code];
  if (!type) throw rangeError(where, `the type must be 0 to ${TYPES.length - 1}`, code);
  const buffer = table.scalar(2, 'uint');
  // Files without constants leave out the empty buffer that 0 stands for.
  if (buffer > 0 && buffer >= buffers.length) {
    throw rangeError(where, `the buffer must be below ${buffers.length}`, buffer);
  }
  const data = buffers[buffer];
  const sparse = table.table(6, where) !== undefined;
  const tensor: TfliteTensor = {
    index,
    name,
    shape,
    type,
    ...(signature && { signature }),
    ...(data && { data }),
    ...readQuantization(table.table(4, `${where}: quantization`), where),
    variable: table.scalar(5, 'byte') !== 0,
    sparse,
  };
  if (data && !sparse) checkData(tensor, data, where);
  return tensor;
}

function readShape(shape: readonly number[], lowest: number, where: string): readonly number[] {
  if (shape.length > MAX_RANK) {
    throw rangeError(where, `a tensor must have at most ${MAX_RANK} axes`, shape.length);
  }
  if (shape.some((extent) => extent < lowest)) {
    throw rangeError(where, `extents must be at least ${lowest}`, [...shape]);
  }
  const size = shape.reduce((product, extent) => product * Math.abs(extent), 1);
  if (size <= MAX_SIZE) return shape;
  throw rangeError(where, `a tensor must have at most ${MAX_SIZE} elements`, [...shape]);
}

function checkData({ shape, type }: TfliteTensor, data: Uint8Array, where: string): void {
  const bits = BITS[type];
  if (bits === undefined) return;
  const size = shape.reduce((product, extent) => product * extent, 1);
  const bytes = Math.ceil((size * bits) / 8);
  if (data.length === bytes) return;
  throw rangeError(where, `[${shape}] of ${type} must have ${bytes} bytes`, data.length);
}

function readQuantization(
  table: Table | undefined,
  where: string,
): { readonly quantization?: TfliteQuantization } {
  if (!table) return {};
  const scale = table.numbers(2, 'float') ?? [];
  const zeroPoint = table.longs(3) ?? [];
  const custom = table.scalar(4, 'byte') !== 0;
  if (scale.length === 0 && !custom) return {};
  if (zeroPoint.length > 1 && zeroPoint.length !== scale.length) {
    const expected = `there must be 1 or ${scale.length} zero points`;
    throw rangeError(`${where}: quantization`, expected, zeroPoint.length);
  }
  return { quantization: { scale, zeroPoint, axis: table.scalar(6, 'int'), custom } };
}

function readOperator(table: Table, index: number, codes: readonly Code[]): TfliteOperator {
  const where = `${WHERE}: operator ${index}`;
  const at = table.scalar(0, 'uint');
  const code = codes[at];
  if (!code) throw rangeError(where, `the operator code must be below ${codes.length}`, at);
  return {
    index,
    ...code,
    inputs: table.numbers(1, 'int') ?? [],
    outputs: table.numbers(2, 'int') ?? [],
    options: code.custom ? {} : readOptions(table, code.name, where),
  };
}

function readOptions(table: Table, name: string, where: string): TfliteOperator['options'] {
  const known = OPTIONS[name];
  if (!known) return {};
  const union = table.scalar(3, 'byte');
  if (union !== 0 && union !== known.union) {
    throw rangeError(where, `the options of ${name} must be table ${known.union}`, union);
  }
  const options = union === 0 ? undefined : table.table(4, `${where}: options`);
  const entries = Object.entries(known.fields).map(([key, { slot, kind, missing }]) => {
    if (kind === 'ints') return [key, options?.numbers(slot, 'int') ?? []] as const;
    return [key, options?.scalar(slot, kind, missing) ?? missing] as const;
  });
  return Object.fromEntries(entries);
}

function checkIndices(
  indices: readonly number[],
  lowest: number,
  count: number,
  where: string,
): void {
  const wrong = indices.find((index) => index < lowest || index >= count);
  if (wrong === undefined) return;
  throw rangeError(where, `tensors must be in [${lowest}, ${count - 1}]`, wrong);
}
