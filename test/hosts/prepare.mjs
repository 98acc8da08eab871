/** A folder as a user has it: the packed package installed, and what each host runs beside it. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '../..');

const MODULES = ['infer.wasm', 'train.wasm'];
const DATA = /\.(wasm|octavo|tflite)$/;
const FILES = ['model.octavo', 'network.tflite'];

const common = {
  bundle: true,
  // Keeps what only Node can load, such as MNIST's files, out of what workerd loads at once.
  splitting: true,
  format: 'esm',
  target: 'es2022',
  outExtension: { '.js': '.mjs' },
  logLevel: 'warning',
};

function npm(args, cwd) {
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error'];
  const { status } = spawnSync('npm', [...args, ...quiet], { cwd, stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new Error(`npm ${args[0]} ended with status ${status}`);
}

/** Installs what a manifest names into `folder`, and the packed package. */
export async function installPackage(folder, manifest) {
  npm(['pack', '--ignore-scripts', '--pack-destination', folder], root);
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'));
  const dependencies = { ...manifest.dependencies, octavo: `file:${tarball}` };
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...manifest, dependencies }));
  npm(['install', '--ignore-scripts', '--prefer-offline'], folder);
}

/** What tests import of the sources' entries is imported of the package. */
const fromPackage = {
  name: 'package',
  setup(build) {
    const names = { index: 'octavo', runtime: 'octavo/runtime', tflite: 'octavo/tflite' };
    build.onResolve({ filter: /\/src\/(index|runtime|tflite)\.ts$/ }, ({ path }) => {
      const [, entry] = /(\w+)\.ts$/.exec(path);
      return { path: names[entry], external: true };
    });
  },
};

const beside = {
  name: 'beside',
  setup(build) {
    build.onResolve({ filter: DATA }, ({ path }) => ({
      path: `./${basename(path)}`,
      external: true,
    }));
  },
};

/** Modules and data, which lie beside every script: copied there, as users' bundlers do it. */
export const copiedBeside = {
  name: 'copied beside',
  setup(build) {
    const { outdir } = build.initialOptions;
    build.onResolve({ filter: DATA }, async ({ path, pluginData, ...where }) => {
      if (pluginData === 'found') return undefined;
      const found = await build.resolve(path, { ...where, pluginData: 'found' });
      if (found.errors.length > 0) return { errors: found.errors };
      copyFileSync(found.path, join(outdir, basename(found.path)));
      return { path: `./${basename(found.path)}`, external: true };
    });
  },
};

/** Fills `folder`: scripts for Node, Deno and Bun in it, a Worker in workerd/, a page in page/. */
export async function prepare(folder) {
  const { build } = await import('esbuild');
  await installPackage(folder, { private: true, type: 'module' });
  const entries = ['node.mjs', 'deno.mjs', 'worker.mjs', 'page.mjs', 'training.ts', 'network.ts'];
  await build({
    ...common,
    absWorkingDir: root,
    entryPoints: entries.map((file) => join(here, file)),
    outdir: folder,
    platform: 'neutral',
    mainFields: ['module', 'main'],
    external: ['node:*'],
    define: { OCTAVO_VERSION: '"test"' },
    plugins: [beside, fromPackage],
  });
  for (const name of MODULES) {
    copyFileSync(join(folder, 'node_modules/octavo/dist', name), join(folder, name));
  }
  const load = (name) => import(pathToFileURL(join(folder, name)).href);
  writeFileSync(join(folder, 'model.octavo'), (await (await load('training.mjs')).train()).bundle);
  writeFileSync(join(folder, 'network.tflite'), (await load('network.mjs')).tfliteModel());
  await bundleFor(build, folder, 'worker', 'workerd', { conditions: ['workerd'] });
  await bundleFor(build, folder, 'page', 'page', { platform: 'browser' });
  writeFileSync(join(folder, 'page/index.html'), PAGE);
  const workerd = join(folder, 'workerd');
  writeFileSync(join(workerd, 'config.capnp'), workerdConfig(readdirSync(workerd)));
}

const PAGE = '<!doctype html><meta charset="utf-8"><script type="module" src="page.mjs"></script>';

/** One file and its chunks with the package inside, as users' bundlers make them. */
async function bundleFor(build, folder, entry, into, options) {
  const outdir = join(folder, into);
  mkdirSync(outdir);
  await build({
    ...common,
    absWorkingDir: folder,
    entryPoints: [`${entry}.mjs`],
    outdir,
    external: ['node:*'],
    plugins: [copiedBeside],
    ...options,
  });
  for (const name of [...MODULES, ...FILES]) copyFileSync(join(folder, name), join(outdir, name));
}

/** A Worker, `entry`, and all that lies beside it; workerd starts the first module. It answers at `address`, if that is given. */
export function workerdConfig(files, entry = 'worker.mjs', address) {
  const kinds = { mjs: 'esModule', wasm: 'wasm', octavo: 'data', tflite: 'data' };
  const http = `sockets = [(name = "http", address = "${address}", http = (), service = "main")],`;
  const modules = files
    .map((file) => ({ file, kind: kinds[file.split('.').at(-1)] }))
    .filter(({ kind }) => kind)
    .sort((a, b) => Number(b.file === entry) - Number(a.file === entry))
    .map(({ file, kind }) => `(name = "${file}", ${kind} = embed "${file}")`);
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .main)],
  ${address ? http : ''}
);
const main :Workerd.Worker = (
  compatibilityDate = "2026-01-01",
  modules = [
    ${modules.join(',\n    ')}
  ],
);
`;
}
