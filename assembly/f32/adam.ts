import { AdamParams } from '../abi';
import { clip, clipLanes } from '../lib/clip';

/**
 * Adam (Kingma 2015, algorithm 1) with decoupled weight decay (Loshchilov 2019), each step rounded to f32; clip is that of
 * lib/clip.ts:
 *
 *     g' = clip(g)      m = beta1·m + (1 − beta1)·g'      v = beta2·v + (1 − beta2)·(g'·g')
 *     w −= learningRate · (m·correction1 / (sqrt(v·correction2) + epsilon) + weightDecay·w)
 *
 * w, m, v [n] f32    read and written
 * g       [n] f32    read
 */
export function f32_adam__scalar(
  n: i32, w: usize, g: usize, m: usize, v: usize, params: AdamParams,
): void {
  const rate = params.learningRate;
  const beta1 = params.beta1;
  const beta2 = params.beta2;
  const rest1: f32 = 1 - beta1;
  const rest2: f32 = 1 - beta2;
  const epsilon = params.epsilon;
  const decay = params.weightDecay;
  const scale = params.gradientScale;
  const limit = params.gradientLimit;
  const correction1 = params.correction1;
  const correction2 = params.correction2;
  for (const end = w + (<usize>n << 2); w < end; w += 4, g += 4, m += 4, v += 4) {
    const weight = load<f32>(w);
    const gradient = clip(load<f32>(g), scale, limit);
    const first = beta1 * load<f32>(m) + rest1 * gradient;
    const second = beta2 * load<f32>(v) + rest2 * (gradient * gradient);
    store<f32>(m, first);
    store<f32>(v, second);
    const step = (first * correction1) / (sqrt<f32>(second * correction2) + epsilon);
    store<f32>(w, weight - rate * (step + decay * weight));
  }
}

export function f32_adam__simd128(
  n: i32, w: usize, g: usize, m: usize, v: usize, params: AdamParams,
): void {
  const rate = f32x4.splat(params.learningRate);
  const beta1 = f32x4.splat(params.beta1);
  const beta2 = f32x4.splat(params.beta2);
  const rest1 = f32x4.splat(1 - params.beta1);
  const rest2 = f32x4.splat(1 - params.beta2);
  const epsilon = f32x4.splat(params.epsilon);
  const decay = f32x4.splat(params.weightDecay);
  const scale = f32x4.splat(params.gradientScale);
  const low = f32x4.splat(-params.gradientLimit);
  const high = f32x4.splat(params.gradientLimit);
  const correction1 = f32x4.splat(params.correction1);
  const correction2 = f32x4.splat(params.correction2);
  for (const end = w + (<usize>(n & ~3) << 2); w < end; w += 16, g += 16, m += 16, v += 16) {
    const weight = v128.load(w);
    const gradient = clipLanes(v128.load(g), scale, low, high);
    const first = f32x4.add(f32x4.mul(beta1, v128.load(m)), f32x4.mul(rest1, gradient));
    const square = f32x4.mul(gradient, gradient);
    const second = f32x4.add(f32x4.mul(beta2, v128.load(v)), f32x4.mul(rest2, square));
    v128.store(m, first);
    v128.store(v, second);
    const root = f32x4.add(f32x4.sqrt(f32x4.mul(second, correction2)), epsilon);
    const step = f32x4.div(f32x4.mul(first, correction1), root);
    const change = f32x4.add(step, f32x4.mul(decay, weight));
    v128.store(w, f32x4.sub(weight, f32x4.mul(rate, change)));
  }
  f32_adam__scalar(n & 3, w, g, m, v, params);
}
