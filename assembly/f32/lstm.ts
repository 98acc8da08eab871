import { RecurrentParams } from '../abi';
import { sigmoidLanes, sigmoidScalar, tanhLanes, tanhScalar } from '../lib/squash';

/**
 * One time step of an LSTM from its pre-activations, blocks of `units` in the order i f g o:
 *
 *     i, f, o = sigmoid(x + h)      g = tanh(x + h)
 *     after = f·before + i·g        squashed = tanh(after)        y = o·squashed
 *
 * x       [batch, 4·units] f32    samples gateStride apart; read, then overwritten by i f g o
 * h       [batch, 4·units] f32    dense; read
 * before, after, squashed         [batch, units] f32, samples stateStride apart; after may be before
 * y       [batch, units] f32      samples outStride apart; written
 */
export function f32_lstm_gates__scalar(
  params: RecurrentParams, x: usize, h: usize, before: usize, after: usize,
  squashed: usize, y: usize,
): void {
  for (let r = 0; r < params.batch; r++) {
    forward(params.units, 0, x, h, before, after, squashed, y);
    x += <usize>params.gateStride << 2;
    h += <usize>params.units << 4;
    before += <usize>params.stateStride << 2;
    after += <usize>params.stateStride << 2;
    squashed += <usize>params.stateStride << 2;
    y += <usize>params.outStride << 2;
  }
}

/** The units first … units − 1 of one sample. */
function forward(
  units: i32, first: i32, x: usize, h: usize, before: usize, after: usize, squashed: usize,
  y: usize,
): void {
  const block = <usize>units << 2;
  for (let j = <usize>first << 2; j < block; j += 4) {
    const xf = x + block + j, xg = xf + block, xo = xg + block, hf = h + block + j;
    const i = sigmoidScalar(load<f32>(x + j) + load<f32>(h + j));
    const f = sigmoidScalar(load<f32>(xf) + load<f32>(hf));
    const g = tanhScalar(load<f32>(xg) + load<f32>(hf + block));
    const o = sigmoidScalar(load<f32>(xo) + load<f32>(hf + 2 * block));
    const cell = f * load<f32>(before + j) + i * g;
    const squash = tanhScalar(cell);
    store<f32>(x + j, i);
    store<f32>(xf, f);
    store<f32>(xg, g);
    store<f32>(xo, o);
    store<f32>(after + j, cell);
    store<f32>(squashed + j, squash);
    store<f32>(y + j, o * squash);
  }
}

export function f32_lstm_gates__simd128(
  params: RecurrentParams, x: usize, h: usize, before: usize, after: usize,
  squashed: usize, y: usize,
): void {
  const units = params.units;
  const block = <usize>units << 2;
  for (let r = 0; r < params.batch; r++) {
    for (let j: usize = 0; j + 16 <= block; j += 16) {
      const xf = x + block + j, xg = xf + block, xo = xg + block, hf = h + block + j;
      const i = sigmoidLanes(f32x4.add(v128.load(x + j), v128.load(h + j)));
      const f = sigmoidLanes(f32x4.add(v128.load(xf), v128.load(hf)));
      const g = tanhLanes(f32x4.add(v128.load(xg), v128.load(hf + block)));
      const o = sigmoidLanes(f32x4.add(v128.load(xo), v128.load(hf + 2 * block)));
      const cell = f32x4.add(f32x4.mul(f, v128.load(before + j)), f32x4.mul(i, g));
      const squash = tanhLanes(cell);
      v128.store(x + j, i);
      v128.store(xf, f);
      v128.store(xg, g);
      v128.store(xo, o);
      v128.store(after + j, cell);
      v128.store(squashed + j, squash);
      v128.store(y + j, f32x4.mul(o, squash));
    }
    forward(units, units & ~3, x, h, before, after, squashed, y);
    x += <usize>params.gateStride << 2;
    h += block << 2;
    before += <usize>params.stateStride << 2;
    after += <usize>params.stateStride << 2;
    squashed += <usize>params.stateStride << 2;
    y += <usize>params.outStride << 2;
  }
}

/**
 * The way back through `f32_lstm_gates`, given i f g o:
 *
 *     s = dstate + dy·o·(1 − squashed²)      do = dy·squashed
 *     di = s·g      df = s·before      dg = s·i      dstate ← s·f
 *     dx = di·i·(1 − i) | df·f·(1 − f) | dg·(1 − g²) | do·o·(1 − o)
 *
 * gates    [batch, 4·units] f32    samples gateStride apart; read       dx  the same, written
 * before, squashed  [batch, units] f32, samples stateStride apart; read
 * dy       [batch, units] f32      dense; read                          dstate  the same, read and written
 */
export function f32_lstm_gates_backward__scalar(
  params: RecurrentParams, gates: usize, before: usize, squashed: usize, dy: usize,
  dstate: usize, dx: usize,
): void {
  for (let r = 0; r < params.batch; r++) {
    backward(params.units, 0, gates, before, squashed, dy, dstate, dx);
    gates += <usize>params.gateStride << 2;
    dx += <usize>params.gateStride << 2;
    before += <usize>params.stateStride << 2;
    squashed += <usize>params.stateStride << 2;
    dy += <usize>params.units << 2;
    dstate += <usize>params.units << 2;
  }
}

/** The units first … units − 1 of one sample. */
function backward(
  units: i32, first: i32, gates: usize, before: usize, squashed: usize, dy: usize, dstate: usize,
  dx: usize,
): void {
  const block = <usize>units << 2;
  for (let j = <usize>first << 2; j < block; j += 4) {
    const at = gates + j, to = dx + j;
    const i = load<f32>(at), f = load<f32>(at + block);
    const g = load<f32>(at + 2 * block), o = load<f32>(at + 3 * block);
    const squash = load<f32>(squashed + j), d = load<f32>(dy + j);
    const s = load<f32>(dstate + j) + d * o * (1 - squash * squash);
    store<f32>(to, s * g * (i * (1 - i)));
    store<f32>(to + block, s * load<f32>(before + j) * (f * (1 - f)));
    store<f32>(to + 2 * block, s * i * (1 - g * g));
    store<f32>(to + 3 * block, d * squash * (o * (1 - o)));
    store<f32>(dstate + j, s * f);
  }
}

/** s·(1 − s) */
// @ts-ignore: decorator
@inline
export function sigmoidSlope(s: v128): v128 {
  return f32x4.mul(s, f32x4.sub(f32x4.splat(1), s));
}

/** 1 − t² */
// @ts-ignore: decorator
@inline
export function tanhSlope(t: v128): v128 {
  return f32x4.sub(f32x4.splat(1), f32x4.mul(t, t));
}

export function f32_lstm_gates_backward__simd128(
  params: RecurrentParams, gates: usize, before: usize, squashed: usize, dy: usize,
  dstate: usize, dx: usize,
): void {
  const units = params.units;
  const block = <usize>units << 2;
  for (let r = 0; r < params.batch; r++) {
    for (let j: usize = 0; j + 16 <= block; j += 16) {
      const at = gates + j, to = dx + j;
      const i = v128.load(at), f = v128.load(at + block);
      const g = v128.load(at + 2 * block), o = v128.load(at + 3 * block);
      const squash = v128.load(squashed + j), d = v128.load(dy + j);
      const s = f32x4.add(
        v128.load(dstate + j), f32x4.mul(f32x4.mul(d, o), tanhSlope(squash)),
      );
      v128.store(to, f32x4.mul(f32x4.mul(s, g), sigmoidSlope(i)));
      v128.store(
        to + block, f32x4.mul(f32x4.mul(s, v128.load(before + j)), sigmoidSlope(f)),
      );
      v128.store(to + 2 * block, f32x4.mul(f32x4.mul(s, i), tanhSlope(g)));
      v128.store(to + 3 * block, f32x4.mul(f32x4.mul(d, squash), sigmoidSlope(o)));
      v128.store(dstate + j, f32x4.mul(s, f));
    }
    backward(units, units & ~3, gates, before, squashed, dy, dstate, dx);
    gates += <usize>params.gateStride << 2;
    dx += <usize>params.gateStride << 2;
    before += <usize>params.stateStride << 2;
    squashed += <usize>params.stateStride << 2;
    dy += block;
    dstate += block;
  }
}
