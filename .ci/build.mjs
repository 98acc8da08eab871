/**
 * assembly/*.ts ──asc──▶ ──wasm-opt──▶ build/*.wasm ──deflate, base64──▶ src/wasm/generated/*.ts
 * src/*.ts      ──esbuild──▶ dist/*.js                       (tsc writes dist/types with --types)
 *
 * Each stage runs only when the content of its sources changed since the stage last succeeded.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deflateRawSync } from 'node:zlib';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const at = (...parts) => join(root, ...parts);
const bin = (name) => at('node_modules', '.bin', name);

/** infer and train ship; scalar holds the plain twins, for tests alone, and bench the loops that kernels are held against. */
const MODULES = ['infer', 'train', 'scalar', 'bench'];

function run(command, args) {
  const { status } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new Error(`build: ${command} ${args.join(' ')} ended with status ${status}`);
}

function digest(...folders) {
  const hash = createHash('sha256');
  const walk = (path) => {
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      const child = join(path, entry.name);
      if (entry.name === 'generated' || entry.name === 'node_modules') continue;
      if (entry.isDirectory()) walk(child);
      else hash.update(child.slice(root.length)).update(readFileSync(child));
    }
  };
  for (const folder of folders) walk(at(folder));
  for (const file of ['package-lock.json', 'asconfig.json', '.ci/build.mjs']) {
    hash.update(readFileSync(at(file)));
  }
  return hash.digest('hex');
}

/** Runs `work` unless `build/<name>.stamp` holds the digest of the same sources. */
function stage(name, sources, products, work) {
  const stamp = at('build', `${name}.stamp`);
  const now = digest(...sources);
  const fresh = existsSync(stamp) && readFileSync(stamp, 'utf8') === now;
  if (fresh && products.every((file) => existsSync(at(file)))) return;
  console.error(`octavo: building ${name}`);
  work();
  writeFileSync(stamp, now);
}

function compileModule(name) {
  const raw = at('build', `${name}.raw.wasm`);
  const out = at('build', `${name}.wasm`);
  const options = ['--config', 'asconfig.json', '--target', 'release', '-o', raw];
  run(bin('asc'), [`assembly/${name}.ts`, ...options]);
  // Features by name: -all would let newer opcodes in. Measured after asc -O3: a few bytes, no speed.
  const features = ['simd', 'bulk-memory', 'nontrapping-float-to-int', 'sign-ext', 'mutable-globals'];
  const enabled = features.map((feature) => `--enable-${feature}`);
  run(bin('wasm-opt'), [raw, ...enabled, '-O3', '--strip-debug', '--strip-producers', '-o', out]);
}

function inline(name) {
  const bytes = readFileSync(at('build', `${name}.wasm`));
  const text = deflateRawSync(bytes, { level: 9 }).toString('base64');
  writeFileSync(
    at('src/wasm/generated', `${name}.ts`),
    `/** ${name}.wasm (${bytes.length} bytes) as base64 of deflate-raw. Written by the build. */\nexport default '${text}';\n`,
  );
}

function wasm() {
  mkdirSync(at('src/wasm/generated'), { recursive: true });
  for (const name of MODULES) compileModule(name);
  for (const name of ['infer', 'train']) inline(name);
}

async function scripts() {
  // Chunks are named by content: without this, old ones would stay and be packed.
  rmSync(at('dist'), { recursive: true, force: true });
  mkdirSync(at('dist'));
  const { build } = await import('esbuild');
  const { version } = JSON.parse(readFileSync(at('package.json'), 'utf8'));
  const options = {
    absWorkingDir: root,
    bundle: true,
    format: 'esm',
    target: 'es2022',
    packages: 'external',
    logLevel: 'warning',
    define: { OCTAVO_VERSION: JSON.stringify(version) },
  };
  const library = ['src/index.ts', 'src/runtime.ts'];
  await build({ ...options, entryPoints: library, outdir: 'dist', platform: 'neutral', splitting: true });
  await build({ ...options, entryPoints: { cli: 'src/cli/main.ts' }, outdir: 'dist', platform: 'node' });
  await build({ ...options, entryPoints: { bench: 'bench/main.ts' }, outdir: 'build', platform: 'node' });
}

/** The modules as files, for hosts that import them (Cloudflare Workers) and for whoever passes them to `load`. */
function copyWasm() {
  for (const name of ['infer', 'train']) copyFileSync(at('build', `${name}.wasm`), at('dist', `${name}.wasm`));
  const declaration = 'declare const module: WebAssembly.Module;\nexport default module;\n';
  writeFileSync(at('dist/wasm.d.ts'), declaration);
}

function types() {
  run(bin('tsc'), ['-p', '.ci/tsconfig.types.json']);
}

export async function buildAll({ withTypes = false } = {}) {
  mkdirSync(at('build'), { recursive: true });
  const wasmFiles = MODULES.map((name) => `build/${name}.wasm`);
  const inlined = ['src/wasm/generated/infer.ts', 'src/wasm/generated/train.ts'];
  stage('wasm', ['assembly'], [...wasmFiles, ...inlined], wasm);
  const now = digest('assembly', 'src', 'bench');
  const stamp = at('build', 'scripts.stamp');
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== now || !existsSync(at('dist/cli.js')) || !existsSync(at('build/bench.js'))) {
    console.error('octavo: building scripts');
    await scripts();
    copyWasm();
    writeFileSync(stamp, now);
  }
  if (withTypes) types();
}
