/**
 * A server whose model runs on a thread of its own, so that requests are accepted while it computes.
 *
 *     node server.mjs MODEL.octavo [PORT]
 *     curl --data-binary @pixels.u8 http://127.0.0.1:8080
 *
 * POST the bytes of one image as the model takes them, [height, width, channels]; the answer is what it gives, as reals.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { load } from 'octavo/runtime';

if (isMainThread) {
  const [path, port = '8080'] = process.argv.slice(2);
  if (!path) {
    console.error('node server.mjs MODEL.octavo [PORT]');
    process.exit(2);
  }
  serve(readFileSync(path), Number(port));
} else {
  answer(await load(workerData));
}

/** @param {Uint8Array} bundle */
function serve(bundle, port) {
  const thread = new Worker(new URL(import.meta.url), { workerData: bundle });
  const waiting = [];
  thread.on('message', (answer) => waiting.shift()(answer));
  const ask = (pixels) => {
    return new Promise((resolve) => {
      waiting.push(resolve);
      thread.postMessage(pixels);
    });
  };
  const server = createServer(async (request, response) => {
    const parts = [];
    let length = 0;
    for await (const part of request) {
      length += part.length;
      if (length > 2 ** 24) return response.writeHead(413, { connection: 'close' }).end();
      parts.push(part);
    }
    const { status, body } = await ask(Uint8Array.from(Buffer.concat(parts)));
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  server.listen(port, '127.0.0.1', () => {
    console.log(`http://127.0.0.1:${server.address().port}`);
  });
}

/** On the thread: one message a request, answered in order. */
function answer(session) {
  const [input, output] = [session.inputs[0].name, session.outputs[0].name];
  parentPort.on('message', (pixels) => {
    try {
      const reals = session.run({ [input]: pixels }, { dequantize: true })[output];
      parentPort.postMessage({ status: 200, body: { [output]: Array.from(reals) } });
    } catch ({ message }) {
      parentPort.postMessage({ status: 400, body: { error: message } });
    }
  });
}
