/** The table of a network that is trained from random weights. */

import { type FashionCell, type FashionOutcome, fashionFolder, runFashionCell } from './fashion.ts';
import { fashionPlot } from './fashionPlot.ts';
import { shown, spread } from './format.ts';
import { accuracy, gain, unpackBits } from './paired.ts';
import type { Stored } from './store.ts';
import type { Table } from './table.ts';

type Known = Stored<FashionCell, FashionOutcome>;

const SEEDS = [1, 2, 3];
const TEST = 10_000;

const TRAINING = { epochs: 5, learningRate: 0.05 };
const FLOAT_EPOCHS = 2;
const BITS = [8, 4, 2];

const floatCells: readonly FashionCell[] = SEEDS.map((seed) => ({ seed, ...TRAINING }));

function quantizedCells(bits: number): FashionCell[] {
  const quantized = { ...TRAINING, bits: [bits, bits] as const, floatEpochs: FLOAT_EPOCHS };
  return SEEDS.map((seed) => ({ seed, ...quantized }));
}

function formOf({ bits }: FashionCell): string {
  return bits ? `W${bits.join('A')}` : 'float';
}

type Line = readonly [Known, ...Known[]];

/** By form the cells that there are. */
function knownLines(find: (cell: FashionCell) => Known | undefined): Line[] {
  return [floatCells, ...BITS.map(quantizedCells)].flatMap((cells) => {
    const [first, ...others] = cells.flatMap((cell) => find(cell) ?? []);
    return first ? [[first, ...others] as const] : [];
  });
}

const rightOf = ({ outcome }: Known) => unpackBits(outcome.right, TEST);

function row(known: Line, float: readonly Known[]): string {
  const runs = known.map(rightOf);
  const sum = (of: (one: Known) => number) => known.reduce((total, one) => total + of(one), 0);
  const differ = sum(({ outcome }) => outcome.mismatching);
  const compared = sum(({ outcome }) => outcome.compared);
  const against = compared > 0 && float.length > 0;
  const parts = [
    formOf(known[0].config),
    known.map(({ config }) => config.seed).join(' '),
    spread(runs.map(accuracy)),
    against ? shown(gain(float.map(rightOf), runs)) : '',
    compared > 0 ? `${differ} of ${compared}` : '',
    sum(({ minutes }) => minutes).toFixed(1),
  ];
  return `| ${parts.join(' | ')} |`;
}

export const fashionTable: Table<FashionCell, FashionOutcome> = {
  title: 'A small network on Fashion-MNIST, from random weights',
  about: `The network \`digits\` of the zoo (1.7 MMAC), trained for ${TRAINING.epochs} epochs on all 60,000 training images as they are, in batches of 100, with SGD, momentum 0.9 and weight decay
5e-4, the learning rate falling from ${TRAINING.learningRate} to 0 as a cosine. Quantized networks train ${FLOAT_EPOCHS} of these epochs in float, from the same weights, and the others with the method learnedScale,
first and last layer 8 bits: the same images at the same rates as the float network. "Less float" is the mean paired difference in points over the seeds on the 10,000
test images, and its one-sided 95 % bound, as far as the choice of images goes. "Integers that differ": of all layers over 20 images, between evaluation and the shipped bundle.`,
  images: { folder: fashionFolder, variable: 'FASHION_MNIST' },
  cells: [...floatCells, ...BITS.flatMap(quantizedCells)],
  nameOf: (cell) => `${formOf(cell)} seed ${cell.seed}`,
  run: runFashionCell,
  render(find) {
    const lines = knownLines(find);
    const float = lines.find(([first]) => !first.config.bits) ?? [];
    return [
      '| | seeds | 10,000 test images, % | less float | integers that differ | minutes |',
      '| --- | --- | --- | --- | --- | --- |',
      ...lines.map((line) => row(line, float)),
    ].join('\n');
  },
  plot(find) {
    const lines = knownLines(find).map((known) => {
      const accuracies = known.map(rightOf).map(accuracy);
      return { name: formOf(known[0].config), accuracies };
    });
    return lines.length > 0 ? fashionPlot(lines) : undefined;
  },
};
