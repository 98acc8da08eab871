import { internal } from '../core/errors.ts';
import type { InferKernelName, InferKernels } from '../core/kernels.ts';
import type { IntValue, Lowering } from '../core/op.ts';
import { normalizeTable, quantizeTable, tableChannels } from '../core/preprocess.ts';
import type { Graph, Node, ValueId } from '../graph/graph.ts';
import { activationCount } from '../graph/integer/ops.ts';
import { cut } from '../wasm/cut.ts';
import type { Step } from '../wasm/step.ts';
import { type Activation, bytesIn, ruleOf, tensorOf } from './activations.ts';
import type { Block } from './arena.ts';
import type { Constants } from './constants.ts';

/** How the floats or pixels of an input become its integers. */
export interface InputConversion {
  /** Where the caller's values go before the conversion: one an element, in `kind`. */
  readonly staging: number;
  /** Reals to integers; none for an input of reals. */
  readonly fromFloats?: Step;
  /** Pixels to integers, where the graph has preprocessing and the input is of integers. */
  readonly fromPixels?: Step;
  /** Pixels to reals, f32 [tableChannels][256], where the graph has preprocessing and the input is of reals. */
  readonly pixelTable?: Float32Array;
}

export interface Lowered {
  readonly conversions: readonly InputConversion[];
  /** The steps of each node; none for an alias. */
  readonly nodes: readonly (readonly Step[])[];
}

/** What differs between the sizing pass and the filling pass. */
export interface Pass {
  readonly graph: Graph;
  readonly batch: number;
  readonly threads: number;
  readonly activations: ReadonlyMap<ValueId, Activation>;
  readonly constants: Constants;
  /** Undefined in the sizing pass, which packs nothing. */
  readonly kernels?: InferKernels;
  addressOf(root: ValueId): number;
  /** Memory for the time of one step. */
  scratch(block: Block): number;
}

/** Lowers the whole graph. See `lifetimes` for the meaning of time. */
export function lowerGraph(pass: Pass): Lowered {
  const { graph } = pass;
  const conversions = graph.inputs.map((id) => lowerInput(pass, id));
  const shared = new Map<ValueId, number>();
  const nodes = graph.nodes.map((node, i) => {
    const steps: Step[] = [];
    ruleOf(node).lower(loweringOf(pass, node, i + 1, steps, shared), node.attrs);
    return steps;
  });
  return { conversions, nodes };
}

/** `shared` has the addresses of the constants that ops read like activations. */
function intValue(pass: Pass, id: ValueId, shared: Map<ValueId, number>): IntValue {
  const { activations, addressOf, graph, constants } = pass;
  const activation = activations.get(id);
  if (activation) {
    const { root, offset } = activation;
    return { ...activation, ptr: addressOf(root) + offset };
  }
  const data = graph.parameters.get(id)!.data as Int8Array;
  const ptr = shared.get(id) ?? constants.constant(data);
  shared.set(id, ptr);
  return { ...tensorOf(graph, id, 1), ptr };
}

function loweringOf(
  pass: Pass,
  node: Node,
  time: number,
  steps: Step[],
  shared: Map<ValueId, number>,
): Lowering {
  const { constants, graph, kernels, threads } = pass;
  const count = activationCount(node);
  return {
    x: node.inputs.slice(0, count).map((id) => intValue(pass, id, shared)),
    y: intValue(pass, node.output, shared),
    constants: node.inputs.slice(count).map((id) => {
      const { shape, data } = graph.parameters.get(id)!;
      const { qparams } = graph.values[id]!;
      return { shape, data, ...(qparams && { qparams }) };
    }),
    constant: (data, length) => constants.constant(data, length),
    packed: (bytes, source, pack) => constants.packed(bytes, source, pack),
    struct: (name, fields) => constants.struct(name, fields),
    scratch: (bytes) => pass.scratch({ bytes, first: time, last: time }),
    get kernels() {
      if (!kernels) throw internal('kernels are bound in the second pass');
      return kernels;
    },
    call: (kernel, ...args) => void steps.push({ kernel, parts: [args] }),
    parallel: (kernel, units, unitMacs, part, grain = 1) => {
      const parts = cut(units, unitMacs, grain, threads).map(([first, n]) => part(first, n));
      steps.push({ kernel, parts });
    },
  };
}

function lowerInput(pass: Pass, id: ValueId): InputConversion {
  const { constants, kernels, graph, activations } = pass;
  const activation = activations.get(id)!;
  const { size, dtype, qparams } = activation;
  const { preprocessing } = graph;
  if (dtype === 'f32' || dtype === 'i32') {
    const staging = pass.addressOf(id);
    if (dtype === 'i32' || !preprocessing) return { staging };
    return { staging, pixelTable: normalizeTable(preprocessing) };
  }
  const y = pass.addressOf(id);
  // The kernel makes i8; u8 is the same integers shifted by 128.
  const shift = dtype === 'u8' ? 128 : 0;
  const [zeroPoint, qmin, qmax] = [qparams.zeroPoint, qparams.qmin, qparams.qmax].map(
    (q) => q - shift,
  ) as [number, number, number];
  const scale = qparams.scale[0]!;
  const inverseScale = Math.fround(1 / scale);
  const params = constants.struct('QuantizeParams', { scale, inverseScale, zeroPoint, qmin, qmax });
  const staging = pass.scratch({ bytes: 4 * bytesIn(activation), first: 0, last: 0 });
  const step = (kernel: InferKernelName, ...args: number[]): Step => ({ kernel, parts: [args] });
  const fromFloats = step('f32_qs8_vquantize', size, staging, y, params);
  if (!preprocessing) return { staging, fromFloats };
  const channels = tableChannels(preprocessing);
  // The sizing pass must be cheap: what it measures may not fit into a memory.
  const entries = kernels ? quantizeTable(preprocessing, qparams) : new Int8Array();
  const table = constants.constant(entries, 256 * channels);
  const fromPixels = step('u8_lut', size / channels, channels, staging, table, y);
  return { staging, fromFloats, fromPixels };
}
