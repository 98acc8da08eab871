import type { Rng } from '../../src/core/rng.ts';

const GRID = 5;
/** Weight of the smooth part; the rest is noise from pixel to pixel. */
const SMOOTH = 0.7;

/** A random image [size,size,3], uint8, smooth at large and noisy at small scale as a photograph is. */
export function randomImage(rng: Rng, size: number): Uint8Array {
  const grid = Array.from({ length: GRID * GRID * 3 }, () => rng.uniform());
  const pixels = new Uint8Array(size * size * 3);
  for (let at = 0; at < pixels.length; at++) {
    const pixel = Math.floor(at / 3);
    const smooth = interpolate(
      grid,
      Math.floor(pixel / size) / size,
      (pixel % size) / size,
      at % 3,
    );
    pixels[at] = Math.floor(256 * (SMOOTH * smooth + (1 - SMOOTH) * rng.uniform()));
  }
  return pixels;
}

/** The grid's value at (y, x) in [0, 1)², bilinear. */
function interpolate(grid: readonly number[], y: number, x: number, channel: number): number {
  const [row, column] = [y * (GRID - 1), x * (GRID - 1)];
  const [top, left] = [Math.floor(row), Math.floor(column)];
  const at = (i: number, j: number) => grid[((top + i) * GRID + left + j) * 3 + channel]!;
  const [down, right] = [row - top, column - left];
  const upper = at(0, 0) * (1 - right) + at(0, 1) * right;
  const lower = at(1, 0) * (1 - right) + at(1, 1) * right;
  return upper * (1 - down) + lower * down;
}
