import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { fitImage } from '../../src/core/image.ts';
import { decodeImage } from '../../src/data/images.ts';
import { inFolder, inFolderAsync, octavo } from '../cli/cli.ts';
import { dataPath, describeWithData } from '../helpers/data.ts';

/** Percent of the 650 photos, as the reference runtime got them with its own decoder and resizer. */
const MODELS = [
  { name: 'mobilenet_v1_0.25_128_quant', top1: 54.5, top5: 79.4 },
  { name: 'mobilenet_v1_0.5_160_quant', top1: 72.8, top5: 90.0 },
  { name: 'tf2_mobilenet_v2_1.0_224_ptq', top1: 78.8, top5: 95.1 },
];

/** The model that comes as two files, of which the second takes the 1,024 integers that the first gives. */
const PARTS = ['part1_backbone', 'part2_head'].map((part) => `mobilenet_v1_1.0_224_quant_${part}`);
const WHOLE = { top1: 78.9, top5: 94.3 };

/** Points that another decoder, resizer or rounding may cost. */
const POINTS = 2;

const model = (name: string) => `models/imagenet/${name}.tflite`;
const LABELS = 'imagenet-val/labels.csv';
const PHOTOS = 650;

/** Runs a command that must succeed; its last line as JSON. */
function json(...args: readonly string[]) {
  const { status, stdout, stderr } = octavo(...args, '--json');
  expect({ status, stderr: status === 0 ? [] : stderr }).toEqual({ status: 0, stderr: [] });
  return JSON.parse(stdout.trim().split('\n').at(-1)!);
}

interface Percent {
  readonly top1: number;
  readonly top5: number;
}

function expectNear(got: Percent & { readonly count: number }, expected: Percent): void {
  expect(got.count).toBe(PHOTOS);
  expect(Math.abs(100 * got.top1 - expected.top1)).toBeLessThanOrEqual(POINTS);
  expect(Math.abs(100 * got.top5 - expected.top5)).toBeLessThanOrEqual(POINTS);
}

const files = [LABELS, ...MODELS.map(({ name }) => model(name)), ...PARTS.map(model)];

describeWithData('imported models on photos', files, () => {
  const labels = ['--labels', dataPath(LABELS)];

  test.each(MODELS)('$name finds the class of $top1 %', ({ name, ...expected }) => {
    inFolder((path) => {
      const how = ['--crop', '0.875', '--label-offset', '1'];
      json('import', dataPath(model(name)), '-o', path('net.octavo'), ...how);
      const photos = ['--images', dataPath('imagenet-val')];
      expectNear(json('evaluate', path('net.octavo'), ...photos, ...labels), expected);
    });
  });

  describe('a model in two files', () => {
    test(`hands its integers on and finds the class of ${WHOLE.top1} %`, async () => {
      const pixels = await photosOf(224);
      await inFolderAsync(async (path) => {
        PARTS.forEach((name, i) => {
          json('import', dataPath(model(name)), '-o', path(`${i}.octavo`), '--label-offset', '1');
        });
        writeFileSync(path('pixels.u8'), pixels);
        json(
          'run',
          path('0.octavo'),
          '--input',
          path('pixels.u8'),
          '--output',
          path('features.u8'),
        );
        const records = ['--records', path('features.u8')];
        expectNear(json('evaluate', path('1.octavo'), ...records, ...labels), WHOLE);
      });
    });
  });
});

/** The pixels of all photos, size × size × 3 each. */
async function photosOf(size: number): Promise<Uint8Array> {
  const lines = readFileSync(dataPath(LABELS), 'utf8').trim().split('\n').slice(1);
  const sample = size * size * 3;
  const pixels = new Uint8Array(lines.length * sample);
  for (const [i, line] of lines.entries()) {
    const file = dataPath(`imagenet-val/${line.split(',')[0]}`);
    const image = await decodeImage(readFileSync(file), file);
    pixels.set(fitImage(image, [size, size, 3], { crop: { fraction: 0.875 } }), i * sample);
  }
  return pixels;
}
