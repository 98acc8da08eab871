/**
 * examples/worker in workerd: what it answers, against the same bundle in this Node, and what a request costs, seen from outside of the process, where
 * a Worker's clock does not stand still. Ends with `N passed, N failed`.
 */
import { spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { install } from '../../.ci/install.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '../..');
const data = resolve(process.env.OCTAVO_DATA ?? join(root, '../shared/data'));
const models = join(data, 'models/imagenet');
const SIDE = 128;

/** The example as a user copies it, with the packed package, a model, and its scripts in out/. */
async function prepare(folder) {
  const { copiedBeside, installPackage, workerdConfig } = await import('./prepare.mjs');
  const { build } = await import('esbuild');
  cpSync(join(root, 'examples/worker'), folder, { recursive: true });
  await installPackage(folder, JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')));
  const real = [
    join(models, 'mobilenet_v1_0.25_128_quant.tflite'),
    join(models, 'imagenet_labels.txt'),
  ];
  const made = existsSync(models) ? real : [];
  await run(process.execPath, ['model.mjs', ...made], folder);
  const outdir = join(folder, 'out');
  mkdirSync(outdir);
  await build({
    ...{
      absWorkingDir: folder,
      entryPoints: ['src/worker.ts'],
      outdir,
      bundle: true,
      minify: true,
    },
    ...{ format: 'esm', target: 'es2022', splitting: true, outExtension: { '.js': '.mjs' } },
    ...{
      conditions: ['workerd'],
      external: ['node:*'],
      plugins: [copiedBeside],
      logLevel: 'warning',
    },
  });
  const port = await freePort();
  const config = workerdConfig(readdirSync(outdir), 'worker.mjs', `127.0.0.1:${port}`);
  writeFileSync(join(outdir, 'config.capnp'), config);
  return { outdir, origin: `http://127.0.0.1:${port}`, classes: made.length > 0 ? 1001 : 10 };
}

function run(command, args, cwd) {
  return new Promise((done, failed) => {
    const child = spawn(command, args, { cwd, stdio: ['ignore', 'ignore', 'inherit'] });
    child.on('close', (code) => (code === 0 ? done() : failed(new Error(`${args[0]}: ${code}`))));
  });
}

function freePort() {
  return new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}

/** Seconds of processor time so far, in steps of 10 ms, and bytes of memory. */
function costOf(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  const pages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
  return { seconds: (Number(fields[11]) + Number(fields[12])) / 100, memory: pages * 4096 };
}

let [passed, failed] = [0, 0];

async function check(what, work) {
  try {
    await work();
    passed++;
  } catch (error) {
    failed++;
    console.log(`✗ ${what}: ${error.message}`);
  }
}

function equal(got, expected) {
  const [a, b] = [JSON.stringify(got), JSON.stringify(expected)];
  if (a !== b) throw new Error(`expected ${b}, got ${a}`);
}

/** What the same bundle gives in this Node. */
async function classesHere(folder, image) {
  const load = (name) => import(pathToFileURL(join(folder, 'node_modules/octavo/dist', name)).href);
  const { load: open, prepareImage } = await load('runtime.js');
  const session = await open(readFileSync(join(folder, 'src/model.octavo')));
  const input = { [session.inputs[0].name]: prepareImage(image, session) };
  const outputs = session.run(input, { dequantize: true });
  const labels = JSON.parse(readFileSync(join(folder, 'src/labels.json'), 'utf8'));
  const order = Array.from(outputs[session.outputs[0].name], (score, i) => ({
    label: labels[i],
    score,
  }));
  return { classes: order.sort((a, b) => b.score - a.score).slice(0, 5) };
}

/** An image with something in it: a photo where there are photos, else a gradient. */
async function pictures(folder) {
  const require = createRequire(join(folder, 'node_modules/octavo/package.json'));
  const { PNG } = require('pngjs');
  const png = new PNG({ width: SIDE, height: SIDE });
  png.data.forEach((_, i) => {
    png.data[i] = i % 4 === 3 ? 255 : (i * 7 + (i >> 9) * 3) & 255;
  });
  const rgb = Uint8Array.from(
    { length: SIDE * SIDE * 3 },
    (_, i) => png.data[((i / 3) | 0) * 4 + (i % 3)],
  );
  const photos = join(data, 'imagenet-val/images227');
  const photo = existsSync(photos) && readdirSync(photos).find((name) => /\.jpe?g$/i.test(name));
  return {
    png: PNG.sync.write(png),
    rgb,
    jpeg: photo ? readFileSync(join(photos, photo)) : undefined,
  };
}

async function answers(folder, origin) {
  const { png, rgb, jpeg } = await pictures(folder);
  const post = (body, query = '') => fetch(`${origin}/${query}`, { method: 'POST', body });
  const raw = `?width=${SIDE}&height=${SIDE}`;
  const image = { data: rgb, width: SIDE, height: SIDE, channels: 3 };
  await check('raw RGB', async () => {
    equal(await (await post(rgb, raw)).json(), await classesHere(folder, image));
  });
  await check('PNG', async () => {
    equal(await (await post(png)).json(), await classesHere(folder, image));
  });
  if (jpeg) {
    await check('JPEG', async () => {
      const dist = join(folder, 'node_modules/octavo/dist/images.js');
      const { decodeImage } = await import(pathToFileURL(dist).href);
      equal(
        await (await post(jpeg)).json(),
        await classesHere(folder, await decodeImage(jpeg, 'x')),
      );
    });
    await check('half a JPEG', async () => equal((await post(jpeg.subarray(0, 300))).status, 400));
  }
  const huge = Buffer.from(png);
  huge.writeUInt32BE(2 ** 31, 16);
  const refused = [
    ['GET', 200, () => fetch(origin)],
    ['PUT', 405, () => fetch(origin, { method: 'PUT', body: 'x' })],
    ['text', 415, () => post('an image')],
    ['nothing', 415, () => post('')],
    ['raw RGB of another size', 400, () => post(rgb, '?width=5&height=5')],
    ['half a PNG', 400, () => post(png.subarray(0, 60))],
    ['a PNG of 2^31 columns', 413, () => post(huge)],
  ];
  for (const [what, status, ask] of refused) {
    await check(what, async () => equal((await ask()).status, status));
  }
  await check('5 MB', async () => {
    // It may hang up before it has read them all.
    const { status } = await post(new Uint8Array(5 * 2 ** 20)).catch(() => ({ status: 413 }));
    equal([status, (await post(rgb, raw)).status], [413, 200]);
  });
  return {
    'raw RGB, refused': () => post(rgb, '?width=5&height=5'),
    'raw RGB': () => post(rgb, raw),
    PNG: () => post(png),
    ...(jpeg && { JPEG: () => post(jpeg) }),
  };
}

const REQUESTS = 300;

/** Processor time of requests, one after the other, once the code is warm. */
async function measure(pid, requests) {
  for (const [what, ask] of Object.entries(requests)) {
    for (let i = 0; i < 50; i++) await (await ask()).arrayBuffer();
    const before = costOf(pid).seconds;
    for (let i = 0; i < REQUESTS; i++) await (await ask()).arrayBuffer();
    const milliseconds = ((costOf(pid).seconds - before) * 1000) / REQUESTS;
    console.log(
      `${what}: ${milliseconds.toFixed(2)} ms of processor time a request (limit of the free plan: 10 ms)`,
    );
  }
}

async function answering(origin) {
  for (let i = 0; i < 100; i++) {
    const response = await fetch(origin).catch(() => undefined);
    if (response) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('workerd does not answer');
}

const folder = mkdtempSync(join(tmpdir(), 'octavo-worker-'));
let child;
try {
  install(here, 'the hosts');
  const { outdir, origin, classes } = await prepare(folder);
  const workerd = join(here, 'node_modules/.bin/workerd');
  child = spawn(workerd, ['serve', 'config.capnp'], {
    cwd: outdir,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  await answering(origin);
  const started = costOf(child.pid);
  const requests = await answers(folder, origin);
  if (existsSync('/proc/self/stat')) {
    console.log(
      `a network of ${classes} classes; start-up: ${started.seconds.toFixed(2)} s of processor time, all of workerd`,
    );
    await measure(child.pid, requests);
    const { memory } = costOf(child.pid);
    const mb = (bytes) => (bytes / 2 ** 20).toFixed(1);
    console.log(
      `memory: ${mb(started.memory)} MB at first, ${mb(memory)} MB after, all of workerd (limit of a Worker: 128 MB)`,
    );
  }
  const files = readdirSync(outdir).filter((name) => !name.endsWith('.capnp'));
  const gzip = (name) => gzipSync(readFileSync(join(outdir, name)), { level: 9 }).length;
  const sum = (list, of) => list.reduce((total, name) => total + of(name), 0);
  const bytes = sum(files, (name) => statSync(join(outdir, name)).size);
  console.log(
    `uploaded: ${bytes} bytes, ${sum(files, gzip)} gzipped, of which the model ${gzip('model.octavo')}`,
  );
} catch (error) {
  failed++;
  console.error(`octavo: ${error.stack}`);
} finally {
  child?.kill();
  rmSync(folder, { recursive: true, force: true });
}
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
