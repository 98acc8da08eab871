/**
 * CIFAR-10 and CIFAR-100 (Krizhevsky 2009) in their binary layout: records without a header, each of
 *
 *     label u8 [1], or coarse and fine label u8 [2] for CIFAR-100 ▸ red u8 [32,32] ▸ green u8 [32,32] ▸ blue u8 [32,32]
 */

import { checkInteger, kindOf, rangeError, typeError } from '../core/errors.ts';
import type { Preprocessing } from '../core/preprocess.ts';
import { type ArrayDataset, fromArrays } from './fromArrays.ts';
import { batchingOf, checkSplit, type SplitOptions } from './splitOptions.ts';

const SIDE = 32;
const PIXELS = SIDE * SIDE;
const CHANNELS = 3;

/** Samples of CIFAR. */
export interface Cifar {
  /** u8 [n,32,32,3] */
  readonly x: Uint8Array;
  /** u8 [n] */
  readonly y: Uint8Array;
}

/** What one of the data sets says of itself. */
interface Source {
  readonly name: string;
  readonly classes: number;
  readonly files: Readonly<Record<SplitOptions['split'], readonly string[]>>;
  /** Bytes of labels in a record, of which the last one is the class. */
  readonly labelBytes: number;
  /** Mean and standard deviation of the training pixels. */
  readonly preprocessing: Preprocessing;
  readonly labels?: readonly string[];
}

const cifar10: Source = {
  name: 'cifar10',
  classes: 10,
  files: {
    train: [1, 2, 3, 4, 5].map((i) => `data_batch_${i}.bin`),
    test: ['test_batch.bin'],
  },
  labelBytes: 1,
  preprocessing: { mean: [0.4914, 0.4822, 0.4465], std: [0.247, 0.2435, 0.2616] },
  labels: [
    'airplane',
    'automobile',
    'bird',
    'cat',
    'deer',
    'dog',
    'frog',
    'horse',
    'ship',
    'truck',
  ],
};

const cifar100: Source = {
  name: 'cifar100',
  classes: 100,
  files: { train: ['train.bin'], test: ['test.bin'] },
  labelBytes: 2,
  preprocessing: { mean: [0.5071, 0.4865, 0.4409], std: [0.2673, 0.2564, 0.2762] },
};

export interface CifarOptions extends SplitOptions {
  /** Folder with the .bin files, plain or .gz. */
  readonly data: string;
  /** Their names; unless given, those of the split in the archive of the data set. */
  readonly files?: readonly string[];
  /** Unless given, the mean and standard deviation of the training pixels. */
  readonly preprocessing?: Preprocessing;
}

/** CIFAR-10, 50,000 training and 10,000 test images [32,32,3] of 10 classes, from the folder `data`. Needs files. */
export async function loadCifar10(options: CifarOptions): Promise<ArrayDataset> {
  return load(cifar10, options);
}

/** CIFAR-100: like CIFAR-10, with 100 (fine) classes. */
export async function loadCifar100(options: CifarOptions): Promise<ArrayDataset> {
  return load(cifar100, options);
}

/**
 * The samples of a file of 10 or 100 classes, planes turned into pixels. `where` names the file in messages. Throws a
 * RangeError unless it is whole records with labels below `classes`.
 */
export function parseCifar(bytes: Uint8Array, classes: 10 | 100, where = 'cifar'): Cifar {
  if (classes !== 10 && classes !== 100) {
    throw rangeError(where, 'classes must be 10 or 100', kindOf(classes));
  }
  if (!(bytes instanceof Uint8Array)) throw typeError(where, 'a Uint8Array', kindOf(bytes));
  const { labelBytes } = classes === 10 ? cifar10 : cifar100;
  const record = labelBytes + CHANNELS * PIXELS;
  const count = bytes.length / record;
  if (count === 0 || !Number.isInteger(count)) {
    throw rangeError(where, `the file must be whole records of ${record} bytes`, bytes.length);
  }
  const x = new Uint8Array(count * CHANNELS * PIXELS);
  const y = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const start = i * record + labelBytes;
    y[i] = bytes[start - 1]!;
    checkInteger(where, `the label of record ${i}`, y[i]!, 0, classes - 1);
    interleave(bytes, start, x, i * CHANNELS * PIXELS);
  }
  return { x, y };
}

/** [3,32,32] at `from` becomes [32,32,3] at `to`. */
function interleave(planes: Uint8Array, from: number, pixels: Uint8Array, to: number): void {
  for (let i = 0; i < PIXELS; i++) {
    for (let c = 0; c < CHANNELS; c++)
      pixels[to + i * CHANNELS + c] = planes[from + c * PIXELS + i]!;
  }
}

async function load(source: Source, options: CifarOptions): Promise<ArrayDataset> {
  const { name, classes, labels } = source;
  checkSplit(name, options, ['data', 'files', 'preprocessing']);
  const { split, data, files = source.files[split], limit = Infinity } = options;
  if (typeof data !== 'string') {
    throw typeError(name, 'data must be a folder with the .bin files', kindOf(data));
  }
  checkFiles(name, files);
  const { readDataFile } = await import('./node.ts');
  const parts: Cifar[] = [];
  for (const file of files) {
    const bytes = await readDataFile(data, file, name);
    parts.push(parseCifar(bytes, classes as 10 | 100, `${name}: ${file}`));
  }
  const { x, y } = joined(parts, limit);
  return fromArrays({
    x,
    y,
    shape: [SIDE, SIDE, CHANNELS],
    classes,
    preprocessing: options.preprocessing ?? source.preprocessing,
    ...(labels && { labels }),
    ...batchingOf(options),
  });
}

function checkFiles(where: string, files: readonly string[]): void {
  const names = Array.isArray(files) && files.every((file) => typeof file === 'string');
  if (names && files.length > 0) return;
  throw typeError(where, 'files must be an array of names', kindOf(files));
}

/** The first `limit` samples of all parts. */
function joined(parts: readonly Cifar[], limit: number): Cifar {
  const count = Math.min(
    limit,
    parts.reduce((sum, { y }) => sum + y.length, 0),
  );
  const x = new Uint8Array(count * CHANNELS * PIXELS);
  const y = new Uint8Array(count);
  let at = 0;
  for (const part of parts) {
    const size = Math.min(part.y.length, count - at);
    x.set(part.x.subarray(0, size * CHANNELS * PIXELS), at * CHANNELS * PIXELS);
    y.set(part.y.subarray(0, size), at);
    at += size;
  }
  return { x, y };
}
