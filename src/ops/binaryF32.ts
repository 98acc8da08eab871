import type { F32Rule, OpDef, Ref, TrainContext } from '../core/op.ts';
import { type Shape, sameShape, sizeOf } from '../core/shape.ts';
import { stepsIn } from './broadcast.ts';
import { sumRepeated, sumRepeatedProducts } from './repeatedSums.ts';

/** Numbers of what `f32_vbinary` computes: functions of two operands, and what they make of dy. */
export const BINARY_KINDS = {
  ...{ add: 0, subtract: 1, multiply: 2, minimum: 3, maximum: 4, prelu: 5 },
  ...{ minimumLeft: 6, minimumRight: 7, maximumLeft: 8, maximumRight: 9, preluLeft: 10 },
} as const;

export type BinaryKind = keyof typeof BINARY_KINDS;

/** An axis of the output, with the elements from one index to the next in the operands and in y. */
interface Axis {
  readonly extent: number;
  readonly a: number;
  readonly b: number;
  readonly y: number;
}

const NO_AXIS: Axis = { extent: 1, a: 0, b: 0, y: 0 };

/** Innermost first; axes of extent 1 left out, neighbours along which both operands walk as along one made one. */
function axesOf(a: Shape, b: Shape, out: Shape): Axis[] {
  const [aSteps, bSteps] = [stepsIn(a, out), stepsIn(b, out)];
  const axes: Axis[] = [];
  let y = 1;
  for (let i = out.length - 1; i >= 0; i--) {
    const axis = { extent: out[i]!, a: aSteps[i]!, b: bSteps[i]!, y };
    y *= axis.extent;
    const last = axes.at(-1);
    if (axis.extent === 1) continue;
    if (last && axis.a === last.extent * last.a && axis.b === last.extent * last.b) {
      axes[axes.length - 1] = { ...last, extent: axis.extent * last.extent };
    } else {
      axes.push(axis);
    }
  }
  return axes;
}

/** Calls `visit` with the element of a, b and y at each place of `axes`. */
function forEachPlace(
  [axis, ...rest]: readonly Axis[],
  [a, b, y]: readonly [number, number, number],
  visit: (a: number, b: number, y: number) => void,
): void {
  if (!axis) {
    visit(a, b, y);
    return;
  }
  for (let i = 0; i < axis.extent; i++) {
    forEachPlace(rest, [a + i * axis.a, b + i * axis.b, y + i * axis.y], visit);
  }
}

/** Elements from which on the calls for outer axes are worth threads. */
const LEAST_SHARED = 131_072;

/** y = f(a, b) or, with dy in the shape of y, what becomes of it; y has the shape `out`. */
export function applyBinary(
  cx: TrainContext,
  kind: BinaryKind,
  [a, b]: readonly [Ref, Ref],
  out: Shape,
  dy?: Ref,
): Ref {
  const y = cx.alloc(out);
  const [inner = NO_AXIS, rows = NO_AXIS, ...outer] = axesOf(a.shape, b.shape, out);
  const call = (aAt: number, bAt: number, yAt: number) => {
    const [left, right] = [a.ptr + 4 * aAt, b.ptr + 4 * bAt];
    const operands = [left, rows.a, inner.a, right, rows.b, inner.b] as const;
    const [above, to] = [dy ? dy.ptr + 4 * yAt : 0, y.ptr + 4 * yAt];
    const { f32_vbinary: run } = cx.kernels;
    run(rows.extent, inner.extent, BINARY_KINDS[kind], ...operands, above, to);
  };
  const all = () => forEachPlace(outer, [0, 0, 0], call);
  if (outer.length > 0 && sizeOf(out) >= LEAST_SHARED) cx.together(all);
  else all();
  return y;
}

/** Gradients of the operands, summed over what they were repeated to. */
type Gradient = (cx: TrainContext, dy: Ref, inputs: readonly [Ref, Ref], which: 0 | 1) => Ref;

function negated(cx: TrainContext, x: Ref): Ref {
  const y = cx.alloc(x.shape);
  cx.kernels.f32_vscale(sizeOf(x.shape), x.ptr, -1, y.ptr);
  return y;
}

/** The gradient goes to the chosen one. */
function chosen(kinds: readonly [BinaryKind, BinaryKind]): Gradient {
  return (cx, dy, inputs, which) => {
    const part = applyBinary(cx, kinds[which], inputs, dy.shape, dy);
    return sumRepeated(cx, part, inputs[which].shape);
  };
}

const gradients = {
  add: (cx, dy, inputs, which) => sumRepeated(cx, dy, inputs[which].shape),
  subtract(cx, dy, inputs, which) {
    const sum = sumRepeated(cx, dy, inputs[which].shape);
    return which === 0 ? sum : negated(cx, sum);
  },
  multiply(cx, dy, inputs, which) {
    const [own, other] = which === 0 ? inputs : [inputs[1], inputs[0]];
    const columns = own.shape.at(-1) === dy.shape.at(-1) && dy.shape.at(-1)! > 1;
    const repeated = !sameShape(own.shape, dy.shape);
    if (columns && repeated && sameShape(other.shape, dy.shape)) {
      return sumRepeatedProducts(cx, [dy, other], own.shape);
    }
    const product = applyBinary(cx, 'multiply', [dy, other], dy.shape);
    return sumRepeated(cx, product, own.shape);
  },
  minimum: chosen(['minimumLeft', 'minimumRight']),
  maximum: chosen(['maximumLeft', 'maximumRight']),
} as const satisfies Partial<Record<BinaryKind, Gradient>>;

/** Operands whose shapes may be repeated, as `broadcastShapes` has it. */
export function binaryF32(op: OpDef, kind: keyof typeof gradients): F32Rule {
  return {
    forward(cx, [a, b]) {
      const out = op.inferShape([a!.shape, b!.shape], {});
      return { output: applyBinary(cx, kind, [a!, b!], out) };
    },
    backward(cx, dy, { inputs, wants }) {
      const pair = inputs as readonly [Ref, Ref];
      const gradient: Gradient = gradients[kind];
      return ([0, 1] as const).map((which) =>
        wants[which] ? gradient(cx, dy, pair, which) : undefined,
      );
    },
  };
}
