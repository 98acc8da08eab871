import { Rng } from '../../src/core/rng.ts';
import { prepareImage } from '../../src/runtime.ts';
import { Digest } from './digest.ts';

/** Height, width and channels of images: smaller, larger and longer than what is made of them. */
const IMAGES = [
  [227, 227, 3],
  [31, 500, 4],
  [640, 97, 1],
  [5, 3, 2],
] as const;

const pixels = { mean: [0], std: [1] };

const RECIPES = [
  { ...pixels, crop: { fraction: 0.875 } },
  { ...pixels, crop: { size: 3 } },
  { ...pixels, crop: { fraction: 0.7 }, resize: { shorterSide: 72 } },
];

/** Digests of what `prepareImage` makes of random images. */
export async function imageDigests(): Promise<Record<string, string>> {
  const rng = new Rng(5);
  const images = IMAGES.map(([height, width, channels]) => {
    const length = height * width * channels;
    const data = Uint8Array.from({ length }, () => rng.below(256));
    return { data, height, width, channels };
  });
  const digests: Record<string, string> = {};
  for (const channels of [1, 3]) {
    for (const [i, preprocessing] of RECIPES.entries()) {
      const model = { inputs: [{ shape: [1, 64, 60, channels] }], preprocessing };
      const digest = new Digest();
      for (const image of images) digest.add(prepareImage(image, model));
      digests[`recipe ${i} to ${channels} channels`] = await digest.hex();
    }
  }
  return digests;
}
