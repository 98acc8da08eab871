import { type Bundle, checkBundle } from '../bundle/bundle.ts';
import { parseBundle } from '../bundle/parse.ts';
import { kindOf, typeError } from '../core/errors.ts';
import type { Graph, Node } from '../graph/graph.ts';
import { commonOps } from '../graph/integer/commonOps.ts';
import { learn } from '../graph/integer/ops.ts';
import type { Inlined } from '../wasm/instantiate.ts';

export interface Opened {
  readonly bundle: Bundle;
  /** The inlined module with the kernels of its ops, where the one for common ops does not do. */
  readonly inlined?: Inlined;
}

/** `readBundle` that first loads the ops that this bundle has and a runtime does not start with. */
export async function openBundle(bytes: Uint8Array | ArrayBuffer): Promise<Opened> {
  const bundle = parseBundle(toBytes(bytes));
  if ([...bundle.graph.parameters.values()].some(({ data }) => data instanceof Uint8Array)) {
    (await import('../bundle/packed.ts')).unpackParameters(bundle.graph);
  }
  if (bundle.graph.nodes.every((node) => isCommon(bundle.graph, node))) {
    checkBundle(bundle);
    return { bundle };
  }
  const { otherOps, inlined } = await import('./others.ts');
  learn(otherOps);
  checkBundle(bundle);
  return { bundle, inlined };
}

/** Whether the ops that a runtime starts with serve a node: they add tensors of one shape only. */
function isCommon({ values }: Graph, { op, inputs: [a, b] }: Node): boolean {
  if (op === 'add') return String(values[a!]?.shape) === String(values[b!]?.shape);
  return Object.hasOwn(commonOps, op);
}

/** The file's bytes as a view. */
function toBytes(bytes: Uint8Array | ArrayBuffer): Uint8Array {
  if (bytes instanceof Uint8Array) return bytes;
  if (bytes instanceof ArrayBuffer) return new Uint8Array(bytes);
  throw typeError('load', 'the bundle must be a Uint8Array or an ArrayBuffer', kindOf(bytes));
}
