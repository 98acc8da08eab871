import { rangeError } from '../core/errors.ts';
import type { IntForm } from '../core/form.ts';
import type { F32Rule, IntRule, OpDef, QatLinearRule } from '../core/op.ts';
import { type Shape, showShape } from '../core/shape.ts';
import { biasGradient } from './chunks.ts';
import {
  convFields,
  type Pair,
  slideWindow,
  WINDOW_TEMPLATE,
  type WindowAttrs,
} from './geometry.ts';
import {
  lowerProduct,
  type Product,
  productForward,
  productInputGradient,
  productQuantized,
  productWeightGradient,
} from './product.ts';

/** y[n,oy,ox,o] = Σ x[n, oy·s−p+i·d, ox·s−p+j·d, c] · w[o,i,j,c] + b[o]     x [N,H,W,Ci], w [Co,Kh,Kw,Ci], b [Co] */
export const conv2d = {
  name: 'conv2d',
  inferShape([x, w, b], attrs) {
    if (w?.length !== 4) {
      throw rangeError('conv2d', 'weights must be [Co,Kh,Kw,Ci]', w && showShape(w));
    }
    const [n, height, width] = slideWindow('conv2d', x ?? [], kernelOf(w), attrs);
    if (x![3] !== w[3]) {
      const shapes = `x ${showShape(x!)}, w ${showShape(w)}`;
      throw rangeError(
        'conv2d',
        `the weights expect ${w[3]} input channels`,
        `${x![3]} (${shapes})`,
      );
    }
    if (b && (b.length !== 1 || b[0] !== w[0])) {
      throw rangeError('conv2d', `the bias must be [${w[0]}]`, showShape(b));
    }
    return [n!, height!, width!, w[0]!];
  },
} as const satisfies OpDef<WindowAttrs>;

function kernelOf(w: Shape): Pair {
  return [w[1]!, w[2]!];
}

function productOf(x: Shape, w: Shape, y: Shape, attrs: WindowAttrs): Product {
  const k = w[1]! * w[2]! * w[3]!;
  return { n: w[0]!, k, fields: convFields(x, y, kernelOf(w), attrs) };
}

export const conv2dF32: F32Rule<WindowAttrs> = {
  forward(cx, inputs, attrs) {
    const [x, w] = inputs.map((input) => input.shape) as [Shape, Shape];
    const y = conv2d.inferShape([x, w], attrs);
    return { output: productForward(cx, productOf(x, w, y, attrs), inputs, y) };
  },
  backward(cx, dy, { inputs: [x, w], wants }, attrs) {
    const product = productOf(x!.shape, w!.shape, dy.shape, attrs);
    return [
      wants[0] ? productInputGradient(cx, product, dy, w!, x!.shape) : undefined,
      wants[1] ? productWeightGradient(cx, product, dy, x!, w!.shape) : undefined,
      wants[2] ? biasGradient(cx, dy) : undefined,
    ];
  },
};

export const conv2dQat: QatLinearRule<WindowAttrs> = {
  kind: 'linear',
  channelAxis: 0,
  forward(cx, x, w, attrs, epilogue) {
    const y = conv2d.inferShape([x.q.shape, w.shape], attrs);
    return productQuantized(cx, productOf(x.q.shape, w.shape, y, attrs), x, w, y, epilogue);
  },
  inputGradient(cx, dy, w, xShape, attrs) {
    return productInputGradient(cx, productOf(xShape, w.shape, dy.shape, attrs), dy, w, xShape);
  },
  weightGradient(cx, dy, x, wShape, attrs) {
    return productWeightGradient(cx, productOf(x.shape, wShape, dy.shape, attrs), dy, x, wShape);
  },
};

export const conv2dForm: IntForm<WindowAttrs> = {
  activations: 1,
  channelAxis: 0,
  attrs: WINDOW_TEMPLATE,
};

export const conv2dInt: IntRule<WindowAttrs> = {
  strided: true,
  lower(cx, attrs) {
    lowerProduct(cx, productOf(cx.x[0]!.shape, cx.constants[0]!.shape, cx.y.shape, attrs));
  },
};
