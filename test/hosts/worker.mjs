import { conformance } from './conformance.ts';
import infer from './infer.wasm';
import bundle from './model.octavo';
import tflite from './network.tflite';
import train from './train.wasm';

/** `workerd test` calls it; what it throws ends the process with status 1. */
export default {
  async test() {
    const files = { bundle: new Uint8Array(bundle), tflite: new Uint8Array(tflite) };
    console.log(`conformance ${JSON.stringify(await conformance({ infer, train, ...files }))}`);
  },
};
