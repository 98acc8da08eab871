import { Command } from 'commander';
import { bitsOf } from '../bundle/packed.ts';
import { readBundle } from '../bundle/read.ts';
import { showShape, sizeOf } from '../core/shape.ts';
import type { Graph, Node, ValueId } from '../graph/graph.ts';
import { readBundleBytes } from './files.ts';
import { describePreprocessing } from './imageOptions.ts';
import { planOf, type StepInfo, type StepTime, stepsOf, type Timing, timeSteps } from './steps.ts';
import { formatTable, grouped, percent, printable } from './table.ts';

interface Options {
  readonly time?: boolean;
  readonly json?: boolean;
}

export function inspectCommand(): Command {
  return new Command('inspect')
    .description('Show what a bundle holds and what running it takes, step by step.')
    .argument('<bundle>', 'bundle file')
    .option(
      '--time',
      'measure each step: its time, its share, its rate against what the machine can do',
    )
    .option('--json', 'print one JSON object as the last line')
    .action(run);
}

async function run(path: string, { time = false, json = false }: Options): Promise<void> {
  const bytes = await readBundleBytes(path, 'inspect');
  const { graph, golden, provenance, license } = readBundle(bytes);
  const plan = await planOf(graph);
  const steps = stepsOf(plan);
  const timing = time ? await timeSteps(plan) : undefined;
  const about = {
    bundle: path,
    bytes: bytes.length,
    inputs: graph.inputs.map((id) => tensor(graph, id)),
    outputs: graph.outputs.map((id) => tensor(graph, id)),
    preprocessing: graph.preprocessing,
    labels: graph.labels,
    labelOffset: graph.labelOffset,
    constants: [...graph.parameters.values()].reduce((sum, { shape }) => sum + sizeOf(shape), 0),
    macs: steps.reduce((sum, { macs }) => sum + macs, 0),
    memory: { packed: plan.bytes.constants, arena: plan.bytes.arena },
    ...(timing && { ceiling: timing.ceiling }),
    nodes: graph.nodes.map((node, i) => ({
      ...describe(graph, node),
      ...steps[i]!,
      ...timing?.nodes[i],
    })),
    golden: golden.length,
    provenance,
    license,
  };
  console.log(json ? JSON.stringify(about) : format(about, timing));
}

type About = ReturnType<typeof tensor>;
type NodeAbout = About &
  StepInfo &
  Partial<StepTime> & {
    readonly op: string;
    readonly weights: number;
    /** Of an integer, and of all of them in the file. */
    readonly weightBits?: number;
    readonly weightBytes?: number;
  };

interface BundleAbout {
  readonly bytes: number;
  readonly inputs: readonly About[];
  readonly preprocessing: Graph['preprocessing'];
  readonly labels: Graph['labels'];
  readonly labelOffset: Graph['labelOffset'];
  readonly constants: number;
  readonly macs: number;
  readonly memory: { readonly packed: number; readonly arena: number };
  readonly nodes: readonly NodeAbout[];
  readonly golden: number;
  readonly provenance: object | undefined;
  readonly license: string | undefined;
}

function format(about: BundleAbout, timing: Timing | undefined): string {
  const quantization = timing ? [] : ['scale', 'zero point', 'range'];
  const timed = timing ? ['ms', 'share', 'of ceiling'] : [];
  const header = [
    'layer',
    'op',
    'output',
    ...quantization,
    ...CONSTANTS,
    'MACs',
    'kernel',
    'arena',
  ];
  const inputs = about.inputs.map((input) => [
    ...cells({ ...input, op: 'input' }, timing),
    ...[...CONSTANTS, 'MACs', 'kernel', 'arena', ...timed].map(() => ''),
  ]);
  const nodes = about.nodes.map((node) => [
    ...cells(node, timing),
    node.weights > 0 ? grouped(node.weights) : '',
    String(node.weightBits ?? ''),
    node.weightBytes === undefined ? '' : grouped(node.weightBytes),
    node.macs > 0 ? grouped(node.macs) : '',
    node.kernels.join(' '),
    grouped(node.arenaBytes),
    ...(timing ? times(node) : []),
  ]);
  const table = formatTable([...header, ...timed], [...inputs, ...nodes]);
  return `${table}\n\n${[...notes(about), ...timingNotes(about, timing)].join('\n')}`;
}

/** Columns of a step's weights: how many, bits of each, bytes of all. */
const CONSTANTS = ['weights', 'bits', 'bytes'];

/** Names of imported models are paths: their ends tell more. */
const LONGEST_NAME = 40;

/** Quantization parameters make room for times. */
function cells(row: About & { readonly op: string }, timing: Timing | undefined): string[] {
  const { name, op, dtype, shape, scale, zeroPoint = '', qmin, qmax } = row;
  const short = name.length > LONGEST_NAME ? `…${name.slice(1 - LONGEST_NAME)}` : name;
  const first = [short, op, `${dtype} ${showShape(shape)}`];
  if (timing) return first;
  const range = qmin === undefined ? '' : `${qmin}…${qmax}`;
  return [...first, scale?.toPrecision(4) ?? '', String(zeroPoint), range];
}

function times({ ms, share, ratio }: Partial<StepTime>): string[] {
  return [ms!.toFixed(3), percent(share!), ratio === undefined ? '' : ratio.toFixed(2)];
}

function notes({ preprocessing, labels, golden, provenance, license, ...about }: BundleAbout) {
  const vectors = `${golden} golden ${golden === 1 ? 'vector' : 'vectors'}`;
  const { packed, arena } = about.memory;
  const lines = [
    `${grouped(about.bytes)} bytes, ${grouped(about.constants)} constants, ${vectors}`,
    `${grouped(about.macs)} multiply-accumulates a sample; memory: ${grouped(packed)} bytes of packed constants, ${grouped(arena)} of arena`,
    preprocessing && `takes pixels: ${describePreprocessing(preprocessing)}`,
    labels &&
      `labels: ${labels.length > 12 ? `${labels.length}, from ${labels[0]} to ${labels.at(-1)}` : labels.join(', ')}`,
    about.labelOffset && `class 0 is entry ${about.labelOffset} of the output`,
    ...Object.entries(provenance ?? {}).map(([key, value]) => `${key}: ${value}`),
    license && `license: ${license}`,
  ];
  return lines.filter((line) => typeof line === 'string').map(printable);
}

function timingNotes({ macs, nodes }: BundleAbout, timing: Timing | undefined): string[] {
  if (!timing) return [];
  const ms = nodes.reduce((sum, node) => sum + node.ms!, 0);
  const rate = macs / ms / 1e6;
  const ratio = (rate / timing.ceiling).toFixed(2);
  return [
    `${ms.toFixed(3)} ms in all, the best of each step: ${rate.toFixed(1)} GMAC/s, ${ratio} of the ceiling of ${timing.ceiling.toFixed(1)}`,
  ];
}

/** Shapes have -1 where the batch goes. */
function tensor(graph: Graph, id: ValueId) {
  const { name, shape, dtype, qparams } = graph.values[id]!;
  if (!qparams) return { name, shape, dtype };
  const { scale, zeroPoint, qmin, qmax } = qparams;
  return { name, shape, dtype, scale: scale[0]!, zeroPoint, qmin, qmax };
}

function describe(graph: Graph, { name, op, inputs, output }: Node) {
  const id = inputs[1] ?? -1;
  const w = graph.parameters.get(id);
  const weights = w ? sizeOf(w.shape) : 0;
  const made = { ...tensor(graph, output), name, op, weights };
  const qparams = w && graph.values[id]!.qparams;
  if (!qparams) return made;
  const weightBits = bitsOf(qparams);
  return { ...made, weightBits, weightBytes: Math.ceil((weights * weightBits) / 8) };
}
