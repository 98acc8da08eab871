import { RmspropParams } from '../abi';
import { clip, clipLanes } from '../lib/clip';

/**
 * RMSProp (Tieleman and Hinton 2012; centered: Graves 2013, eq. (38) to (41)) with momentum and decoupled weight decay,
 * each step rounded to f32; clip is that of lib/clip.ts:
 *
 *     g' = clip(g)      v = rho·v + (1 − rho)·(g'·g')      a = rho·a + (1 − rho)·g'
 *     m = momentum·m + (learningRate·g') / sqrt((centered ? max(v − a·a, 0) : v) + epsilon)
 *     w −= m + (learningRate·weightDecay)·w
 *
 * v − a·a is a variance, so what is below 0 is rounding. a is not touched unless centered.
 *
 * w, v, m [n] f32    read and written
 * a       [n] f32    read and written if centered
 * g       [n] f32    read
 */
export function f32_rmsprop__scalar(
  n: i32, w: usize, g: usize, v: usize, m: usize, a: usize, params: RmspropParams,
): void {
  const rate = params.learningRate;
  const rho = params.rho;
  const rest: f32 = 1 - rho;
  const momentum = params.momentum;
  const epsilon = params.epsilon;
  const decay: f32 = rate * params.weightDecay;
  const centered = params.centered != 0;
  const scale = params.gradientScale;
  const limit = params.gradientLimit;
  for (let i: usize = 0, end = <usize>n << 2; i < end; i += 4) {
    const weight = load<f32>(w + i);
    const gradient = clip(load<f32>(g + i), scale, limit);
    const second = rho * load<f32>(v + i) + rest * (gradient * gradient);
    store<f32>(v + i, second);
    let spread = second;
    if (centered) {
      const mean = rho * load<f32>(a + i) + rest * gradient;
      store<f32>(a + i, mean);
      spread = second - mean * mean;
      spread = spread < 0 ? 0 : spread;
    }
    const step = (rate * gradient) / sqrt<f32>(spread + epsilon);
    const velocity = momentum * load<f32>(m + i) + step;
    store<f32>(m + i, velocity);
    store<f32>(w + i, weight - (velocity + decay * weight));
  }
}

export function f32_rmsprop__simd128(
  n: i32, w: usize, g: usize, v: usize, m: usize, a: usize, params: RmspropParams,
): void {
  const rate = f32x4.splat(params.learningRate);
  const rho = f32x4.splat(params.rho);
  const rest = f32x4.splat(1 - params.rho);
  const momentum = f32x4.splat(params.momentum);
  const epsilon = f32x4.splat(params.epsilon);
  const decay = f32x4.splat(params.learningRate * params.weightDecay);
  const centered = params.centered != 0;
  const scale = f32x4.splat(params.gradientScale);
  const low = f32x4.splat(-params.gradientLimit);
  const high = f32x4.splat(params.gradientLimit);
  const body = <usize>(n & ~3) << 2;
  for (let i: usize = 0; i < body; i += 16) {
    const weight = v128.load(w + i);
    const gradient = clipLanes(v128.load(g + i), scale, low, high);
    const square = f32x4.mul(gradient, gradient);
    const second = f32x4.add(f32x4.mul(rho, v128.load(v + i)), f32x4.mul(rest, square));
    v128.store(v + i, second);
    let spread = second;
    if (centered) {
      const mean = f32x4.add(f32x4.mul(rho, v128.load(a + i)), f32x4.mul(rest, gradient));
      v128.store(a + i, mean);
      spread = f32x4.pmax(f32x4.sub(second, f32x4.mul(mean, mean)), f32x4.splat(0));
    }
    const step = f32x4.div(f32x4.mul(rate, gradient), f32x4.sqrt(f32x4.add(spread, epsilon)));
    const velocity = f32x4.add(f32x4.mul(momentum, v128.load(m + i)), step);
    v128.store(m + i, velocity);
    const change = f32x4.add(velocity, f32x4.mul(decay, weight));
    v128.store(w + i, f32x4.sub(weight, change));
  }
  f32_rmsprop__scalar(n & 3, w + body, g + body, v + body, m + body, a + body, params);
}
