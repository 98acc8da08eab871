/** Projects as users make them: the examples for Node, Deno and pages, and scripts for Bun and esbuild. Ends with `N passed, N failed`. */
import { spawn } from 'node:child_process';
import { copyFileSync, cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { install } from '../../.ci/install.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '../..');
const bin = (name) => join(here, 'node_modules/.bin', name);

const SCRIPT = `import { load } from 'octavo/runtime';
const { readFile } = await import('node:fs/promises');
const session = await load(await readFile('model.octavo'));
const input = new Uint8Array(28 * 28).map((_, i) => i % 251);
const { output } = session.run({ input }, { dequantize: true });
console.log(JSON.stringify(Array.from(output)));
`;

const pixels = new Uint8Array(28 * 28).map((_, i) => i % 251);

/** What a process prints, or throws when it fails. */
function printed(command, args, cwd) {
  return new Promise((done, failed) => {
    const env = { ...process.env, DENO_NO_UPDATE_CHECK: '1', NO_COLOR: '1' };
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (part) => {
      text += part;
    });
    child.on('close', (code) => (code === 0 ? done(text) : failed(new Error(`status ${code}`))));
  });
}

/** A server process, until its port answers; what `ask` gives. */
async function serving(command, args, cwd, ask) {
  const env = { ...process.env, DENO_NO_UPDATE_CHECK: '1', NO_COLOR: '1' };
  const child = spawn(command, args, { cwd, env, stdio: 'inherit' });
  try {
    for (let i = 0; ; i++) {
      const answer = await ask().catch(() => undefined);
      if (answer) return answer;
      if (i === 100) throw new Error('no answer');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  } finally {
    child.kill();
  }
}

function freePort() {
  return new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}

async function post(port, body) {
  const response = await fetch(`http://127.0.0.1:${port}`, { method: 'POST', body });
  return { status: response.status, ...(await response.json()) };
}

/** A server answers what this Node computes, and says what is wrong with half of the pixels. */
async function checkServer(command, args, folder, expected) {
  const port = await freePort();
  const ask = async () => [await post(port, pixels), await post(port, pixels.slice(0, 9))];
  const [good, bad] = await serving(command, [...args, 'model.octavo', String(port)], folder, ask);
  equal(good.output, expected);
  equal([bad.status, /784/.test(bad.error)], [400, true]);
}

function equal(got, expected) {
  const [a, b] = [JSON.stringify(got), JSON.stringify(expected)];
  if (a !== b) throw new Error(`expected ${b}, got ${a}`);
}

async function esbuildBundle(folder) {
  const { build } = await import('esbuild');
  const options = { bundle: true, format: 'esm', platform: 'neutral', external: ['node:*'] };
  const entryPoints = [join(folder, 'script.mjs')];
  await build({ ...options, entryPoints, outfile: join(folder, 'bundled.mjs'), splitting: false });
  return JSON.parse(await printed(process.execPath, ['bundled.mjs'], folder));
}

/** The page of the example, with an image chosen as a person does it. */
async function checkPage(folder) {
  const { openPage } = await import('./browsers.mjs');
  const { PNG } = await import(pathToFileURL(join(folder, 'node_modules/pngjs/lib/png.js')).href);
  const png = new PNG({ width: 40, height: 30 });
  png.data.fill(200);
  writeFileSync(join(folder, 'image.png'), PNG.sync.write(png));
  cpSync(join(root, 'examples/page'), folder, { recursive: true });
  await openPage('chromium', folder, async (page) => {
    await page.waitForFunction("document.getElementById('status').textContent.includes('Choose')");
    const chooser = await page.$('#file');
    await chooser.uploadFile(join(folder, 'image.png'));
    await page.waitForSelector('#classes tr');
    const rows = await page.evaluate("document.querySelectorAll('#classes tr').length");
    equal(rows, 5);
    if (process.env.SCREENSHOT) await page.screenshot({ path: process.env.SCREENSHOT });
  });
}

const folder = mkdtempSync(join(tmpdir(), 'octavo-projects-'));
let [passed, failed] = [0, 0];
try {
  install(here, 'the hosts');
  const { prepare } = await import('./prepare.mjs');
  await prepare(folder);
  writeFileSync(join(folder, 'script.mjs'), SCRIPT);
  copyFileSync(join(root, 'examples/node/server.mjs'), join(folder, 'server.mjs'));
  copyFileSync(join(root, 'examples/deno/server.ts'), join(folder, 'server.ts'));
  const expected = JSON.parse(await printed(process.execPath, ['script.mjs'], folder));
  const deno = ['run', '--allow-read', '--allow-net', '--allow-env', '--no-remote', 'server.ts'];
  const projects = {
    'esbuild, Node': async () => equal(await esbuildBundle(folder), expected),
    Bun: async () => equal(JSON.parse(await printed(bin('bun'), ['script.mjs'], folder)), expected),
    'a Node server with a thread': () => {
      return checkServer(process.execPath, ['server.mjs'], folder, expected);
    },
    'a Deno server': () => checkServer(bin('deno'), deno, folder, expected),
    'a page without a build step': () => checkPage(folder),
  };
  for (const [name, work] of Object.entries(projects)) {
    try {
      await work();
      passed++;
      console.log(`✓ ${name}`);
    } catch (error) {
      failed++;
      console.log(`✗ ${name}: ${error.message}`);
    }
  }
} catch (error) {
  failed++;
  console.error(`octavo: ${error.stack}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
