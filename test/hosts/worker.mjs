import { conformance } from './conformance.ts';
import infer from './infer.wasm';
import bundle from './model.octavo';
import train from './train.wasm';

/** `workerd test` calls it; what it throws ends the process with status 1. */
export default {
  async test() {
    const env = { infer, train, bundle: new Uint8Array(bundle), compilesBytes: false };
    console.log(`conformance ${JSON.stringify(await conformance(env))}`);
  },
};
