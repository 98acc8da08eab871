import { qatRule } from '../autograd/rules.ts';
import { ACTIVATION_RANGE, weightRange } from '../core/qparams.ts';
import type { Shape } from '../core/shape.ts';
import type { Graph, Parameter, QuantizerSpec, ValueId } from '../graph/graph.ts';
import { segments } from '../graph/passes/segments.ts';
import { MIN_SCALE } from './kernels.ts';
import type { MethodName } from './methods.ts';

/**
 * The graph with quantizers: on each input, on the output of each segment that does not keep its integers, and on the
 * weights of each linear op. Batch normalization stays unfolded. Ranges are still empty; `calibrate` fills them.
 */
export function prepare(graph: Graph, method: MethodName): Graph {
  const quantizers = new Map<ValueId, QuantizerSpec>();
  const name = (id: ValueId) => graph.values[id]!.name;
  for (const id of graph.inputs) quantizers.set(id, activationQuantizer(name(id), method, false));
  for (const { kind, anchor, clamp, output } of segments(graph)) {
    if (kind === 'keep') continue;
    quantizers.set(output, activationQuantizer(name(output), method, clamp !== undefined));
    const rule = qatRule(anchor.op);
    if (rule?.kind !== 'linear') continue;
    const id = anchor.inputs[1]!;
    const { shape } = graph.values[id]!;
    quantizers.set(id, weightQuantizer(name(id), method, shape, rule.channelAxis));
  }
  return { ...graph, quantizers };
}

function parameter(name: string, shape: Shape, trainable: boolean, minimum?: number): Parameter {
  const data = new Float32Array(shape.reduce((size, extent) => size * extent, 1));
  return { name, shape, trainable, decay: false, data, ...(minimum !== undefined && { minimum }) };
}

/** After a clamp at 0 nothing is negative, so the zero point is qmin for good. */
function activationQuantizer(name: string, method: MethodName, clamped: boolean): QuantizerSpec {
  const learned = method === 'lsq';
  return {
    name,
    method,
    target: 'activation',
    ...ACTIVATION_RANGE,
    ...(clamped && { fixedZeroPoint: ACTIVATION_RANGE.qmin }),
    scale: parameter(`${name}/scale`, [1], learned, MIN_SCALE),
    ...(!clamped && { zeroPoint: parameter(`${name}/zeroPoint`, [1], learned) }),
    ...(!learned && { state: parameter(`${name}/state`, [3], false) }),
  };
}

function weightQuantizer(
  name: string,
  method: MethodName,
  shape: Shape,
  axis: number,
): QuantizerSpec {
  const scale = parameter(`${name}/scale`, [shape[axis]!], method === 'lsq', MIN_SCALE);
  return { name, method, target: 'weight', ...weightRange(8), axis, scale };
}
