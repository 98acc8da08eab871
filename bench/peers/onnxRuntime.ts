import { readFileSync } from 'node:fs';
import type { Case, Contender } from './contender.ts';

/** For networks of `writeOnnx`: a uint8 image, NCHW. */
export async function openOnnxRuntime(
  { shape }: Case,
  file: string,
  input: Uint8Array,
  threads: number,
): Promise<Contender> {
  const { env, InferenceSession, Tensor } = await import('onnxruntime-web');
  env.logLevel = 'error';
  env.wasm.numThreads = threads;
  const model = new Uint8Array(readFileSync(file));
  const session = await InferenceSession.create(model, { executionProviders: ['wasm'] });
  const [batch, height, width, channels] = shape as [number, number, number, number];
  const image = new Tensor('uint8', toPlanes(input, channels), [batch, channels, height, width]);
  const inputs = { [session.inputNames[0]!]: image };
  return {
    name: 'onnxruntime-web',
    run: () => session.run(inputs),
    outputs: async () => (await session.run(inputs))[session.outputNames[0]!]!.data.slice(),
    close: () => session.release(),
  };
}

/** [H,W,C] → [C,H,W] */
function toPlanes(pixels: Uint8Array, channels: number): Uint8Array {
  const extent = pixels.length / channels;
  return pixels.map((_, at) => pixels[(at % extent) * channels + Math.floor(at / extent)]!);
}
