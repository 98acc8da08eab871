import { accumulatorOf, add, BLOCKS, firstBlockOf, PATCH, rankOf } from './stridedWinograd';

/**
 * U[panel][block][d][lane] = u of the 3x3 window at panel, d, lane      blocks in the order of `stridedWinograd.ts`
 *
 * Eight lanes lie side by side in w; steps of its other axes are in bytes.
 *
 * w [panels, depth, 9 taps, 8] f32     read, 8 lanes at each place
 * u [panels][25][depth][8] f32         written
 */
export function f32_pack_strided_winograd_weights__scalar(
  panels: i32, depth: i32, w: usize, panelStep: usize, depthStep: usize, tapStep: usize, u: usize,
): void {
  weights<f32>(panels, depth, w, panelStep, depthStep, tapStep, u);
}

export function f32_pack_strided_winograd_weights__simd128(
  panels: i32, depth: i32, w: usize, panelStep: usize, depthStep: usize, tapStep: usize, u: usize,
): void {
  weights<v128>(panels, depth, w, panelStep, depthStep, tapStep, u);
}

// @ts-ignore: decorator
@inline
function weights<T>(
  panels: i32, depth: i32, w: usize, panelStep: usize, depthStep: usize, tapStep: usize, u: usize,
): void {
  const size: usize = sizeof<T>();
  const block = <usize>depth << 5;
  for (let panel = 0; panel < panels; panel++, w += panelStep, u += <usize>BLOCKS * block) {
    for (let d: usize = 0; d < <usize>depth; d++) {
      for (let lane: usize = 0; lane < 32; lane += size) {
        const from = w + d * depthStep + lane, to = u + (d << 5) + lane;
        for (let i = 0; i < PATCH; i++) {
          for (let j = 0; j < PATCH; j++) {
            const at = firstBlockOf(accumulatorOf(i, j)) + rankOf(i, j);
            store<T>(to + <usize>at * block, weightOf<T>(from, i, j, tapStep));
          }
        }
      }
    }
  }
}

/** u of product (i, j). */
// @ts-ignore: decorator
@inline
function weightOf<T>(w: usize, i: i32, j: i32, tapStep: usize): T {
  if (j != 1) return columnOf<T>(w + tapOf(j) * tapStep, i, tapStep);
  return add<T>(columnOf<T>(w, i, tapStep), columnOf<T>(w + 2 * tapStep, i, tapStep));
}

/** Product i of a column of the window. */
// @ts-ignore: decorator
@inline
function columnOf<T>(w: usize, i: i32, tapStep: usize): T {
  const row = tapStep * 3;
  if (i != 1) return load<T>(w + tapOf(i) * row);
  return add<T>(load<T>(w), load<T>(w + 2 * row));
}

/** The weight of a line that a product has to itself: 0 and 2, then 1 twice. */
// @ts-ignore: decorator
@inline
function tapOf(i: i32): usize {
  return i < 3 ? <usize>i : 1;
}
