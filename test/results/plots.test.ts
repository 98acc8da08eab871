import { describe, expect, test } from 'vitest';
import { cifarPlot, type Point } from '../../bench/results/cifarPlot.ts';
import { fashionPlot } from '../../bench/results/fashionPlot.ts';

function point(bits: string, images: string, mean: number): Point {
  const bounds = { mean, lowest: mean - 1, highest: mean + 1 };
  return { name: `${bits} lsq`, bits, images, ...bounds };
}

const points = ['few', 'many'].flatMap((images) => [
  point('W2A2', images, -60),
  point('W4A4', images, -0.5),
]);

const lines = [
  { name: 'float', accuracies: [90, 92] },
  { name: 'W2A2', accuracies: [80] },
];

const count = (svg: string, part: string) => svg.split(part).length - 1;

/** x of the circles, in the order of the file. */
function circles(svg: string): number[] {
  return [...svg.matchAll(/<circle [^>]*\bcx="([^"]+)"/g)].map((match) => Number(match[1]));
}

describe.each([
  ['of CIFAR-10', () => cifarPlot(points)],
  ['of Fashion-MNIST', () => fashionPlot(lines)],
])('the plot %s', (_, draw) => {
  const svg = draw();

  test('is the same bytes each time, none of them a number of more than two decimals', () => {
    expect(draw()).toBe(svg);
    expect(svg).not.toMatch(/\d\.\d{3}|NaN|undefined/);
  });

  test('stands alone, and has colors for a light and a dark page', () => {
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" /);
    expect(svg.endsWith('</svg>\n')).toBe(true);
    expect(count(svg, 'prefers-color-scheme: dark')).toBe(1);
  });
});

test('each way to quantize has a row, few bits last, and a circle for each set of images', () => {
  const svg = cifarPlot(points);
  expect(svg.indexOf('>W4A4 lsq<')).toBeLessThan(svg.indexOf('>W2A2 lsq<'));
  expect(count(svg, '>W2A2 lsq<')).toBe(1);
  expect(circles(svg)).toHaveLength(4);
  // The scale of −60…+1 is that of both.
  for (const tick of ['−50', '−1', 'float']) expect(count(svg, `>${tick}<`)).toBe(2);
});

test('each form has a circle for its mean and one for each seed', () => {
  const [float, few, ...seeds] = circles(fashionPlot(lines));
  expect(seeds).toHaveLength(3);
  expect(float).toBeCloseTo((seeds[0]! + seeds[1]!) / 2, 1);
  expect(few).toBe(seeds[2]);
});
