import { type Command, InvalidArgumentError } from 'commander';
import { typeError } from '../core/errors.ts';
import type { Fit } from '../core/image.ts';
import { checkFit, type Preprocessing, rawPixels } from '../core/preprocess.ts';
import type { Graph, Value } from '../graph/graph.ts';
import { checkLabelCount } from '../graph/labels.ts';
import { readBytes } from './files.ts';

/** What a command that makes a bundle may be told of its images and classes. */
export interface ImageOptions {
  readonly mean?: readonly number[];
  readonly std?: readonly number[];
  /** A fraction up to 1, or pixels. */
  readonly crop?: number;
  readonly resize?: number | 'squash';
  /** File of names, one a line. */
  readonly labels?: string;
  readonly labelOffset?: number;
}

/** Adds the options of `ImageOptions` to a command. */
export function withImageOptions(command: Command): Command {
  return command
    .option('--mean <list>', 'pixels mean (pixel / 255 - mean) / std: one, or a,b,c', numbers)
    .option('--std <list>', 'one number, or one a channel; without both, pixels are raw', numbers)
    .option('--crop <part>', 'central part of an image: a fraction like 0.875, or pixels', cropPart)
    .option('--resize <n>', 'shorter side, of which the centre is taken; or squash', resizeTo)
    .option('--labels <file>', 'names of the classes of the output, one a line')
    .option('--label-offset <n>', 'entry of class 0 in the output: 1 after a background', offset);
}

/** A list like `0.485,0.456,0.406`. */
function numbers(text: string): number[] {
  const list = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  if (list.every(Number.isFinite)) return list;
  throw new InvalidArgumentError('Numbers with commas between them are expected.');
}

function cropPart(text: string): number {
  const part = Number(text);
  if ((part > 0 && part <= 1) || (part > 1 && Number.isInteger(part))) return part;
  throw new InvalidArgumentError('A fraction up to 1 or a whole number of pixels is expected.');
}

function resizeTo(text: string): number | 'squash' {
  if (text === 'squash') return text;
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('A whole number of pixels, or squash, is expected.');
}

/** For `--label-offset`. */
export function offset(text: string): number {
  if (/^\d{1,5}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('A whole number is expected.');
}

/** What the options add to a graph. Throws an Error that starts with `where` when they do not fit its input. */
export async function imageNotes(
  where: string,
  options: ImageOptions,
  graph: Graph,
): Promise<Pick<Graph, 'preprocessing' | 'labels' | 'labelOffset'>> {
  const { labels, labelOffset } = options;
  const preprocessing = preprocessingOf(where, options, graph.values[graph.inputs[0]!]!);
  return {
    ...(preprocessing && { preprocessing }),
    ...(labels !== undefined && { labels: await readLabels(where, labels, graph) }),
    ...(labelOffset !== undefined && { labelOffset }),
  };
}

/** Nothing, where the options say nothing of pixels. */
export function preprocessingOf(
  where: string,
  options: ImageOptions,
  input: Value,
): Preprocessing | undefined {
  const { mean, std, crop, resize } = options;
  if ([mean, std, crop, resize].every((option) => option === undefined)) return undefined;
  const fit = fitOf(options, input);
  checkFit(where, fit, input.shape);
  if (mean || std) {
    if (!mean) process.stderr.write(`${where}: --mean is not given, so 0 is assumed\n`);
    if (!std) process.stderr.write(`${where}: --std is not given, so 1 is assumed\n`);
    return { mean: mean ?? [0], std: std ?? [1], ...fit };
  }
  const { qparams, dtype } = input;
  if (qparams && (dtype === 'u8' || dtype === 'i8')) return { ...rawPixels(qparams), ...fit };
  throw typeError(where, 'images for an input of reals need --mean and --std', 'neither');
}

/** The usual pair "resize 256, crop 224" names with its crop the size that the network's input has anyway. */
function fitOf({ crop, resize }: ImageOptions, { shape: [, height, width] }: Value): Fit {
  const shorterSide = resize === 'squash' ? undefined : resize;
  const implied = shorterSide !== undefined && crop === height && crop === width;
  return {
    ...(crop !== undefined &&
      !implied && { crop: crop <= 1 ? { fraction: crop } : { size: crop } }),
    ...(shorterSide !== undefined && { resize: { shorterSide } }),
  };
}

/** In the order in which it is done. */
export function describePreprocessing({ mean, std, crop, resize }: Preprocessing): string {
  const part = crop?.size === undefined ? crop?.fraction : `${crop.size} × ${crop.size} pixels`;
  const steps = [
    part !== undefined && `crop to the central ${part}`,
    resize && `resize the shorter side to ${resize.shorterSide}, take the centre`,
    `(pixel / 255 − ${mean}) / ${std}`,
  ];
  return steps.filter(Boolean).join('; ');
}

/** The lines of a file, one for each entry of the output. */
async function readLabels(where: string, path: string, graph: Graph): Promise<string[]> {
  const text = new TextDecoder().decode(await readBytes(path, where));
  const labels = text.trim() === '' ? [] : text.replace(/\r?\n$/, '').split(/\r?\n/);
  checkLabelCount(where, graph, labels, `a line in ${path} `);
  return labels;
}
