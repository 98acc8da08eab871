/** Octavo's inference runtime: `octavo/runtime`. */
export type { Image } from './core/image.ts';
export type { Preprocessing } from './core/preprocess.ts';
export type { InputData } from './runtime/input.ts';
export { type LoadOptions, load } from './runtime/load.ts';
export { type ImageModel, prepareImage } from './runtime/prepare.ts';
export type { RunOptions, Session, TensorInfo } from './runtime/session.ts';
