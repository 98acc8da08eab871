import { rangeError } from '../core/errors.ts';
import {
  f32Conv2dScratchBytes,
  f32WeightGradientScratchBytes,
  packedF32Bytes,
  packedTransposedF32Bytes,
} from '../core/f32Layout.ts';
import { type FormNode, factors, type IntForm } from '../core/form.ts';
import { matmulScratchBytes } from '../core/int8Layout.ts';
import type { F32Rule, IntRule, OpDef, QatRescaleRule, Ref, TrainContext } from '../core/op.ts';
import { MAX_ACCUMULATOR, maxDistance, needsClampedRounding } from '../core/overflow.ts';
import { type Shape, sameShape, showShape, sizeOf } from '../core/shape.ts';
import { convFields, denseFields, PLAIN_WINDOW } from './geometry.ts';
import { opaque, roundUp8 } from './linear.ts';

export interface MatmulAttrs {
  /** Whether b is [N,…,N,K]: its rows are then what the rows of a are multiplied with. */
  readonly transposeB: boolean;
}

/** y[…, m, n] = Σ_k a[…, m, k] · b[…, k, n]      a [N,…,M,K], b [N,…,K,N] or, with transposeB, [N,…,N,K] */
export const matmul = {
  name: 'matmul',
  inferShape([a, b], { transposeB }) {
    const got = () => [a, b].map((shape) => (shape ? showShape(shape) : 'none')).join(' and ');
    if (!a || !b || a.length < 3 || a.length !== b.length) {
      throw rangeError('matmul', 'the operands must be [N,…,M,K] and [N,…,K,N]', got());
    }
    if (!sameShape(a.slice(0, -2), b.slice(0, -2))) {
      throw rangeError('matmul', 'all axes but the last two must be equal', got());
    }
    const [k, n] = transposeB ? [b.at(-1)!, b.at(-2)!] : [b.at(-2)!, b.at(-1)!];
    if (a.at(-1) === k) return [...a.slice(0, -1), n];
    throw rangeError('matmul', `the rows of the first operand must have ${k} elements`, got());
  },
} as const satisfies OpDef<MatmulAttrs>;

/** Extents of one product [m, k]·[k, n] and how many there are. */
interface Extents {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly batch: number;
}

function extentsOf(a: Shape, y: Shape): Extents {
  const [m, k, n] = [a.at(-2)!, a.at(-1)!, y.at(-1)!];
  return { m, k, n, batch: sizeOf(y) / (m * n) };
}

/**
 * y = x·w for each pair of matrices x [m, k] and w: [k, n], or [n, k] where `rows` says that outputs are its rows. A
 * product of activations is a dense layer with weights of its own for each matrix.
 */
function products(
  cx: TrainContext,
  [x, w]: readonly [Ref, Ref],
  { m, n, k, batch }: Extents,
  rows: boolean,
  shape: Shape,
): Ref {
  const y = cx.alloc(shape);
  const params = cx.struct('ConvParams', denseFields(k, n));
  const packed = opaque(cx, rows ? packedF32Bytes(n, k) : packedTransposedF32Bytes(k, n)).ptr;
  const scratch = cx.scratch(f32Conv2dScratchBytes(k));
  const { kernels } = cx;
  for (let i = 0; i < batch; i++) {
    const from = w.ptr + 4 * i * n * k;
    if (rows) kernels.f32_pack_weights(n, k, from, packed);
    else kernels.f32_pack_weights_transposed(k, n, from, packed);
    const [xAt, yAt] = [x.ptr + 4 * i * m * k, y.ptr + 4 * i * m * n];
    kernels.f32_conv2d(params, m, xAt, packed, 0, yAt, scratch);
  }
  return y;
}

/** dw [n, k] = Σ_m dy[m, n] ⊗ x[m, k] for each pair of matrices: a gradient of weights that no other matrix shares. */
function outerProducts(
  cx: TrainContext,
  [dy, x]: readonly [Ref, Ref],
  { m, n, k, batch }: Extents,
  shape: Shape,
): Ref {
  const dw = cx.zeros(shape);
  const params = cx.struct('ConvParams', denseFields(k, n));
  const scratch = cx.scratch(f32WeightGradientScratchBytes(k));
  for (let i = 0; i < batch; i++) {
    const [dyAt, xAt] = [dy.ptr + 4 * i * m * n, x.ptr + 4 * i * m * k];
    const to = dw.ptr + 4 * i * n * k;
    cx.kernels.f32_conv2d_weight_gradient(params, m, dyAt, xAt, to, scratch);
  }
  return dw;
}

export const matmulF32: F32Rule<MatmulAttrs> = {
  forward(cx, [a, b], attrs) {
    const y = matmul.inferShape([a!.shape, b!.shape], attrs);
    const extents = extentsOf(a!.shape, y);
    return { output: products(cx, [a!, b!], extents, attrs.transposeB, y) };
  },
  /** da = dy·bᵀ      db = aᵀ·dy, or dyᵀ·a where b is transposed */
  backward(cx, dy, { inputs: [a, b], wants }, { transposeB }) {
    const { m, n, k, batch } = extentsOf(a!.shape, dy.shape);
    const back = { m, n: k, k: n, batch };
    const [sides, extents] = transposeB
      ? ([[dy, a!], { m, n, k, batch }] as const)
      : ([[a!, dy], back] as const);
    return [
      wants[0] ? products(cx, [dy, b!], back, !transposeB, a!.shape) : undefined,
      wants[1] ? outerProducts(cx, sides, extents, b!.shape) : undefined,
    ];
  },
};

interface Range {
  readonly zeroPoint: number;
  readonly qmin: number;
  readonly qmax: number;
}

/** ConvParams of one product but for its pointers: a is an image of m pixels. */
function productFields(
  { m, n, k }: Extents,
  [a, b]: readonly { readonly zeroPoint: number }[],
  multiplier: number,
  { zeroPoint, qmin, qmax }: Range,
) {
  const bound = k * maxDistance(a!.zeroPoint) * maxDistance(b!.zeroPoint);
  return {
    ...convFields([1, m, 1, k], [1, m, 1, n], [1, 1], PLAIN_WINDOW),
    inZeroPoint: a!.zeroPoint,
    outZeroPoint: zeroPoint,
    qmin,
    qmax,
    magic: needsClampedRounding(bound, multiplier, 0) ? 0 : 1,
  };
}

/** M = s_a · s_b / s_y      quantization.md eq. (27) */
export const matmulQat: QatRescaleRule<MatmulAttrs> = {
  kind: 'rescale',
  multipliers: ([a, b], y) => Float32Array.of((a! * b!) / y),
  evaluate(cx, [a, b], out, [multiplier], attrs) {
    const shape = matmul.inferShape([a!.q.shape, b!.q.shape], attrs);
    const extents = extentsOf(a!.q.shape, shape);
    const y = cx.alloc(shape, 'i8');
    const length = roundUp8(extents.n);
    const epilogue = cx.zeros([2, length]);
    cx.f32(epilogue).fill(multiplier!, 0, length);
    const zeros = epilogue.ptr + 4 * length;
    const product = cx.struct('ConvParams', {
      ...productFields(extents, [a!, b!], multiplier!, out),
      ...{ bias: zeros, multiplier: epilogue.ptr, addend: zeros },
    });
    const [bZeroPoint, transposed] = [b!.zeroPoint, Number(attrs.transposeB)];
    const params = cx.struct('MatmulParams', { product, bZeroPoint, transposed });
    const scratch = cx.scratch(matmulScratchBytes(extents.n, extents.k));
    cx.kernels.qs8_matmul(params, 0, extents.batch, a!.q.ptr, b!.q.ptr, y.ptr, scratch);
    return y;
  },
};

function checkSums({ x: [a, b] }: FormNode, where: string): void {
  const k = a!.shape.at(-1)!;
  const [p, q] = [a!, b!].map(({ qparams }) => maxDistance(qparams!.zeroPoint));
  if (k * p! * q! <= MAX_ACCUMULATOR) return;
  throw rangeError(where, 'the sum of a product must stay below 2^31', `${k} terms`);
}

export const matmulForm: IntForm<MatmulAttrs> = {
  activations: 2,
  constants: () => factors(1),
  attrs: { transposeB: 'boolean' },
  check: checkSums,
};

export const matmulInt: IntRule<MatmulAttrs> = {
  lower(cx, { transposeB }) {
    const [a, b] = cx.x;
    const { y } = cx;
    const extents = extentsOf(a!.shape, y.shape);
    const { m, n, k, batch } = extents;
    const multiplier = cx.constants[0]!.data[0]!;
    const zeros = cx.constant(new Float32Array(roundUp8(n)));
    const product = cx.struct('ConvParams', {
      ...productFields(extents, [a!.qparams, b!.qparams], multiplier, y.qparams),
      multiplier: cx.constant(new Float32Array(roundUp8(n)).fill(multiplier)),
      ...{ bias: zeros, addend: zeros },
    });
    const { zeroPoint: bZeroPoint } = b!.qparams;
    const params = cx.struct('MatmulParams', {
      ...{ product, bZeroPoint, transposed: Number(transposeB) },
    });
    cx.parallel('qs8_matmul', batch, m * n * k, (first, count) => {
      const scratch = cx.scratch(matmulScratchBytes(n, k));
      return [params, first, count, a!.ptr, b!.ptr, y.ptr, scratch];
    });
  },
};
