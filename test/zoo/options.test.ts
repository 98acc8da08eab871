import { expect, test } from 'vitest';
import { zoo } from '../../src/index.ts';

const js = (value: object) => value as never;

/** Shape of one sample after a network. */
function outputOf(graph: {
  values: readonly { shape: readonly number[] }[];
  outputs: readonly number[];
}) {
  return graph.values[graph.outputs[0]!]!.shape.slice(1);
}

test('every classifier takes the shape of its images and the number of classes', () => {
  const { autoencoder, digits, ...classifiers } = zoo;
  for (const [name, make] of Object.entries(classifiers)) {
    const graph = make({ inputShape: [33, 40, 2], classes: 7 }).build();
    expect(outputOf(graph), name).toEqual([7]);
    expect(new Set(graph.nodes.map((node) => node.name)).size, name).toBe(graph.nodes.length);
  }
  expect(outputOf(autoencoder({ units: 32 }).build())).toEqual([32]);
  expect(outputOf(digits({ classes: 3 }).build())).toEqual([3]);
});

test('equal seeds give equal weights, others do not', () => {
  const first = (seed?: number) =>
    [
      ...zoo
        .resnet8(seed === undefined ? {} : { seed })
        .build()
        .parameters.values(),
    ][0]!.data;
  expect(first(3)).toEqual(first(3));
  expect(first(3)).not.toEqual(first(4));
  expect(first()).toEqual(first(0));
});

test.each<[string, () => unknown, RegExp]>([
  [
    'a typo',
    () => zoo.mobilenetV1(js({ aplha: 0.5 })),
    /^mobilenetV1: options are inputShape, classes, seed, alpha, got aplha$/,
  ],
  [
    'an option of another network',
    () => zoo.resnet50(js({ alpha: 0.5 })),
    /^resnet50: options are inputShape, classes, seed, got alpha$/,
  ],
  [
    'alpha 0',
    () => zoo.mobilenetV2({ alpha: 0 }),
    /^mobilenetV2: alpha must be a finite number >= 0.00390625, got 0$/,
  ],
  [
    'half a class',
    () => zoo.nasnetMobile({ classes: 0.5 }),
    /^nasnetMobile: classes must be an integer >= 1, got 0.5$/,
  ],
  [
    'an image without channels',
    () => zoo.resnet8({ inputShape: [32, 32] }),
    /^resnet8: inputShape must be \[H,W,C\], got \[32,32\]$/,
  ],
  [
    'an autoencoder of images',
    () => zoo.autoencoder(js({ inputShape: [32] })),
    /^autoencoder: options are units, seed, got inputShape$/,
  ],
])('%s is one clear sentence', (_, call, message) => {
  expect(call).toThrow(message);
});
