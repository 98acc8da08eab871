/** Pages in Chromium and Firefox, served on loopback. */

import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join, normalize } from 'node:path';
import puppeteer from 'puppeteer-core';

const TYPES = {
  html: 'text/html',
  mjs: 'text/javascript',
  js: 'text/javascript',
  wasm: 'application/wasm',
};

/** Pages with these may share memory between threads. */
const ISOLATION = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
};

const CHROMIUM = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'];

/** Serves the files of one folder; `close()` ends it. */
async function serve(folder, headers) {
  const server = createServer(async ({ url }, response) => {
    const name = normalize(new URL(url, 'http://localhost').pathname);
    try {
      const bytes = await readFile(join(folder, name));
      const type = TYPES[name.split('.').at(-1)] ?? 'application/octet-stream';
      response.writeHead(200, { 'content-type': type, ...headers }).end(bytes);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  return { origin: `http://127.0.0.1:${port}`, close: () => server.close() };
}

/** Programs that a page runs in, by names that distributions give them. */
const PROGRAMS = {
  chromium: ['chromium', 'chromium-browser', 'google-chrome'],
  firefox: ['firefox-esr', 'firefox'],
};

/** The program of a browser; undefined where this machine has none. */
export function programOf(browser) {
  for (const name of PROGRAMS[browser]) {
    const { status, stdout } = spawnSync('which', [name], { encoding: 'utf8' });
    if (status === 0) return stdout.trim();
  }
  return undefined;
}

/** Opens index.html of a folder and closes it when `work(page)` is done. */
export async function openPage(browser, folder, work, { isolated = false, minutes = 1 } = {}) {
  const server = await serve(folder, isolated ? ISOLATION : {});
  const running = await puppeteer.launch({
    browser: browser === 'chromium' ? 'chrome' : 'firefox',
    executablePath: programOf(browser),
    headless: true,
    args: browser === 'chromium' ? CHROMIUM : [],
    protocolTimeout: minutes * 60_000,
  });
  try {
    const page = await running.newPage();
    const errors = [];
    page.on('pageerror', (error) => errors.push(error.message));
    await page.goto(`${server.origin}/index.html`);
    return await work(page, errors);
  } finally {
    await running.close();
    server.close();
  }
}

/** What conformance.ts gives in a page, cross-origin isolated or not. */
export function inPage({ browser, isolated, minutes }, folder) {
  const work = async (page, errors) => {
    await page.waitForFunction('window.conformance !== undefined', { timeout: 60_000 });
    const found = await page.evaluate('window.conformance');
    if (found.error) throw new Error([found.error, ...errors].join('\n'));
    const apart = (await page.evaluate('crossOriginIsolated')) === true;
    if (apart !== isolated) throw new Error(`expected crossOriginIsolated ${isolated}`);
    return found;
  };
  return openPage(browser, folder, work, { isolated, minutes });
}
