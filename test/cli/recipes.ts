import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformSync } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Settings of the recipe, as numbers in the file. */
export interface RecipeSettings {
  readonly floatEpochs?: number;
  /** 0: no quantized training. */
  readonly quantizedEpochs?: number;
  readonly everySteps?: number;
  readonly units?: number;
  readonly learningRate?: number;
}

/**
 * Writes a recipe, in TypeScript or stripped of its types as its name says, and a module that it imports, where the package octavo can be found: a small convolutional network
 * on noisy images that are shuffled and flipped. With PAUSE set in its environment it says `step` after each step and waits for
 * so many milliseconds.
 */
export function writeRecipe(path: string, settings: RecipeSettings = {}): void {
  const { floatEpochs = 3, quantizedEpochs = 2, everySteps = 7 } = settings;
  const { units = 3, learningRate = 0.01 } = settings;
  const folder = dirname(path);
  mkdirSync(join(folder, 'node_modules'), { recursive: true });
  symlinkSync(root, join(folder, 'node_modules', 'octavo'));
  const extension = extname(path);
  const strip = (text: string) =>
    extension === '.ts' ? text : transformSync(text, { loader: 'ts' }).code;
  writeFileSync(join(folder, `images${extension}`), strip(images));
  const quantize = `{
    fit: { epochs: ${quantizedEpochs}, optimizer: sgd, callbacks: [pause], checkpoint },
  }`;
  writeFileSync(
    path,
    strip(`import { callbacks, type Callback, defineTraining, layers, optimizers, schedules, sequential } from 'octavo';
import { images } from './images${extension}';

const { conv2d, batchNormalization, relu, globalAveragePool2d, dense } = layers;
const wait: number | undefined = process.env['PAUSE'] ? Number(process.env['PAUSE']) : undefined;
const pause: Callback = {
  name: 'pause',
  async onStep() {
    if (wait === undefined) return;
    process.stderr.write('step\\n');
    await new Promise((resolve) => setTimeout(resolve, wait));
  },
};
const checkpoint = { everySteps: ${everySteps} };
const sgd = optimizers.sgd({ learningRate: 0.005, momentum: 0.9 });
const learningRate = schedules.cosine({ learningRate: ${learningRate}, warmup: 9 });
export default defineTraining({
  model: sequential(
    [
      conv2d({ filters: 4, kernelSize: 3, strides: 2, useBias: false }),
      batchNormalization({ momentum: 0.9 }),
      relu(),
      globalAveragePool2d(),
      dense({ units: ${units} }),
    ],
    { seed: 5 },
  ),
  data: { train: images(150, 1), validation: images(40, 2) },
  fit: {
    epochs: ${floatEpochs},
    optimizer: optimizers.adam({ learningRate }),
    callbacks: [pause, callbacks.bestWeights()],
    checkpoint,
  },
  ${quantizedEpochs > 0 ? `quantize: ${quantize},` : ''}
  output: 'net.octavo',
});
`),
  );
}

const images = `import { data } from 'octavo';

/** Class c is brighter in channel c; 32-bit linear congruence (Numerical Recipes, §7.1). */
export function images(count: number, seed: number): data.ArrayDataset {
  let state: number = seed;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const y = Int32Array.from({ length: count }, () => Math.floor(next() * 3));
  const x = Uint8Array.from({ length: count * 75 }, (_, i) => {
    const bright = y[Math.floor(i / 75)] === i % 3 ? 60 : 0;
    return Math.floor(next() * 190) + bright;
  });
  const augmentation = seed === 1 ? { augment: [data.randomCrop({ padding: 1 }), data.horizontalFlip()] } : {};
  return data.fromArrays({ x, y, shape: [5, 5, 3], classes: 3, batchSize: 8, seed, ...augmentation });
}
`;
