import { SgdParams } from '../abi';
import { clip, clipLanes } from '../lib/clip';

/**
 * Stochastic gradient descent with momentum and L2 decay, each step rounded to f32; clip is that of lib/clip.ts:
 *
 *     g' = clip(g) + weightDecay·w    m = momentum·m + g'
 *     w −= learningRate · (nesterov ? g' + momentum·m : m)
 *
 * w, m [n] f32    read and written
 * g    [n] f32    read
 */
export function f32_sgd__scalar(n: i32, w: usize, g: usize, m: usize, params: SgdParams): void {
  const rate = params.learningRate;
  const momentum = params.momentum;
  const decay = params.weightDecay;
  const scale = params.gradientScale;
  const limit = params.gradientLimit;
  const nesterov = params.nesterov != 0;
  for (const end = w + (<usize>n << 2); w < end; w += 4, g += 4, m += 4) {
    const weight = load<f32>(w);
    const gradient = clip(load<f32>(g), scale, limit) + decay * weight;
    const velocity = momentum * load<f32>(m) + gradient;
    store<f32>(m, velocity);
    const step = nesterov ? gradient + momentum * velocity : velocity;
    store<f32>(w, weight - rate * step);
  }
}

export function f32_sgd__simd128(n: i32, w: usize, g: usize, m: usize, params: SgdParams): void {
  const rate = f32x4.splat(params.learningRate);
  const momentum = f32x4.splat(params.momentum);
  const decay = f32x4.splat(params.weightDecay);
  const scale = f32x4.splat(params.gradientScale);
  const low = f32x4.splat(-params.gradientLimit);
  const high = f32x4.splat(params.gradientLimit);
  const nesterov = params.nesterov != 0;
  for (const end = w + (<usize>(n & ~3) << 2); w < end; w += 16, g += 16, m += 16) {
    const weight = v128.load(w);
    const clipped = clipLanes(v128.load(g), scale, low, high);
    const gradient = f32x4.add(clipped, f32x4.mul(decay, weight));
    const velocity = f32x4.add(f32x4.mul(momentum, v128.load(m)), gradient);
    v128.store(m, velocity);
    let step = velocity;
    if (nesterov) step = f32x4.add(gradient, f32x4.mul(momentum, velocity));
    v128.store(w, f32x4.sub(weight, f32x4.mul(rate, step)));
  }
  f32_sgd__scalar(n & 3, w, g, m, params);
}
