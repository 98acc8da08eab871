/**
 * Makes src/model.octavo and src/labels.json: of a .tflite classifier and a file of labels, one a line, or else a network of digits that is trained here.
 *
 *     npm run model -- [MODEL.tflite LABELS.txt]
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const source = join(dirname(fileURLToPath(import.meta.url)), 'src');
const manifest = createRequire(import.meta.url).resolve('octavo/package.json');
const cli = join(dirname(manifest), 'dist/cli.js');

function octavo(...args) {
  const { status } = spawnSync(process.execPath, [cli, ...args], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

const [model, labels] = process.argv.slice(2);
const bundle = join(source, 'model.octavo');
if (model && labels) {
  octavo('import', model, '-o', bundle, '--crop', '0.875');
  const names = readFileSync(labels, 'utf8').trim().split(/\r?\n/);
  writeFileSync(join(source, 'labels.json'), JSON.stringify(names));
} else {
  octavo('quickstart', '--limit', '2000', '--output', bundle);
  writeFileSync(join(source, 'labels.json'), JSON.stringify([...'0123456789']));
}
