/** Whether the method that does best on half of the images does so on the other half. */

import type { MethodName } from '../../src/quant/methods.ts';
import { shown } from './format.ts';
import { gain } from './paired.ts';

/** Methods that learn ranges, or that follow the data. */
const FOLLOWING: ReadonlySet<MethodName> = new Set(['movingAverage', 'minMax', 'lastValue']);

/** One method over its seeds: of each image whether it is found. */
export interface MethodRuns {
  readonly method: MethodName;
  readonly runs: readonly boolean[][];
}

/**
 * A sentence: the learned method and the following one that are best on the even images, compared on the odd ones, and the other way
 * round. Nothing where there are none of one kind.
 */
export function chosenSentence(all: readonly MethodRuns[]): string {
  const learned = all.filter(({ method }) => !FOLLOWING.has(method));
  const following = all.filter(({ method }) => FOLLOWING.has(method));
  if (learned.length === 0 || following.length === 0) return '';
  const halves = [0, 1].map((half) => {
    const [ours, theirs] = [learned, following].map((methods) => best(methods, half));
    const tested = gain(part(theirs!.runs, 1 - half), part(ours!.runs, 1 - half));
    return `${ours!.method} ${shown(tested)} over ${theirs!.method}`;
  });
  return `chosen on even images, tested on odd ones: ${halves[0]}; the other way round: ${halves[1]}`;
}

function best(methods: readonly MethodRuns[], half: number): MethodRuns {
  const found = (one: MethodRuns) => {
    const images = part(one.runs, half);
    return images.reduce((sum, run) => sum + run.filter(Boolean).length, 0) / images.length;
  };
  return methods.reduce((first, one) => (found(one) > found(first) ? one : first));
}

/** The even images, or the odd ones. */
function part(runs: readonly boolean[][], half: number): boolean[][] {
  return runs.map((run) => run.filter((_, i) => i % 2 === half));
}
