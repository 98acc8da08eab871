import type { DType } from '../core/dtype.ts';
import { rangeError } from '../core/errors.ts';
import type { ConstantForm, FormNode, FormValue, IntForm, Template } from '../core/form.ts';
import type { Attr, OpDef } from '../core/op.ts';
import {
  accumulatorBounds,
  largestMagnitude,
  looseBound,
  MAX_ACCUMULATOR,
} from '../core/overflow.ts';
import { brief } from '../core/safetensors.ts';
import { type Shape, sameShape, showShape } from '../core/shape.ts';
import type { Graph, Node, ValueId } from './graph.ts';
import { activationCount, integerOp, knownOps } from './integer/ops.ts';

/** Above every use, and small enough that no sum of an extent and paddings leaves 2³¹. */
const MAX_ATTR = 65535;
const MAX_I32 = 2 ** 31 - 1;

/** Lists of attributes are one entry an axis at most. */
const MAX_LIST = 8;

/**
 * Bound of |M| and |B|: |acc| ≤ 2³¹, so |acc·M| + |B| ≤ 2¹²⁷ + 2⁹⁶ is a finite f32. No u is NaN, of which kernels
 * would make different integers.
 */
const MAX_FACTOR = 2 ** 96;

/** Checks one node of an integer graph whose values are checked already. */
export function checkNode(graph: Graph, node: Node, where: string): void {
  const op = integerOp(node.op);
  if (!op) {
    throw rangeError(where, `the op must be one of ${knownOps().join(', ')}`, brief(node.op));
  }
  const { form, definition } = op;
  for (const [name, template] of Object.entries(form.attrs ?? {})) {
    checkAttr(`${where}: ${name}`, node.attrs[name], template);
  }
  const count = activationCount(node);
  if (node.inputs.length < Math.max(count, 1)) {
    throw rangeError(where, `the op needs ${Math.max(count, 1)} activations`, node.inputs.length);
  }
  const x = node.inputs.slice(0, count).map((id, i) => activation(graph, id, i, where));
  const constants = node.inputs.slice(count).map((id) => constant(graph, id, where));
  const formNode: FormNode = { attrs: node.attrs, x, constants, y: formValue(graph, node.output) };
  checkTypes(formNode, form, where);
  if (form.channelAxis !== undefined) checkWeights(constants, where);
  checkShape(definition, formNode, form, where);
  if (form.channelAxis !== undefined) checkLinear(formNode, form.channelAxis, where);
  else checkConstants(formNode, form.constants?.(node.attrs) ?? [], where);
  if (form.keepsScale) checkSameScale(formNode, where);
  form.check?.(formNode, where);
}

function formValue({ values, parameters }: Graph, id: ValueId): FormValue {
  const { shape, dtype, qparams } = values[id]!;
  const data = parameters.get(id)?.data;
  return { shape, dtype, ...(qparams && { qparams }), ...(data && { data }) };
}

/** The first is computed; a later one may be a constant that has a scale and a zero point. */
function activation(graph: Graph, id: ValueId, i: number, where: string): FormValue {
  const value = formValue(graph, id);
  const { data, dtype, qparams } = value;
  if (!data || (i > 0 && dtype === 'i8' && qparams && qparams.axis === undefined)) return value;
  const expected =
    i === 0
      ? 'the first inputs must be activations'
      : 'a constant in place of an activation must be i8 with one scale';
  throw rangeError(where, expected, `the parameter ${brief(graph.values[id]!.name)}`);
}

function constant(graph: Graph, id: ValueId, where: string): FormValue {
  const value = formValue(graph, id);
  if (value.data) return value;
  const got = `the activation ${brief(graph.values[id]!.name)}`;
  throw rangeError(where, 'constants must be parameters', got);
}

function checkAttr(where: string, attr: Attr | undefined, template: Template): void {
  if (typeof template === 'number') {
    checkAttrInteger(where, attr, template, MAX_ATTR);
  } else if (template === 'i32') {
    checkAttrInteger(where, attr, -MAX_I32, MAX_I32);
  } else if (template === 'real' || template === 'boolean') {
    const fits = template === 'real' ? Number.isFinite(attr) : typeof attr === 'boolean';
    if (!fits) throw rangeError(where, `must be a ${template} value`, brief(attr));
  } else if ('oneOf' in template) {
    if (template.oneOf.includes(attr as string)) return;
    throw rangeError(where, `must be one of ${template.oneOf.join(', ')}`, brief(attr));
  } else {
    checkAttrList(where, attr, template);
  }
}

function checkAttrInteger(where: string, attr: unknown, least: number, most: number): void {
  if (Number.isInteger(attr) && Number(attr) >= least && Number(attr) <= most) return;
  throw rangeError(where, `must be an integer in [${least}, ${most}]`, brief(attr));
}

function checkAttrList(
  where: string,
  attr: Attr | undefined,
  template: readonly Template[] | { readonly list: Template },
): void {
  const open = 'list' in template;
  if (!Array.isArray(attr) || (open ? attr.length > MAX_LIST : attr.length !== template.length)) {
    const length = open ? `at most ${MAX_LIST}` : template.length;
    throw rangeError(where, `must be a list of ${length}`, brief(attr));
  }
  attr.forEach((child, i) => {
    checkAttr(where, child, open ? template.list : template[i]!);
  });
}

function checkTypes({ x, y }: FormNode, { from = ['i8'], to, keepsScale }: IntForm, where: string) {
  const one = (types: readonly DType[], { dtype }: FormValue, what: string) => {
    if (types.includes(dtype)) return;
    throw rangeError(where, `${what} must be ${types.join(' or ')}`, dtype);
  };
  for (const value of x) one(from, value, 'an activation');
  one(to ?? (keepsScale ? [x[0]!.dtype] : ['i8']), y, 'the output');
}

/** [w, multiplier, addend, bias?], with w i8: symmetric per channel, or with one scale and zero point. */
function checkWeights(constants: readonly FormValue[], where: string): void {
  if (constants.length !== 3 && constants.length !== 4) {
    const expected = 'constants are weights, multiplier, addend and maybe bias';
    throw rangeError(where, expected, constants.length);
  }
  checkConstant(constants[0]!, 'i8', undefined, `${where}: weights`);
  if (!constants[0]!.qparams) {
    throw rangeError(`${where}: weights`, 'there must be quantization parameters', 'none');
  }
}

/** M, B and bias per channel, and |acc + bias| below 2³¹ for every int8 input      quantization.md eq. (11) */
function checkLinear({ x, constants }: FormNode, channelAxis: number, where: string): void {
  const [w, multiplier, addend, bias] = constants;
  const channels = w!.shape[channelAxis]!;
  checkConstant(multiplier!, 'f32', [channels], `${where}: multiplier`);
  checkConstant(addend!, 'f32', [channels], `${where}: addend`);
  if (bias) checkConstant(bias, 'i32', [channels], `${where}: bias`);
  const data = w!.data as Int8Array;
  const inner = channelAxis === 0 ? data.length / channels : 1;
  const { zeroPoint } = w!.qparams!;
  const weights = { data, channels, inner, zeroPoint };
  const { zeroPoint: xZero } = x[0]!.qparams!;
  if (looseBound(weights, xZero, bias?.data as Int32Array | undefined) <= MAX_ACCUMULATOR) return;
  const bounds = accumulatorBounds(weights, xZero, bias?.data);
  const worst = bounds.findIndex((bound) => bound > MAX_ACCUMULATOR);
  if (worst < 0) return;
  const expected = `the accumulator of channel ${worst} must stay below 2^31`;
  throw rangeError(where, expected, bounds[worst]);
}

function checkConstants(
  { constants, y }: FormNode,
  expected: readonly ConstantForm[],
  where: string,
): void {
  if (constants.length !== expected.length) {
    throw rangeError(where, `the op has ${expected.length} constants`, constants.length);
  }
  expected.forEach(({ name, dtype, lengths }, i) => {
    const value = constants[i]!;
    const length = lengths?.find((length) => length === value.shape[0]) ?? lengths?.[0];
    const shape = length === undefined ? undefined : [length];
    checkConstant(value, dtype === 'output' ? y.dtype : dtype, shape, `${where}: ${name}`);
  });
}

/** The type of a constant, its shape where one is given, and its entries where they are f32. */
function checkConstant(
  { dtype, shape, data }: FormValue,
  type: DType,
  expected: Shape | undefined,
  where: string,
): void {
  if (dtype !== type) throw rangeError(where, `the type must be ${type}`, dtype);
  if (expected && !sameShape(shape, expected)) {
    throw rangeError(where, `the shape must be ${showShape(expected)}`, showShape(shape));
  }
  const most = dtype === 'f32' ? largestMagnitude(data as Float32Array) : 0;
  if (most <= MAX_FACTOR) return;
  throw rangeError(where, 'every entry must be finite and at most 2^96', most);
}

function checkShape(
  definition: OpDef,
  { attrs, x, constants, y }: FormNode,
  form: IntForm,
  where: string,
): void {
  const others = form.channelAxis === undefined ? 0 : 1;
  const shaped = [...x, ...constants.slice(0, form.shapedByConstants ? constants.length : others)];
  let inferred: Shape;
  try {
    inferred = definition.inferShape(
      shaped.map(({ shape }) => shape),
      attrs,
    );
  } catch (error) {
    throw new RangeError(`${where}: ${(error as Error).message}`);
  }
  if (sameShape(inferred, y.shape)) return;
  throw rangeError(where, `the output must be ${showShape(inferred)}`, showShape(y.shape));
}

function checkSameScale({ x, y }: FormNode, where: string): void {
  for (const { qparams: a, dtype } of x) {
    const b = y.qparams;
    if (dtype === y.dtype && a?.scale[0] === b?.scale[0] && a?.zeroPoint === b?.zeroPoint) continue;
    const expected = `all must have the scale ${b?.scale[0]} and zero point ${b?.zeroPoint} of the output`;
    throw rangeError(where, expected, `${a?.scale[0]} and ${a?.zeroPoint}`);
  }
}
