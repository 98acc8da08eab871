import type { DType } from '../core/dtype.ts';
import { rangeError } from '../core/errors.ts';
import type { Attr, Attrs } from '../core/op.ts';
import { accumulatorBounds, maxDistance } from '../core/overflow.ts';
import { brief } from '../core/safetensors.ts';
import { type Shape, sameShape, showShape } from '../core/shape.ts';
import type { PoolAttrs } from '../ops/geometry.ts';
import { type OpName, ops } from '../ops/table.ts';
import type { Graph, Node, Value, ValueId } from './graph.ts';

/** How an integer node reads its inputs (quantization.md, table 1): activations first, then constants. */
interface IntegerForm {
  readonly activations: 1 | 2;
  /** Linear ops go on with w i8, multiplier f32 [Co], addend f32 [Co] and maybe bias i32 [Co]: the axis of Co in w. */
  readonly channelAxis?: number;
  /** Rescaling ops go on with multipliers f32: how many there may be. */
  readonly multipliers?: (attrs: Attrs) => readonly number[];
  /** Output integers stand for the same reals as input integers. */
  readonly keepsScale?: true;
  readonly attrs?: Readonly<Record<string, Template>>;
}

/** An attribute made of integers: its lowest value, in the nesting that it must have. */
type Template = number | readonly Template[];

const WINDOW = {
  strides: [1, 1],
  padding: [
    [0, 0],
    [0, 0],
  ],
  dilation: [1, 1],
};
const POOL = { ...WINDOW, poolSize: [1, 1] };

const taps = ({ poolSize }: Attrs) => (poolSize as number[]).reduce((a, b) => a * b, 1);

/** Ops that have no entry have no integer form. */
const forms: Partial<Record<OpName, IntegerForm>> = {
  add: { activations: 2, multipliers: () => [2] },
  averagePool2d: { activations: 1, multipliers: (attrs) => [1, taps(attrs)], attrs: POOL },
  conv2d: { activations: 1, channelAxis: 0, attrs: WINDOW },
  dense: { activations: 1, channelAxis: 0 },
  depthwiseConv2d: { activations: 1, channelAxis: 2, attrs: WINDOW },
  flatten: { activations: 1, keepsScale: true },
  globalAveragePool2d: { activations: 1, multipliers: () => [1] },
  maxPool2d: { activations: 1, keepsScale: true, attrs: POOL },
  relu: { activations: 1, keepsScale: true },
  relu6: { activations: 1, keepsScale: true },
};

/** Above every use, and small enough that no sum of an extent and paddings leaves 2³¹. */
const MAX_ATTR = 65535;

/** Accumulators are int32. */
const MAX_ACCUMULATOR = 2 ** 31 - 1;

/**
 * Bound of |M| and |B|: |acc| ≤ 2³¹, so |acc·M| + |B| ≤ 2¹²⁷ + 2⁹⁶ is a finite f32. No u is NaN, of which kernels
 * would make different integers.
 */
const MAX_FACTOR = 2 ** 96;

/** Checks one node of an integer graph whose values are checked already. */
export function checkNode(graph: Graph, node: Node, where: string): void {
  const form = forms[node.op];
  if (!form) throw rangeError(where, 'the op must have an integer form', node.op);
  const { activations, attrs = {} } = form;
  for (const [name, template] of Object.entries(attrs)) {
    checkAttr(`${where}: ${name}`, node.attrs[name], template);
  }
  if ('poolSize' in attrs) checkPool(where, node.attrs as unknown as PoolAttrs);
  const x = node.inputs.slice(0, activations).map((id) => activation(graph, id, where));
  const constants = node.inputs.slice(activations);
  if (x.length < activations)
    throw rangeError(where, `the op needs ${activations} activations`, x.length);
  if (form.channelAxis !== undefined) checkWeights(graph, constants, where);
  checkShape(graph, node, form, where);
  if (form.channelAxis !== undefined) checkLinear(graph, constants, form.channelAxis, x[0]!, where);
  else checkMultipliers(graph, constants, form.multipliers?.(node.attrs), where);
  if (form.keepsScale) checkSameScale(x[0]!, graph.values[node.output]!, where);
  if (form.multipliers && activations === 1) checkSum(node, x[0]!, where);
}

function activation(graph: Graph, id: ValueId, where: string): Value {
  if (!graph.parameters.has(id)) return graph.values[id]!;
  throw rangeError(
    where,
    'the first inputs must be activations',
    `the parameter ${brief(graph.values[id]!.name)}`,
  );
}

function checkAttr(where: string, attr: Attr | undefined, template: Template): void {
  if (typeof template === 'number') {
    if (Number.isInteger(attr) && Number(attr) >= template && Number(attr) <= MAX_ATTR) return;
    throw rangeError(where, `must be an integer in [${template}, ${MAX_ATTR}]`, brief(attr));
  }
  if (!Array.isArray(attr) || attr.length !== template.length) {
    throw rangeError(where, `must be a list of ${template.length}`, brief(attr));
  }
  template.forEach((child, i) => {
    checkAttr(where, attr[i], child);
  });
}

/** A window with no tap inside the image would have no mean and no maximum. */
function checkPool(where: string, { poolSize, padding, dilation }: PoolAttrs): void {
  if (dilation.some((step) => step !== 1)) {
    throw rangeError(where, 'the dilation of a pool must be 1', brief(dilation));
  }
  if (padding.every((sides, axis) => Math.max(...sides) < poolSize[axis]!)) return;
  throw rangeError(where, `the padding must be below the window [${poolSize}]`, `[${padding}]`);
}

/** [w, multiplier, addend, bias?], with w i8 and symmetric. */
function checkWeights(graph: Graph, constants: readonly ValueId[], where: string): void {
  if (constants.length !== 3 && constants.length !== 4) {
    const expected = 'constants are weights, multiplier, addend and maybe bias';
    throw rangeError(where, expected, constants.length);
  }
  const w = constants[0]!;
  constant(graph, w, 'i8', undefined, `${where}: weights`);
  const { zeroPoint } = graph.values[w]!.qparams!;
  if (zeroPoint !== 0) throw rangeError(`${where}: weights`, 'the zero point must be 0', zeroPoint);
}

/** M, B and bias per channel, and |acc + bias| below 2³¹ for every int8 input      quantization.md eq. (11) */
function checkLinear(
  graph: Graph,
  [w, multiplier, addend, bias]: readonly ValueId[],
  channelAxis: number,
  x: Value,
  where: string,
): void {
  const channels = graph.values[w!]!.shape[channelAxis]!;
  const perChannel = (id: ValueId, dtype: DType, what: string) =>
    constant(graph, id, dtype, [channels], `${where}: ${what}`);
  checkFactors(perChannel(multiplier!, 'f32', 'multiplier'), `${where}: multiplier`);
  checkFactors(perChannel(addend!, 'f32', 'addend'), `${where}: addend`);
  const added = bias === undefined ? undefined : perChannel(bias, 'i32', 'bias');
  const data = graph.parameters.get(w!)!.data as Int8Array;
  const inner = channelAxis === 0 ? data.length / channels : 1;
  const bounds = accumulatorBounds({ data, channels, inner }, x.qparams!.zeroPoint, added);
  const worst = bounds.findIndex((bound) => bound > MAX_ACCUMULATOR);
  if (worst < 0) return;
  throw rangeError(
    where,
    `the accumulator of channel ${worst} must stay below 2^31`,
    bounds[worst],
  );
}

function checkMultipliers(
  graph: Graph,
  constants: readonly ValueId[],
  lengths: readonly number[] = [],
  where: string,
): void {
  const expected = lengths.length > 0 ? 1 : 0;
  if (constants.length !== expected) {
    throw rangeError(where, `the op has ${expected} constants`, constants.length);
  }
  for (const id of constants) {
    const at = `${where}: multipliers`;
    const length = lengths.find((length) => length === graph.values[id]!.shape[0]) ?? lengths[0]!;
    checkFactors(constant(graph, id, 'f32', [length], at), at);
  }
}

/** The data of a parameter of the given type, and of the given shape where one is given. */
function constant(
  graph: Graph,
  id: ValueId,
  dtype: DType,
  shape: Shape | undefined,
  where: string,
): ArrayLike<number> {
  const value = graph.values[id]!;
  const parameter = graph.parameters.get(id);
  if (!parameter)
    throw rangeError(where, 'must be a parameter', `the activation ${brief(value.name)}`);
  if (value.dtype !== dtype) throw rangeError(where, `the type must be ${dtype}`, value.dtype);
  if (shape && !sameShape(value.shape, shape)) {
    throw rangeError(where, `the shape must be ${showShape(shape)}`, showShape(value.shape));
  }
  return parameter.data;
}

function checkFactors(data: ArrayLike<number>, where: string): void {
  for (let i = 0; i < data.length; i++) {
    if (Math.abs(data[i]!) <= MAX_FACTOR) continue;
    throw rangeError(where, 'every entry must be finite and at most 2^96', data[i]);
  }
}

function checkShape(graph: Graph, node: Node, form: IntegerForm, where: string): void {
  const count = form.activations + (form.channelAxis === undefined ? 0 : 1);
  const shapes = node.inputs.slice(0, count).map((id) => graph.values[id]!.shape);
  let inferred: Shape;
  try {
    inferred = ops[node.op].inferShape(shapes, node.attrs as never);
  } catch (error) {
    throw new RangeError(`${where}: ${(error as Error).message}`);
  }
  const { shape } = graph.values[node.output]!;
  if (sameShape(inferred, shape)) return;
  throw rangeError(where, `the output must be ${showShape(inferred)}`, showShape(shape));
}

function checkSameScale(x: Value, y: Value, where: string): void {
  const [a, b] = [x.qparams!, y.qparams!];
  if (a.scale[0] === b.scale[0] && a.zeroPoint === b.zeroPoint) return;
  const expected = `the output must keep scale ${a.scale[0]} and zero point ${a.zeroPoint}`;
  throw rangeError(where, expected, `${b.scale[0]} and ${b.zeroPoint}`);
}

/** The sum of a pool fits in int32. */
function checkSum({ op, attrs }: Node, { shape, qparams }: Value, where: string): void {
  const count = op === 'averagePool2d' ? taps(attrs) : shape[1]! * shape[2]!;
  if (count * maxDistance(qparams!.zeroPoint) <= MAX_ACCUMULATOR) return;
  throw rangeError(where, 'the sum over a window must stay below 2^31', `${count} taps`);
}
