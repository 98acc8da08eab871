/** The float network of a file: .tflite says what it is, safetensors holds weights of a network that has a name or a recipe. */

import { basename } from 'node:path';
import { InvalidArgumentError } from 'commander';
import { rangeError, typeError } from '../core/errors.ts';
import type { Graph } from '../graph/graph.ts';
import { cifarResnetModule } from '../interop/safetensors/cifarResnetModule.ts';
import { importSafetensors } from '../interop/safetensors/import.ts';
import { importTflite } from '../interop/tflite/import.ts';
import type { Module } from '../nn/module.ts';
import * as zoo from '../zoo/index.ts';
import { readBytes } from './files.ts';
import { loadRecipe } from './loadRecipe.ts';
import { printable } from './table.ts';

export interface NetworkOptions {
  /** A network of the zoo, or a recipe. */
  readonly network?: string;
  readonly classes?: number;
  readonly inputShape?: readonly number[];
  readonly name?: string;
}

const WHERE = 'quantize';

type Maker = (options?: zoo.ClassifierOptions) => Module;

const MAKERS = zoo as Readonly<Record<string, Maker>>;

/** For `--input-shape`: 32,32,3. */
export function shapeList(text: string): number[] {
  const list = text.split(',').map(Number);
  if (list.length === 3 && list.every((extent) => Number.isInteger(extent) && extent > 0)) {
    return list;
  }
  throw new InvalidArgumentError('Height, width and channels are expected, like 32,32,3.');
}

/** Bytes 4 to 7 of a .tflite file. */
const TFLITE = 'TFL3';

/** Throws an Error that starts with `quantize` for a file that holds no float network, or weights of another. */
export async function readNetwork(
  path: string,
  options: NetworkOptions,
): Promise<{ readonly graph: Graph; readonly bytes: number }> {
  const file = await readBytes(path, WHERE);
  const isTflite = String.fromCharCode(...file.subarray(4, 8)) === TFLITE;
  const { network, name = basename(path).replace(/\.(tflite|safetensors)$/, '') } = options;
  if (!isTflite && network === undefined && path.endsWith('.safetensors')) {
    const expected = `expected --network for the weights in ${path}: a recipe, or ${Object.keys(MAKERS).join(', ')}`;
    throw typeError(WHERE, expected, 'none');
  }
  if (isTflite || network === undefined) {
    return { graph: floatTflite(path, file, name), bytes: file.length };
  }
  const graph = await namedNetwork(network, options);
  const moduleOf = /^resnet\d+$/.test(network) && network in MAKERS ? cifarResnetModule : undefined;
  const filled = importSafetensors(file, graph, { ...(moduleOf && { moduleOf }) });
  return { graph: { ...filled, name }, bytes: file.length };
}

/** Integers count as the reals that they stand for. */
function floatTflite(path: string, file: Uint8Array, name: string): Graph {
  const onWarning = (message: string) => {
    process.stderr.write(`${WHERE}: ${printable(message)}\n`);
  };
  const graph = importTflite(file, { name, onWarning });
  if (graph.values.every(({ qparams }) => qparams === undefined)) return graph;
  onWarning(`${path} is a model of integers: taken as the floats that they stand for`);
  return importTflite(file, { name, dequantize: true });
}

async function namedNetwork(network: string, options: NetworkOptions): Promise<Graph> {
  const { classes, inputShape } = options;
  const make = MAKERS[network];
  if (Object.hasOwn(MAKERS, network)) {
    const how = { ...(classes && { classes }), ...(inputShape && { inputShape }) };
    return make!(how).build();
  }
  if (!/\.[cm]?[jt]s$/.test(network)) {
    const expected = `--network must be a recipe (.js, .ts) or one of ${Object.keys(MAKERS).join(', ')}`;
    throw rangeError(WHERE, expected, network);
  }
  const { model, data } = (await loadRecipe(network, WHERE)).config;
  const graph = 'nodes' in model ? model : model.build([...data.train.shape]);
  const { preprocessing, labels } = data.train;
  return { ...(preprocessing && { preprocessing }), ...(labels && { labels }), ...graph };
}
