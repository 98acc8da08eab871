import { RecurrentParams } from '../abi';
import { sigmoidLanes, sigmoidScalar, tanhLanes, tanhScalar } from '../lib/squash';
import { sigmoidSlope, tanhSlope } from './lstm';

/**
 * One time step of a GRU from its pre-activations, blocks of `units` in the order z r g; the reset gate is applied after
 * the recurrent product (Keras: resetAfter):
 *
 *     z, r = sigmoid(x + h)      g = tanh(x + r·h)      y = after = z·before + (1 − z)·g      inner = h of the block g
 *
 * x       [batch, 3·units] f32    samples gateStride apart; read, then overwritten by z r g
 * h       [batch, 3·units] f32    dense; read
 * before, after, inner            [batch, units] f32, samples stateStride apart; after may be before
 * y       [batch, units] f32      samples outStride apart; written; may be after
 */
export function f32_gru_gates__scalar(
  params: RecurrentParams, x: usize, h: usize, before: usize, after: usize,
  inner: usize, y: usize,
): void {
  for (let r = 0; r < params.batch; r++) {
    forward(params.units, 0, x, h, before, after, inner, y);
    x += <usize>params.gateStride << 2;
    h += <usize>(params.units * 3) << 2;
    before += <usize>params.stateStride << 2;
    after += <usize>params.stateStride << 2;
    inner += <usize>params.stateStride << 2;
    y += <usize>params.outStride << 2;
  }
}

/** The units first … units − 1 of one sample. */
function forward(
  units: i32, first: i32, x: usize, h: usize, before: usize, after: usize, inner: usize, y: usize,
): void {
  const block = <usize>units << 2;
  for (let j = <usize>first << 2; j < block; j += 4) {
    const xr = x + block + j, xg = xr + block, hr = h + block + j;
    const candidate = load<f32>(hr + block);
    const z = sigmoidScalar(load<f32>(x + j) + load<f32>(h + j));
    const r = sigmoidScalar(load<f32>(xr) + load<f32>(hr));
    const g = tanhScalar(load<f32>(xg) + r * candidate);
    const state = z * load<f32>(before + j) + (1 - z) * g;
    store<f32>(x + j, z);
    store<f32>(xr, r);
    store<f32>(xg, g);
    store<f32>(after + j, state);
    store<f32>(inner + j, candidate);
    store<f32>(y + j, state);
  }
}

export function f32_gru_gates__simd128(
  params: RecurrentParams, x: usize, h: usize, before: usize, after: usize,
  inner: usize, y: usize,
): void {
  const units = params.units;
  const block = <usize>units << 2;
  const one = f32x4.splat(1);
  for (let row = 0; row < params.batch; row++) {
    for (let j: usize = 0; j + 16 <= block; j += 16) {
      const xr = x + block + j, xg = xr + block, hr = h + block + j;
      const candidate = v128.load(hr + block);
      const z = sigmoidLanes(f32x4.add(v128.load(x + j), v128.load(h + j)));
      const r = sigmoidLanes(f32x4.add(v128.load(xr), v128.load(hr)));
      const g = tanhLanes(f32x4.add(v128.load(xg), f32x4.mul(r, candidate)));
      const state = f32x4.add(
        f32x4.mul(z, v128.load(before + j)), f32x4.mul(f32x4.sub(one, z), g),
      );
      v128.store(x + j, z);
      v128.store(xr, r);
      v128.store(xg, g);
      v128.store(after + j, state);
      v128.store(inner + j, candidate);
      v128.store(y + j, state);
    }
    forward(units, units & ~3, x, h, before, after, inner, y);
    x += <usize>params.gateStride << 2;
    h += block * 3;
    before += <usize>params.stateStride << 2;
    after += <usize>params.stateStride << 2;
    inner += <usize>params.stateStride << 2;
    y += <usize>params.outStride << 2;
  }
}

/**
 * The way back through `f32_gru_gates`, given z r g:
 *
 *     dz = dy·(before − g)·z·(1 − z)      dg = dy·(1 − z)·(1 − g²)      dr = dg·inner·r·(1 − r)      dstate = dy·z
 *     dx = dz | dr | dg                   dh = dz | dr | dg·r
 *
 * gates    [batch, 3·units] f32    samples gateStride apart; read       dx, dh  the same, written
 * before, inner  [batch, units] f32, samples stateStride apart; read
 * dy       [batch, units] f32      dense; read                          dstate  the same, written
 */
export function f32_gru_gates_backward__scalar(
  params: RecurrentParams, gates: usize, before: usize, inner: usize, dy: usize,
  dstate: usize, dx: usize, dh: usize,
): void {
  for (let row = 0; row < params.batch; row++) {
    backward(params.units, 0, gates, before, inner, dy, dstate, dx, dh);
    gates += <usize>params.gateStride << 2;
    dx += <usize>params.gateStride << 2;
    dh += <usize>params.gateStride << 2;
    before += <usize>params.stateStride << 2;
    inner += <usize>params.stateStride << 2;
    dy += <usize>params.units << 2;
    dstate += <usize>params.units << 2;
  }
}

/** The units first … units − 1 of one sample. */
function backward(
  units: i32, first: i32, gates: usize, before: usize, inner: usize, dy: usize, dstate: usize,
  dx: usize, dh: usize,
): void {
  const block = <usize>units << 2;
  for (let j = <usize>first << 2; j < block; j += 4) {
    const at = gates + j, to = dx + j, other = dh + j;
    const z = load<f32>(at), r = load<f32>(at + block), g = load<f32>(at + 2 * block);
    const d = load<f32>(dy + j);
    const dz = d * (load<f32>(before + j) - g) * (z * (1 - z));
    const dg = d * (1 - z) * (1 - g * g);
    const dr = dg * load<f32>(inner + j) * (r * (1 - r));
    store<f32>(to, dz);
    store<f32>(to + block, dr);
    store<f32>(to + 2 * block, dg);
    store<f32>(other, dz);
    store<f32>(other + block, dr);
    store<f32>(other + 2 * block, dg * r);
    store<f32>(dstate + j, d * z);
  }
}

export function f32_gru_gates_backward__simd128(
  params: RecurrentParams, gates: usize, before: usize, inner: usize, dy: usize,
  dstate: usize, dx: usize, dh: usize,
): void {
  const units = params.units;
  const block = <usize>units << 2;
  const one = f32x4.splat(1);
  for (let row = 0; row < params.batch; row++) {
    for (let j: usize = 0; j + 16 <= block; j += 16) {
      const at = gates + j, to = dx + j, other = dh + j;
      const z = v128.load(at), r = v128.load(at + block), g = v128.load(at + 2 * block);
      const d = v128.load(dy + j);
      const dz = f32x4.mul(
        f32x4.mul(d, f32x4.sub(v128.load(before + j), g)), sigmoidSlope(z),
      );
      const dg = f32x4.mul(f32x4.mul(d, f32x4.sub(one, z)), tanhSlope(g));
      const dr = f32x4.mul(f32x4.mul(dg, v128.load(inner + j)), sigmoidSlope(r));
      v128.store(to, dz);
      v128.store(to + block, dr);
      v128.store(to + 2 * block, dg);
      v128.store(other, dz);
      v128.store(other + block, dr);
      v128.store(other + 2 * block, f32x4.mul(dg, r));
      v128.store(dstate + j, f32x4.mul(d, z));
    }
    backward(units, units & ~3, gates, before, inner, dy, dstate, dx, dh);
    gates += <usize>params.gateStride << 2;
    dx += <usize>params.gateStride << 2;
    dh += <usize>params.gateStride << 2;
    before += <usize>params.stateStride << 2;
    inner += <usize>params.stateStride << 2;
    dy += block;
    dstate += block;
  }
}
