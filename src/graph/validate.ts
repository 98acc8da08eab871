import { arrayOf, bytesOf, type DType } from '../core/dtype.ts';
import { rangeError } from '../core/errors.ts';
import { checkQParams } from '../core/qparams.ts';
import { brief } from '../core/safetensors.ts';
import { elementsPerSample, type Shape, sameShape, showShape, sizeOf } from '../core/shape.ts';
import { countUses, type Graph, type Parameter, type Value, type ValueId } from './graph.ts';
import { checkNode } from './validateNode.ts';

/** Checking and packing read a constant once per reader: the bound keeps that linear in the size of a file. */
const MAX_READERS = 16;

/** Placing the values in memory is quadratic in their number, and each input has a table for its pixels. */
const MAX_NODES = 4096;
const MAX_INPUTS = 64;

/** Offsets and counts are i32 in the kernels. */
const MAX_SAMPLE = 2 ** 31 - 1;

/**
 * Throws a RangeError that starts with `where` unless `graph` is a well-formed integer graph (quantization.md,
 * table 1): ids, order, names, shapes, dtypes, quantization parameters, constants, and room for every accumulator.
 * The graph may come from a stranger's file; whatever passes can be planned and run.
 */
export function validateGraph(graph: Graph, where = 'graph'): void {
  checkCount(where, 'nodes', graph.nodes.length, MAX_NODES);
  checkCount(where, 'inputs', graph.inputs.length, MAX_INPUTS);
  checkStructure(graph, where);
  if (graph.quantizers.size > 0) {
    throw rangeError(where, 'an integer graph has no quantizers', graph.quantizers.size);
  }
  graph.values.forEach((value, id) => {
    const parameter = graph.parameters.get(id);
    const at = `${where}: value ${brief(value.name)}`;
    checkValueQParams(at, value);
    if (parameter) checkParameter(at, value, parameter);
    else checkActivation(at, value);
  });
  checkReaders(graph, where);
  for (const node of graph.nodes) checkNode(graph, node, `${where}: node ${brief(node.name)}`);
}

/**
 * The part that holds for float graphs too: ids exist, names are unique, nodes stand in topological order, and each
 * value is an input, a parameter, or the output of one node.
 */
export function checkStructure(graph: Graph, where = 'graph'): void {
  checkNames(`${where}: values`, graph.values);
  checkNames(`${where}: nodes`, graph.nodes);
  const made = new Set<ValueId>();
  const make = (id: ValueId, what: string) => {
    checkId(graph, id, `${where}: ${what}`);
    if (made.has(id)) throw rangeError(`${where}: ${what}`, 'each value must be made once', id);
    made.add(id);
  };
  for (const id of graph.inputs) make(id, 'graph inputs');
  for (const id of graph.parameters.keys()) make(id, 'parameters');
  const given = made.size;
  for (const { name, inputs, output } of graph.nodes) {
    const what = `node ${brief(name)}`;
    for (const id of inputs) {
      checkId(graph, id, `${where}: ${what}`);
      if (made.has(id)) continue;
      throw rangeError(`${where}: ${what}`, 'inputs must be made by earlier nodes', `value ${id}`);
    }
    make(output, what);
  }
  if (made.size < graph.values.length) {
    const orphan = graph.values.find((_, id) => !made.has(id));
    const expected = 'each value must be an input, a parameter or the output of a node';
    throw rangeError(where, expected, brief(orphan?.name));
  }
  const computed = new Set([...made].slice(given));
  checkEnds(graph, computed, where);
}

function checkCount(where: string, what: string, count: number, most: number): void {
  if (count > most) throw rangeError(where, `the graph may have ${most} ${what}`, count);
}

function checkReaders(graph: Graph, where: string): void {
  const uses = countUses(graph);
  for (const id of graph.parameters.keys()) {
    if (uses[id]! <= MAX_READERS) continue;
    const expected = `parameter ${brief(graph.values[id]!.name)} may have ${MAX_READERS} readers`;
    throw rangeError(where, expected, uses[id]);
  }
}

function checkEnds({ inputs, outputs }: Graph, computed: Set<ValueId>, where: string): void {
  if (inputs.length === 0) throw rangeError(where, 'the graph must have an input', 'none');
  if (outputs.length === 0) throw rangeError(where, 'the graph must have an output', 'none');
  if (outputs.every((id) => computed.has(id)) && new Set(outputs).size === outputs.length) return;
  throw rangeError(where, 'outputs must be different values that nodes make', brief(outputs));
}

function checkNames(where: string, named: readonly { readonly name: string }[]): void {
  const names = new Set<string>();
  for (const { name } of named) {
    if (typeof name === 'string' && name !== '' && name !== '__proto__' && !names.has(name)) {
      names.add(name);
    } else {
      throw rangeError(where, 'names must be different, not empty and not __proto__', brief(name));
    }
  }
}

function checkId({ values }: Graph, id: ValueId, where: string): void {
  if (Number.isInteger(id) && id >= 0 && id < values.length) return;
  throw rangeError(where, `value ids must be integers in [0, ${values.length - 1}]`, brief(id));
}

/** The integers that a type of qparams may hold. */
const RANGES: Partial<Record<DType, readonly [number, number]>> = { i8: [-128, 127], u8: [0, 255] };

function checkValueQParams(where: string, { dtype, qparams, shape }: Value): void {
  const range = RANGES[dtype];
  if (!qparams) return;
  if (!range) throw rangeError(where, `a value of ${dtype} must have no qparams`, 'some');
  checkQParams(where, qparams);
  const { scale, zeroPoint, qmin, qmax, axis } = qparams;
  if (qmin < range[0] || qmax > range[1]) {
    throw rangeError(where, `qmin and qmax of ${dtype} must be in [${range}]`, [qmin, qmax]);
  }
  if (axis === undefined) {
    if (scale.length === 1) return;
    throw rangeError(where, 'scales without an axis must be one', scale.length);
  }
  if (scale.length !== shape[axis]) {
    const expected = `axis ${axis} of ${showShape(shape)} must have one scale per channel`;
    throw rangeError(where, expected, scale.length);
  }
  if (zeroPoint !== 0) throw rangeError(where, 'the zero point per channel must be 0', zeroPoint);
}

function checkParameter(where: string, { dtype, shape }: Value, parameter: Parameter): void {
  if (!sameShape(shape, parameter.shape)) {
    const expected = `the parameter must have the shape of its value ${showShape(shape)}`;
    throw rangeError(where, expected, showShape(parameter.shape));
  }
  checkExtents(where, shape, 0);
  const { data } = parameter;
  if (data instanceof arrayOf[dtype] && data.length === sizeOf(shape)) return;
  const expected = `the parameter must have ${sizeOf(shape)} values of ${dtype}`;
  throw rangeError(where, expected, `${data.length} in a ${data.constructor.name}`);
}

const ACTIVATIONS: readonly DType[] = ['i8', 'u8', 'f32', 'i32'];

function checkActivation(where: string, { dtype, shape, qparams }: Value): void {
  if (!ACTIVATIONS.includes(dtype)) {
    throw rangeError(where, `activations must be ${ACTIVATIONS.join(', ')}`, dtype);
  }
  if (RANGES[dtype] && !qparams) {
    throw rangeError(where, `an activation of ${dtype} must have quantization parameters`, 'none');
  }
  if (qparams?.axis !== undefined) {
    throw rangeError(where, 'activations must have one scale and no axis', qparams.axis);
  }
  if (!(shape[0]! <= -1 && Number.isSafeInteger(shape[0]))) {
    throw rangeError(where, 'the first axis must be the open batch axis', showShape(shape));
  }
  checkExtents(where, shape, 1);
  if (elementsPerSample(shape) * bytesOf[dtype] <= MAX_SAMPLE) return;
  throw rangeError(where, `one sample must have at most ${MAX_SAMPLE} bytes`, showShape(shape));
}

function checkExtents(where: string, shape: Shape, from: number): void {
  if (shape.slice(from).every((extent) => Number.isSafeInteger(extent) && extent >= 1)) return;
  throw rangeError(where, 'extents must be integers >= 1', showShape(shape));
}
