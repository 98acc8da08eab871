import { conformance } from './conformance.ts';

const read = (name) => Deno.readFile(new URL(name, import.meta.url));
const compile = async (name) => new WebAssembly.Module(await read(name));

const digests = await conformance({
  infer: await compile('infer.wasm'),
  train: await compile('train.wasm'),
  bundle: await read('model.octavo'),
  compilesBytes: true,
});
console.log(`conformance ${JSON.stringify(digests)}`);
