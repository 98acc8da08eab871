/** A page's script; the runner reads `conformance` of the window. */
import { conformance } from './conformance.ts';

async function run() {
  const read = async (name) => new Uint8Array(await (await fetch(name)).arrayBuffer());
  return conformance({
    infer: await read('infer.wasm'),
    train: await read('train.wasm'),
    bundle: await read('model.octavo'),
    tflite: await read('network.tflite'),
  });
}

window.conformance = run().catch(({ message, stack }) => ({ error: `${message}\n${stack}` }));
