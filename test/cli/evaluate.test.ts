import { mkdirSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { rankOf, topOf } from '../../src/cli/ranking.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { type Exit, inFolder, octavo } from './cli.ts';
import { pngFile } from './imageFiles.ts';
import { pixelBundle } from './pixelNetwork.ts';

interface Case {
  readonly records?: readonly number[];
  /** Pixels by the name of their PNG. */
  readonly images?: Readonly<Record<string, readonly number[]>>;
  readonly labels: string;
  readonly options?: readonly string[];
  readonly extra?: Partial<Graph>;
}

/** Evaluates the pixel network, whose scores are the pixels. */
function evaluate({ records, images, labels, options = ['--json'], extra = {} }: Case): Exit {
  return inFolder((path) => {
    writeFileSync(path('net.octavo'), pixelBundle(extra));
    writeFileSync(path('labels.csv'), labels);
    if (records) writeFileSync(path('x.u8'), Uint8Array.from(records));
    mkdirSync(path('images/deep'), { recursive: true });
    for (const [name, pixels] of Object.entries(images ?? {})) {
      writeFileSync(path(`images/${name}`), pngFile(2, 1, pixels));
    }
    const given = [
      ...(records ? ['--records', path('x.u8')] : []),
      ...(images ? ['--images', path('images')] : []),
    ];
    return octavo(
      'evaluate',
      path('net.octavo'),
      ...given,
      '--labels',
      path('labels.csv'),
      ...options,
    );
  });
}

function resultOf(given: Case): unknown {
  const exit = evaluate(given);
  expect(exit.stderr.join('\n')).toMatch(/^evaluate {2}top-1 /);
  expect(exit.status).toBe(0);
  return JSON.parse(exit.stdout);
}

describe('octavo evaluate', () => {
  const records = [1, 9, 2, 3, 7, 7, 7, 7, 0, 0, 0, 5, 4, 3, 2, 1];

  test.each([
    ['1\n1\n3\n3\n', 0.5],
    ['class_index\n1\n0\n3\n0\n', 1],
    ['name,label\nx,1\n"y, z",0\nw,0\nv,0', 0.75],
    ['\ufeff1\r\n2\r\n2\r\n2\r\n', 0.25],
  ])('counts records whose class is first: %j', (labels, top1) => {
    expect(resultOf({ records, labels })).toEqual({ count: 4, top1, top5: 1 });
  });

  test('takes images from a folder, in the order of the table', () => {
    const images = { 'a.png': [0, 0, 9, 0], 'deep/b.png': [0, 0, 0, 9] };
    const labels = 'wnid,class_index,file\nn1,3,deep/b.png\nn2,0,a.png\n';
    expect(resultOf({ images, labels })).toEqual({ count: 2, top1: 0.5, top5: 1 });
  });

  test('counts classes from the offset of the bundle or of the command', () => {
    const labels = '0\n1\n2\n0\n';
    const extra = { labelOffset: 1 };
    const top1 = (given: Partial<Case>) => resultOf({ records, labels, ...given });
    expect(top1({ extra })).toMatchObject({ top1: 0.5 });
    expect(top1({ options: ['--json', '--label-offset', '1'] })).toMatchObject({ top1: 0.5 });
    expect(top1({ extra, options: ['--json', '--label-offset', '0'] })).toMatchObject({
      top1: 0.25,
    });
  });

  test('says it in words too', () => {
    const { stdout } = evaluate({ records, labels: '1\n1\n3\n3\n', options: [] });
    expect(stdout).toBe('4 samples: top-1 50.00 %, top-5 100.00 %\n');
  });

  test.each<[string, Case, RegExp]>([
    [
      'too few labels',
      { records, labels: '1\n2\n' },
      /a label for each of the 4 records .*, got 2 in/,
    ],
    ['a class too high', { records, labels: '1\n1\n4\n1' }, /labels must be in \[0, 3\], got 4$/],
    [
      'a class too high for the offset',
      { records, labels: '1\n1\n3\n1', extra: { labelOffset: 1 } },
      /labels must be in \[0, 2\], got 3$/,
    ],
    [
      'an offset that leaves no class',
      { records, labels: '1', extra: { labelOffset: 9 } },
      /got 4 entries$/,
    ],
    [
      'a label that is none',
      { records, labels: '1\n\nx\n' },
      /line 3: expected the index of a class, got x$/,
    ],
    ['no label', { records, labels: '' }, /there must be a label in .*labels.csv, got none$/],
    [
      'a header alone',
      { records, labels: 'class_index\n' },
      /there must be a label in .*, got none$/,
    ],
    [
      'columns without a name',
      { records, labels: 'a,1\nb,2' },
      /must name a column class_index or label/,
    ],
    [
      'quotes that do not close',
      { records, labels: '"1\n2' },
      /labels.csv must be a CSV file, got /,
    ],
    ['no column for files', { images: {}, labels: '1\n2' }, /must name a column file, got none$/],
    [
      'a file that is not there',
      { images: {}, labels: 'file,class_index\nx.png,1' },
      /expected a readable file at .*x.png, got no such file/,
    ],
  ])('says what is wrong: %s', (_, given, message) => {
    const { status, stdout, stderr } = evaluate(given);
    expect(stderr.join('\n')).toMatch(message);
    expect(stderr.at(-1)).toMatch(/^octavo: evaluate: /);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  });

  test('wants images or records', () => {
    expect(evaluate({ labels: '1' })).toMatchObject({ status: 2 });
    expect(evaluate({ labels: '1', records: [1], images: {} })).toMatchObject({ status: 2 });
  });
});

test('equal scores stand by their entries', () => {
  const scores = [3, 7, 7, -1, 7];
  expect(topOf(scores, 4)).toEqual([1, 2, 4, 0]);
  expect(topOf(scores, 9)).toEqual([1, 2, 4, 0, 3]);
  expect(scores.map((_, i) => rankOf(scores, i))).toEqual([3, 0, 1, 4, 2]);
});
