import { RecurrentParams } from '../abi';
import {
  hiddenByte, hiddenBytes, sigmoidEntries, sigmoidEntry, STATE_SCALE, tanhEntries, tanhEntry,
} from '../lib/gateTable';

/**
 * One time step of an integer LSTM from its pre-activations in steps of the table, blocks of `units` in the order i f g o
 * (quantization.md eq. (30), (31), (33)); sigmoid and tanh are those of `gateTable.ts`:
 *
 *     i, f, o = sigmoid(x + h)      g = tanh(x + h)
 *     after = f·before + i·g        squashed = tanh(128·after)      y = o·squashed      q = clamp(rte(128·y), −128, 127)
 *
 * x       [batch, 4·units] f32    samples gateStride apart; read, then overwritten by i f g o
 * h       [batch, 4·units] f32    dense; read, then its first block is overwritten by squashed
 * before, after                   [batch, units] f32, samples stateStride apart; after may be before
 * y       [batch, units] f32      samples outStride apart; written
 * q       [batch, units] i8       samples stateStride apart; written
 */
export function f32_qs8_lstm_gates__scalar(
  params: RecurrentParams, x: usize, h: usize, before: usize, after: usize, y: usize,
  q: usize,
): void {
  for (let r = 0; r < params.batch; r++) {
    sample(params, 0, x, h, before, after, y, q);
    x += <usize>params.gateStride << 2;
    h += <usize>params.units << 4;
    before += <usize>params.stateStride << 2;
    after += <usize>params.stateStride << 2;
    y += <usize>params.outStride << 2;
    q += params.stateStride;
  }
}

/** The units first … units − 1 of one sample. */
function sample(
  params: RecurrentParams, first: i32, x: usize, h: usize, before: usize, after: usize, y: usize,
  q: usize,
): void {
  const table = <usize>params.table;
  const block = <usize>params.units << 2;
  q += first;
  for (let j = <usize>first << 2; j < block; j += 4, q++) {
    const xf = x + block + j, xg = xf + block, xo = xg + block, hf = h + block + j;
    const i = sigmoidEntry(table, load<f32>(x + j) + load<f32>(h + j));
    const f = sigmoidEntry(table, load<f32>(xf) + load<f32>(hf));
    const g = tanhEntry(table, load<f32>(xg) + load<f32>(hf + block));
    const o = sigmoidEntry(table, load<f32>(xo) + load<f32>(hf + 2 * block));
    const cell = f * load<f32>(before + j) + i * g;
    const squash = tanhEntry(table, cell * STATE_SCALE);
    const out = o * squash;
    store<f32>(x + j, i);
    store<f32>(xf, f);
    store<f32>(xg, g);
    store<f32>(xo, o);
    store<f32>(after + j, cell);
    store<f32>(h + j, squash);
    store<f32>(y + j, out);
    store<i8>(q, hiddenByte(out));
  }
}

export function f32_qs8_lstm_gates__simd128(
  params: RecurrentParams, x: usize, h: usize, before: usize, after: usize, y: usize,
  q: usize,
): void {
  const table = <usize>params.table;
  const block = <usize>params.units << 2;
  const scale = f32x4.splat(STATE_SCALE);
  for (let r = 0; r < params.batch; r++) {
    for (let j: usize = 0; j + 16 <= block; j += 16) {
      const xf = x + block + j, xg = xf + block, xo = xg + block, hf = h + block + j;
      const i = sigmoidEntries(table, f32x4.add(v128.load(x + j), v128.load(h + j)));
      const f = sigmoidEntries(table, f32x4.add(v128.load(xf), v128.load(hf)));
      const g = tanhEntries(table, f32x4.add(v128.load(xg), v128.load(hf + block)));
      const o = sigmoidEntries(table, f32x4.add(v128.load(xo), v128.load(hf + 2 * block)));
      const cell = f32x4.add(f32x4.mul(f, v128.load(before + j)), f32x4.mul(i, g));
      const squash = tanhEntries(table, f32x4.mul(cell, scale));
      const out = f32x4.mul(o, squash);
      v128.store(x + j, i);
      v128.store(xf, f);
      v128.store(xg, g);
      v128.store(xo, o);
      v128.store(after + j, cell);
      v128.store(h + j, squash);
      v128.store(y + j, out);
      v128.store32_lane(q + (j >> 2), hiddenBytes(out), 0);
    }
    sample(params, params.units & ~3, x, h, before, after, y, q);
    x += <usize>params.gateStride << 2;
    h += block << 2;
    before += <usize>params.stateStride << 2;
    after += <usize>params.stateStride << 2;
    y += <usize>params.outStride << 2;
    q += params.stateStride;
  }
}
