import { CHECKSUM_KEY, checksum, DESCRIPTION_KEY } from '../../src/bundle/bundle.ts';
import { writeBundle } from '../../src/bundle/write.ts';
import { decode, encode, type StoredTensor } from '../../src/core/safetensors.ts';
import { tinyBundle } from './tinyBundle.ts';

// biome-ignore lint/suspicious/noExplicitAny: the point is to break the types
export type AnyJson = any;

/** What a bundle file holds, to be changed in place. */
export interface BundleFile {
  readonly json: AnyJson;
  readonly tensors: Map<string, StoredTensor>;
}

/** A bundle file after an edit of its description and tensors, with a checksum that fits. */
export function edited(bytes: Uint8Array, edit: (file: BundleFile) => void): Uint8Array {
  return editedOf(decode(bytes), edit);
}

function editedOf(
  { metadata, tensors: stored }: ReturnType<typeof decode>,
  edit: (file: BundleFile) => void,
): Uint8Array {
  const tensors = new Map(stored);
  const json = JSON.parse(metadata[DESCRIPTION_KEY]!);
  edit({ json, tensors });
  return seal(JSON.stringify(json), [...tensors.values()]);
}

const original = decode(writeBundle(tinyBundle()));

/** The tiny bundle after such an edit. */
export function tamper(
  edit: (json: AnyJson, tensors: Map<string, StoredTensor>) => void,
): Uint8Array {
  return editedOf(original, ({ json, tensors }) => edit(json, tensors));
}

/** A file with this description, whatever it is. */
export function seal(description: string, tensors: readonly StoredTensor[]): Uint8Array {
  const sum = checksum(description, decode(encode(tensors)).data);
  return encode(tensors, { [DESCRIPTION_KEY]: description, [CHECKSUM_KEY]: sum });
}

/** Sets what is at a path like `graph.nodes.relu.attrs`; in lists by name or index; undefined deletes. */
export function put(json: AnyJson, path: string, value: unknown): void {
  const keys = path.split('.');
  const last = keys.pop()!;
  let parent = json;
  for (const key of keys) {
    const named = Array.isArray(parent) && parent.find((item: AnyJson) => item.name === key);
    parent = named || parent[key];
  }
  if (value === undefined) delete parent[last];
  else parent[last] = value;
}

/** The id of the tiny graph's value of this name. */
export function idOf(json: AnyJson, name: string): number {
  return json.graph.values.findIndex((value: AnyJson) => value.name === name);
}
