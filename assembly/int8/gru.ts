import { RecurrentParams } from '../abi';
import {
  hiddenByte, hiddenBytes, sigmoidEntries, sigmoidEntry, tanhEntries, tanhEntry,
} from '../lib/gateTable';

/**
 * One time step of an integer GRU from its pre-activations in steps of the table, blocks of `units` in the order z r g
 * (quantization.md eq. (30), (32), (33)); sigmoid and tanh are those of `gateTable.ts`:
 *
 *     z, r = sigmoid(x + h)      g = tanh(x + r·h)      y = after = z·before + (1 − z)·g
 *     q = clamp(rte(128·y), −128, 127)
 *
 * x       [batch, 3·units] f32    samples gateStride apart; read, then overwritten by z r g
 * h       [batch, 3·units] f32    dense; read
 * before, after                   [batch, units] f32, samples stateStride apart; after may be before
 * y       [batch, units] f32      samples outStride apart; written; may be after
 * q       [batch, units] i8       samples stateStride apart; written
 */
export function f32_qs8_gru_gates__scalar(
  params: RecurrentParams, x: usize, h: usize, before: usize, after: usize, y: usize,
  q: usize,
): void {
  for (let r = 0; r < params.batch; r++) {
    sample(params, 0, x, h, before, after, y, q);
    x += <usize>params.gateStride << 2;
    h += <usize>(params.units * 3) << 2;
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
    const xr = x + block + j, xg = xr + block, hr = h + block + j;
    const candidate = load<f32>(hr + block);
    const z = sigmoidEntry(table, load<f32>(x + j) + load<f32>(h + j));
    const r = sigmoidEntry(table, load<f32>(xr) + load<f32>(hr));
    const g = tanhEntry(table, load<f32>(xg) + r * candidate);
    const state = z * load<f32>(before + j) + (1 - z) * g;
    store<f32>(x + j, z);
    store<f32>(xr, r);
    store<f32>(xg, g);
    store<f32>(after + j, state);
    store<f32>(y + j, state);
    store<i8>(q, hiddenByte(state));
  }
}

export function f32_qs8_gru_gates__simd128(
  params: RecurrentParams, x: usize, h: usize, before: usize, after: usize, y: usize,
  q: usize,
): void {
  const table = <usize>params.table;
  const block = <usize>params.units << 2;
  const one = f32x4.splat(1);
  for (let row = 0; row < params.batch; row++) {
    for (let j: usize = 0; j + 16 <= block; j += 16) {
      const xr = x + block + j, xg = xr + block, hr = h + block + j;
      const candidate = v128.load(hr + block);
      const z = sigmoidEntries(table, f32x4.add(v128.load(x + j), v128.load(h + j)));
      const r = sigmoidEntries(table, f32x4.add(v128.load(xr), v128.load(hr)));
      const g = tanhEntries(table, f32x4.add(v128.load(xg), f32x4.mul(r, candidate)));
      const state = f32x4.add(
        f32x4.mul(z, v128.load(before + j)), f32x4.mul(f32x4.sub(one, z), g),
      );
      v128.store(x + j, z);
      v128.store(xr, r);
      v128.store(xg, g);
      v128.store(after + j, state);
      v128.store(y + j, state);
      v128.store32_lane(q + (j >> 2), hiddenBytes(state), 0);
    }
    sample(params, params.units & ~3, x, h, before, after, y, q);
    x += <usize>params.gateStride << 2;
    h += block * 3;
    before += <usize>params.stateStride << 2;
    after += <usize>params.stateStride << 2;
    y += <usize>params.outStride << 2;
    q += params.stateStride;
  }
}
