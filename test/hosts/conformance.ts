import { useWasm } from '../../src/index.ts';
import { verify } from '../../src/runtime/verify.ts';
import { load } from '../../src/runtime.ts';
import type { WasmSource } from '../../src/wasm/instantiate.ts';
import { Digest, digestOf } from './digest.ts';
import { floatKernels } from './floatKernels.ts';
import { imageDigests } from './images.ts';
import { integerKernels } from './integerKernels.ts';
import { type Line, Rig } from './rig.ts';
import { squares, train } from './training.ts';

/** What a host gives. */
export interface Env {
  readonly infer: WasmSource;
  readonly train: WasmSource;
  /** A bundle that `train` made elsewhere. */
  readonly bundle: Uint8Array;
  /** Whether the host compiles WebAssembly from bytes: the modules inside the package serve. */
  readonly compilesBytes: boolean;
}

/**
 * Runs every kernel, images, a bundle and some training on this host. Returns digests by `column/name`,
 * which must be equal on all hosts; throws where something is wrong that the host can see alone.
 */
export async function conformance(env: Env): Promise<Record<string, string>> {
  if (!env.compilesBytes) useWasm(env);
  const rig = new Rig(env);
  return {
    ...(await kernelDigests('int8 kernels', rig, integerKernels)),
    ...(await kernelDigests('f32 kernels', rig, floatKernels)),
    ...under('images', await imageDigests()),
    ...under('bundle', await runBundle(env)),
    ...under('training', (await train()).digests),
  };
}

function under(column: string, digests: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(digests).map(([name, d]) => [`${column}/${name}`, d]));
}

async function kernelDigests(
  column: string,
  rig: Rig,
  lines: Record<string, Line>,
): Promise<Record<string, string>> {
  const digests: Record<string, string> = {};
  for (const [name, line] of Object.entries(lines)) digests[name] = await rig.digestOf(line);
  return under(column, digests);
}

const IMAGES = 32;

async function runBundle({ infer, bundle, compilesBytes }: Env): Promise<Record<string, string>> {
  const report = await verify(bundle, { wasm: infer, reference: true });
  const wrong = report.mismatching + report.reference!.mismatching;
  if (wrong > 0 || report.compared === 0) {
    throw new Error(`verify: ${wrong} integers differ: ${JSON.stringify(report)}`);
  }
  const single = await integersOf(bundle, { wasm: infer });
  const batched = await integersOf(bundle, { wasm: infer, batch: 8 });
  if (batched !== single) throw new Error('run: a batch of 8 gives other integers than singles');
  await checkInlined(bundle, single, compilesBytes);
  return { bytes: await digestOf(bundle), integers: single };
}

/** Digest of the outputs for images that the model has not seen. */
async function integersOf(
  bundle: Uint8Array,
  options: { wasm?: WasmSource; batch?: number },
): Promise<string> {
  const session = await load(bundle, options);
  const size = session.inputs[0]!.shape.reduce((a, b) => a * b, 1);
  const { x } = squares(IMAGES, 77);
  const digest = new Digest();
  for (let at = 0; at < x.length; at += size) {
    digest.add(session.run({ input: x.subarray(at, at + size) }).output!);
  }
  return digest.hex();
}

/** Without `wasm`, a host uses the module inside the package, or says what to do if it cannot. */
async function checkInlined(bundle: Uint8Array, expected: string, compiles: boolean) {
  if (compiles) {
    const got = await integersOf(bundle, {});
    if (got !== expected) throw new Error('load: the inlined module gives other integers');
    return;
  }
  const message = await load(bundle).then(
    () => 'a session',
    (error: Error) => error.message,
  );
  if (!message.includes('does not compile WebAssembly from bytes')) {
    throw new Error(`load without wasm: expected advice to pass a module, got ${message}`);
  }
}
