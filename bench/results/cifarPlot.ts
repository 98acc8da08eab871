import * as Plot from '@observablehq/plot';
import { colorOfBits, draw } from './draw.ts';
import type { Gain } from './paired.ts';

/** What one way to quantize gains on one set of images. */
export interface Point extends Gain {
  readonly name: string;
  readonly bits: string;
  readonly images: string;
}

const ROW = 22;
const TICKS = [-50, -20, -10, -5, -2, -1, 0, 1, 2, 5];
const LABEL = 'points over the float network (logarithmic), between one-sided bounds of 95 %';

/** A row for each way to quantize, few bits last, and the sets of images side by side. Logarithmic: some lose 50 points, most one. */
export function cifarPlot(points: readonly Point[]): string {
  const inOrder = [...points].sort((a, b) => (a.bits < b.bits ? 1 : a.bits > b.bits ? -1 : 0));
  const different = (key: 'name' | 'images') => [...new Set(inOrder.map((p) => p[key]))];
  const [least, most] = rangeOf(points);
  const ticks = TICKS.filter((tick) => least <= tick && tick <= most);
  const channels = { fx: 'images', y: 'name' };
  const span = { x1: 'lowest', x2: 'highest', stroke: 'bits', strokeWidth: 2 };
  return draw({
    height: ROW * different('name').length + 85,
    ...{ marginLeft: 150, marginTop: 35, marginBottom: 52, marginRight: 12 },
    x: { type: 'symlog', domain: [least, most], inset: 8, axis: null },
    y: { type: 'band', domain: different('name'), label: null },
    fx: { domain: different('images'), label: null, padding: 0.05, axis: 'top' },
    color: colorOfBits,
    marks: [
      Plot.frame({ strokeOpacity: 0.25 }),
      Plot.gridX(ticks),
      Plot.axisX(ticks, {
        tickFormat: signed,
        label: LABEL,
        labelAnchor: 'center',
        labelArrow: 'none',
        labelOffset: 42,
      }),
      Plot.axisY({ tickSize: 0 }),
      Plot.ruleX([0], { strokeWidth: 1.5 }),
      Plot.ruleY(inOrder, { ...channels, ...span }),
      Plot.dot(inOrder, { ...channels, x: 'mean', fill: 'bits', r: 4 }),
    ],
  });
}

/** At least a point on either side. */
function rangeOf(points: readonly Point[]): [number, number] {
  const least = Math.min(-1, ...points.map(({ lowest }) => lowest));
  return [least, Math.max(1, ...points.map(({ highest }) => highest))];
}

function signed(points: number): string {
  if (points === 0) return 'float';
  return `${points < 0 ? '−' : '+'}${Math.abs(points)}`;
}
