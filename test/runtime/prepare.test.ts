import { describe, expect, test } from 'vitest';
import { writeBundle } from '../../src/bundle/write.ts';
import { fitImage } from '../../src/core/image.ts';
import { load, prepareImage } from '../../src/runtime.ts';
import { tinyBundle } from '../bundle/tinyBundle.ts';
import { moduleOf } from '../helpers/memory.ts';

const wasm = moduleOf('infer');

/** The tiny network with an input of [6, 6, 2]. */
async function session() {
  return load(writeBundle(tinyBundle()), { wasm });
}

const image = (height: number, width: number, channels: number) => {
  const length = height * width * channels;
  return { data: Uint8Array.from({ length }, (_, i) => i * 37), height, width, channels };
};

describe('prepareImage', () => {
  test('makes what a session takes, as its bundle says', async () => {
    const model = await session();
    const input = prepareImage(image(20, 13, 2), model);
    const { crop, resize } = tinyBundle().graph.preprocessing!;
    expect(model.preprocessing).toMatchObject({ crop, resize });
    expect(input).toEqual(fitImage(image(20, 13, 2), [6, 6, 2], { crop: crop!, resize: resize! }));
    expect(input).not.toEqual(fitImage(image(20, 13, 2), [6, 6, 2]));
    expect(Object.keys(model.run({ input }))).toEqual(['dense', 'globalAveragePool2d']);
  });

  test('copies pixels that have the size already', () => {
    const { data, ...rest } = image(6, 6, 2);
    const given = { ...rest, data: new Uint8ClampedArray(data) };
    const pixels = prepareImage(given, { inputs: [{ shape: [1, 6, 6, 2] }] });
    expect(pixels).toEqual(data);
    expect(pixels.buffer).not.toBe(given.data.buffer);
  });

  test.each([
    [{ data: [1, 2] }, /^prepareImage: data must be a Uint8Array of pixels, got Array$/],
    [{ height: 0 }, /^prepareImage: height must be an integer >= 1, got 0$/],
    [{ width: '6' }, /^prepareImage: width must be an integer >= 1, got "6"$/],
    [{ width: 7 }, /^prepareImage: data must have 84 pixels, got 72$/],
    [
      { width: 4, channels: 3 },
      /^prepareImage: the image must have the 2 channels of the input, got 3$/,
    ],
  ])('refuses %o', async (change, message) => {
    const model = await session();
    expect(() => prepareImage({ ...image(6, 6, 2), ...(change as object) }, model)).toThrow(
      message,
    );
  });

  test('refuses a model that takes no image', () => {
    const expected =
      /^prepareImage: the model must have one input \[N,height,width,channels\], got \[\[1,64\]\]$/;
    expect(() => prepareImage(image(6, 6, 2), { inputs: [{ shape: [1, 64] }] })).toThrow(expected);
  });
});
