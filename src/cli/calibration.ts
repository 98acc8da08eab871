import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { arrayOf } from '../core/dtype.ts';
import { rangeError, typeError } from '../core/errors.ts';
import { fitImage } from '../core/image.ts';
import { type Shape, sampleSize, showShape } from '../core/shape.ts';
import { decodeImage } from '../data/images.ts';
import type { Graph } from '../graph/graph.ts';
import { readBytes } from './files.ts';
import { isNpy, readNpy } from './npy.ts';
import { startProgress } from './progress.ts';
import { checkArray } from './records.ts';

type Pixels = Uint8Array | Float32Array;

/** Samples that ranges are taken from, in batches. */
export interface CalibrationInput
  extends AsyncIterable<{ readonly x: Pixels; readonly size: number }> {
  readonly count: number;
  /** Batches. */
  readonly steps: number;
}

const BATCH = 10;
const WHERE = 'quantize';

/**
 * At most `most` samples, evenly over those of a folder of images in the order of their names, or of a file of records. Throws an Error that
 * starts with `quantize` for a path that holds none, and for images of a graph without preprocessing.
 */
export async function readCalibration(
  graph: Graph,
  path: string,
  most: number,
): Promise<CalibrationInput> {
  const folder = await stat(path).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
  const shape = graph.values[graph.inputs[0]!]!.shape.slice(1);
  const samples = folder
    ? await readImages(graph, shape, path, most)
    : await readRecords(shape, path, most);
  if (samples.length === 0) throw rangeError(WHERE, `expected samples in ${path}`, 'none');
  if (samples[0] instanceof Uint8Array && !graph.preprocessing) {
    throw typeError(WHERE, 'for samples of uint8 --mean and --std are expected', 'neither');
  }
  return batched(samples);
}

/** Every so many of a list that at most `most` are left, the first among them. */
function evenly<T>(list: readonly T[], most: number): T[] {
  const count = Math.min(list.length, most);
  return Array.from({ length: count }, (_, i) => list[Math.floor((i * list.length) / count)]!);
}

async function readImages(
  { preprocessing }: Graph,
  shape: Shape,
  folder: string,
  most: number,
): Promise<Pixels[]> {
  const names = (await readdir(folder)).filter((name) => /\.(png|jpe?g)$/i.test(name)).sort();
  const [height, width, channels, ...others] = shape;
  if (!channels || others.length > 0) {
    const expected = 'for images expected an input [N,height,width,channels]';
    throw rangeError(WHERE, expected, showShape(shape));
  }
  const chosen = evenly(names, most);
  const progress = startProgress('images', chosen.length);
  const images: Pixels[] = [];
  for (const name of chosen) {
    const place = `${WHERE}: ${join(folder, name)}`;
    const image = await decodeImage(await readBytes(join(folder, name), WHERE), place);
    images.push(fitImage(image, [height!, width!, channels], preprocessing, place));
    progress.update(images.length, '');
  }
  progress.end();
  return images;
}

async function readRecords(shape: Shape, path: string, most: number): Promise<Pixels[]> {
  const bytes = await readBytes(path, WHERE);
  const all = elementsOf(path, bytes, shape);
  const size = sampleSize([-1, ...shape]);
  if (all.length % size !== 0) {
    const expected = `${path} must hold whole samples of ${size} values (${showShape(shape)})`;
    throw rangeError(WHERE, expected, `${all.length} values`);
  }
  const starts = Array.from({ length: all.length / size }, (_, i) => i * size);
  return evenly(starts, most).map((start) => all.slice(start, start + size));
}

function elementsOf(path: string, bytes: Uint8Array, sample: Shape): Pixels {
  if (path.endsWith('.u8')) return bytes;
  if (path.endsWith('.f32')) {
    if (bytes.length % 4 === 0) return new arrayOf.f32(bytes.slice().buffer);
    throw rangeError(WHERE, `${path} must hold a multiple of 4 bytes`, bytes.length);
  }
  if (!isNpy(bytes)) {
    throw typeError(WHERE, 'a folder of images, .f32, .u8 or .npy is expected as --data', path);
  }
  const place = `${WHERE}: ${path}`;
  const { shape, data } = readNpy(bytes, place);
  checkArray(place, shape, sample);
  return data instanceof Uint8Array ? data : Float32Array.from(data as ArrayLike<number>);
}

function batched(samples: readonly Pixels[]): CalibrationInput {
  const size = samples[0]!.length;
  return {
    count: samples.length,
    steps: Math.ceil(samples.length / BATCH),
    async *[Symbol.asyncIterator]() {
      for (let first = 0; first < samples.length; first += BATCH) {
        const some = samples.slice(first, first + BATCH);
        const length = some.length * size;
        const x =
          samples[0] instanceof Uint8Array ? new Uint8Array(length) : new Float32Array(length);
        some.forEach((sample, i) => {
          x.set(sample, i * size);
        });
        yield { x, size: some.length };
      }
    },
  };
}
