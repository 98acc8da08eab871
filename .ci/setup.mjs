/**
 * Brings a checkout to the state that every npm script needs: packages installed, build fresh.
 * Runs before each of them, uses nothing but Node itself, and costs about 0.1 s when nothing is to do.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

function packagesOf(file) {
  return JSON.parse(readFileSync(join(root, file), 'utf8')).packages ?? {};
}

/**
 * npm writes node_modules/.package-lock.json last, so it is missing after an interrupted install.
 * An entry that the lock file has and it has not is allowed only for other platforms' packages.
 */
function installed() {
  const record = 'node_modules/.package-lock.json';
  if (!existsSync(join(root, record))) return false;
  const present = packagesOf(record);
  return Object.entries(packagesOf('package-lock.json')).every(([path, { version, optional }]) => {
    if (path === '') return true;
    if (!present[path]) return optional === true;
    return present[path].version === version && existsSync(join(root, path, 'package.json'));
  });
}

if (!installed()) {
  console.error('octavo: installing packages (npm ci)');
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (status !== 0) {
    console.error(`octavo: npm ci ended with status ${status}; nothing was built`);
    process.exit(1);
  }
}

const { buildAll } = await import('./build.mjs');
try {
  await buildAll({ withTypes: process.argv.includes('--types') });
} catch (error) {
  console.error(`octavo: ${error.message}`);
  process.exit(1);
}
