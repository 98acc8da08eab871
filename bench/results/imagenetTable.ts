import { shown } from './format.ts';
import { type ImagenetCell, type ImagenetOutcome, NETWORKS, runImagenetCell } from './imagenet.ts';
import { accuracy, gain, unpackBits } from './paired.ts';
import type { Stored } from './store.ts';
import type { Table } from './table.ts';

type Network = keyof typeof NETWORKS;
type Known = Stored<ImagenetCell, ImagenetOutcome>;

const networks = Object.keys(NETWORKS) as Network[];

function cellsOf(network: Network): ImagenetCell[] {
  return [
    { network },
    { network, bits: [8, 8], biasCorrection: true },
    { network, bits: [8, 8] },
    { network, bits: [8, 8], perChannel: false },
    { network, bits: [4, 8] },
    { network, bits: [4, 8], biasCorrection: true },
    { network, bits: [4, 8], biasCorrection: true, epochs: EPOCHS, learningRate: RATE, seed: 1 },
  ];
}

const EPOCHS = 25;
const RATE = 1e-4;

function nameOf({ network, bits, perChannel = true, ...rest }: ImagenetCell): string {
  const { biasCorrection = false, epochs = 0 } = rest;
  if (!bits) return `${network} float`;
  const scales = perChannel ? '' : ', one scale a tensor';
  const biases = biasCorrection ? ', biases corrected' : '';
  return `${network} W${bits.join('A')}${scales}${epochs > 0 ? ', distilled' : biases}`;
}

function row({ config, outcome, minutes }: Known, float: Known): string {
  const right = ({ classes, right }: ImagenetOutcome) => unpackBits(right, classes.length);
  const [before, after] = [right(float.outcome), right(outcome)];
  const agreed = outcome.classes.map((c, i) => c === float.outcome.classes[i]);
  const parts = config.bits
    ? [shown(gain([before], [after])), accuracy(agreed).toFixed(1)]
    : ['', ''];
  const { compared, mismatching } = outcome;
  const integers = config.bits ? `${mismatching} of ${compared}` : '';
  const cells = [
    nameOf(config),
    accuracy(after).toFixed(1),
    ...parts,
    integers,
    minutes.toFixed(1),
  ];
  return `| ${cells.join(' | ')} |`;
}

export const imagenetTable: Table<ImagenetCell, ImagenetOutcome> = {
  title: 'MobileNets on ImageNet',
  about: `The float networks are the reals of shared int8 files (importTflite, \`dequantize\`). Ranges come from 100 of 650 validation photos; the other 550 test. Nothing is
trained unless it says "distilled". "Agrees" is the
share of photos for which the quantized network says what its float form says. "Distilled": ${EPOCHS} epochs of quantized training on four crops of each of the same 100 photos, moved and flipped, with
the float network's answers and no labels (AdamW, ${RATE} falling as a cosine), from corrected biases on, the folded norms put back as in ResNet-8.`,
  cells: networks.flatMap(cellsOf),
  nameOf,
  run: runImagenetCell,
  render(find) {
    const rows = networks.flatMap((network) => {
      const [float, ...others] = cellsOf(network).flatMap((cell) => find(cell) ?? []);
      if (!float || float.config.bits) return [];
      return [float, ...others].map((one) => row(one, float));
    });
    return [
      '| | top-1 of 550, % | less float | agrees, % | integers that differ | minutes |',
      '| --- | --- | --- | --- | --- | --- |',
      ...rows,
    ].join('\n');
  },
};
