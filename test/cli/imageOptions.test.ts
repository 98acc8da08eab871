import { writeFileSync } from 'node:fs';
import { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import {
  describePreprocessing,
  type ImageOptions,
  imageNotes,
  withImageOptions,
} from '../../src/cli/imageOptions.ts';
import { rawPixels } from '../../src/core/preprocess.ts';
import type { Graph, Value } from '../../src/graph/graph.ts';
import { inFolderAsync } from './cli.ts';

const qparams = { scale: [1 / 128], zeroPoint: 128, qmin: 0, qmax: 255 };
const pixels: Value = { name: 'x', shape: [-1, 224, 224, 3], dtype: 'u8', qparams };

async function notes(line: string, input: Value = pixels) {
  const command = withImageOptions(new Command('import')).exitOverride();
  command.configureOutput({ writeErr: () => {} });
  const options = command.parse(line.split(' ').filter(Boolean), { from: 'user' });
  const scores: Value = { name: 'y', shape: [-1, 4], dtype: 'u8', qparams };
  const graph = { values: [input, scores], inputs: [0], outputs: [1] } as unknown as Graph;
  return imageNotes('import', options.opts<ImageOptions>(), graph);
}

describe('the options for images', () => {
  test.each<[string, object]>([
    ['', {}],
    ['--label-offset 1', { labelOffset: 1 }],
    ['--mean 0.5 --std 0.25', { preprocessing: { mean: [0.5], std: [0.25] } }],
    ['--mean 0.5,-1,0', { preprocessing: { mean: [0.5, -1, 0], std: [1] } }],
    ['--std 0.5', { preprocessing: { mean: [0], std: [0.5] } }],
    ['--crop 0.875', { preprocessing: { ...rawPixels(qparams), crop: { fraction: 0.875 } } }],
    [
      '--crop 199 --resize squash',
      { preprocessing: { ...rawPixels(qparams), crop: { size: 199 } } },
    ],
    ['--resize squash', { preprocessing: rawPixels(qparams) }],
    [
      '--resize 256 --crop 224',
      { preprocessing: { ...rawPixels(qparams), resize: { shorterSide: 256 } } },
    ],
    [
      '--mean 0 --crop 0.9 --resize 224',
      {
        preprocessing: {
          mean: [0],
          std: [1],
          crop: { fraction: 0.9 },
          resize: { shorterSide: 224 },
        },
      },
    ],
  ])('%s', async (line, expected) => {
    expect(await notes(line)).toEqual(expected);
  });

  test.each([
    ['--mean a', /Numbers with commas between them are expected/],
    ['--std 1,', /Numbers with commas between them are expected/],
    ['--crop 1.5', /A fraction up to 1 or a whole number of pixels is expected/],
    ['--crop 0', /A fraction up to 1 or a whole number of pixels is expected/],
    ['--resize big', /A whole number of pixels, or squash, is expected/],
    ['--label-offset -1', /A whole number is expected/],
    ['--resize 200', /^import: resize.shorterSide must be an integer in \[224, 65535\], got 200$/],
    [
      '--resize 256 --crop 200',
      /^import: beside resize.shorterSide.* be a fraction, got size 200$/,
    ],
    ['--labels nowhere.txt', /^import: expected a readable file at nowhere.txt, got no such file/],
  ])('refuse %s', async (line, message) => {
    await expect(notes(line)).rejects.toThrow(message);
  });

  test('do not guess what the pixels of a float input mean', async () => {
    const input: Value = { name: 'x', shape: pixels.shape, dtype: 'f32' };
    await expect(notes('--crop 0.5', input)).rejects.toThrow(
      /^import: images for an input of reals need --mean and --std, got neither$/,
    );
    expect(await notes('--mean 0.5', input)).toEqual({ preprocessing: { mean: [0.5], std: [1] } });
  });

  test('take labels from lines, whatever ends them', async () => {
    await inFolderAsync(async (path) => {
      writeFileSync(path('labels.txt'), 'background\r\ntench, Tinca tinca\n\nü\n');
      expect(await notes(`--labels ${path('labels.txt')}`)).toEqual({
        labels: ['background', 'tench, Tinca tinca', '', 'ü'],
      });
      writeFileSync(path('none.txt'), '\n');
      await expect(notes(`--labels ${path('none.txt')}`)).rejects.toThrow(
        /a label a line .* got 0$/,
      );
      writeFileSync(path('three.txt'), 'tench\nü\nowl\n');
      await expect(notes(`--labels ${path('three.txt')}`)).rejects.toThrow(
        /^import: there must be a label a line in .*three.txt for each entry of the output \(4\), got 3$/,
      );
    });
  });
});

test('describePreprocessing tells the steps in their order', () => {
  const pixels = { mean: [0.5, 0, 1], std: [0.25] };
  expect(describePreprocessing(pixels)).toBe('(pixel / 255 − 0.5,0,1) / 0.25');
  expect(describePreprocessing({ ...pixels, crop: { size: 199 } })).toBe(
    'crop to the central 199 × 199 pixels; (pixel / 255 − 0.5,0,1) / 0.25',
  );
  const all = { ...pixels, crop: { fraction: 0.9 }, resize: { shorterSide: 256 } };
  expect(describePreprocessing(all)).toMatch(
    /^crop to the central 0.9; resize the shorter side to 256, take the centre; \(pixel/,
  );
});
