import { access } from 'node:fs/promises';
import { createRequire, register } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { fileProblem } from '../core/fileProblem.ts';
import { checkRecipe, type TrainConfig } from './recipe.ts';

/** The library, as the recipe imports it. */
export type Library = typeof import('../index.ts');

export interface Recipe {
  readonly config: TrainConfig;
  readonly library: Library;
}

/**
 * Imports a recipe, and the library that it imports: a model is trained by the copy of the library that made it. Throws an
 * Error, RangeError or TypeError that starts with `where` and names the file.
 */
export async function loadRecipe(file: string, where = 'train'): Promise<Recipe> {
  const path = resolve(file);
  await access(path).catch((error) => {
    throw new Error(`${where}: expected a recipe at ${file}, got ${fileProblem(error)}`);
  });
  if (/\.m?ts$/.test(path)) prepareTypeScript(where, file, path);
  const url = pathToFileURL(path);
  const library = (await import(libraryUrl(where, file, url))) as Library;
  const module = await importRecipe(where, file, url);
  return { config: checkRecipe(`${where}: ${file}`, module.default), library };
}

/** What goes wrong in a recipe is told with its name, on one line. */
async function importRecipe(where: string, file: string, url: URL): Promise<{ default?: unknown }> {
  try {
    return (await import(url.href)) as { default?: unknown };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(`${where}: ${file}: ${message.trim().replace(/\s*\n\s*/g, ' ')}`, {
      cause: error,
    });
  }
}

function libraryUrl(where: string, file: string, from: URL): string {
  try {
    return pathToFileURL(createRequire(from).resolve('octavo')).href;
  } catch {
    const expected = `the package octavo where ${file} stands (npm install octavo)`;
    throw new Error(`${where}: expected ${expected}, got no such package`);
  }
}

/** Packages that turn TypeScript into JavaScript, and the code, in terms of `tool`, that does it to `source`. */
const TOOLS = {
  esbuild:
    "tool.transformSync(source, { loader: 'ts', format: 'esm', target: 'es2022', sourcefile: url }).code",
  typescript:
    "checked(tool.transpileModule(source, { fileName: url, reportDiagnostics: true, compilerOptions: { target: 'es2022', module: 'esnext' } }))",
} as const;

/**
 * From version 22.18 on Node strips types itself. Before, one of two packages does it that a TypeScript project has anyway: they
 * are found from the recipe's folder, and are no dependency of ours. Throws an Error when there is neither.
 */
function prepareTypeScript(where: string, file: string, path: string): void {
  if ((process.features as { typescript?: unknown }).typescript) return;
  for (const from of [path, import.meta.url]) {
    for (const [name, code] of Object.entries(TOOLS)) {
      const tool = find(name, from);
      if (tool === undefined) continue;
      const hooks = loaderHooks(pathToFileURL(tool).href, code);
      register(`data:text/javascript,${encodeURIComponent(hooks)}`);
      return;
    }
  }
  const expected = `Node 22.18 or later, or the package typescript or esbuild beside ${file}`;
  throw new Error(`${where}: expected ${expected}, got Node ${process.versions.node} and neither`);
}

function find(name: string, from: string): string | undefined {
  try {
    return createRequire(from).resolve(name);
  } catch {
    return undefined;
  }
}

/** A module for `register`: Node asks its `load` for each file that is imported. */
function loaderHooks(tool: string, code: string): string {
  return `
    import { readFile } from 'node:fs/promises';
    import tool from ${JSON.stringify(tool)};
    // TypeScript repairs what it cannot read: the program would be another one.
    function checked({ outputText, diagnostics: [first] }) {
      if (!first) return outputText;
      const { file, start, messageText } = first;
      const line = file ? file.getLineAndCharacterOfPosition(start).line + 1 : 1;
      throw new SyntaxError(\`line \${line}: \${tool.flattenDiagnosticMessageText(messageText, ' ')}\`);
    }
    export async function load(url, context, next) {
      if (!/^file:.*\\.m?ts$/.test(url)) return next(url, context);
      const source = await readFile(new URL(url), 'utf8');
      return { format: 'module', shortCircuit: true, source: ${code} };
    }`;
}
