/**
 * assembly/*.ts ──asc──▶ ──wasm-opt──▶ build/*.wasm ──deflate, base64──▶ src/wasm/generated/*.ts
 * src/*.ts      ──esbuild──▶ dist/*.js                       (tsc writes dist/types with --types)
 *
 * Each stage runs only when the content of its sources changed since the stage last succeeded.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deflateRawSync } from 'node:zlib';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const at = (...parts) => join(root, ...parts);
const bin = (name) => at('node_modules', '.bin', name);

/** infer and train ship, and common, the part of infer that most pages need; scalar holds the plain twins, for tests alone, and bench the loops that kernels are held against. */
const MODULES = ['common', 'infer', 'train', 'scalar', 'bench'];

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

/** Sizes of the files below `folders`, by path. */
function sizes(folders) {
  const found = {};
  const walk = (path) => {
    for (const entry of readdirSync(at(path), { withFileTypes: true })) {
      const child = `${path}/${entry.name}`;
      if (entry.isDirectory()) walk(child);
      else found[child] = statSync(at(child)).size;
    }
  };
  for (const folder of folders) walk(folder);
  return found;
}

function isFresh(stamp, now) {
  if (!existsSync(stamp)) return false;
  const { sources, products } = JSON.parse(readFileSync(stamp, 'utf8'));
  if (sources !== now) return false;
  return Object.entries(products).every(
    ([path, size]) => existsSync(at(path)) && statSync(at(path)).size === size,
  );
}

/**
 * Runs `work`, which fills `folders` from `sources`, unless `build/<name>.json` says that these sources gave the files
 * that are there. The note goes first and comes last, so that an interrupted build is not taken for a whole one.
 */
async function stage(name, sources, folders, work) {
  const stamp = at('build', `${name}.json`);
  const now = digest(...sources);
  if (isFresh(stamp, now)) return;
  console.error(`octavo: building ${name}`);
  rmSync(stamp, { force: true });
  for (const folder of folders) mkdirSync(at(folder), { recursive: true });
  await work();
  writeFileSync(stamp, JSON.stringify({ sources: now, products: sizes(folders) }));
}

function compileModule(name) {
  const raw = at('build/wasm', `${name}.raw.wasm`);
  const out = at('build/wasm', `${name}.wasm`);
  const options = ['--config', 'asconfig.json', '--target', 'release', '-o', raw];
  run(bin('asc'), [`assembly/${name}.ts`, ...options]);
  // Features by name: -all would let newer opcodes in. Measured after asc -O3: a few bytes, no speed.
  const features = ['simd', 'bulk-memory', 'nontrapping-float-to-int', 'sign-ext', 'mutable-globals'];
  const enabled = features.map((feature) => `--enable-${feature}`);
  run(bin('wasm-opt'), [raw, ...enabled, '-O3', '--strip-debug', '--strip-producers', '-o', out]);
}

const SHIPPED = ['infer', 'train'];
/** The command line measures the ceiling of a machine with bench. */
const INLINED = [...SHIPPED, 'common', 'bench'];

function inline(name) {
  const bytes = readFileSync(at('build/wasm', `${name}.wasm`));
  const text = deflateRawSync(bytes, { level: 9, memLevel: 9 }).toString('base64');
  writeFileSync(
    at('src/wasm/generated', `${name}.ts`),
    `/** ${name}.wasm (${bytes.length} bytes) as base64 of deflate-raw. Written by the build. */\nimport type { Inlined } from '../instantiate.ts';\nconst text: Inlined = '${text}';\nexport default text;\n`,
  );
}

function wasm() {
  for (const name of MODULES) compileModule(name);
  for (const name of INLINED) inline(name);
}

/** Entries that run on every host. */
const LIBRARY = ['src/index.ts', 'src/tflite.ts', 'src/safetensors.ts'];

/** The script of a helper thread as a string: a thread can be started from it on any host and in any page. */
async function workerScript(build, options) {
  const entryPoints = ['src/wasm/worker.ts'];
  const script = { ...options, entryPoints, packages: 'bundle', format: 'iife', minify: true, write: false };
  const { outputFiles } = await build(script);
  writeFileSync(
    at('src/wasm/generated/worker.ts'),
    `/** worker.ts, bundled. Written by the build. */\nconst text: string = ${JSON.stringify(outputFiles[0].text)};\nexport default text;\n`,
  );
}

/** Puts something else in the place of the inlined modules: `moduleOf` gives the text of a script by the name of a module. */
function inlining(moduleOf) {
  const filter = /generated[\\/](common|infer|train)\.ts$/;
  return {
    name: 'inlining',
    setup(build) {
      build.onResolve({ filter: /\.wasm$/ }, ({ path }) => ({ path, external: true }));
      build.onLoad({ filter }, ({ path }) => ({ contents: moduleOf(filter.exec(path)[1]) }));
    },
  };
}

/** Cloudflare Workers import modules, and compile none from bytes while they answer. Paths are those within dist/workerd. */
const imported = (name) => `export { default } from '../${name === 'train' ? 'train' : 'infer'}.wasm';`;

/** Callers bring them. */
const absent = () => 'export default undefined;';

async function scripts() {
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
  await workerScript(build, options);
  // Chunks are named by content: without this, old ones would stay and be packed.
  for (const name of readdirSync(at('dist'))) rmSync(at('dist', name), { recursive: true });
  const library = { ...options, outdir: 'dist', platform: 'neutral', splitting: true };
  await build({ ...library, entryPoints: LIBRARY.concat('src/images.ts') });
  // By itself, so that it shares no chunk that training code is in, and minified: hosts parse it at each cold start.
  const runtime = { entryPoints: ['src/runtime.ts'], minify: true, sourcemap: true };
  await build({ ...library, ...runtime, chunkNames: 'runtime-[name]-[hash]' });
  const workerd = { outdir: 'dist/workerd', plugins: [inlining(imported)] };
  await build({ ...library, ...workerd, entryPoints: LIBRARY });
  await build({ ...library, ...workerd, ...runtime, chunkNames: 'runtime-[name]-[hash]' });
  const core = { entryPoints: { runtime: 'src/runtimeCore.ts' }, outdir: 'dist/core' };
  await build({ ...library, ...runtime, ...core, plugins: [inlining(absent)] });
  await build({ ...options, entryPoints: { cli: 'src/cli/main.ts' }, outdir: 'dist', platform: 'node' });
  await build({ ...options, entryPoints: { bench: 'bench/main.ts' }, outdir: 'build/scripts', platform: 'node' });
}

/** The modules as files, for hosts that import them (Cloudflare Workers) and for whoever passes them to `load`. */
function copyWasm() {
  for (const name of SHIPPED) copyFileSync(at('build/wasm', `${name}.wasm`), at('dist', `${name}.wasm`));
  const declaration = 'declare const module: WebAssembly.Module;\nexport default module;\n';
  writeFileSync(at('dist/wasm.d.ts'), declaration);
}

/** Tables of results share helpers with the tests; few need them, so that they are built when asked for. */
async function results() {
  const { build } = await import('esbuild');
  const options = { absWorkingDir: root, bundle: true, format: 'esm', target: 'es2022', platform: 'node' };
  const entryPoints = { results: 'bench/results/main.ts' };
  const define = { OCTAVO_VERSION: JSON.stringify(JSON.parse(readFileSync(at('package.json'), 'utf8')).version) };
  await build({ ...options, entryPoints, packages: 'external', outdir: 'build/results', define });
}

function types() {
  rmSync(at('dist/types'), { recursive: true, force: true });
  run(bin('tsc'), ['-p', '.ci/tsconfig.types.json']);
}

export async function buildAll({ withTypes = false, withResults = false } = {}) {
  mkdirSync(at('build'), { recursive: true });
  await stage('wasm', ['assembly'], ['build/wasm', 'src/wasm/generated'], wasm);
  await stage('scripts', ['assembly', 'src', 'bench'], ['dist', 'build/scripts'], async () => {
    await scripts();
    copyWasm();
  });
  if (withTypes) await stage('types', ['src', 'assembly'], ['dist/types'], types);
  if (withResults) {
    await stage('results', ['assembly', 'src', 'bench', 'test'], ['build/results'], results);
  }
}
