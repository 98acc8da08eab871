/**
 * node firstResult.mjs RUNTIME MODEL SIZE: loads a runtime and a model, runs it once on an image of zeros, and prints the
 * most memory that the process had, in KiB. RUNTIME none does nothing of that.
 */
import { readFileSync } from 'node:fs';

const [runtime, model, size] = process.argv.slice(2);

const starts = { none() {}, octavo, liteRt };

async function octavo(bytes, image) {
  const { load } = await import('../../dist/runtime.js');
  const session = await load(bytes);
  session.run({ input: image });
}

async function liteRt(bytes, image) {
  const { openLiteRt } = await import('./liteRtLoader.mjs');
  const { loadAndCompile, Tensor } = await openLiteRt();
  const compiled = await loadAndCompile(bytes, { accelerator: 'wasm' });
  const [output] = await compiled.run(new Tensor(image, [1, Number(size), Number(size), 3]));
  output.toTypedArray();
}

/** The peak of this program's memory: `maxRSS` would count what the process was before it became Node. */
function peak() {
  try {
    return Number(/VmHWM:\s*(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
  } catch {
    return process.resourceUsage().maxRSS;
  }
}

if (runtime !== 'none') {
  await starts[runtime](readFileSync(model), new Uint8Array(size * size * 3));
}
process.stdout.write(`${peak()}\n`, () => process.exit(0));
