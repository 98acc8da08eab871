import { type SpawnOptions, spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { install } from '../../.ci/install.mjs';

/** The sub-package: `npm run` starts in the checkout. */
export const FOLDER = `${process.cwd()}/bench/peers`;

/** Installs the peers if need be. Returns the path of Node 24, or of this Node where npm has no Node 24 to install. */
export function prepareNode(): string {
  install(FOLDER, 'the peers');
  const installed = `${FOLDER}/node_modules/node24/bin/node`;
  if (existsSync(installed)) return installed;
  // It runs TypeScript, which earlier ones do only when asked to.
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath;
  const expected = 'Node 24 or later must run it where npm has none to install';
  throw new Error(`bench: ${expected}, got Node ${process.versions.node}`);
}

/** `count` of the processors that this process may use, the last ones; empty where they cannot be chosen. */
export function processors(count: number): number[] {
  if (spawnSync('taskset', ['--version'], { stdio: 'ignore' }).status !== 0) return [];
  const status = readFileSync('/proc/self/status', 'utf8');
  const list = /Cpus_allowed_list:\s*(\S+)/.exec(status)?.[1] ?? '';
  const allowed = list.split(',').flatMap((range) => {
    const [first, last = first] = range.split('-').map(Number) as [number, number?];
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
  return allowed.slice(-count);
}

/** Starts `command` on these processors alone; on any if there are none. */
export function startOn(
  cpus: readonly number[],
  [command, ...args]: readonly [string, ...string[]],
  options: SpawnOptions,
) {
  if (cpus.length === 0) return spawn(command, args, options);
  return spawn('taskset', ['-c', cpus.join(','), command, ...args], options);
}
