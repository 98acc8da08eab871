/**
 * Brings a checkout to the state that every npm script needs: packages installed, build fresh.
 * Runs before each of them, uses nothing but Node itself, and costs about 0.1 s when nothing is to do.
 */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { install } from './install.mjs';

try {
  install(join(dirname(fileURLToPath(import.meta.url)), '..'), 'packages');
  // Imports packages, so not before they are there.
  const { buildAll } = await import('./build.mjs');
  await buildAll({ withTypes: process.argv.includes('--types'), withResults: process.argv.includes('--results') });
} catch (error) {
  console.error(`octavo: ${error.message}`);
  process.exit(1);
}
