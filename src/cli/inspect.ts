import { Command } from 'commander';
import { readBundle } from '../bundle/read.ts';
import { showShape, sizeOf } from '../core/shape.ts';
import type { Graph, Node, ValueId } from '../graph/graph.ts';
import { readBytes } from './files.ts';
import { formatTable, grouped } from './table.ts';

export function inspectCommand(): Command {
  return new Command('inspect')
    .description('Show what a bundle holds: layers, shapes, ranges, sizes, where it comes from.')
    .argument('<bundle>', 'bundle file')
    .option('--json', 'print one JSON object as the last line')
    .action(run);
}

async function run(path: string, { json = false }: { json?: boolean }): Promise<void> {
  const bytes = await readBytes(path, 'inspect');
  const { graph, golden, provenance, license } = readBundle(bytes);
  const about = {
    bundle: path,
    bytes: bytes.length,
    inputs: graph.inputs.map((id) => tensor(graph, id)),
    outputs: graph.outputs.map((id) => tensor(graph, id)),
    preprocessing: graph.preprocessing,
    labels: graph.labels,
    constants: [...graph.parameters.values()].reduce((sum, { shape }) => sum + sizeOf(shape), 0),
    nodes: graph.nodes.map((node) => describe(graph, node)),
    golden: golden.length,
    provenance,
    license,
  };
  console.log(json ? JSON.stringify(about) : format(about));
}

type About = ReturnType<typeof tensor>;

function format(about: {
  readonly bytes: number;
  readonly inputs: readonly About[];
  readonly preprocessing: Graph['preprocessing'];
  readonly labels: Graph['labels'];
  readonly constants: number;
  readonly nodes: readonly (About & { readonly op: string; readonly weights: number })[];
  readonly golden: number;
  readonly provenance: object | undefined;
  readonly license: string | undefined;
}): string {
  const header = ['layer', 'op', 'output', 'scale', 'zero point', 'range', 'weights'];
  const inputs = about.inputs.map((input) => ({ ...input, op: 'input', weights: 0 }));
  const rows = [...inputs, ...about.nodes].map((row) => [
    row.name,
    row.op,
    showShape(row.shape),
    row.scale.toPrecision(4),
    String(row.zeroPoint),
    `${row.qmin}…${row.qmax}`,
    row.weights > 0 ? grouped(row.weights) : '',
  ]);
  const { preprocessing, labels, golden, provenance, license } = about;
  const vectors = `${golden} golden ${golden === 1 ? 'vector' : 'vectors'}`;
  const notes = [
    `${grouped(about.bytes)} bytes, ${grouped(about.constants)} constants, ${vectors}`,
    preprocessing && `takes pixels: (pixel / 255 − ${preprocessing.mean}) / ${preprocessing.std}`,
    labels && `labels: ${labels.join(', ')}`,
    ...Object.entries(provenance ?? {}).map(([key, value]) => `${key}: ${value}`),
    license && `license: ${license}`,
  ];
  return `${formatTable(header, rows)}\n\n${notes.filter(Boolean).join('\n')}`;
}

/** Shapes have -1 where the batch goes. */
function tensor(graph: Graph, id: ValueId) {
  const { name, shape, qparams } = graph.values[id]!;
  const { scale, zeroPoint, qmin, qmax } = qparams!;
  return { name, shape, scale: scale[0]!, zeroPoint, qmin, qmax };
}

function describe(graph: Graph, { name, op, inputs, output }: Node) {
  const w = graph.parameters.get(inputs[1] ?? -1);
  return { ...tensor(graph, output), name, op, weights: w ? sizeOf(w.shape) : 0 };
}
