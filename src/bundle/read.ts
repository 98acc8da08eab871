import { type Bundle, checkBundle } from './bundle.ts';
import { unpackParameters } from './packed.ts';
import { parseBundle } from './parse.ts';

/**
 * The bundle in a file (docs/bundle.md). Arrays are views of `bytes` where the alignment allows, so `bytes` must stay
 * as they are. The file may come from anyone: whatever is in it, this returns a bundle that can be planned and run, or
 * throws a RangeError or TypeError that starts with `bundle`.
 */
export function readBundle(bytes: Uint8Array): Bundle {
  const bundle = parseBundle(bytes);
  unpackParameters(bundle.graph);
  checkBundle(bundle);
  return bundle;
}
