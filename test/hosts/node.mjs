/** Node and Bun. */
import { readFile } from 'node:fs/promises';
import { conformance } from './conformance.ts';

const read = async (name) => new Uint8Array(await readFile(new URL(name, import.meta.url)));

const found = await conformance({
  infer: await read('infer.wasm'),
  train: await read('train.wasm'),
  bundle: await read('model.octavo'),
  tflite: await read('network.tflite'),
});
console.log(`conformance ${JSON.stringify(found)}`);
// Helper threads wait for the next training.
process.exit(0);
