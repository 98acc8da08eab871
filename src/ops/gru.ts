import type { F32Rule, OpDef } from '../core/op.ts';
import { biasGradient } from './chunks.ts';
import { type RecurrentAttrs, recurrentShape } from './recurrent.ts';
import { recurrentBackward, recurrentForward, trainedCell } from './recurrentF32.ts';
import { recurrentForm, recurrentInt } from './recurrentInt.ts';
import { recurrentQat } from './recurrentQat.ts';

const cell = { name: 'gru', gates: 3, biases: 2 } as const;

/**
 * Gated recurrent unit (Cho 2014) with the reset gate behind the recurrent product, as Keras has it by default
 * (resetAfter), gates in the order of Keras:
 *
 *     [x_z x_r x_g] = x_t·Wᵀ + b_0      [u_z u_r u_g] = h_(t−1)·Uᵀ + b_1
 *     z = sigmoid(x_z + u_z)      r = sigmoid(x_r + u_r)      h_t = z·h_(t−1) + (1 − z)·tanh(x_g + r·u_g)
 *
 * from h = 0. x [N,T,C], W [3H,C], U [3H,H], b [2,3H]; y [N,T,H], or [N,H]: the last h alone
 */
export const gru = {
  name: 'gru',
  inferShape: (inputs, attrs) => recurrentShape(cell, inputs, attrs),
} as const satisfies OpDef<RecurrentAttrs>;

const trained = /* @__PURE__ */ trainedCell(cell, {
  exposed: true,
  forward: 'f32_gru_gates',
  backward({ kernels }, params, { gates, before, extra, dy, dstate, dx, dh }) {
    kernels.f32_gru_gates_backward(params, gates, before, extra, dy, dstate, dx, dh);
  },
  biasGradient(cx, { dx, dh }) {
    const sums = [dx, dh].map((part) => biasGradient(cx, part));
    const rows = dx.shape[2]!;
    const db = cx.alloc([2, rows]);
    sums.forEach((sum, i) => {
      cx.f32(db).set(cx.f32(sum), i * rows);
    });
    return db;
  },
});

export const gruF32: F32Rule<RecurrentAttrs> = {
  forward: (cx, inputs, attrs) => recurrentForward(cx, trained, inputs, attrs),
  backward: (cx, dy, saved, attrs) => recurrentBackward(cx, trained, dy, saved, attrs),
};

export const gruQat = /* @__PURE__ */ recurrentQat(trained, 'f32_qs8_gru_gates');
export const gruForm = /* @__PURE__ */ recurrentForm(cell);
export const gruInt = /* @__PURE__ */ recurrentInt(cell, 'f32_qs8_gru_gates');
