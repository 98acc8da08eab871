import { readFileSync } from 'node:fs';
import type { Case, Contender, Input } from './contender.ts';
import { openLiteRt } from './liteRtLoader.mjs';

let loaded: ReturnType<typeof openLiteRt> | undefined;

/** The input stays in the runtime's memory, and outputs are freed unread: what its API can do at best. */
export async function openLiteRtModel({ files, shape }: Case, input: Input): Promise<Contender> {
  loaded ??= openLiteRt();
  const { loadAndCompile, Tensor } = await loaded;
  const model = await loadAndCompile(new Uint8Array(readFileSync(files.tflite)), {
    accelerator: 'wasm',
  });
  const tensor = new Tensor(input, shape);
  return {
    name: 'LiteRT.js',
    async run() {
      for (const output of await model.run(tensor)) output.delete();
    },
    async outputs() {
      const [output] = await model.run(tensor);
      const values = output!.toTypedArray().slice();
      output!.delete();
      return values;
    },
    close() {
      tensor.delete();
      model.delete();
    },
  };
}
