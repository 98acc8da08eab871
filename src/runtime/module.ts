import { typeError } from '../core/errors.ts';
import inlined from '../wasm/generated/infer.ts';
import { inflate, type WasmSource } from '../wasm/instantiate.ts';

/** The given inference module, or the inlined one, compiled. */
export async function moduleFrom(wasm: WasmSource | undefined): Promise<WebAssembly.Module> {
  if (wasm instanceof WebAssembly.Module) return wasm;
  const bytes = wasm ?? (await inflate(inlined));
  if (!(bytes instanceof ArrayBuffer || ArrayBuffer.isView(bytes))) {
    throw typeError('load', 'wasm must be a WebAssembly.Module or its bytes', typeof bytes);
  }
  try {
    return await WebAssembly.compile(bytes);
  } catch (cause) {
    throw new Error(`load: ${await reason(bytes, wasm !== undefined)}`, { cause });
  }
}

async function reason(bytes: BufferSource, given: boolean): Promise<string> {
  if (WebAssembly.validate(bytes)) {
    return 'this host does not compile WebAssembly from bytes; import octavo/infer.wasm as a WebAssembly.Module and pass it as the option wasm';
  }
  if (given) return `wasm must be a valid WebAssembly module, got ${bytes.byteLength} other bytes`;
  return 'this host must support WebAssembly SIMD';
}
