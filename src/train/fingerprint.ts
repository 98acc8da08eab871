import { crc32 } from '../core/crc32.ts';
import { rangeError } from '../core/errors.ts';
import { showShape } from '../core/shape.ts';
import type { Dataset } from '../data/dataset.ts';
import type { Graph, QuantizerSpec } from '../graph/graph.ts';
import { assignGroups, type ParameterGroup } from '../optim/groups.ts';
import type { Optimizer } from '../optim/optimizer.ts';
import { slotsPerParameter } from './optimizerMemory.ts';
import type { RunOptions } from './options.ts';
import { namedParameters } from './weights.ts';

/** What must be the same for a checkpoint to fit, in words and digests. */
export type Fingerprint = Readonly<
  Record<'model' | 'optimizer' | 'loss' | 'data' | 'seed', string>
>;

/**
 * The structure of the model with its quantizers, the optimizer's rule with its constants, clipping, groups and averaging, the
 * loss with its settings, the data and the seed. Learning rates and the number of epochs may change between a checkpoint and the run that resumes it.
 */
export function fingerprintOf(graph: Graph, dataset: Dataset, options: RunOptions): Fingerprint {
  const { optimizer, loss, seed } = options;
  return {
    model: describeModel(graph),
    optimizer: describeOptimizer(graph, optimizer),
    loss: [loss.name, ...inWords(loss.settings)].join(', '),
    data: describeData(dataset),
    seed: String(seed),
  };
}

function describeModel(graph: Graph): string {
  const { nodes, values, inputs, outputs, parameters, quantizers } = graph;
  const structure = {
    nodes,
    values: values.map(({ shape, dtype }) => [shape, dtype]),
    ends: [inputs, outputs],
    parameters: [...namedParameters(graph)].map(([name, { shape }]) => [name, shape]),
    places: [...parameters.keys()],
    quantizers: [...quantizers].map(([id, spec]) => [id, ...describeQuantizer(spec)]),
  };
  const kind = quantizers.size > 0 ? 'quantized' : 'float';
  const digest = digestOf(JSON.stringify(structure));
  return `${kind}, ${nodes.length} ops, digest ${digest}`;
}

/** Of a range that is given, its ends too. */
function describeQuantizer(spec: QuantizerSpec): (string | number)[] {
  const { method, qmin, qmax, scale, fixedZeroPoint = 0 } = spec;
  const ends = method === 'fixed' ? [scale.data[0]!, fixedZeroPoint] : [];
  return [method, qmin, qmax, ...ends];
}

function describeOptimizer(graph: Graph, optimizer: Optimizer): string {
  const { name, settings, averaging, clipNorm, clipValue, groups = [] } = optimizer;
  const parts = [`${name} with ${slotsPerParameter(optimizer)} slots`, ...inWords(settings)];
  if (averaging) parts.push(`averaging ${averaging.decay}`);
  if (clipNorm !== undefined) parts.push(`clipNorm ${clipNorm}`);
  if (clipValue !== undefined) parts.push(`clipValue ${clipValue}`);
  if (groups.length > 0) {
    const digest = digestOf(JSON.stringify(membersOf(graph, groups)));
    parts.push(`${groups.length} parameter groups, digest ${digest}`);
  }
  return parts.join(', ');
}

/** The parameters of groups by name, as a function that matches has no text to compare. */
function membersOf(graph: Graph, groups: readonly ParameterGroup[]) {
  const parameters = namedParameters(graph);
  const assigned = assignGroups('fit', groups, parameters);
  return [...parameters].flatMap(([name, parameter]) => {
    const group = assigned.get(parameter);
    if (!group) return [];
    const { learningRateMultiplier = 1, weightDecay = null, frozen = false } = group;
    return [[name, learningRateMultiplier, weightDecay, frozen]];
  });
}

function describeData(dataset: Dataset): string {
  const { length, batchSize, shape, classes, seed, preprocessing, steps } = dataset;
  const samples = `${length} samples ${showShape(shape)} of ${classes} classes`;
  const order = `${steps} batches of ${batchSize}, seed ${seed}`;
  const digest = digestOf(JSON.stringify(preprocessing ?? null));
  return `${samples}, ${order}, preprocessing ${digest}`;
}

/** Settings by name; a list as its digest. */
function inWords(settings: object = {}): string[] {
  return Object.entries(settings).map(([name, value]) =>
    Array.isArray(value) ? `${name} ${digestOf(JSON.stringify(value))}` : `${name} ${value}`,
  );
}

function digestOf(text: string): string {
  return crc32([new TextEncoder().encode(text)]);
}

/** Throws a RangeError that says which part differs. */
export function checkFingerprint(where: string, saved: Fingerprint, mine: Fingerprint): void {
  for (const part of ['model', 'optimizer', 'loss', 'data', 'seed'] as const) {
    if (saved[part] === mine[part]) continue;
    throw rangeError(where, `a checkpoint of this ${part} (${mine[part]})`, String(saved[part]));
  }
}
