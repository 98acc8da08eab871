/**
 * Makes each mistake of `table.mjs` in a copy of this checkout and sees whether the tests find it: killed, or survived. Fails
 * for a survivor, for text that a file does not have exactly once, and for tests that fail, or do not run, without a mistake.
 * `--only TEXT` takes the families that contain it.
 */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { kernels, scripts } from './table.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const copy = mkdtempSync(join(tmpdir(), 'octavo-mutations-'));
const bin = (name) => join(root, 'node_modules/.bin', name);

const asked = process.argv.indexOf('--only');
const chosen = ({ family }) => asked < 0 || family.includes(process.argv[asked + 1]);

function run(command, args) {
  return spawnSync(command, args, { cwd: copy, encoding: 'utf8', maxBuffer: 2 ** 28 });
}

/** What tests need: sources, what the build makes of them, packages. */
function copyCheckout() {
  const { stdout } = spawnSync('git', ['ls-files', '-coz', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  });
  const kept = /^(src|assembly|test|package\.json|tsconfig\.json|asconfig\.json)/;
  for (const file of stdout.split('\0').filter((path) => kept.test(path))) {
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    cpSync(join(root, file), join(copy, file));
  }
  for (const made of ['build/wasm', 'src/wasm/generated']) {
    cpSync(join(root, made), join(copy, made), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
}

/** Makes the mistake; gives what undoes it. */
function mutate({ family, file, find, replace }) {
  const path = join(copy, file);
  const text = readFileSync(path, 'utf8');
  const times = text.split(find).length - 1;
  if (times !== 1)
    throw new Error(`${family}: ${file} must have once ${JSON.stringify(find)}, got ${times}`);
  writeFileSync(
    path,
    text.replace(find, () => replace),
  );
  return () => writeFileSync(path, text);
}

/** Outcomes of the tests of some files whose titles match. */
function outcomes(files, only) {
  const config = ['run', '--config', 'test/vitest.config.ts', '--reporter=json'];
  const { stdout, stderr } = run(bin('vitest'), [
    ...config,
    ...(only ? ['-t', only] : []),
    ...files,
  ]);
  const start = stdout.indexOf('{"numTotalTestSuites"');
  if (start < 0) throw new Error(`vitest gave no report: ${stderr || stdout}`);
  const report = JSON.parse(stdout.slice(start, stdout.lastIndexOf('}') + 1));
  const tests = report.testResults.flatMap(({ assertionResults }) => assertionResults);
  return {
    failed: tests.filter(({ status }) => status === 'failed'),
    passed: tests.filter(({ status }) => status === 'passed'),
    broken: report.testResults.filter(
      ({ assertionResults: all, message }) => all.length === 0 && message,
    ),
  };
}

/** @returns {string} what became of the mutation, and by which test */
function verdict({ test, only }) {
  const { failed, broken } = outcomes([test], only);
  if (failed.length > 0) return `killed by ${failed[0].fullName}`;
  return broken.length > 0 ? `broken: ${broken[0].message}` : 'survived';
}

function tryScript(mutation) {
  const undo = mutate(mutation);
  try {
    return verdict(mutation);
  } finally {
    undo();
  }
}

/** Kernel tests read the modules of the build; without wasm-opt they are slower and compute the same. */
function buildKernels() {
  for (const name of ['train', 'scalar']) {
    const args = [
      '--config',
      'asconfig.json',
      '--target',
      'release',
      '-o',
      `build/wasm/${name}.wasm`,
    ];
    const { status, stderr } = run(bin('asc'), [`assembly/${name}.ts`, ...args]);
    if (status !== 0) throw new Error(`asc: ${stderr}`);
  }
}

/** Without a mistake all of these tests pass, so that a failure says something. */
function checkSound(mutations) {
  const files = [...new Set(mutations.map(({ test }) => test))];
  const { failed, broken, passed } = outcomes(files);
  const wrong = failed[0]?.fullName ?? broken[0]?.message;
  if (wrong) throw new Error(`without a mutation all tests must pass, got a failure: ${wrong}`);
  for (const { family, only } of mutations) {
    const pattern = new RegExp(only);
    if (passed.some(({ fullName }) => pattern.test(fullName))) continue;
    throw new Error(`${family}: a test that matches ${only} is expected, got none`);
  }
}

let survivors = 0;

function report({ family, file }, result) {
  if (!result.startsWith('killed')) survivors++;
  console.log(`${family} (${file}): ${result}`);
}

try {
  copyCheckout();
  const [texts, modules] = [scripts.filter(chosen), kernels.filter(chosen)];
  checkSound([...texts, ...modules]);
  for (const mutation of texts) report(mutation, tryScript(mutation));
  if (modules.length > 0) {
    for (const mutation of modules) mutate(mutation);
    buildKernels();
    for (const mutation of modules) report(mutation, verdict(mutation));
  }
  console.log(`${texts.length + modules.length - survivors} passed, ${survivors} failed`);
  process.exitCode = survivors > 0 ? 1 : 0;
} catch (error) {
  console.error(`mutations: ${error.message}`);
  process.exitCode = 1;
} finally {
  rmSync(copy, { recursive: true, force: true });
}
