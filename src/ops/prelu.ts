import { rangeError } from '../core/errors.ts';
import { factors, type IntForm } from '../core/form.ts';
import type { F32Rule, IntRule, OpDef, QatRescaleRule } from '../core/op.ts';
import { showShape, sizeOf } from '../core/shape.ts';
import { binaryFields, MOST_DISTANCE, MOST_PRODUCT } from './binary.ts';
import { applyBinary } from './binaryF32.ts';
import { rowsOf } from './reduce.ts';
import { sumRepeatedProducts } from './repeatedSums.ts';

/** y = x where x ≥ 0, else alpha[c] · x      x [N,…,C], alpha [C] */
export const prelu = {
  name: 'prelu',
  inferShape([x, alpha]) {
    if (x && alpha?.length === 1 && alpha[0] === x.at(-1) && x.length > 1) return x;
    const shapes = [x, alpha].map((shape) => (shape ? showShape(shape) : 'none'));
    throw rangeError('prelu', 'the input must be [N,…,C] and alpha [C]', shapes.join(' and '));
  },
} as const satisfies OpDef;

/** dx = dy or alpha·dy, dalpha = Σ dy · min(x, 0) */
export const preluF32: F32Rule = {
  forward: (cx, [x, alpha]) => ({ output: applyBinary(cx, 'prelu', [x!, alpha!], x!.shape) }),
  backward(cx, dy, { inputs: [x, alpha], wants }) {
    const dx = wants[0] ? applyBinary(cx, 'preluLeft', [x!, alpha!], x!.shape, dy) : undefined;
    if (!wants[1]) return [dx];
    const negative = cx.alloc(x!.shape);
    cx.kernels.f32_vclamp(sizeOf(x!.shape), x!.ptr, negative.ptr, -Infinity, 0);
    return [dx, sumRepeatedProducts(cx, [dy, negative], alpha!.shape)];
  },
};

interface Operand {
  readonly zeroPoint: number;
}

function fieldsOf(
  operands: readonly [Operand, Operand],
  [above, below]: readonly [number, number],
  out: Parameters<typeof binaryFields>[2],
) {
  const most = Math.max(MOST_DISTANCE * Math.abs(above), MOST_PRODUCT * Math.abs(below));
  return binaryFields(operands, [above, below], out, most);
}

/** M_0 = s_x / s_y, M_1 = s_x · s_alpha / s_y      quantization.md eq. (22) */
export const preluQat: QatRescaleRule = {
  kind: 'rescale',
  multipliers: ([x, alpha], y) => Float32Array.of(x! / y, (x! * alpha!) / y),
  evaluate(cx, [x, alpha], out, multipliers) {
    const y = cx.alloc(x!.q.shape, 'i8');
    const { rows, n } = rowsOf(y.shape);
    const [above, below] = multipliers as unknown as [number, number];
    const params = cx.struct('BinaryParams', fieldsOf([x!, alpha!], [above, below], out));
    cx.kernels.qs8_prelu(rows, n, x!.q.ptr, alpha!.q.ptr, y.ptr, params);
    return y;
  },
};

export const preluForm: IntForm = {
  activations: 2,
  constants: () => factors(2),
  check({ x: [, alpha] }, where) {
    if (!alpha!.data) throw rangeError(where, 'alpha must be a parameter', 'an activation');
  },
};

export const preluInt: IntRule = {
  inPlace: true,
  lower(cx) {
    const [x, alpha] = cx.x;
    const { y } = cx;
    const [above, below] = Array.from(cx.constants[0]!.data) as [number, number];
    const { rows, n } = rowsOf(y.shape);
    const fields = fieldsOf([x!.qparams, alpha!.qparams], [above, below], y.qparams);
    const params = cx.struct('BinaryParams', fields);
    cx.parallel('qs8_prelu', rows, 20 * n, (first, count) => {
      return [count, n, x!.ptr + first * n, alpha!.ptr, y.ptr + first * n, params];
    });
  },
};
