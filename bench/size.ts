import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { cpuName, hostName, type Report, type Row } from './harness.ts';

/** What a page that runs a model downloads, besides the model: kernels and loader included, gzip -9. */
export const BUDGET = 24576;

/** The checkout: `npm run` and vitest start there. */
const root = process.cwd();

const ENTRY = `
  import { load } from 'octavo/runtime';
  const session = await load(await (await fetch('model.octavo')).arrayBuffer());
  console.log(session.run({ input: new Float32Array(784) }, { dequantize: true }).output);
`;

/** Sizes in bytes of a small page's script with the runtime bundled in, and of the kernels inside it. */
export async function measureSize(): Promise<{ raw: number; gzip: number; wasm: number }> {
  const { outputFiles } = await build({
    absWorkingDir: root,
    stdin: { contents: ENTRY, resolveDir: root },
    alias: { 'octavo/runtime': './src/runtime.ts' },
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    write: false,
  });
  const script = outputFiles[0]!.contents;
  const wasm = readFileSync(`${root}/build/wasm/infer.wasm`).length;
  return { raw: script.length, gzip: gzipSync(script, { level: 9 }).length, wasm };
}

/** npm run bench -- size */
export async function run(): Promise<Report> {
  const { raw, gzip, wasm } = await measureSize();
  return {
    suite: 'size',
    host: hostName(),
    cpu: cpuName(),
    rows: [
      row('runtime, minified', raw),
      {
        ...row('runtime, minified, gzip -9', gzip),
        ratio: gzip / BUDGET,
        against: 'budget of 24 KiB',
      },
      row('infer.wasm, inside the above as base64 of deflate-raw', wasm),
    ],
  };
}

function row(name: string, bytes: number): Row {
  return { case: name, unit: 'bytes', best: bytes, median: bytes, spread: 0, n: 1 };
}
