import { internal, typeError } from '../core/errors.ts';
import type { InferKernels } from '../core/kernels.ts';
import type { IntValue, Lowering } from '../core/op.ts';
import { quantizeTable, tableChannels } from '../core/preprocess.ts';
import type { Graph, Node, ValueId } from '../graph/graph.ts';
import { type Activation, ruleOf } from './activations.ts';
import type { Block } from './arena.ts';
import type { Constants } from './constants.ts';

/** A bound kernel call. */
export type Call = () => void;

/** How the floats or pixels of an input become its integers. */
export interface InputConversion {
  /** Where the caller's values go before the conversion: f32 or u8, one an element. */
  readonly staging: number;
  readonly fromFloats: Call;
  /** Where the graph has preprocessing. */
  readonly fromPixels?: Call;
}

export interface Lowered {
  readonly conversions: readonly InputConversion[];
  /** The kernel calls of each node; none for an alias. */
  readonly nodes: readonly (readonly Call[])[];
}

/** What differs between the sizing pass and the filling pass. */
export interface Pass {
  readonly graph: Graph;
  readonly activations: ReadonlyMap<ValueId, Activation>;
  readonly constants: Constants;
  /** Undefined in the sizing pass, which binds nothing. */
  readonly kernels?: InferKernels;
  addressOf(root: ValueId): number;
  /** Memory for the time of one step. */
  scratch(block: Block): number;
}

/** Lowers the whole graph. See `lifetimes` for the meaning of time. */
export function lowerGraph(pass: Pass): Lowered {
  const { graph } = pass;
  const conversions = graph.inputs.map((id) => lowerInput(pass, id));
  const nodes = graph.nodes.map((node, i) => {
    const calls: Call[] = [];
    ruleOf(node).lower(loweringOf(pass, node, i + 1, calls), node.attrs);
    return calls;
  });
  return { conversions, nodes };
}

function plannedValue({ activations, addressOf }: Pass, id: ValueId): IntValue {
  const { shape, qparams, root } = activations.get(id)!;
  return { shape, qparams, ptr: addressOf(root) };
}

function loweringOf(pass: Pass, node: Node, time: number, calls: Call[]): Lowering {
  const { constants, activations, graph, kernels } = pass;
  return {
    x: node.inputs.filter((id) => activations.has(id)).map((id) => plannedValue(pass, id)),
    y: plannedValue(pass, node.output),
    constants: node.inputs
      .filter((id) => !activations.has(id))
      .map((id) => graph.parameters.get(id)!),
    constant: (data, length) => constants.constant(data, length),
    packed: (bytes, source, pack) => constants.packed(bytes, source, pack),
    struct: (name, fields) => constants.struct(name, fields),
    scratch: (bytes) => pass.scratch({ bytes, first: time, last: time }),
    get kernels() {
      if (!kernels) throw internal('kernels are bound in the second pass');
      return kernels;
    },
    call: (kernel, ...args) => {
      if (kernels) calls.push(bind(kernels, kernel, args));
    },
  };
}

/**
 * A closure of fixed arity: calling it neither spreads nor allocates. The integer kernels take 4 to 7 arguments, all
 * i32.
 */
function bind(kernels: InferKernels, name: keyof InferKernels, args: readonly number[]): Call {
  const kernel = kernels[name] as (...args: number[]) => void;
  if (typeof kernel !== 'function') {
    throw typeError(
      'load',
      `wasm must be the octavo inference module, which exports ${name}`,
      kernel,
    );
  }
  const [a, b, c, d, e, f, g] = args as unknown as Parameters<InferKernels['qs8_conv2d']>;
  if (args.length === 4) return () => kernel(a, b, c, d);
  if (args.length === 5) return () => kernel(a, b, c, d, e);
  if (args.length === 6) return () => kernel(a, b, c, d, e, f);
  if (args.length === 7) return () => kernel(a, b, c, d, e, f, g);
  throw internal(`${name} takes ${args.length} arguments`);
}

function lowerInput(pass: Pass, id: ValueId): InputConversion {
  const { constants, kernels, graph, activations } = pass;
  const { size, qparams } = activations.get(id)!;
  const y = pass.addressOf(id);
  const { zeroPoint, qmin, qmax } = qparams;
  const scale = qparams.scale[0]!;
  const inverseScale = Math.fround(1 / scale);
  const params = constants.struct('QuantizeParams', { scale, inverseScale, zeroPoint, qmin, qmax });
  const staging = pass.scratch({ bytes: 4 * size, first: 0, last: 0 });
  const call = (name: keyof InferKernels, ...args: number[]) =>
    kernels ? bind(kernels, name, args) : () => {};
  const fromFloats = call('f32_qs8_vquantize', size, staging, y, params);
  if (!graph.preprocessing) return { staging, fromFloats };
  const channels = tableChannels(graph.preprocessing);
  // The sizing pass must be cheap: what it measures may not fit into a memory.
  const entries = kernels ? quantizeTable(graph.preprocessing, qparams) : new Int8Array();
  const table = constants.constant(entries, 256 * channels);
  const fromPixels = call('u8_lut', size / channels, channels, staging, table, y);
  return { staging, fromFloats, fromPixels };
}
