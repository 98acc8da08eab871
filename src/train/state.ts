/**
 * A checkpoint: all that a training run needs to go on as if nothing had happened, as a safetensors file.
 *
 *     model/NAME          parameters, running statistics and quantizer scales, f32
 *     optimizer/I/NAME    slot I of the optimizer for parameter NAME, [n] f32
 *     callback/I/NAME     weights that callback I remembers
 *     samples             golden inputs of a quantized model, [n] f32
 *     __metadata__        format, state: the rest as JSON, checksum: CRC-32 of state and tensors
 */

import { crc32 } from '../core/crc32.ts';
import { arrayOf, type DType, type Elements, type TypedArray } from '../core/dtype.ts';
import { checkInteger, checkNumber, internal, rangeError } from '../core/errors.ts';
import { asRecord, decode, encode, parseJson, type StoredTensor } from '../core/safetensors.ts';
import type { EpochReport } from './callbacks.ts';
import type { Fingerprint } from './fingerprint.ts';
import type { MetricSums } from './metrics.ts';

/** Epochs done, and steps done in the next one. */
export interface Position {
  readonly epoch: number;
  readonly step: number;
}

/** Sums over the samples of an epoch so far. */
export interface Sums extends MetricSums {
  /** Of training. */
  seconds: number;
}

/** JSON values only. */
export interface Progress {
  readonly fingerprint: Fingerprint;
  readonly position: Position;
  /** Whether a callback ended training. */
  readonly stopped: boolean;
  readonly sums: Sums;
  readonly history: readonly EpochReport[];
  /** Epoch of the dataset that the position lies in, and what the dataset says of itself. */
  readonly data: { readonly epoch: number; readonly state?: unknown };
  /** Numbers in the optimizer's memory: its step. */
  readonly optimizer: Readonly<Record<string, number>>;
  /** What callbacks remember, in the order of their list. */
  readonly callbacks: readonly { readonly name: string; readonly values: unknown }[];
  /** Samples of `samples`. */
  readonly samples: number;
}

export interface TrainingState extends Progress {
  readonly tensors: ReadonlyMap<string, Elements>;
}

const FORMAT = 'octavo-checkpoint-1';

/** Whether a safetensors file says that it is one; `decodeState` sees whether it is. */
export function isCheckpoint({ format }: Readonly<Record<string, string>>): boolean {
  return format?.startsWith('octavo-checkpoint-') ?? false;
}

/** The bytes of a checkpoint. Equal states give equal bytes. */
export function encodeState({ tensors, ...progress }: TrainingState): Uint8Array<ArrayBuffer> {
  const stored = [...tensors].map(([name, data]): StoredTensor => {
    return { name, dtype: dtypeOf(data), shape: [data.length], data: data as TypedArray };
  });
  const state = JSON.stringify(progress);
  const checksum = checksumOf(state, tensors);
  return encode(stored, { format: FORMAT, state, checksum }, 'checkpoint');
}

/** Throws a RangeError or TypeError that starts with `where` for bytes that are no whole checkpoint. */
export function decodeState(bytes: Uint8Array, where: string): TrainingState {
  const decoded = decode(bytes, where);
  const { format, state = '', checksum } = decoded.metadata;
  if (format !== FORMAT)
    throw rangeError(where, `expected a checkpoint (${FORMAT})`, format ?? 'none');
  const tensors = new Map([...decoded.tensors].map(([name, { data }]) => [name, data]));
  const actual = checksumOf(state, tensors);
  if (checksum !== actual)
    throw rangeError(where, `expected data with the checksum ${checksum}; it is damaged`, actual);
  const progress = asRecord(
    parseJson(state, where, 'state'),
    where,
    'state',
  ) as unknown as Progress;
  checkProgress(progress, where);
  return { ...progress, tensors };
}

/** What a wrong program could have written with a right checksum. */
function checkProgress(progress: Progress, where: string): void {
  const { position, history, callbacks, sums, data } = progress;
  asRecord(progress.fingerprint, where, 'fingerprint');
  asRecord(progress.optimizer, where, 'optimizer');
  for (const [name, value] of Object.entries(asRecord(sums, where, 'sums'))) {
    checkNumber(where, name, value as number, Number.NEGATIVE_INFINITY);
  }
  checkInteger(where, 'epoch', asRecord(position, where, 'position')['epoch'] as number, 0);
  checkInteger(where, 'step', position.step, 0);
  checkInteger(where, 'epoch of the data', asRecord(data, where, 'data')['epoch'] as number, 0);
  if (Array.isArray(history) && Array.isArray(callbacks)) return;
  throw rangeError(where, 'expected lists of reports and callbacks', 'others');
}

function checksumOf(state: string, tensors: ReadonlyMap<string, Elements>): string {
  const sorted = [...tensors].sort(([a], [b]) => (a < b ? -1 : 1));
  const bytes = sorted.map(([, { buffer, byteOffset, byteLength }]) => {
    return new Uint8Array(buffer, byteOffset, byteLength);
  });
  return crc32([new TextEncoder().encode(state), ...bytes]);
}

function dtypeOf(data: Elements): DType {
  const entry = Object.entries(arrayOf).find(([, kind]) => data instanceof kind);
  if (!entry) throw internal(`no dtype for a ${data.constructor.name}`);
  return entry[0] as DType;
}

/** The tensors whose names start with `prefix`, by the rest of their names. */
export function withPrefix(
  tensors: ReadonlyMap<string, Elements>,
  prefix: string,
): Map<string, Elements> {
  const found = [...tensors].filter(([name]) => name.startsWith(prefix));
  return new Map(found.map(([name, data]) => [name.slice(prefix.length), data]));
}
