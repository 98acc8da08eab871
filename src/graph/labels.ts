import { rangeError } from '../core/errors.ts';
import { elementsPerSample } from '../core/shape.ts';
import type { Graph } from './graph.ts';

/** How many labels the outputs of a graph may have: one for each element, or for each entry of the last axis. */
function labelCounts({ values, outputs }: Graph): number[] {
  const shapes = outputs.map((id) => values[id]!.shape);
  return [...new Set(shapes.flatMap((shape) => [elementsPerSample(shape), shape.at(-1)!]))];
}

/**
 * Throws a RangeError unless there is a label for each entry of an output: with one too few, that of the background say, the
 * others would name their neighbours. `place` says where the labels are.
 */
export function checkLabelCount(
  where: string,
  graph: Graph,
  labels: readonly string[] | undefined,
  place = '',
): void {
  const counts = labelCounts(graph);
  if (!labels || counts.includes(labels.length)) return;
  const expected = `there must be a label ${place}for each entry of the output (${counts.join(' or ')})`;
  throw rangeError(where, expected, labels.length);
}
