/** Where the conformance run is held, and how it is started there. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inPage, programOf } from './browsers.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const packages = join(here, 'node_modules');
const bin = (name) => join(packages, '.bin', name);
const linux = process.platform === 'linux' && process.arch === 'x64';

/** The reference comes first, by the version that it is: nothing makes it Node 20. */
const processes = [
  {
    name: `node${process.versions.node.split('.')[0]}`,
    command: process.execPath,
    args: ['node.mjs'],
  },
  // npm has these as Linux binaries only.
  ...['node22', 'node24'].map((name) => ({
    ...{ name, command: join(packages, name, 'bin/node'), args: ['node.mjs'], absent: !linux },
  })),
  { name: 'deno', command: bin('deno'), args: ['run', '-A', '--no-remote', '--quiet', 'deno.mjs'] },
  { name: 'bun', command: bin('bun'), args: ['node.mjs'] },
  { name: 'workerd', command: bin('workerd'), args: ['test', 'config.capnp'], folder: 'workerd' },
];

const browsers = ['chromium', 'firefox'].flatMap((name) => [
  { name, isolated: false },
  { name: `${name} isolated`, browser: name, isolated: true },
]);

const MINUTES = 5;

function versionOf(command) {
  const { stdout } = spawnSync(command, ['--version'], { encoding: 'utf8', timeout: 60_000 });
  return /[\d.-]*\d/.exec(stdout ?? '')?.[0] ?? '?';
}

/** What conformance.ts gives on a host that is a process. */
async function inProcess({ command, args, folder = '.' }, root) {
  if (!existsSync(command)) throw new Error('not installed; remove test/hosts/node_modules');
  const env = { ...process.env, DENO_NO_UPDATE_CHECK: '1', NO_COLOR: '1' };
  const stdio = ['ignore', 'pipe', 'pipe'];
  const child = spawn(command, args, { cwd: join(root, folder), env, stdio });
  const timer = setTimeout(() => child.kill('SIGKILL'), MINUTES * 60_000);
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (part) => {
      text += part;
    });
  }
  const status = await new Promise((resolve) => {
    child.on('close', (code, signal) => resolve(signal ?? code));
  });
  clearTimeout(timer);
  const line = /^conformance (\{.*\})$/m.exec(text)?.[1];
  if (status === 0 && line) return JSON.parse(line);
  throw new Error(`${command} ended with ${status}\n${text}`.trim());
}

/** Every host by name, with `run(folder)` and its version; `absent` are browsers that this machine has not. */
export function hosts() {
  const running = processes
    .filter(({ absent }) => !absent)
    .map((host) => ({
      name: host.name,
      version: () => versionOf(host.command),
      run: (folder) => inProcess(host, folder),
    }));
  const pages = browsers.map(({ name, browser = name, isolated }) => {
    const program = programOf(browser);
    return {
      ...{ name, absent: program === undefined, version: () => versionOf(program) },
      run: (folder) => inPage({ browser, isolated, minutes: MINUTES }, join(folder, 'page')),
    };
  });
  return [...running, ...pages];
}
