/**
 * Runs conformance.ts on every host, with the package installed from its tarball, and compares the digests with those of the Node running this.
 * Says when that is not Node 20, the oldest that Octavo supports, and which browsers this machine has not; with CI set they must be there.
 * Ends with `N passed, N failed`, one for each host.
 *
 *     npm run hosts                  all
 *     npm run hosts -- deno firefox  those, and the reference
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { install } from '../../.ci/install.mjs';

const here = dirname(fileURLToPath(import.meta.url));

/** { name, version, seconds, digests, threads } or, in place of the last two, { error }. */
async function measure({ name, version, run }, folder) {
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  try {
    const found = await run(folder);
    return { name, version: version(), seconds: seconds(), ...found };
  } catch (error) {
    return { name, version: '?', seconds: seconds(), error: error.message };
  }
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
    const cells = row.map((cell, i) => cell.padEnd(widths[i]));
    console.log(cells.join('  ').trimEnd());
  }
}

function report(results, notes) {
  const [{ name: referee, digests: reference = {} }] = results;
  const columnOf = (name) => name.split('/')[0];
  const columns = [...new Set(Object.keys(reference).map(columnOf))];
  const rows = [['host', 'version', ...columns, 'threads', 'seconds']];
  let failed = 0;
  for (const { name, version, seconds, digests, threads, error } of results) {
    const wrong = digests ? differences(digests, reference) : [];
    const mark = (column) => {
      if (!digests) return '✗';
      const all = Object.keys(digests).filter((key) => columnOf(key) === column).length;
      return wrong.some((key) => columnOf(key) === column) ? '✗' : `✓ ${all}`;
    };
    const together = threads === 'equal' ? '✓' : threads ? '–' : '✗';
    rows.push([name, version, ...columns.map(mark), together, seconds.toFixed(1)]);
    if (error) notes.push(`${name}: ${error}`);
    if (threads && threads !== 'equal') notes.push(`${name}: one thread, for ${threads}`);
    if (wrong.length > 0) notes.push(`${name} differs from ${referee}: ${wrong.join(', ')}`);
    if (error || wrong.length > 0) failed++;
  }
  print(rows);
  if (notes.length > 0) console.log(`\n${notes.join('\n')}`);
  console.log(`\n${results.length - failed} passed, ${failed} failed`);
  return failed;
}

/** Hosts to run, the reference first; notes say which are not here. */
function choose(all, wanted, notes) {
  const chosen = all.filter(({ name }, i) => {
    return i === 0 || wanted.length === 0 || wanted.some((word) => name.startsWith(word));
  });
  return chosen.filter(({ name, absent }) => {
    if (!absent) return true;
    if (process.env.CI) throw new Error(`${name} must be installed where CI is set`);
    notes.push(`${name}: not installed`);
    return false;
  });
}

const folder = mkdtempSync(join(tmpdir(), 'octavo-hosts-'));
try {
  install(here, 'the hosts');
  const { hosts } = await import('./hosts.mjs');
  const { prepare } = await import('./prepare.mjs');
  const notes = [];
  const chosen = choose(hosts(), process.argv.slice(2), notes);
  await prepare(folder);
  const results = [];
  for (const host of chosen) results.push(await measure(host, folder));
  if (!results[0].name.endsWith('20')) {
    notes.push(`Node 20 was not tested: this is Node ${process.versions.node}`);
  }
  process.exitCode = report(results, notes) > 0 ? 1 : 0;
} catch (error) {
  console.error(`octavo: ${error.stack}`);
  console.log('0 passed, 1 failed');
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
