/** Keeps the node_modules of a package as its lock file says. Uses nothing but Node itself. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * npm writes node_modules/.package-lock.json last, so it is missing after an interrupted install.
 * An entry that the lock file has and it has not is allowed only for other platforms' packages.
 */
function installed(root) {
  const packagesOf = (file) => JSON.parse(readFileSync(join(root, file), 'utf8')).packages ?? {};
  const record = 'node_modules/.package-lock.json';
  if (!existsSync(join(root, record))) return false;
  const present = packagesOf(record);
  return Object.entries(packagesOf('package-lock.json')).every(([path, { version, optional }]) => {
    if (path === '') return true;
    if (!present[path]) return optional === true;
    return present[path].version === version && existsSync(join(root, path, 'package.json'));
  });
}

/** Runs npm ci in folder `root` unless all is there; `name` is for messages. Throws if npm fails. */
export function install(root, name) {
  if (installed(root)) return;
  console.error(`octavo: installing ${name} (npm ci)`);
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (status !== 0) throw new Error(`npm ci ended with status ${status}; nothing was built`);
}
