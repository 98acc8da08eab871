import { basename } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { sizeOf } from '../core/shape.ts';
import type { Graph } from '../graph/graph.ts';
import type { CalibrateOptions } from '../quant/calibrate.ts';
import type { CalibratorName } from '../quant/calibrators.ts';
import { convert } from '../quant/convert.ts';
import { quantizeModel } from '../quant/quantizeModel.ts';
import { type CalibrationInput, readCalibration } from './calibration.ts';
import { checkPlace, writeBytes } from './files.ts';
import { type ImageOptions, imageNotes, withImageOptions } from './imageOptions.ts';
import { type NetworkOptions, readNetwork, shapeList } from './network.ts';
import { grouped, percent } from './table.ts';

interface Options extends ImageOptions, NetworkOptions {
  readonly output: string;
  readonly data: string;
  readonly samples: number;
  readonly method: keyof typeof METHODS;
  readonly percentile?: number;
  readonly weights: 'mse' | 'min-max';
  readonly biasCorrection: boolean;
  readonly weightBits: number;
  readonly activationBits: number;
  readonly edgeBits: number;
  readonly otherBits: number;
  readonly perTensor?: boolean;
  readonly license?: string;
  readonly json?: boolean;
}

/** What the command line calls them. */
const METHODS = {
  mse: 'mse',
  'min-max': 'minMax',
  'moving-average': 'movingAverage',
  percentile: 'percentile',
  entropy: 'entropy',
} as const satisfies Record<string, CalibratorName>;

export function quantizeCommand(): Command {
  const command = new Command('quantize')
    .description(
      'Make an int8 bundle of a model without training: ranges come from some samples of what it will see.',
    )
    .argument(
      '<model>',
      ".tflite file, of floats or of integers that stand for them; .safetensors file: PyTorch's, or a checkpoint or weights of octavo train",
    )
    .requiredOption('-o, --output <bundle>', 'bundle file to write')
    .requiredOption('--data <path>', 'folder of PNG and JPEG files, or records: .f32, .u8, .npy')
    .option(
      '--network <name>',
      'what the weights of a .safetensors file belong to: a network of the zoo (resnet20, mobilenetV2, …) or a recipe',
    )
    .option('--classes <n>', 'of that network of the zoo', whole(1, 1e6))
    .option('--input-shape <list>', 'of that network of the zoo: height,width,channels', shapeList)
    .option('--samples <n>', 'how many of them, evenly over all', whole(1, 1e6), 100)
    .addOption(
      new Option('--method <name>', 'how ranges of activations are chosen')
        .choices(Object.keys(METHODS))
        .default('mse'),
    )
    .option('--percentile <p>', 'with that method, what is kept on either side, in percent', Number)
    .addOption(
      new Option('--weights <name>', 'how scales of weights are chosen')
        .choices(['mse', 'min-max'])
        .default('mse'),
    )
    .option('--no-bias-correction', 'leave biases as they are, however rounded weights move means')
    .option('--weight-bits <n>', 'bits of weights, 2 to 8', whole(2, 8), 8)
    .option('--activation-bits <n>', 'bits of activations, 2 to 8', whole(2, 8), 8)
    .option('--edge-bits <n>', 'the least at the ends of the network', whole(2, 8), 8)
    .option(
      '--other-bits <n>',
      'the least of activations that no layer with weights reads',
      whole(2, 8),
      8,
    )
    .option('--per-tensor', 'one scale for all weights of a layer, in place of one a channel')
    .option('--name <name>', 'name of the model; that of the file by default')
    .option('--license <expression>', 'SPDX expression, kept in the bundle');
  return withImageOptions(command)
    .option('--json', 'print one JSON object as the last line')
    .action(run);
}

function whole(least: number, most: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (Number.isInteger(number) && number >= least && number <= most) return number;
    throw new InvalidArgumentError(`A whole number from ${least} to ${most} is expected.`);
  };
}

async function run(path: string, options: Options): Promise<void> {
  await checkPlace(options.output, 'quantize');
  const { graph, bytes: source } = await readModel(path, options);
  const data = await readCalibration(graph, options.data, options.samples);
  const quantized = quantizeModel(graph, {
    weights: { bits: options.weightBits, perChannel: !options.perTensor },
    activations: { bits: options.activationBits },
    ...{ edgeBits: options.edgeBits, otherBits: options.otherBits },
    ...{ calibrationBatches: data.steps },
  });
  const { percentile, license } = options;
  const how: CalibrateOptions = {
    method: METHODS[options.method],
    weights: options.weights === 'mse' ? 'mse' : 'minMax',
    biasCorrection: options.biasCorrection,
    ...(percentile !== undefined && { percentile }),
  };
  await quantized.calibrate(data, how);
  const provenance = { source: basename(path), calibration: options.method, samples: data.count };
  const converted = convert(quantized, { provenance, ...(license !== undefined && { license }) });
  const bytes = converted.toBytes();
  await writeBytes(options.output, bytes, 'quantize');
  report(options, path, converted.graph, data, bytes.length / source, bytes.length);
}

/** The float graph of a file, with what the options say of images and classes. */
async function readModel(path: string, options: Options) {
  const { graph, bytes } = await readNetwork(path, options);
  return { graph: { ...graph, ...(await imageNotes('quantize', options, graph)) }, bytes };
}

function report(
  { output, json }: Options,
  source: string,
  { nodes, parameters }: Graph,
  { count }: CalibrationInput,
  share: number,
  bytes: number,
): void {
  const constants = [...parameters.values()].reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const about = { bytes, nodes: nodes.length, constants, samples: count };
  if (json) {
    console.log(JSON.stringify({ bundle: output, source, ...about }));
    return;
  }
  const counts = `${grouped(nodes.length)} steps, ${grouped(constants)} constants`;
  const size = `${grouped(bytes)} bytes, ${percent(share)} of the source file`;
  console.error(`${output}: ${counts}, ${size}; ranges from ${grouped(count)} samples`);
}
