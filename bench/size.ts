import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { cpuName, hostName, type Report, type Row } from './harness.ts';

/** What a page that runs a model downloads, besides the model: kernels and loader included, gzip -9. */
export const BUDGET = 30 * 1024;

/** The checkout: `npm run` and vitest start there. */
const root = process.cwd();

const ENTRY = `
  import { load } from 'octavo/runtime';
  const session = await load(await (await fetch('model.octavo')).arrayBuffer());
  console.log(session.run({ input: new Float32Array(784) }, { dequantize: true }).output);
`;

/**
 * Sizes in bytes of a small page's script with the runtime bundled in, and of the kernels inside it. What the page loads on demand
 * alone, such as threads, is in other files and does not count.
 */
export async function measureSize(): Promise<{ raw: number; gzip: number; wasm: number }> {
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    stdin: { contents: ENTRY, resolveDir: root, sourcefile: 'page.js' },
    alias: { 'octavo/runtime': './src/runtime.ts' },
    bundle: true,
    minify: true,
    splitting: true,
    metafile: true,
    format: 'esm',
    target: 'es2022',
    outdir: 'page',
    write: false,
  });
  const open = ['page/stdin.js'];
  const downloaded = new Set<string>();
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    downloaded.add(path);
    const { imports } = metafile.outputs[path]!;
    for (const { kind, path } of imports) if (kind === 'import-statement') open.push(path);
  }
  let [raw, gzip] = [0, 0];
  for (const { path, contents } of outputFiles) {
    if (![...downloaded].some((name) => path.endsWith(name))) continue;
    raw += contents.length;
    gzip += gzipSync(contents, { level: 9 }).length;
  }
  const wasm = readFileSync(`${root}/build/wasm/common.wasm`).length;
  return { raw, gzip, wasm };
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
        against: 'budget of 30 KiB',
      },
      row('common.wasm, inside the above as base64 of deflate-raw', wasm),
    ],
  };
}

function row(name: string, bytes: number): Row {
  return { case: name, unit: 'bytes', best: bytes, median: bytes, spread: 0, n: 1 };
}
