import { conformance } from './conformance.ts';

const read = (name) => Deno.readFile(new URL(name, import.meta.url));
const compile = async (name) => new WebAssembly.Module(await read(name));

const found = await conformance({
  infer: await compile('infer.wasm'),
  train: await compile('train.wasm'),
  bundle: await read('model.octavo'),
  tflite: await read('network.tflite'),
});
console.log(`conformance ${JSON.stringify(found)}`);
Deno.exit(0);
