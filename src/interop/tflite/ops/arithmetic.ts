/** Ops of two operands, functions of one real, and ops over the last axis. */

import { tanh } from '../../../core/math.ts';
import type { Attrs } from '../../../core/op.ts';
import { sizeOf } from '../../../core/shape.ts';
import { lookupTable } from '../../../ops/lookup.ts';
import { softmaxTable } from '../../../ops/softmax.ts';
import { realFunction, type UnaryOpName } from '../../../ops/unary.ts';
import { bytesOf, realsOf } from '../constants.ts';
import type { OpContext } from '../context.ts';
import { qparamsOf, sameScale, withBounds } from '../forms.ts';
import { refuse } from '../refusal.ts';
import type { Form } from '../writer.ts';
import { productFactor, slopesTable, sumFactors } from './factors.ts';

type BinaryOp = 'add' | 'subtract' | 'multiply' | 'minimum' | 'maximum';

/** Two operands, of which the smaller is repeated as NumPy does; one may be a constant. */
export function binary(op: BinaryOp): (cx: OpContext) => void {
  return (cx) => {
    const operands = [cx.x(0), cx.x(1)] as const;
    if (operands.every((id) => cx.writer.isParameter(id))) {
      throw refuse('an operand that is computed', 'two constants');
    }
    if (!cx.integer) {
      cx.bind(cx.activated(cx.emit(op, operands)));
      return;
    }
    const [a, b] = operands.map((id) => cx.qparams(id).scale[0]!) as [number, number];
    const y = cx.form().qparams!.scale[0]!;
    const constants = [cx.factors('multiplier', Float32Array.from(factorsOf(op, a, b, y)))];
    cx.bind(cx.emit(op, operands, {}, { constants }));
  };
}

function factorsOf(op: BinaryOp, a: number, b: number, y: number): number[] {
  if (op === 'multiply') return [productFactor(a, b, y)];
  return op === 'add' || op === 'subtract' ? sumFactors(a, b, y) : [a / y, b / y];
}

/** x / c = x · (1 / c), for floats. */
export function divide(cx: OpContext): void {
  const divisor = cx.tensor(1);
  if (cx.integer || !divisor.data) throw refuse('float32 and a constant divisor', divisor.type);
  const shape = divisor.shape.length === 0 ? [1] : divisor.shape;
  const inverse = realsOf(divisor).map((c) => 1 / c);
  const factor = cx.writer.parameter(`${cx.name}/inverse`, inverse, shape);
  cx.bind(cx.activated(cx.emit('multiply', [cx.x(), factor])));
}

/** A function of one real: a table among integers. */
export function unary(op: UnaryOpName, attrsOf: (cx: OpContext) => Attrs = () => ({})) {
  return (cx: OpContext): void => {
    const attrs = attrsOf(cx);
    if (cx.integer) bindTable(cx, realFunction(op, attrs));
    else cx.bind(cx.emit(op, [cx.x()], attrs));
  };
}

function bindTable(cx: OpContext, real: (x: number) => number): void {
  bindLookup(cx, lookupTable(real, cx.qparams(cx.x()), cx.form().qparams!));
}

function bindLookup(cx: OpContext, table: Int8Array<ArrayBuffer>): void {
  const x = cx.x();
  const constants = [cx.writer.parameter(`${cx.name}/table`, table)];
  cx.bind(cx.emit('lookup', [x], {}, { constants }));
}

export function leakyRelu(cx: OpContext): void {
  const attrs = { alpha: cx.number('alpha') };
  const table = cx.integer && slopesTable(cx.qparams(cx.x()), cx.form().qparams!, attrs.alpha);
  if (table) bindLookup(cx, table);
  else unary('leakyRelu', () => attrs)(cx);
}

/** GELU, exact or with its approximation by tanh; graphs of floats have the exact one. */
export function gelu(cx: OpContext): void {
  const approximate = cx.number('approximate') !== 0;
  if (cx.integer) {
    bindTable(cx, approximate ? approximateGelu : realFunction('gelu'));
    return;
  }
  if (approximate) cx.warn('gelu', 'the approximation by tanh is taken for the exact function');
  cx.bind(cx.emit('gelu', [cx.x()]));
}

function approximateGelu(x: number): number {
  return (x * (1 + tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)))) / 2;
}

/** RELU and its kind as ops of their own: a clamp where the scale stays, else a table that clamps. */
export function clamp({ lo, hi }: { readonly lo: number; readonly hi: number }) {
  return (cx: OpContext): void => {
    const x = cx.x();
    if (!cx.integer) {
      cx.bind(cx.clamped(x, { lo, hi }));
      return;
    }
    const qparams = withBounds(qparamsOf(cx.output()), { lo, hi });
    if (lo === 0 && sameScale(cx.qparams(x), qparams)) {
      const form: Form = { dtype: 'i8', qparams };
      cx.bind(cx.emit(hi === 6 ? 'relu6' : 'relu', [x], {}, { form }));
    } else {
      cx.bind(cx.requantized(x, qparams));
    }
  };
}

export function prelu(cx: OpContext): void {
  const x = cx.x();
  const alpha = cx.tensor(1);
  const channels = cx.shape(x).at(-1)!;
  if (!alpha.data || sizeOf(alpha.shape) !== channels || alpha.shape.at(-1) !== channels) {
    throw refuse(`a constant slope for each of ${channels} channels`, `[${alpha.shape}]`);
  }
  const slopes = cx.shared(alpha, 'slopes', (name) => {
    if (!cx.integer) {
      return cx.writer.parameter(name, realsOf(alpha), [channels], { trainable: true });
    }
    return cx.writer.parameter(name, bytesOf(alpha), [channels], { qparams: qparamsOf(alpha) });
  });
  if (!cx.integer) {
    cx.bind(cx.emit('prelu', [x, slopes]));
    return;
  }
  const [from, slope] = [x, slopes].map((id) => cx.qparams(id).scale[0]!) as [number, number];
  const y = cx.form().qparams!.scale[0]!;
  const factors = Float32Array.of(from / y, (from * slope) / y);
  cx.bind(cx.emit('prelu', [x, slopes], {}, { constants: [cx.factors('multiplier', factors)] }));
}

/** Over the last axis, with exp(beta · (x − max)). */
export function softmax(cx: OpContext): void {
  const x = cx.x();
  const beta = cx.number('beta');
  if (!(beta > 0 && Number.isFinite(beta))) throw refuse('a beta above 0', beta);
  if (!cx.integer) {
    const scaled =
      beta === 1 ? x : cx.emit('multiply', [x, cx.factors('beta', Float32Array.of(beta))]);
    cx.bind(cx.emit('softmax', [scaled]));
    return;
  }
  const table = softmaxTable(cx.qparams(x).scale[0]!, beta);
  const multiplier = Float32Array.of(1 / cx.form().qparams!.scale[0]!);
  const constants = [cx.factors('table', table), cx.factors('multiplier', multiplier)];
  cx.bind(cx.emit('softmax', [x], {}, { constants }));
}

export function l2Normalize(cx: OpContext): void {
  const x = cx.x();
  if (!cx.integer) {
    cx.bind(cx.activated(cx.emit('l2Normalize', [x])));
    return;
  }
  const multiplier = Float32Array.of(1 / cx.form().qparams!.scale[0]!);
  cx.bind(cx.emit('l2Normalize', [x], {}, { constants: [cx.factors('multiplier', multiplier)] }));
}
