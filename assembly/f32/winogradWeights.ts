import { PATCH, weightLine } from './winograd';

/**
 * U[panel][position][d][lane] = (G·g·Gᵀ)[position]      g[i, j] = w at panel, d, tap 3i + j, lane
 *
 * Weights of f32_winograd2d. Eight lanes lie side by side in w; steps of its other axes are in bytes, and that of the
 * taps is negative where the window is turned by 180° for the gradient in x.
 *
 * w [panels, depth, 9 taps, 8] f32     read, 8 lanes at each place: up to 28 bytes behind the last weight
 * u [panels][36][depth][8] f32         written
 */
export function f32_pack_winograd_weights__scalar(
  panels: i32, depth: i32, w: usize, panelStep: usize, depthStep: usize, tapStep: i32, u: usize,
): void {
  weights<f32>(panels, depth, w, panelStep, depthStep, tapStep, u);
}

export function f32_pack_winograd_weights__simd128(
  panels: i32, depth: i32, w: usize, panelStep: usize, depthStep: usize, tapStep: i32, u: usize,
): void {
  weights<v128>(panels, depth, w, panelStep, depthStep, tapStep, u);
}

// @ts-ignore: decorator
@inline
function weights<T>(
  panels: i32, depth: i32, w: usize, panelStep: usize, depthStep: usize, tapStep: i32, u: usize,
): void {
  const size: usize = sizeof<T>();
  const position = <usize>depth << 5;
  for (let panel = 0; panel < panels; panel++, w += panelStep, u += 35 * position) {
    let from = w;
    for (let d = 0; d < depth; d++, from += depthStep, u += 32) {
      for (let lane: usize = 0; lane < 32; lane += size) {
        transform<T>(from + lane, <usize>tapStep, u + lane, position);
      }
    }
  }
}

/** Lines of G·g, three floats or vectors each, stand in the first half of their place in u until they are used. */
// @ts-ignore: decorator
@inline
function transform<T>(from: usize, tapStep: usize, u: usize, position: usize): void {
  const row = <usize>PATCH * position;
  for (let j: usize = 0; j < 3; j++) {
    weightLine<T>(from + j * tapStep, 3 * tapStep, u + j * position, row);
  }
  for (let i: usize = 0; i < 6; i++) weightLine<T>(u + i * row, position, u + i * row, position);
}
