/** `octavo/runtime/core`: the runtime without kernels inside, for whoever has them as a module or as bytes. */

import { type LoadOptions, load as loadAny } from './runtime/load.ts';
import type { Session } from './runtime/session.ts';
import type { WasmSource } from './wasm/instantiate.ts';

export type { Image } from './core/image.ts';
export type { Preprocessing } from './core/preprocess.ts';
export type { InputData } from './runtime/input.ts';
export { type ImageModel, prepareImage } from './runtime/prepare.ts';
export type { RunOptions, Session, TensorInfo } from './runtime/session.ts';

export interface CoreLoadOptions extends LoadOptions {
  /** `octavo/infer.wasm`, compiled or as bytes; with threads its bytes. */
  readonly wasm: WasmSource;
}

/** `load` of `octavo/runtime`, with the kernels that the caller gives. Throws as that does, and without `wasm`. */
export const load: (bytes: Uint8Array | ArrayBuffer, options: CoreLoadOptions) => Promise<Session> =
  loadAny;
