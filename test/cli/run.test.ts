import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readNpy, writeNpy } from '../../src/cli/npy.ts';
import { type Exit, inFolder, octavo } from './cli.ts';
import { COLOUR_JPEG, pngFile } from './imageFiles.ts';
import { pixelBundle } from './pixelNetwork.ts';

const bundle = pixelBundle({ labels: ['a', 'b', 'c', 'd'] });

interface Result {
  readonly exit: Exit;
  /** Of the file that the run wrote. */
  readonly output: () => Uint8Array;
}

/** Runs the pixel network, or another bundle, on a file of this name and content. */
function run(name: string, input: Uint8Array, options: readonly string[], file = bundle): Result {
  return inFolder((path) => {
    writeFileSync(path('net.octavo'), file);
    writeFileSync(path(name), input);
    const at = options.indexOf('--output');
    const output = at < 0 ? undefined : path(options[at + 1]!);
    const given = options.map((option, i) => (at >= 0 && i === at + 1 ? output! : option));
    const exit = octavo('run', path('net.octavo'), '--input', path(name), ...given);
    const bytes = exit.status === 0 && output ? new Uint8Array(readFileSync(output)) : undefined;
    return { exit, output: () => bytes! };
  });
}

const floats = (bytes: Uint8Array) => new Float32Array(bytes.slice().buffer);
const signed = (bytes: Uint8Array) => [...new Int8Array(bytes.buffer)];

describe('octavo run writes a row for each record', () => {
  const pixels = [1, 200, 3, 4, 255, 0, 7, 8];
  const rows = pixels.map((pixel) => pixel - 128);

  test('of raw pixels, integers and reals', () => {
    const reals = new Uint8Array(Float32Array.from(pixels).buffer);
    const integers = new Uint8Array(Int8Array.from(rows).buffer);
    expect(signed(run('x.u8', Uint8Array.from(pixels), ['--output', 'y']).output())).toEqual(rows);
    expect(signed(run('x.i8', integers, ['--output', 'y']).output())).toEqual(rows);
    expect(signed(run('x.f32', reals, ['--output', 'y']).output())).toEqual(rows);
  });

  test('as reals, where they are wanted', () => {
    const { output } = run('x.u8', Uint8Array.from(pixels), ['--output', 'y', '--dequantize']);
    expect([...floats(output())]).toEqual(pixels);
  });

  test.each([[[2, 2, 2, 1]], [[2, 2, 2]], [[2, 4]]])(
    'of an .npy array %j, to an array',
    (shape) => {
      const input = writeNpy(Float64Array.from(pixels), shape);
      const { output } = run('x.dat', input, ['--output', 'y.npy']);
      expect(readNpy(output(), 'y')).toEqual({ shape: [2, 4], data: Int8Array.from(rows) });
      const reals = run('x.npy', input, ['--output', 'y.npy', '--dequantize']);
      expect(readNpy(reals.output(), 'y')).toEqual({
        shape: [2, 4],
        data: Float32Array.from(pixels),
      });
    },
  );

  test('of images, whatever they are called', () => {
    const png = pngFile(2, 1, [9, 8, 7, 6]);
    const same = run('x.jpg', png, ['--output', 'y', '--dequantize']);
    expect([...floats(same.output())]).toEqual([9, 8, 7, 6]);
    const jpeg = floats(run('x', COLOUR_JPEG, ['--output', 'y', '--dequantize']).output());
    expect(new Set(jpeg).size).toBe(1);
    expect(Math.abs(jpeg[0]! - 124)).toBeLessThan(4);
  });

  test('of images cropped and resized as the bundle says', () => {
    const preprocessing = { mean: [0], std: [1 / 255], crop: { size: 2 } };
    const png = pngFile(
      4,
      1,
      Array.from({ length: 16 }, (_, i) => i),
    );
    const options = ['--output', 'y', '--dequantize'];
    const { output } = run('x.png', png, options, pixelBundle({ preprocessing }));
    expect([...floats(output())]).toEqual([5, 6, 9, 10]);
  });
});

describe('octavo run --top', () => {
  test('prints labels and scores, the first of equals first', () => {
    const { exit } = run('x.u8', Uint8Array.of(5, 9, 9, 1), ['--top', '3']);
    const cells = exit.stdout
      .trim()
      .split('\n')
      .map((line) => line.trim().split(/ {2,}/));
    expect(cells[0]).toEqual(['label', 'entry', 'score']);
    expect(cells.slice(2)).toEqual([
      ['b', '1', '9.000'],
      ['c', '2', '9.000'],
      ['a', '0', '5.000'],
    ]);
  });

  test('tells the same as JSON, without labels where there are none', () => {
    const input = Uint8Array.of(5, 9, 9, 1, 3, 0, 0, 200);
    const { exit } = run('x.u8', input, ['--top', '1', '--json'], pixelBundle());
    expect(JSON.parse(exit.stdout)).toMatchObject({
      records: 2,
      top: [[{ index: 1, score: 9 }], [{ index: 3, score: 200 }]],
    });
    expect(exit.stdout).not.toContain('label');
  });

  test('reads reals that were asked for as they are', () => {
    const { exit } = run('x.u8', Uint8Array.of(5, 9, 2, 1), [
      '--top',
      '9',
      '--json',
      '--dequantize',
    ]);
    const [entries] = JSON.parse(exit.stdout).top;
    expect(entries.map(({ score }: { score: number }) => score)).toEqual([9, 5, 2, 1]);
  });
});

describe('octavo run says what is wrong', () => {
  const normal = (extra: object = {}) => pixelBundle(extra);
  const cases: [string, string, Uint8Array, RegExp, Uint8Array?][] = [
    [
      'no whole record',
      'x.u8',
      new Uint8Array(6),
      /records of 4 values \(\[2,2,1\]\), got 6 values$/,
    ],
    ['no record', 'x.u8', new Uint8Array(), /records of 4 values \(\[2,2,1\]\), got 0 values$/],
    ['half a real', 'x.f32', new Uint8Array(6), /x.f32: expected a multiple of 4 bytes, got 6$/],
    [
      'an unknown kind',
      'x.bin',
      new Uint8Array(6),
      /expected records \(.u8, .i8, .f32\), .npy, PNG or JPEG in --input, got .*x.bin$/,
    ],
    [
      'an array of another shape',
      'x.npy',
      writeNpy(new Uint8Array(8), [4, 2]),
      /x.npy: expected samples of \[2,2,1\], got an array \[4,2\]$/,
    ],
    [
      'an array of a type that the model does not take',
      'x.npy',
      writeNpy(new Int32Array(4), [4]),
      /^octavo: run: input "input" expects .*, got Int32Array$/,
    ],
    [
      'an image smaller than the crop',
      'x.png',
      pngFile(2, 1, [1, 2, 3, 4]),
      /x.png: both sides must have the 3 pixels of the crop, got 2$/,
      normal({ preprocessing: { mean: [0], std: [1], crop: { size: 3 } } }),
    ],
    [
      'an image for a model that knows no pixels',
      'x.png',
      pngFile(2, 1, [1, 2, 3, 4]),
      /x.png: for images expected a bundle with preprocessing .*, got one without$/,
      normal({ preprocessing: undefined }),
    ],
  ];
  test.each(cases)('%s', (_, name, input, message, file) => {
    const { exit } = run(name, input, ['--output', 'y'], file);
    expect(exit.stderr.join('\n')).toMatch(message);
    expect(exit).toMatchObject({ status: 1, stdout: '' });
    expect(exit.stderr).toHaveLength(1);
  });

  test('nothing to be done with the outputs', () => {
    const { exit } = run('x.u8', new Uint8Array(4), []);
    expect(exit.stderr[0]).toMatch(
      /^error: expected --output <file>, --top <k> or both, got neither$/,
    );
    expect(exit.status).toBe(2);
  });
});

test.each([
  [
    'model.tflite',
    'xxxxTFL3',
    /at \S*, got a \.tflite model \(octavo import makes a bundle of it\)$/,
  ],
  ['README.md', '# A text', /^octavo: run: expected a bundle at \S*, got another file$/],
])('octavo run says what %s is in place of a bundle', (_, content, message) => {
  const { exit } = run('x.u8', Uint8Array.of(1, 2, 3, 4), ['--output', 'y'], Buffer.from(content));
  expect(exit.status).toBe(1);
  expect(exit.stderr[0]).toMatch(message);
});

test('octavo run shows control characters of labels, which a terminal would obey', () => {
  const file = pixelBundle({ labels: ['a\u001b[2J', 'b', 'c', 'd'] });
  const { exit } = run('x.u8', Uint8Array.of(9, 2, 3, 4), ['--top', '1'], file);
  expect(exit.stdout).toContain('a\\x1b[2J');
  expect(exit.stdout).not.toContain('\u001b');
});
