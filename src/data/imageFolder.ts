/** Folders of images. For Node, Deno and Bun: it reads files and decodes them with packages. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  checkInteger,
  checkOptions,
  checkShape,
  kindOf,
  rangeError,
  typeError,
} from '../core/errors.ts';
import { fitImage } from '../core/image.ts';
import type { Preprocessing } from '../core/preprocess.ts';
import { type Shape, showShape, sizeOf } from '../core/shape.ts';
import { type ArrayDataset, type ArraysOptions, fromArrays } from './fromArrays.ts';
import { decodeImage } from './images.ts';
import { type Labelled, parseLabelled } from './labels.ts';
import { checkPreprocessing, PIXELS } from './pixels.ts';

/** Batching, order and augmentation are those of `fromArrays`. */
export interface ImagesOptions
  extends Pick<ArraysOptions, 'batchSize' | 'shuffle' | 'seed' | 'dropRemainder' | 'augment'> {
  /** Where the files are that the table names. */
  readonly folder: string;
  /** CSV file with the columns `file` and `class_index` (or `label`): an index from 0, or one of `classes`. */
  readonly labels: string;
  /** Of the network's input: [H,W,1] for grey, [H,W,3] for colours. */
  readonly shape: Shape;
  /** How many there are, or their names, which go into the bundle. */
  readonly classes: number | readonly string[];
  /**
   * `crop` and `resize` say how a file becomes an image of the shape, as a bundle does it; unless given, both sides are
   * resized. Pixels are pixel / 255 unless `mean` and `std` say more.
   */
  readonly preprocessing?: Preprocessing;
  /** Only the first so many lines. */
  readonly limit?: number;
}

const WHERE = 'loadImages';
const BATCHING = ['batchSize', 'shuffle', 'seed', 'dropRemainder', 'augment'];
const OPTIONS = ['folder', 'labels', 'shape', 'classes', 'preprocessing', 'limit', ...BATCHING];

/**
 * A dataset of PNG and JPEG files. All are decoded and fitted at once, into [n,H,W,C] bytes. Throws a RangeError or
 * TypeError for options that do not fit together and an Error that names the file when one is missing or damaged.
 */
export async function loadImages(options: ImagesOptions): Promise<ArrayDataset> {
  checkImages(options);
  const { folder, labels: path, shape, classes, preprocessing = PIXELS, limit } = options;
  const names = typeof classes === 'number' ? undefined : classes;
  const all = parseLabelled(WHERE, path, await readAll(path), names);
  const lines = all.slice(0, limit);
  checkLines(path, lines, names?.length ?? (classes as number));
  const { batchSize = 64, shuffle = true, seed = 0, dropRemainder = false, augment } = options;
  return fromArrays({
    x: await pixelsOf(folder, lines, shape, preprocessing),
    y: lines.map(({ classIndex }) => classIndex),
    shape,
    classes: names?.length ?? (classes as number),
    preprocessing,
    ...(names && { labels: names }),
    ...{ batchSize, shuffle, seed, dropRemainder },
    ...(augment && { augment }),
  });
}

/** u8 [n,H,W,C] */
async function pixelsOf(
  folder: string,
  lines: readonly Labelled[],
  shape: Shape,
  fit: Preprocessing,
): Promise<Uint8Array> {
  const size = sizeOf(shape);
  const pixels = new Uint8Array(lines.length * size);
  for (const [i, { file }] of lines.entries()) {
    const path = join(folder, file!);
    const where = `${WHERE}: ${path}`;
    const image = await decodeImage(await readAll(path), where);
    pixels.set(fitImage(image, shape as [number, number, number], fit, where), i * size);
  }
  return pixels;
}

async function readAll(path: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(path));
  } catch (error) {
    const { message } = error as Error;
    throw new Error(`${WHERE}: expected a readable file at ${path}, got ${message}`);
  }
}

function checkImages(options: ImagesOptions): void {
  checkOptions(WHERE, options, OPTIONS);
  const { folder, labels, shape, classes, preprocessing, limit = 1 } = options;
  for (const [name, value] of Object.entries({ folder, labels })) {
    if (typeof value !== 'string') throw typeError(WHERE, `${name} must be a path`, kindOf(value));
  }
  checkShape(WHERE, 'shape', shape);
  if (shape.length !== 3 || (shape[2] !== 1 && shape[2] !== 3)) {
    throw rangeError(WHERE, 'shape must be [H,W,1] or [H,W,3]', showShape(shape));
  }
  checkInteger(WHERE, 'limit', limit, 1);
  if (preprocessing) checkPreprocessing(WHERE, preprocessing, shape);
  checkClasses(classes);
}

function checkClasses(classes: ImagesOptions['classes']): void {
  if (typeof classes === 'number') {
    checkInteger(WHERE, 'classes', classes, 1);
    return;
  }
  const names = Array.isArray(classes) && classes.every((name) => typeof name === 'string');
  if (names && classes.length > 0) return;
  throw typeError(WHERE, 'classes must be a number or an array of names', kindOf(classes));
}

function checkLines(path: string, lines: readonly Labelled[], classes: number): void {
  for (const { file, classIndex, line } of lines) {
    const where = `${WHERE}: ${path}: line ${line}`;
    checkInteger(where, 'the class', classIndex, 0, classes - 1);
    if (file === undefined) {
      throw rangeError(WHERE, `the first line of ${path} must name a column file`, 'none');
    }
    if (file === '') throw rangeError(where, 'expected the name of a file', 'nothing');
  }
}
