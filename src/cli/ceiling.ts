import inlined from '../wasm/generated/bench.ts';
import { compile, open } from '../wasm/instantiate.ts';

const TURNS = 40_000;

/** Multiply-accumulates of one turn of the loop below, about 0.1 ms. */
export const CEILING_MACS = TURNS * 12 * 8;

/**
 * A loop of nothing but dot products and additions in registers: what no int8 kernel can beat on this machine.
 */
export async function ceilingLoop(): Promise<() => void> {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const module = compile(await open(inlined));
  const instance = await WebAssembly.instantiate(module, { env: { memory } });
  const loop = instance.exports['ceiling'] as (turns: number, at: number) => void;
  return () => loop(TURNS, 64);
}
