import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';

/** Strong enough on a white and on a dark ground, and the same in all plots. */
const COLORS = { W8A8: '#3f88d8', W4A4: '#d27519', W3A3: '#2e9e63', W2A2: '#9a66d0' };

/** By bits; the float network has the color of the text. */
export const colorOfBits = {
  domain: Object.keys(COLORS),
  range: Object.values(COLORS),
  unknown: 'currentColor',
};

/** The picture follows the reader's scheme as a whole: ink never meets the ground of the other one. */
const STYLE = `
  svg { color: #1f2328; font-size: 12px; font-family: system-ui, sans-serif; }
  .ground { fill: #ffffff; }
  @media (prefers-color-scheme: dark) {
    svg { color: #e6edf3; }
    .ground { fill: #0d1117; }
  }
`;

const WIDTH = 760;

/** A plot as the text of an SVG file: the same bytes for the same figures. */
export function draw(options: Plot.PlotOptions): string {
  const { document } = parseHTML('<html></html>');
  const plain = { document, className: 'plot', width: WIDTH, ...options };
  const svg = Plot.plot(plain) as unknown as SvgElement;
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  svg.querySelector('style')!.textContent = STYLE;
  const ground = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
  for (const [name, value] of Object.entries({ class: 'ground', width: '100%', height: '100%' })) {
    ground.setAttribute(name, value);
  }
  svg.querySelector('style')!.after(ground);
  return `${rounded(svg.outerHTML)}\n`;
}

/** What is used of an element: types of a browser's page are not those of this project. */
interface SvgElement {
  readonly outerHTML: string;
  setAttribute(name: string, value: string): void;
  querySelector(
    selector: string,
  ): (SvgElement & { textContent: string; after(one: unknown): void }) | null;
}

/** Hundredths of a pixel: logarithms differ between hosts in their last digit. */
function rounded(svg: string): string {
  return svg.replace(/\d+\.\d{3,}/g, (number) => String(Number(Number(number).toFixed(2))));
}
