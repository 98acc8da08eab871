/** What a runtime needs for the ops that are not common, in one chunk: their code, and the module with all kernels. */
export { otherOps } from '../graph/integer/otherOps.ts';
export { default as inlined } from '../wasm/generated/infer.ts';
