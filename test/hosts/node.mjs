import { readFile } from 'node:fs/promises';
import { conformance } from './conformance.ts';

const read = async (name) => new Uint8Array(await readFile(new URL(name, import.meta.url)));

const digests = await conformance({
  infer: await read('infer.wasm'),
  train: await read('train.wasm'),
  bundle: await read('model.octavo'),
  compilesBytes: true,
});
console.log(`conformance ${JSON.stringify(digests)}`);
