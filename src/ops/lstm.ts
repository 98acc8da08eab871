import type { F32Rule, OpDef } from '../core/op.ts';
import { biasGradient } from './chunks.ts';
import { type RecurrentAttrs, recurrentShape } from './recurrent.ts';
import { recurrentBackward, recurrentForward, trainedCell } from './recurrentF32.ts';
import { recurrentForm, recurrentInt } from './recurrentInt.ts';
import { recurrentQat } from './recurrentQat.ts';

const cell = { name: 'lstm', gates: 4, biases: 1 } as const;

/**
 * Long short-term memory (Hochreiter and Schmidhuber 1997, with the forget gate of Gers 2000), gates in the order of Keras:
 *
 *     [i f g o] = x_t·Wᵀ + h_(t−1)·Uᵀ + b      c_t = sigmoid(f)·c_(t−1) + sigmoid(i)·tanh(g)      h_t = sigmoid(o)·tanh(c_t)
 *
 * from c = h = 0. x [N,T,C], W [4H,C], U [4H,H], b [4H]; y [N,T,H], or [N,H]: the last h alone
 */
export const lstm = {
  name: 'lstm',
  inferShape: (inputs, attrs) => recurrentShape(cell, inputs, attrs),
} as const satisfies OpDef<RecurrentAttrs>;

const trained = /* @__PURE__ */ trainedCell(cell, {
  exposed: false,
  forward: 'f32_lstm_gates',
  backward({ kernels }, params, { gates, before, extra, dy, dstate, dx }) {
    kernels.f32_lstm_gates_backward(params, gates, before, extra, dy, dstate, dx);
  },
  biasGradient: (cx, { dx }) => biasGradient(cx, dx),
});

export const lstmF32: F32Rule<RecurrentAttrs> = {
  forward: (cx, inputs, attrs) => recurrentForward(cx, trained, inputs, attrs),
  backward: (cx, dy, saved, attrs) => recurrentBackward(cx, trained, dy, saved, attrs),
};

export const lstmQat = /* @__PURE__ */ recurrentQat(trained, 'f32_qs8_lstm_gates');
export const lstmForm = /* @__PURE__ */ recurrentForm(cell);
export const lstmInt = /* @__PURE__ */ recurrentInt(cell, 'f32_qs8_lstm_gates');
