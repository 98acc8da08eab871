import type { StructFields } from '../core/abi.ts';
import { factors, type IntForm } from '../core/form.ts';
import type { InferKernels } from '../core/kernels.ts';
import type { IntRule, IntValue, Lowering, OpDef, QatRescaleRule } from '../core/op.ts';
import { type Shape, sizeOf } from '../core/shape.ts';
import { broadcastShapes, expandRef } from './broadcast.ts';

/** What ops of two operands have in common: shapes that are repeated as NumPy does, and multipliers for scales. */

export function binaryOp<N extends string>(name: N) {
  return {
    name,
    inferShape: ([a, b]) => broadcastShapes(name, a, b),
  } as const satisfies OpDef;
}

type Params = StructFields<'BinaryParams'>;

/** The most that x − z, or the product of two of them, can be. */
export const MOST_DISTANCE = 255;
export const MOST_PRODUCT = 255 * 255;

/** n, a, b, y, params */
type Arguments = [number, number, number, number, number];

/** How an op of two operands runs among integers. */
export interface IntBinary {
  /** The constants of the node, from the scales of a, b and y. */
  multipliers(a: number, b: number, y: number): readonly number[];
  /** Those of the operands in the other order, for an op that is not symmetric. */
  swapped?(multipliers: readonly number[]): readonly number[];
  /** What the kernel takes for them. */
  factors(multipliers: readonly number[]): readonly [number, number];
  /** A bound of |u|; without it, that of a sum of both sides. */
  most?(multipliers: readonly number[]): number;
  run(kernels: InferKernels, args: Arguments): void;
  /** Shares n elements among threads; each takes the time of so many multiply-accumulates of a product. */
  lower(cx: Lowering, n: number, part: (first: number, count: number) => Arguments): void;
}

interface Range {
  readonly zeroPoint: number;
  readonly qmin: number;
  readonly qmax: number;
}

/** `most` bounds |u|, up to some roundings: well below 2²² the kernels round without a clamp. */
export function binaryFields(
  [a, b]: readonly { readonly zeroPoint: number }[],
  [aMultiplier, bMultiplier]: readonly [number, number],
  { zeroPoint, qmin, qmax }: Range,
  most = MOST_DISTANCE * (Math.abs(aMultiplier) + Math.abs(bMultiplier)),
): Params {
  return {
    aZeroPoint: a!.zeroPoint,
    bZeroPoint: b!.zeroPoint,
    aMultiplier,
    bMultiplier,
    outZeroPoint: zeroPoint,
    qmin,
    qmax,
    magic: most < 2 ** 21 ? 1 : 0,
  };
}

export function binaryQat(op: OpDef, { multipliers, swapped, factors, most, run }: IntBinary) {
  return {
    kind: 'rescale',
    multipliers: ([a, b], y) => Float32Array.from(multipliers(a!, b!, y)),
    swapped(constants) {
      const own = Array.from(constants);
      return Float32Array.from(swapped ? swapped(own) : own.reverse());
    },
    evaluate(cx, [a, b], out, constants) {
      const shape = op.inferShape([a!.q.shape, b!.q.shape], {});
      const [p, q] = [a!, b!].map((x) => expandRef(cx, x.q, shape).ptr);
      const y = cx.alloc(shape, 'i8');
      const data = Array.from(constants);
      const fields = binaryFields([a!, b!], factors(data), out, most?.(data));
      run(cx.kernels, [sizeOf(shape), p!, q!, y.ptr, cx.struct('BinaryParams', fields)]);
      return y;
    },
  } satisfies QatRescaleRule;
}

/** `count` multipliers follow the operands. */
export function binaryForm(count: 1 | 2): IntForm {
  return { activations: 2, constants: () => factors(count) };
}

/** `place` gives the address of an operand in the shape of the output. */
export function binaryInt(
  { factors, most, lower }: IntBinary,
  place: (cx: Lowering, x: IntValue, shape: Shape) => number,
): IntRule {
  return {
    inPlace: true,
    lower(cx) {
      const { y } = cx;
      const data = Array.from(cx.constants[0]!.data);
      const [a, b] = cx.x.map((x) => place(cx, x, y.shape));
      const zeroPoints = cx.x.map(({ qparams }) => qparams);
      const fields = binaryFields(zeroPoints, factors(data), y.qparams, most?.(data));
      const params = cx.struct('BinaryParams', fields);
      const part = (first: number, count: number): Arguments => {
        return [count, a! + first, b! + first, y.ptr + first, params];
      };
      lower(cx, sizeOf(y.shape), part);
    },
  };
}

/** Threads share elements in steps of a cache line. */
export const GRAIN = 64;
