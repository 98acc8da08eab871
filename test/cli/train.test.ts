import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { Rng } from '../../src/core/rng.ts';
import { decode } from '../../src/core/safetensors.ts';
import { decodeState } from '../../src/train/state.ts';
import { inFolder, inFolderAsync, octavo } from './cli.ts';
import { type RecipeSettings, writeRecipe } from './recipes.ts';

const program = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `octavo train` in a process of its own, and what to do when it has taken its first step. */
function start(
  args: readonly string[],
  {
    pause,
    atStep,
  }: { pause?: number; atStep?: (kill: (signal: NodeJS.Signals) => void) => void } = {},
): Promise<Ended> {
  const env = { ...process.env, ...(pause !== undefined && { PAUSE: String(pause) }) };
  const child = spawn(process.execPath, [program, 'train', ...args], { env });
  let [stdout, stderr] = ['', ''];
  let stepped = false;
  child.stdout.on('data', (text) => {
    stdout += text;
  });
  child.stderr.on('data', (text) => {
    stderr += text;
    if (stepped || !stderr.includes('step\n')) return;
    stepped = true;
    atStep?.((signal) => child.kill(signal));
  });
  return new Promise((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

/** What a training leaves: the bundle, and weights and optimizer slots as they were at the end. */
function products(path: (name: string) => string): { bundle: Buffer; state: Uint8Array } {
  const checkpoint = readFileSync(path('net.checkpoint.safetensors'));
  return { bundle: readFileSync(path('net.octavo')), state: decode(checkpoint).data.slice() };
}

/** What a recipe gives when nothing disturbs it. */
function unbroken(settings: RecipeSettings, recipe = 'recipe.ts'): ReturnType<typeof products> {
  return inFolder((path) => {
    writeRecipe(path(recipe), settings);
    const output = path('net.octavo');
    const { status, stderr } = octavo('train', path(recipe), '--output', output, '--quiet');
    expect([status, stderr]).toEqual([0, ['']]);
    return products(path);
  });
}

describe('octavo train', () => {
  test('trains, quantizes, and writes a bundle that verifies', () => {
    inFolder((path) => {
      writeRecipe(path('recipe.ts'));
      const output = path('net.octavo');
      const { status, stdout, stderr } = octavo('train', path('recipe.ts'), '-o', output, '--json');
      expect(status).toBe(0);
      expect(stderr).toHaveLength(5);
      expect(stderr[0]).toMatch(
        /^float 1\/3 {2}loss [\d.]+ {2}accuracy [\d.]+ % {2}val\. [\d.]+ [\d.]+ % {2}[\d.]+ s$/,
      );
      expect(stderr[4]).toMatch(/^quantized 2\/2 {2}loss /);
      const result = JSON.parse(stdout.trim().split('\n').at(-1)!);
      expect(result).toMatchObject({ output, bytes: readFileSync(output).length });
      expect([result.float.history.length, result.quantized.history.length]).toEqual([3, 2]);
      expect(result.quantized.evaluation.count).toBe(40);
      expect(octavo('verify', output).status).toBe(0);
      const provenance = JSON.parse(decode(readFileSync(output)).metadata['octavo']!).provenance;
      expect(provenance).toMatchObject({
        recipe: 'recipe.ts',
        samples: 150,
        seed: 1,
        floatEpochs: 3,
      });
      expect(readdirSync(path('.')).sort()).toEqual([
        ...['images.ts', 'net.checkpoint.safetensors', 'net.octavo', 'node_modules', 'recipe.ts'],
      ]);
    });
  });

  test('writes float weights when the recipe does not quantize', () => {
    inFolder((path) => {
      writeRecipe(path('recipe.ts'), { quantizedEpochs: 0, floatEpochs: 1 });
      const output = path('net.safetensors');
      const { status, stdout } = octavo('train', path('recipe.ts'), '-o', output, '--quiet');
      expect(status).toBe(0);
      expect(stdout).toMatch(
        /net.safetensors written, [\d,]+ bytes; float [\d.]+ % of 40 samples\n$/,
      );
      const { tensors } = decode(readFileSync(output));
      expect([...tensors.keys()]).toContain('conv2d/kernel');
    });
  });

  test('names the op that first makes a NaN when it is asked to', () => {
    inFolder((path) => {
      writeRecipe(path('recipe.ts'), { learningRate: 1e38 });
      const args = ['train', path('recipe.ts'), '-o', path('net.octavo'), '--quiet'];
      const plain = octavo(...args);
      expect(plain.status).toBe(1);
      expect(plain.stderr.join('\n')).toMatch(
        /^octavo: fit: (a finite loss is|finite gradients are) expected at step \d+, got .*$/,
      );
      const checked = octavo(...args, '--check-numerics');
      expect(checked.stderr.join('\n')).toMatch(
        /^octavo: fit: finite numbers are expected at step \d+, got (NaN|-?Infinity) from \S+ \(\w+\), (forward|backward)$/,
      );
    });
  });
});

describe('a training that is killed goes on to the same bytes', () => {
  const SEED = 161;
  const KILLS = 20;

  test(`after kill -9 at ${KILLS} random moments, seed ${SEED}`, { timeout: 240_000 }, async () => {
    const settings = { floatEpochs: 20, quantizedEpochs: 60, everySteps: 3 };
    const expected = unbroken(settings, 'recipe.mjs');
    const rng = new Rng(SEED);
    const delays: number[] = [];
    await inFolderAsync(async (path) => {
      writeRecipe(path('recipe.mjs'), settings);
      const args = [path('recipe.mjs'), '--output', path('net.octavo'), '--resume', '--quiet'];
      for (let kills = 0; kills < KILLS; kills++) {
        const delay = rng.below(120);
        delays.push(delay);
        const ended = await start(args, {
          pause: 1,
          atStep: (kill) => setTimeout(() => kill('SIGKILL'), delay),
        });
        expect(ended).toMatchObject({ code: null, signal: 'SIGKILL' });
      }
      console.log(`seed ${SEED}: killed ${delays.join(', ')} ms after the first step of each life`);
      const half = decodeState(readFileSync(path('net.checkpoint.safetensors')), 'test');
      expect(half.position).not.toEqual({ epoch: 0, step: 0 });
      const { code, stderr } = await start(args);
      expect([code, stderr]).toEqual([0, '']);
      expect(products(path)).toEqual(expected);
    });
  });
});

describe('Ctrl-C', () => {
  const settings = { floatEpochs: 12, quantizedEpochs: 1, everySteps: 1000 };

  test.each(['SIGINT', 'SIGTERM'] as const)(
    '%s saves a checkpoint and says how to go on',
    async (signal) => {
      const expected = unbroken(settings);
      await inFolderAsync(async (path) => {
        writeRecipe(path('recipe.ts'), settings);
        const output = path('net.octavo');
        const args = [path('recipe.ts'), '--output', output, '--quiet'];
        const stopped = await start(args, { pause: 5, atStep: (kill) => kill(signal) });
        expect(stopped.code).toBe(signal === 'SIGINT' ? 130 : 143);
        const lines = stopped.stderr.split('\n').filter((line) => line !== 'step');
        expect(lines).toEqual([
          'train: stopping after this step; once more quits at once',
          `train: stopped; ${path('net.checkpoint.safetensors')} holds what is done. To go on: octavo train ${path('recipe.ts')} --output ${output} --resume`,
          '',
        ]);
        expect(() => readFileSync(output)).toThrow('ENOENT');
        const { code } = await start([...args, '--resume']);
        expect(code).toBe(0);
        expect(products(path)).toEqual(expected);
      });
    },
  );

  test('twice quits at once', async () => {
    await inFolderAsync(async (path) => {
      writeRecipe(path('recipe.ts'), settings);
      const twice = (kill: (signal: NodeJS.Signals) => void) => {
        kill('SIGINT');
        setTimeout(() => kill('SIGINT'), 200);
      };
      // The step that it waits for takes a minute.
      const args = [path('recipe.ts'), '--output', path('net.octavo')];
      const { code, stderr } = await start(args, { pause: 60_000, atStep: twice });
      expect(code).toBe(130);
      expect(stderr).toContain('once more quits at once');
      expect(stderr).not.toContain('stopped;');
    });
  });
});

describe('bad input gives one sentence and a failing exit', () => {
  function expectSentence(args: readonly string[], message: RegExp): void {
    const { status, stderr, stdout } = octavo('train', ...args);
    expect(stderr.join('\n')).toMatch(message);
    expect(stderr).toHaveLength(1);
    expect([status, stdout]).toEqual([1, '']);
  }

  test('no recipe', () => {
    expectSentence(
      ['nowhere.ts'],
      /^octavo: train: expected a recipe at nowhere.ts, got no such file or folder$/,
    );
  });

  test('no library beside the recipe', () => {
    inFolder((path) => {
      writeFileSync(path('recipe.mjs'), 'export default {};');
      expectSentence(
        [path('recipe.mjs')],
        /^octavo: train: expected the package octavo where .*recipe.mjs stands \(npm install octavo\), got no such package$/,
      );
    });
  });

  test.each([
    ['nothing', '', /a recipe whose default export is { model, .* }, got none$/],
    ['a number', 'export default 3;', /a recipe whose default export is .*, got 3$/],
    ['a typo', 'export default { modle: 1 };', /options are model, data, .*, got modle$/],
    [
      'no model',
      "export default { data: {}, output: 'x' };",
      /model must be a model or a Graph, got undefined$/,
    ],
    [
      'text as provenance',
      "export default { model: {}, data: { train: {} }, about: { provenance: 'me' }, output: 'x' };",
      /about: provenance must be an object of strings and numbers, got "me"$/,
    ],
    ['an error', "throw new Error('mine');", /^octavo: train: .*other.mjs: mine$/],
    ['no JavaScript', 'const = 3;', /^octavo: train: .*other.mjs: Unexpected token '='$/],
  ])('a recipe with %s', (_, source, message) => {
    inFolder((path) => {
      writeRecipe(path('recipe.ts'));
      writeFileSync(path('other.mjs'), source);
      expectSentence([path('other.mjs')], message);
    });
  });

  test('a recipe that is no TypeScript', () => {
    inFolder((path) => {
      writeRecipe(path('recipe.ts'));
      writeFileSync(path('other.ts'), 'const x: number = ;');
      // The rest of the message is of whoever strips the types.
      expectSentence([path('other.ts')], /^octavo: train: .*other.ts: .*[Uu]nexpected/);
    });
  });

  test('a checkpoint that is cut, of another network, or none at all', () => {
    inFolder((path) => {
      writeRecipe(path('recipe.ts'), { quantizedEpochs: 0, floatEpochs: 1 });
      const args = [path('recipe.ts'), '-o', path('net.safetensors'), '--quiet', '--resume'];
      expect(octavo('train', ...args).status).toBe(0);
      inFolder((other) => {
        writeRecipe(other('recipe.ts'), { quantizedEpochs: 0, units: 4 });
        const checkpoint = ['--checkpoint', path('net.checkpoint.safetensors')];
        expectSentence(
          [
            other('recipe.ts'),
            '-o',
            other('net.safetensors'),
            ...checkpoint,
            '--resume',
            '--quiet',
          ],
          /^octavo: fit: resume: a checkpoint of this model \(float, .*\), got float, .*$/,
        );
      });
      const whole = readFileSync(path('net.checkpoint.safetensors'));
      truncateSync(path('net.checkpoint.safetensors'), whole.length - 100);
      expectSentence(args, /^octavo: train: .*safetensors: the file is truncated: .*, got \d+$/);
      writeFileSync(path('net.checkpoint.safetensors'), 'no checkpoint');
      expectSentence(args, /^octavo: train: .*safetensors: not a safetensors file: .*, got \d+$/);
    });
  });

  test('a full disk, and the old checkpoint stays', () => {
    inFolder((path) => {
      writeRecipe(path('recipe.ts'), { quantizedEpochs: 0, floatEpochs: 1 });
      const args = [path('recipe.ts'), '-o', path('net.safetensors'), '--quiet'];
      expect(octavo('train', ...args).status).toBe(0);
      const before = readFileSync(path('net.checkpoint.safetensors'));
      symlinkSync('/dev/full', path('net.checkpoint.safetensors.tmp'));
      expectSentence(
        args,
        /^octavo: fit: expected a place to write a checkpoint at .*, got a full disk$/,
      );
      expect(readFileSync(path('net.checkpoint.safetensors'))).toEqual(before);
    });
  });
});
