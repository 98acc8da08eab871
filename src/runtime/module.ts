import { kindOf, typeError } from '../core/errors.ts';
import commonModule from '../wasm/generated/common.ts';
import { type Inlined, open, type WasmModule, type WasmSource } from '../wasm/instantiate.ts';

/** Each plan needs it; only the inference module has it. */
const KERNEL = 'f32_qs8_vquantize';

/** The given inference module, or an inlined one, compiled. `inlined` is that of the bundle's ops: see `openBundle`. */
export async function moduleFrom(
  wasm: WasmSource | undefined,
  inlined: Inlined = commonModule,
): Promise<WasmModule> {
  const bytes = wasm ?? (await open(inlined));
  if (bytes instanceof WebAssembly.Module) return checkExports(bytes);
  if (!(bytes instanceof ArrayBuffer || ArrayBuffer.isView(bytes))) {
    throw typeError('load', 'wasm must be a WebAssembly.Module or its bytes', kindOf(bytes));
  }
  let module: WasmModule;
  try {
    module = await WebAssembly.compile(bytes);
  } catch (cause) {
    throw new Error(`load: ${await reason(bytes, wasm !== undefined)}`, { cause });
  }
  return checkExports(module);
}

function checkExports(module: WasmModule): WasmModule {
  if (WebAssembly.Module.exports(module).some(({ name }) => name === KERNEL)) return module;
  const expected = `wasm must be the octavo inference module, which exports ${KERNEL}`;
  throw typeError('load', expected, 'another module');
}

async function reason(bytes: BufferSource, given: boolean): Promise<string> {
  if (WebAssembly.validate(bytes)) {
    return 'this host does not compile WebAssembly from bytes; import octavo/infer.wasm as a WebAssembly.Module and pass it as the option wasm';
  }
  if (given) return `wasm must be a valid WebAssembly module, got ${bytes.byteLength} other bytes`;
  return 'this host must support WebAssembly SIMD';
}
