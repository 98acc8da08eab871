import { internal } from '../core/errors.ts';
import type { Ref } from '../core/op.ts';
import type { Graph, QuantizerSpec, ValueId } from '../graph/graph.ts';
import type { QuantizerRule, QuantizerTable } from './quantizer.ts';
import type { Tape } from './tape.ts';
import type { Tensor } from './tensor.ts';

export interface ExecuteOptions {
  /** Methods of the graph's quantizers. Without it the graph runs in float, its quantizers asleep. */
  readonly quantizers?: QuantizerTable | undefined;
  /** Sees each value but weights that are quantized, before its quantizer. */
  readonly tap?: (id: ValueId, value: Tensor) => void;
}

/** Runs a graph op by op on a tape. `inputs` and the result are in the graph's own order; shapes [N,…] f32. */
export function execute(
  tape: Tape,
  graph: Graph,
  inputs: readonly Ref[],
  { quantizers, tap }: ExecuteOptions = {},
): Tensor[] {
  const values: Tensor[] = [];
  const settle = (id: ValueId, tensor: Tensor) => {
    tap?.(id, tensor);
    const spec = quantizers && graph.quantizers.get(id);
    values[id] = spec ? tape.quantize(tensor, spec, ruleOf(quantizers, spec)) : tensor;
  };
  for (const [id, parameter] of graph.parameters) {
    const spec = quantizers && graph.quantizers.get(id);
    const tensor = tape.parameter(parameter);
    if (spec?.target === 'weight') {
      values[id] = tape.quantizeWeights(tensor, spec, ruleOf(quantizers!, spec));
    } else {
      settle(id, tensor);
    }
  }
  graph.inputs.forEach((id, i) => {
    settle(id, tape.input(inputs[i]!));
  });
  for (const node of graph.nodes) {
    settle(
      node.output,
      tape.apply(
        node.op,
        node.inputs.map((id) => values[id]!),
        node.attrs,
      ),
    );
  }
  return graph.outputs.map((id) => values[id]!);
}

function ruleOf(quantizers: QuantizerTable, spec: QuantizerSpec): QuantizerRule {
  const rule = quantizers[spec.method];
  if (!rule) throw internal(`quantizer ${spec.name} has no method ${spec.method}`);
  return rule;
}
