/**
 * LiteRT.js is made for pages and workers: it loads its script with `importScripts`, which leaves `ModuleFactory` in the
 * global scope, and asks for a GPU. Here a stand-in runs the script with what a CommonJS module of Node has.
 *
 * Plain JavaScript: where a cold start is timed, nothing is translated first.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import vm from 'node:vm';

const entry = fileURLToPath(import.meta.resolve('@litertjs/core'));

function runScript(path) {
  const source = `${readFileSync(path, 'utf8')}\n;globalThis.ModuleFactory = ModuleFactory;`;
  const script = vm.compileFunction(source, ['require', '__filename', '__dirname'], {
    filename: path,
  });
  script(createRequire(path), path, dirname(path));
}

/** The package with its wasm loaded: one thread, its build with relaxed SIMD where the host has that. */
export async function openLiteRt() {
  const { self = globalThis, importScripts } = globalThis;
  globalThis.self = self;
  globalThis.importScripts = runScript;
  // Emscripten's options: its log says only which accelerators there are.
  globalThis.Module = { print() {}, printErr() {} };
  const { warn } = console;
  console.warn = () => {};
  try {
    const liteRt = await import('@litertjs/core');
    await liteRt.loadLiteRt(join(dirname(entry), '../wasm'));
    return liteRt;
  } finally {
    console.warn = warn;
    // Other packages take a scope with importScripts for a worker.
    if (importScripts) globalThis.importScripts = importScripts;
    else delete globalThis.importScripts;
  }
}
