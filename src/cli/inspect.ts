import { Command } from 'commander';
import { readBundle } from '../bundle/read.ts';
import { showShape, sizeOf } from '../core/shape.ts';
import type { Graph } from '../graph/graph.ts';
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
  const nodes = graph.nodes.map((node) => describe(graph, node));
  const weights = [...graph.parameters.values()].reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  if (json) {
    const vectors = golden.length;
    const about = { bundle: path, bytes: bytes.length, weights, nodes, golden: vectors };
    console.log(JSON.stringify({ ...about, provenance, license }));
    return;
  }
  const header = ['layer', 'op', 'output', 'scale', 'zero point', 'range', 'weights'];
  const rows = nodes.map((node) => [
    node.name,
    node.op,
    node.shape,
    node.scale.toPrecision(4),
    String(node.zeroPoint),
    `${node.qmin}…${node.qmax}`,
    node.weights > 0 ? grouped(node.weights) : '',
  ]);
  console.log(formatTable(header, rows));
  console.log(
    `\n${grouped(bytes.length)} bytes, ${grouped(weights)} constants, ${golden.length} golden vectors`,
  );
  for (const [key, value] of Object.entries(provenance ?? {})) console.log(`${key}: ${value}`);
  if (license) console.log(`license: ${license}`);
}

function describe(graph: Graph, node: Graph['nodes'][number]) {
  const { shape, qparams } = graph.values[node.output]!;
  const { scale, zeroPoint, qmin, qmax } = qparams!;
  const w = graph.parameters.get(node.inputs[1] ?? -1);
  return {
    name: node.name,
    op: node.op,
    shape: showShape(shape),
    scale: scale[0]!,
    zeroPoint,
    qmin,
    qmax,
    weights: w ? sizeOf(w.shape) : 0,
  };
}
