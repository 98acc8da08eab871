import { type Bundle, checkBundle } from '../bundle/bundle.ts';
import { parseBundle } from '../bundle/read.ts';
import { kindOf, typeError } from '../core/errors.ts';
import type { Graph, Node } from '../graph/graph.ts';
import { integerOp, learn } from '../graph/integer/ops.ts';

/** `readBundle` that first loads the ops that this bundle has and a runtime does not start with. */
export async function openBundle(bytes: Uint8Array | ArrayBuffer): Promise<Bundle> {
  const bundle = parseBundle(toBytes(bytes));
  if (!bundle.graph.nodes.every((node) => isCommon(bundle.graph, node))) {
    const { otherOps } = await import('../graph/integer/otherOps.ts');
    learn(otherOps);
  }
  checkBundle(bundle);
  return bundle;
}

/** Whether the ops that a runtime starts with serve a node: they add tensors of one shape only. */
function isCommon({ values }: Graph, { op, inputs: [a, b] }: Node): boolean {
  if (op === 'add') return String(values[a!]?.shape) === String(values[b!]?.shape);
  return integerOp(op) !== undefined;
}

/** The file's bytes as a view. */
function toBytes(bytes: Uint8Array | ArrayBuffer): Uint8Array {
  if (bytes instanceof Uint8Array) return bytes;
  if (bytes instanceof ArrayBuffer) return new Uint8Array(bytes);
  throw typeError('load', 'the bundle must be a Uint8Array or an ArrayBuffer', kindOf(bytes));
}
