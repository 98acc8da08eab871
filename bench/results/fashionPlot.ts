import * as Plot from '@observablehq/plot';
import { colorOfBits, draw } from './draw.ts';
import { meanAndDeviation } from './format.ts';

/** One form of the network: what each of its seeds reaches. */
export interface Line {
  readonly name: string;
  readonly accuracies: readonly number[];
}

const ROW = 44;
const LABEL = '% of 10,000 test images: each seed, and mean ± standard deviation';

/** A row for each form: its mean and deviation, and below them its seeds. */
export function fashionPlot(lines: readonly Line[]): string {
  const summaries = lines.map(({ name, accuracies }) => {
    const { mean, deviation } = meanAndDeviation(accuracies);
    return { name, mean, from: mean - deviation, to: mean + deviation };
  });
  const seeds = lines.flatMap(({ name, accuracies }) =>
    accuracies.map((accuracy) => ({ name, accuracy })),
  );
  const names = lines.map(({ name }) => name);
  const span = { y: 'name', x1: 'from', x2: 'to', stroke: 'name', strokeWidth: 2 };
  return draw({
    height: ROW * lines.length + 70,
    ...{ marginLeft: 70, marginTop: 12, marginBottom: 52, marginRight: 20 },
    x: { inset: 12, axis: null },
    y: { type: 'band', domain: names, label: null },
    color: colorOfBits,
    marks: [
      Plot.frame({ strokeOpacity: 0.25 }),
      Plot.gridX(),
      Plot.axisX({ label: LABEL, labelAnchor: 'center', labelArrow: 'none', labelOffset: 42 }),
      Plot.axisY({ tickSize: 0 }),
      Plot.ruleY(summaries, span),
      Plot.dot(summaries, { y: 'name', x: 'mean', fill: 'name', r: 5 }),
      Plot.dot(seeds, { y: 'name', x: 'accuracy', stroke: 'name', r: 3, dy: 12 }),
    ],
  });
}
