import {
  EPOCHS,
  type FashionCell,
  type FashionOutcome,
  QUANTIZED,
  runFashionCell,
} from './fashion.ts';
import { shown, spread } from './format.ts';
import { accuracy, gain, unpackBits } from './paired.ts';
import type { Table } from './table.ts';

const IMAGES = 10_000;
const SEEDS = [1, 2, 3];
const WIDTHS = [undefined, [8, 8], [4, 4], [2, 2]] as const;

const cellsOf = (bits: FashionCell['bits']): FashionCell[] =>
  SEEDS.map((seed) => ({ ...(bits && { bits }), seed }));

const kindOf = (bits: FashionCell['bits']) => (bits ? `W${bits.join('A')}` : 'float');

export const fashionTable: Table<FashionCell, FashionOutcome> = {
  title: 'Fashion-MNIST from scratch',
  about: `The \`digits\` network of the zoo, ${EPOCHS} epochs of all 60,000 images with crops and flips: in floats (SGD with Nesterov momentum 0.9, weight decay 5e-4, one cycle up
to 0.15), of quantized networks the last ${QUANTIZED} as integers (\`learnedScale\`, one cycle up to 0.02). First and last layer 8 bits. Mean ± standard deviation over the seeds
on 10,000 test images; "less float" is the mean paired difference in points and its one-sided 95 % bound.`,
  cells: WIDTHS.flatMap(cellsOf),
  nameOf: ({ bits, seed }) => `${kindOf(bits)} seed ${seed}`,
  run: runFashionCell,
  render(find) {
    const rightOf = (bits: FashionCell['bits']) =>
      cellsOf(bits).flatMap((cell) => find(cell) ?? []);
    const float = rightOf(undefined).map(({ outcome }) => unpackBits(outcome.right, IMAGES));
    const rows = WIDTHS.flatMap((bits) => {
      const found = rightOf(bits);
      if (found.length === 0) return [];
      const runs = found.map(({ outcome }) => unpackBits(outcome.right, IMAGES));
      const less = bits && float.length > 0 ? shown(gain(float, runs)) : '';
      const total = (key: 'compared' | 'mismatching') =>
        found.reduce((sum, { outcome }) => sum + outcome[key], 0);
      const integers = bits ? `${total('mismatching')} of ${total('compared')}` : '';
      const minutes = found.reduce((sum, one) => sum + one.minutes, 0).toFixed(1);
      const seeds = found.map(({ config }) => config.seed).join(' ');
      const cells = [kindOf(bits), seeds, spread(runs.map(accuracy)), less, integers, minutes];
      return [`| ${cells.join(' | ')} |`];
    });
    return [
      '| | seeds | accuracy, % | less float | integers that differ | minutes |',
      '| --- | --- | --- | --- | --- | --- |',
      ...rows,
    ].join('\n');
  },
};
