import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { describe, expect, test } from 'vitest';
import { inferKernels } from '../src/core/kernels.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

const everything = [
  ...['core', 'ops', 'graph', 'wasm', 'autograd', 'nn', 'optim', 'data', 'train', 'bundle'],
  ...['quant', 'runtime', 'zoo', 'interop', 'cli', 'index.ts', 'images.ts', 'runtime.ts'],
];

/** Who may import whom, types included: the table of docs/architecture.md. Imports point down only. */
const layers: Readonly<Record<string, readonly string[]>> = {
  core: [],
  ops: ['core'],
  graph: ['core', 'ops'],
  wasm: ['core'],
  autograd: ['core', 'ops', 'graph', 'wasm'],
  nn: ['core', 'ops', 'graph', 'autograd'],
  optim: ['core', 'ops', 'graph', 'autograd'],
  data: ['core'],
  train: ['core', 'ops', 'graph', 'autograd', 'nn', 'optim', 'data'],
  bundle: ['core', 'graph'],
  quant: ['core', 'ops', 'graph', 'autograd', 'nn', 'bundle'],
  runtime: ['core', 'ops', 'graph', 'wasm', 'bundle'],
  zoo: ['core', 'graph', 'nn'],
  interop: ['core', 'ops', 'graph', 'bundle', 'train'],
  'runtime.ts': ['core', 'bundle', 'runtime'],
  'runtimeCore.ts': ['core', 'runtime', 'wasm'],
  'tflite.ts': ['interop'],
  'safetensors.ts': ['interop'],
  'images.ts': ['core', 'data'],
  'index.ts': everything,
  cli: everything,
};

interface SourceFile {
  /** Relative to src, with slashes. */
  readonly path: string;
  readonly layer: string;
  readonly text: string;
}

const files: SourceFile[] = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => path.endsWith('.ts') && !path.includes('generated/'))
  .sort()
  .map((path) => ({
    path,
    layer: path.split('/')[0]!,
    text: readFileSync(join(root, 'src', path), 'utf8'),
  }));

/** Specifiers of static and dynamic imports and of re-exports. */
function importsOf(text: string): string[] {
  const patterns = [
    /^(?:import|export)\s[^;]*?\bfrom\s*['"]([^'"]+)['"]/gm,
    /^import\s*['"]([^'"]+)['"]/gm,
    /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g,
  ];
  return patterns.flatMap((pattern) => [...text.matchAll(pattern)].map((match) => match[1]!));
}

/** Layer that a relative import of `path` leads to; undefined for packages. */
function layerOf(path: string, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) return undefined;
  return posix.join(posix.dirname(path), specifier).split('/')[0];
}

/** `path imports specifier` for each import that the table does not allow. */
function violations({ path, layer, text }: SourceFile): string[] {
  const allowed = [layer, ...(layers[layer] ?? [])];
  return importsOf(text)
    .filter((specifier) => !allowed.includes(layerOf(path, specifier) ?? layer))
    .map((specifier) => `${path} imports ${specifier}`);
}

describe('layers', () => {
  test('every file of src lies in a layer of the table', () => {
    expect(files.length).toBeGreaterThan(40);
    expect(files.filter(({ layer }) => !layers[layer]).map(({ path }) => path)).toEqual([]);
  });

  test('every import is one that the table allows', () => {
    expect(files.flatMap(violations)).toEqual([]);
  });

  test('the check sees imports of every form', () => {
    const text = [
      "import type { A } from '../graph/graph.ts';",
      "import {\n  b,\n  type C,\n} from '../nn/layers.ts';",
      "export * from '../quant/convert.ts';",
      "import '../train/fit.ts';",
      "const late = await import('../cli/main.ts');",
      "import { helper } from './op.ts';",
      "import { x } from 'esbuild';",
    ].join('\n');
    expect(violations({ path: 'core/made-up.ts', layer: 'core', text })).toHaveLength(5);
  });

  test('the table has no cycle', () => {
    const order = Object.keys(layers);
    for (const [layer, below] of Object.entries(layers)) {
      if (below === everything) continue;
      for (const other of below) expect(order.indexOf(other)).toBeLessThan(order.indexOf(layer));
    }
  });

  test('no file is longer than 500 lines', () => {
    const long = files.filter(({ text }) => text.split('\n').length > 501);
    expect(long.map(({ path }) => path)).toEqual([]);
  });
});

describe('the runtime entry', async () => {
  const { metafile, outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: ['src/runtime.ts'],
    bundle: true,
    minify: true,
    format: 'esm',
    write: false,
    metafile: true,
    outdir: 'unwritten',
    logLevel: 'silent',
  });
  const [output] = Object.values(metafile.outputs);
  const inputs = Object.keys(output!.inputs);
  const text = outputFiles[0]!.text;

  test('contains no file of the training side, nor the interpreter', () => {
    const training = /^src\/(autograd|nn|optim|train|quant|data|cli|zoo|interop)\//;
    const reference = /^src\/runtime\/(reference\/|verify|layers)/;
    expect(inputs).toContain('src/runtime/plan.ts');
    expect(inputs.filter((path) => training.test(path) || reference.test(path))).toEqual([]);
    expect(inputs).not.toContain('src/wasm/generated/train.ts');
  });

  test('contains no call of a training kernel', () => {
    const names = [...text.matchAll(/\b(?:qs8_)?f32_\w+/g)].map((match) => match[0]);
    expect(names).toContain('f32_qs8_vquantize');
    expect(names.filter((name) => !Object.hasOwn(inferKernels, name))).toEqual([]);
  });

  test('needs no package', () => {
    const packages = inputs.filter((path) => path.includes('node_modules/'));
    expect(packages).toEqual([]);
  });
});
