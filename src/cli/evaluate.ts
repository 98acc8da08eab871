import { join } from 'node:path';
import { Command } from 'commander';
import { readBundle } from '../bundle/read.ts';
import { rangeError } from '../core/errors.ts';
import { sizeOf } from '../core/shape.ts';
import type { Labelled } from '../data/labels.ts';
import { type InputData, load, type Session } from '../runtime.ts';
import { readBundleBytes, readBytes } from './files.ts';
import { offset } from './imageOptions.ts';
import { readLabelled } from './labels.ts';
import { startProgress } from './progress.ts';
import { rankOf } from './ranking.ts';
import { imagePixels, inputOf, readRecords } from './records.ts';
import { grouped, percent } from './table.ts';

interface Options {
  readonly images?: string;
  readonly records?: string;
  readonly labels: string;
  readonly labelOffset?: number;
  readonly json?: boolean;
}

export function evaluateCommand(): Command {
  return new Command('evaluate')
    .description('Measure how often a bundle finds the right class of labelled images or records.')
    .argument('<bundle>', 'bundle file')
    .option('--images <dir>', 'folder of PNG and JPEG files')
    .option('--records <file>', 'samples as `run` takes them: .u8, .i8, .f32 or .npy')
    .requiredOption(
      '--labels <csv>',
      'columns file,class_index for images; a class_index a line for records',
    )
    .option(
      '--label-offset <n>',
      "entry of class 0 in the output; the bundle's own if left out",
      offset,
    )
    .option('--json', 'print one JSON object as the last line')
    .action(run);
}

/** Fractions of `count`. Of equal scores, the lower entry comes first. */
interface Accuracy {
  readonly count: number;
  readonly top1: number;
  readonly top5: number;
}

async function run(path: string, options: Options, command: Command): Promise<void> {
  if ((options.images === undefined) === (options.records === undefined)) {
    command.error('error: either --images <dir> or --records <file> is expected');
  }
  const bytes = await readBundleBytes(path, 'evaluate');
  const { labelOffset = 0 } = readBundle(bytes).graph;
  const session = await load(bytes);
  const labels = await readLabelled('evaluate', options.labels);
  const entries = entriesOf(session, labels, options.labelOffset ?? labelOffset);
  const sample = await samplesOf(options, session, labels);
  const accuracy = await measure(session, entries, sample);
  if (options.json) console.log(JSON.stringify(accuracy));
  else {
    const { count, top1, top5 } = accuracy;
    console.log(`${grouped(count)} samples: top-1 ${percent(top1)}, top-5 ${percent(top5)}`);
  }
}

/** Where in the output the class of each label stands. */
function entriesOf({ outputs }: Session, labels: readonly Labelled[], offset: number): number[] {
  const [output, ...others] = outputs;
  if (!output || others.length > 0) {
    throw rangeError('evaluate', 'expected a bundle with one output', outputs.length);
  }
  const classes = sizeOf(output.shape) - offset;
  if (classes < 2) {
    const expected = `expected an output of at least 2 classes after the first ${offset} entries`;
    throw rangeError('evaluate', expected, `${sizeOf(output.shape)} entries`);
  }
  return labels.map(({ classIndex }) => {
    if (classIndex < classes) return classIndex + offset;
    throw rangeError('evaluate', `labels must be in [0, ${classes - 1}]`, classIndex);
  });
}

/** Sample i for the model's input. */
type Samples = (i: number) => InputData | Promise<InputData>;

async function samplesOf(
  { images, records: path, labels: csv }: Options,
  session: Session,
  labels: readonly Labelled[],
): Promise<Samples> {
  if (images !== undefined) {
    if (labels[0]!.file === undefined) {
      throw rangeError('evaluate', `the first line of ${csv} must name a column file`, 'none');
    }
    return async (i) => {
      const file = join(images, labels[i]!.file!);
      return imagePixels(`evaluate: ${file}`, await readBytes(file, 'evaluate'), session);
    };
  }
  const records = await readRecords('evaluate', path!, session);
  if (records.count === labels.length) return (i) => records.at(i);
  const expected = `expected a label for each of the ${records.count} records of ${path}`;
  throw rangeError('evaluate', expected, `${labels.length} in ${csv}`);
}

async function measure(
  session: Session,
  entries: readonly number[],
  sample: Samples,
): Promise<Accuracy> {
  const { name } = inputOf('evaluate', session);
  const count = entries.length;
  const progress = startProgress('evaluate', count);
  let [first, five] = [0, 0];
  try {
    for (let i = 0; i < count; i++) {
      const [scores] = Object.values(session.run({ [name]: await sample(i) }));
      const rank = rankOf(scores!, entries[i]!);
      if (rank < 1) first++;
      if (rank < 5) five++;
      progress.update(i + 1, `top-1 ${percent(first / (i + 1))}`);
    }
  } finally {
    progress.end();
  }
  return { count, top1: first / count, top5: five / count };
}
