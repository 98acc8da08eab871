/** The tables of the networks of CIFAR-10. */

import type { MethodName } from '../../src/quant/methods.ts';
import { chosenSentence, type MethodRuns } from './chosen.ts';
import { type CifarCell, type CifarOutcome, runCifarCell } from './cifar.ts';
import { cifarPlot, type Point } from './cifarPlot.ts';
import { shown, spread } from './format.ts';
import { accuracy, gain, unpackBits } from './paired.ts';
import type { Stored } from './store.ts';
import type { Table } from './table.ts';

const SEEDS = [1, 2, 3];
const ALL = 5500;
/** The test images in their order. */
const SETS = [
  { images: '500 lossless', from: 0, to: 500 },
  { images: '5,000 JPEGs', from: 500, to: ALL },
] as const;

/** One way to quantize, over its seeds. */
interface Line {
  readonly name: string;
  readonly cells: readonly CifarCell[];
}

type Network = CifarCell['network'];

const floatCell = (network: Network): CifarCell => ({
  ...{ network, seed: 0, epochs: 0, learningRate: 0, batchSize: 100 },
});

function trained(
  network: Network,
  bits: readonly [number, number],
  method: MethodName,
  training: Pick<CifarCell, 'epochs' | 'learningRate' | 'batchSize'>,
): Line {
  const cells = SEEDS.map((seed) => ({ network, bits, method, seed, ...training }));
  return { name: `W${bits[0]}A${bits[1]} ${method}`, cells };
}

/** Ranges from calibration alone, which has no seed to speak of. */
function calibrated(network: Network): Line {
  const cell = { ...floatCell(network), bits: [8, 8] as const, seed: 1 };
  return { name: 'W8A8, calibrated', cells: [cell] };
}

function cifarTable(
  network: Network,
  title: string,
  about: string,
  lines: readonly Line[],
): Table<CifarCell, CifarOutcome> {
  const float = floatCell(network);
  return {
    title,
    about,
    cells: [float, ...lines.flatMap(({ cells }) => cells)],
    nameOf: ({ bits, method, seed }) =>
      `${bits ? `W${bits.join('A')} ${method ?? 'calibrated'}` : 'float'} seed ${seed}`,
    run: runCifarCell,
    render(find) {
      const base = find(float);
      if (!base) return '';
      const before = unpackBits(base.outcome.right, ALL);
      const known = knownLines(lines, find);
      const columns = SETS.map(({ images }) => `${images}, % | less float`).join(' | ');
      const percents = SETS.map(({ from, to }) => accuracy(before.slice(from, to)).toFixed(2));
      return [
        `| | seeds | ${columns} | integers that differ | minutes |`,
        '| --- | --- | --- | --- | --- | --- | --- | --- |',
        `| float | | ${percents.join(' | | ')} | | | |`,
        ...known.map((line) => row(line, before)),
        ...chosen(known),
      ].join('\n');
    },
    plot(find) {
      const base = find(float);
      const known = knownLines(lines, find);
      if (!base || known.length === 0) return undefined;
      const before = unpackBits(base.outcome.right, ALL);
      return cifarPlot(known.flatMap((line) => pointsOf(line, before)));
    },
  };
}

/** Lines below the table: for each width whether learned ranges are better. */
function chosen(lines: readonly KnownLine[]): string[] {
  const widths = new Map<string, MethodRuns[]>();
  for (const { found } of lines) {
    const { bits, method } = found[0]!.config;
    if (!method) continue;
    const runs = found.map(({ outcome }) => unpackBits(outcome.right, ALL));
    const width = `W${bits!.join('A')}`;
    widths.set(width, [...(widths.get(width) ?? []), { method, runs }]);
  }
  return [...widths].flatMap(([width, methods]) => {
    const sentence = chosenSentence(methods);
    return sentence ? ['', `${width}, ${sentence}.`] : [];
  });
}

/** A line of which some cells are there. */
interface KnownLine {
  readonly name: string;
  readonly found: readonly Stored<CifarCell, CifarOutcome>[];
}

function knownLines(
  lines: readonly Line[],
  find: (cell: CifarCell) => Stored<CifarCell, CifarOutcome> | undefined,
): KnownLine[] {
  return lines
    .map(({ name, cells }) => ({ name, found: cells.flatMap((cell) => find(cell) ?? []) }))
    .filter(({ found }) => found.length > 0);
}

/** By set of images which of them each run finds, and what it gains by that. */
function compare({ found }: KnownLine, before: readonly boolean[]) {
  const runs = found.map(({ outcome }) => unpackBits(outcome.right, ALL));
  return SETS.map(({ images, from, to }) => {
    const after = runs.map((run) => run.slice(from, to));
    return { images, after, gain: gain([before.slice(from, to)], after) };
  });
}

function row(line: KnownLine, before: readonly boolean[]): string {
  const { name, found } = line;
  const parts = compare(line, before).flatMap(({ after, gain }) => {
    return [spread(after.map(accuracy)), shown(gain)];
  });
  const seeds = found.map(({ config }) => config.seed).join(' ');
  const differ = found.reduce((sum, { outcome }) => sum + outcome.mismatching, 0);
  const compared = found.reduce((sum, { outcome }) => sum + outcome.compared, 0);
  const minutes = found.reduce((sum, one) => sum + one.minutes, 0).toFixed(1);
  return `| ${[name, seeds, ...parts, `${differ} of ${compared}`, minutes].join(' | ')} |`;
}

function pointsOf(line: KnownLine, before: readonly boolean[]): Point[] {
  const { name, found } = line;
  const bits = `W${found[0]!.config.bits!.join('A')}`;
  return compare(line, before).map(({ images, gain }) => ({ name, bits, images, ...gain }));
}

const METHODS: readonly MethodName[] = [
  'learnedScale',
  'lsq',
  'lsqPlus',
  'pact',
  'tqt',
  'ewgs',
  'movingAverage',
  'minMax',
];

const ABOUT = `Fine-tuned on 4,000 training images with crops and flips, SGD with momentum 0.9 and weight decay 1e-4, the learning rate falling to 0 as a cosine, and the
answers of the float network beside the labels (distillation, temperature 4, share of labels 0.3). First and last layer 8 bits. "Less float" is the mean paired difference in
points over the seeds, and its one-sided 95 % bound. "Integers that differ": of all layers over 20 images, between evaluation and the shipped bundle.`;

const RENORMALIZED = `${ABOUT} The .tflite file has its norms folded; they are put back behind each convolution, from the statistics of the training images with crops and flips, which leaves the
outputs as they were.`;

const fourBits = { epochs: 15, learningRate: 5e-4, batchSize: 50 };
const twoBits = { epochs: 15, learningRate: 3e-3, batchSize: 50 };
const fourBits20 = { epochs: 12, learningRate: 1e-3, batchSize: 50 };
const threeBits20 = { epochs: 12, learningRate: 3e-3, batchSize: 50 };
const eightBits = { epochs: 1, learningRate: 1e-4, batchSize: 100 };

export const cifarTables = {
  resnet8: cifarTable('resnet8', 'ResNet-8 on CIFAR-10', RENORMALIZED, [
    calibrated('resnet8'),
    trained('resnet8', [8, 8], 'learnedScale', eightBits),
    ...METHODS.map((method) => trained('resnet8', [4, 4], method, fourBits)),
    ...METHODS.map((method) => trained('resnet8', [2, 2], method, twoBits)),
  ]),
  resnet20: cifarTable('resnet20', 'ResNet-20 on CIFAR-10', ABOUT, [
    calibrated('resnet20'),
    trained('resnet20', [8, 8], 'learnedScale', eightBits),
    ...(['learnedScale', 'lsq', 'lsqPlus', 'movingAverage'] as const).flatMap((method) => [
      trained('resnet20', [4, 4], method, fourBits20),
      trained('resnet20', [3, 3], method, threeBits20),
    ]),
  ]),
} as const;
