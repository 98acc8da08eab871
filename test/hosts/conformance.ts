import { convert } from '../../src/index.ts';
import { verify } from '../../src/runtime/verify.ts';
import { load } from '../../src/runtime.ts';
import { importTflite } from '../../src/tflite.ts';
import type { WasmSource } from '../../src/wasm/instantiate.ts';
import { whatIsMissing } from '../../src/wasm/support.ts';
import { Digest, digestOf } from './digest.ts';
import { floatKernels } from './floatKernels.ts';
import { imageDigests } from './images.ts';
import { integerKernels } from './integerKernels.ts';
import { type Line, Rig } from './rig.ts';
import { squares, train } from './training.ts';

/** What a host gives. */
export interface Env {
  /** The package's files, for what runs single kernels: a module, or bytes where the host compiles them. */
  readonly infer: WasmSource;
  readonly train: WasmSource;
  /** A bundle that `train` made elsewhere, and a .tflite file. */
  readonly bundle: Uint8Array;
  readonly tflite: Uint8Array;
}

export interface Conformance {
  /** By `column/name`; they must be equal on all hosts. */
  readonly digests: Record<string, string>;
  /** Whether threads were held against one thread, or why not. */
  readonly threads: string;
}

/**
 * Runs every kernel, images, a bundle, an imported network and some training on this host, as a plain import of the installed package does it. Throws
 * where something is wrong that the host can see alone, such as other integers on two threads.
 */
export async function conformance(env: Env): Promise<Conformance> {
  const rig = new Rig(env);
  const missing = whatIsMissing();
  const { digests: trained, bundle } = await train();
  const digests = {
    ...(await kernelDigests('int8 kernels', rig, integerKernels)),
    ...(await kernelDigests('f32 kernels', rig, floatKernels)),
    ...under('images', await imageDigests()),
    ...under('bundle', await runBundle(env)),
    ...under('tflite', await runImported(env)),
    ...under('training', trained),
  };
  if (missing) return { digests, threads: missing };
  await compareThreads(bundle, trained);
  return { digests, threads: 'equal' };
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

async function runBundle({ infer, bundle }: Env): Promise<Record<string, string>> {
  const report = await verify(bundle, { wasm: infer, reference: true });
  const wrong = report.mismatching + report.reference!.mismatching;
  if (wrong > 0 || report.compared === 0) {
    throw new Error(`verify: ${wrong} integers differ: ${JSON.stringify(report)}`);
  }
  const single = await integersOf(bundle);
  expectEqual('a batch of 8', await integersOf(bundle, { batch: 8 }), single);
  expectEqual('octavo/infer.wasm', await integersOf(bundle, { wasm: infer }), single);
  return { bytes: await digestOf(bundle), integers: single };
}

/** A network of another format becomes a bundle, which runs. */
async function runImported({ tflite }: Env): Promise<Record<string, string>> {
  const bundle = convert(importTflite(tflite)).toBytes();
  return { bytes: await digestOf(bundle), integers: await integersOf(bundle) };
}

/** On two threads: all that was trained, and a bundle's outputs. */
async function compareThreads(bundle: Uint8Array, trained: Record<string, string>): Promise<void> {
  expectEqual('a bundle', await integersOf(bundle, { threads: 2 }), await integersOf(bundle));
  const { digests } = await train(2);
  for (const [name, digest] of Object.entries(digests)) expectEqual(name, digest, trained[name]!);
}

function expectEqual(what: string, got: string, expected: string): void {
  if (got !== expected) throw new Error(`${what}: other integers than those of a plain load`);
}

/** Digest of the outputs for bytes that the model has not seen. */
async function integersOf(
  bundle: Uint8Array,
  options: { wasm?: WasmSource; batch?: number; threads?: number } = {},
): Promise<string> {
  const session = await load(bundle, options);
  const size = session.inputs[0]!.shape.reduce((a, b) => a * b, 1);
  const { x } = squares(IMAGES, 77);
  const input = session.inputs[0]!.name;
  const digest = new Digest();
  for (let at = 0; at + size <= x.length; at += size) {
    const part = x.subarray(at, at + size);
    const outputs = session.run({ [input]: asInput(part, session.preprocessing !== undefined) });
    for (const output of Object.values(outputs)) digest.add(output);
  }
  return digest.hex();
}

/** Pixels for a network that says how to normalize them, else integers. */
function asInput(bytes: Uint8Array, pixels: boolean): Uint8Array | Int8Array {
  return pixels ? bytes : Int8Array.from(bytes, (byte) => byte - 128);
}
