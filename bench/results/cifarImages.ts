import { readFileSync } from 'node:fs';
import { fitImage } from '../../src/core/image.ts';
import type { Preprocessing } from '../../src/core/preprocess.ts';
import { parseCifar } from '../../src/data/cifar.ts';
import { fromArrays } from '../../src/data/fromArrays.ts';
import { decodeImage } from '../../src/data/images.ts';
import { dataPath } from '../../test/helpers/dataFolder.ts';

const SAMPLE = 32 * 32 * 3;

/** What the CIFAR ResNets of the data folder were trained with. */
export const preprocessing = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

/** A file of CIFAR-10 records in the data folder. */
export function records(file: string) {
  return parseCifar(new Uint8Array(readFileSync(dataPath(`cifar10/${file}`))), 10);
}

/** The 5,500 test images: 500 without loss, and 5,000 as JPEGs, which cost every network a tenth of its accuracy. */
export async function testImages(of: Preprocessing = preprocessing) {
  const whole = records('test_500.bin');
  const bytes = new Uint8Array(readFileSync(dataPath('cifar10/jpeg75_test.jpgs')));
  const lines = readFileSync(dataPath('cifar10/jpeg75_test.csv'), 'utf8').trim().split('\n');
  const rows = lines.slice(1).map((line) => line.split(',').map(Number));
  const x = new Uint8Array(whole.x.length + rows.length * SAMPLE);
  x.set(whole.x);
  for (const [i, [offset, length]] of rows.entries()) {
    const image = await decodeImage(bytes.subarray(offset, offset! + length!), `JPEG ${i}`);
    x.set(fitImage(image, [32, 32, 3]), whole.x.length + i * SAMPLE);
  }
  const y = [...whole.y, ...rows.map(([, , label]) => label!)];
  return fromArrays({ x, y, shape: [32, 32, 3], classes: 10, shuffle: false, preprocessing: of });
}
