import { checkInteger, checkOptions, rangeError } from '../core/errors.ts';
import type { Augmentation } from './augment.ts';
import type { ArraysOptions } from './fromArrays.ts';

/** What the loaders of data sets that come in two parts have in common. */
export interface SplitOptions {
  readonly split: 'train' | 'test';
  /** 64 unless given. */
  readonly batchSize?: number;
  /** True for `train` and false for `test` unless given. */
  readonly shuffle?: boolean;
  /** 0 unless given. */
  readonly seed?: number;
  /** Only the first so many samples. */
  readonly limit?: number;
  /** Changes each image before it is normalized, in this order. */
  readonly augment?: readonly Augmentation[];
}

const OPTIONS = ['split', 'batchSize', 'shuffle', 'seed', 'limit', 'augment'];

/** Throws an Error that starts with `where`, before a file is read. `more` are options of one data set. */
export function checkSplit(where: string, options: SplitOptions, more: readonly string[]): void {
  checkOptions(where, options, [...OPTIONS, ...more]);
  const { split, limit = 1, batchSize = 1, seed = 0 } = options;
  if (split !== 'train' && split !== 'test') {
    throw rangeError(where, 'split must be train or test', split);
  }
  checkInteger(where, 'limit', limit, 1);
  checkInteger(where, 'batchSize', batchSize, 1);
  checkInteger(where, 'seed', seed, Number.MIN_SAFE_INTEGER);
}

/** Of these options, those of the dataset over the images. */
export function batchingOf(
  options: SplitOptions,
): Pick<ArraysOptions, 'batchSize' | 'shuffle' | 'seed' | 'augment'> {
  const { split, batchSize = 64, shuffle = split === 'train', seed = 0, augment } = options;
  return { batchSize, shuffle, seed, ...(augment && { augment }) };
}
