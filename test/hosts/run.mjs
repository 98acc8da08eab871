/**
 * Runs conformance.ts on every host and compares the digests with those of the Node running this.
 * Says when that is not Node 20, the oldest that Octavo supports. Ends with `N passed, N failed`, one for each host.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { install } from '../../.ci/install.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '../..');
const packages = join(here, 'node_modules');

const major = process.versions.node.split('.')[0];

/** `args` are for a folder that `prepare` filled. */
const hosts = [
  // The reference, by the version that it is: nothing makes it Node 20.
  { name: `node${major}`, command: process.execPath, args: ['node.mjs'] },
  // npm has this Node as a Linux binary only.
  {
    name: 'node24',
    command: join(packages, 'node24/bin/node'),
    args: ['node.mjs'],
    missing: process.platform !== 'linux' || process.arch !== 'x64',
  },
  {
    name: 'deno',
    command: join(packages, '.bin/deno'),
    args: ['run', '-A', '--no-remote', '--quiet', 'deno.mjs'],
  },
  { name: 'workerd', command: join(packages, '.bin/workerd'), args: ['test', 'config.capnp'] },
].filter(({ missing }) => !missing);

/** Fills `folder` with the entries, the wasm modules and a bundle that this Node trained. */
async function prepare(folder) {
  const { build } = await import('esbuild');
  const entries = ['node.mjs', 'deno.mjs', 'worker.mjs', 'training.ts'];
  await build({
    absWorkingDir: root,
    entryPoints: entries.map((file) => join(here, file)),
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    // Keeps what only Node can load, such as MNIST's files, out of what workerd loads at once.
    splitting: true,
    format: 'esm',
    target: 'es2022',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    external: ['node:*', '*.wasm', '*.octavo'],
    define: { OCTAVO_VERSION: '"test"' },
    logLevel: 'warning',
  });
  for (const file of ['infer.wasm', 'train.wasm']) {
    copyFileSync(join(root, 'build/wasm', file), join(folder, file));
  }
  const { train } = await import(pathToFileURL(join(folder, 'training.mjs')).href);
  writeFileSync(join(folder, 'model.octavo'), (await train()).bundle);
  writeFileSync(join(folder, 'config.capnp'), workerdConfig(readdirSync(folder)));
}

/** The worker and all that lies beside it; workerd starts the first module. */
function workerdConfig(files) {
  const kinds = { mjs: 'esModule', wasm: 'wasm', octavo: 'data' };
  const modules = files
    .map((file) => ({ file, kind: kinds[file.split('.').at(-1)] }))
    .filter(({ kind }) => kind)
    .sort((a, b) => Number(b.file === 'worker.mjs') - Number(a.file === 'worker.mjs'))
    .map(({ file, kind }) => `(name = "${file}", ${kind} = embed "${file}")`);
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (services = [(name = "main", worker = .main)]);
const main :Workerd.Worker = (
  compatibilityDate = "2026-01-01",
  modules = [
    ${modules.join(',\n    ')}
  ],
);
`;
}

function start(command, args, folder) {
  return spawnSync(command, args, {
    cwd: folder,
    env: { ...process.env, DENO_NO_UPDATE_CHECK: '1', NO_COLOR: '1' },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 120_000,
    killSignal: 'SIGKILL',
  });
}

/** { name, version, seconds, digests } or, in place of digests, { error }. */
function run({ name, command, args }, folder) {
  if (!existsSync(command)) {
    return {
      name,
      version: '',
      seconds: 0,
      error: 'not installed; remove test/hosts/node_modules',
    };
  }
  const version = /[\d.-]*\d/.exec(start(command, ['--version'], folder).stdout ?? '')?.[0] ?? '?';
  const started = performance.now();
  const { status, signal, stdout, stderr, error } = start(command, args, folder);
  const seconds = (performance.now() - started) / 1000;
  const line = /^conformance (\{.*\})$/m.exec(`${stdout}\n${stderr}`)?.[1];
  if (status === 0 && line) return { name, version, seconds, digests: JSON.parse(line) };
  const why = error?.message ?? `${command} ended with ${signal ?? `status ${status}`}`;
  return { name, version, seconds, error: `${why}\n${stderr}${stdout}`.trim() };
}

/** Names of the digests that a host has not, or has otherwise. */
function differences(result, reference) {
  const names = new Set([...Object.keys(reference), ...Object.keys(result)]);
  // The bundle comes from another process, which trained in the same way.
  const expected = { ...reference, 'training/converted': reference['bundle/bytes'] };
  return [...names].filter((name) => result[name] !== expected[name]);
}

function print(rows) {
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => row[i].length)));
  for (const row of rows) {
    console.log(
      row
        .map((cell, i) => cell.padEnd(widths[i]))
        .join('  ')
        .trimEnd(),
    );
  }
}

function report(results) {
  const [{ name: referee, digests: reference = {} }] = results;
  const columnOf = (name) => name.split('/')[0];
  const columns = [...new Set(Object.keys(reference).map(columnOf))];
  const rows = [['host', 'version', ...columns, 'seconds']];
  const notes = [];
  let failed = 0;
  for (const { name, version, seconds, digests, error } of results) {
    const wrong = digests ? differences(digests, reference) : [];
    const mark = (column) => {
      if (!digests) return '✗';
      const all = Object.keys(digests).filter((key) => columnOf(key) === column).length;
      return wrong.some((key) => columnOf(key) === column) ? '✗' : `✓ ${all}`;
    };
    rows.push([name, version, ...columns.map(mark), seconds.toFixed(1)]);
    if (error) notes.push(`${name}: ${error}`);
    if (wrong.length > 0) notes.push(`${name} differs from ${referee}: ${wrong.join(', ')}`);
    if (error || wrong.length > 0) failed++;
  }
  print(rows);
  if (major !== '20') notes.push(`Node 20 was not tested: this is Node ${process.versions.node}`);
  if (notes.length > 0) console.log(`\n${notes.join('\n')}`);
  console.log(`\n${results.length - failed} passed, ${failed} failed`);
  return failed;
}

const folder = mkdtempSync(join(tmpdir(), 'octavo-hosts-'));
try {
  install(here, 'the hosts');
  await prepare(folder);
  const results = hosts.map((host) => run(host, folder));
  process.exitCode = report(results) > 0 ? 1 : 0;
} catch (error) {
  console.error(`octavo: ${error.stack}`);
  console.log('0 passed, 1 failed');
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
