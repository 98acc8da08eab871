import { rangeError } from '../core/errors.ts';
import type { IntForm } from '../core/form.ts';
import type { F32Rule, IntRule, OpDef, QatLinearRule } from '../core/op.ts';
import { type Shape, showShape } from '../core/shape.ts';
import { biasGradient } from './chunks.ts';
import { denseFields } from './geometry.ts';
import {
  lowerProduct,
  type Product,
  productForward,
  productInputGradient,
  productQuantized,
  productWeightGradient,
} from './product.ts';

/** y[n,u] = Σ x[n,k] · w[u,k] + b[u]     x [N,K], w [U,K], b [U] */
export const dense = {
  name: 'dense',
  inferShape([x, w, b]) {
    if (x?.length !== 2) throw rangeError('dense', 'the input must be [N,K]', x && showShape(x));
    if (w?.length !== 2) throw rangeError('dense', 'weights must be [U,K]', w && showShape(w));
    if (x[1] !== w[1]) {
      const shapes = `x ${showShape(x)}, w ${showShape(w)}`;
      throw rangeError('dense', `the weights expect ${w[1]} features`, `${x[1]} (${shapes})`);
    }
    if (b && (b.length !== 1 || b[0] !== w[0])) {
      throw rangeError('dense', `the bias must be [${w[0]}]`, showShape(b));
    }
    return [x[0]!, w[0]!];
  },
} as const satisfies OpDef;

function productOf(w: Shape): Product {
  const [n, k] = w as [number, number];
  return { n, k, fields: denseFields(k, n) };
}

export const denseF32: F32Rule = {
  forward(cx, inputs) {
    const [x, w] = inputs.map((input) => input.shape) as [Shape, Shape];
    return { output: productForward(cx, productOf(w), inputs, dense.inferShape([x, w])) };
  },
  backward(cx, dy, { inputs: [x, w], wants }) {
    const product = productOf(w!.shape);
    return [
      wants[0] ? productInputGradient(cx, product, dy, w!, x!.shape) : undefined,
      wants[1] ? productWeightGradient(cx, product, dy, x!, w!.shape) : undefined,
      wants[2] ? biasGradient(cx, dy) : undefined,
    ];
  },
};

export const denseQat: QatLinearRule = {
  kind: 'linear',
  channelAxis: 0,
  forward(cx, x, w, _attrs, epilogue) {
    const y = dense.inferShape([x.q.shape, w.shape]);
    return productQuantized(cx, productOf(w.shape), x, w, y, epilogue);
  },
  inputGradient(cx, dy, w, xShape) {
    return productInputGradient(cx, productOf(w.shape), dy, w, xShape);
  },
  weightGradient(cx, dy, x, wShape) {
    return productWeightGradient(cx, productOf(wShape), dy, x, wShape);
  },
};

export const denseForm: IntForm = { activations: 1, channelAxis: 0 };

export const denseInt: IntRule = {
  lower(cx) {
    lowerProduct(cx, productOf(cx.constants[0]!.shape));
  },
};
