import type { OpName } from '../../src/ops/table.ts';
import type { IntGraph } from './intGraph.ts';

/** What the random cases of `layers.test.ts` vary. */
interface Case {
  readonly seed: number;
  readonly image: readonly [number, number];
  readonly channels: number;
  readonly outChannels: number;
  readonly kernel: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly padding: readonly [readonly [number, number], readonly [number, number]];
  readonly bias: boolean;
}

type Make = (b: IntGraph, c: Case) => number;

const PERMUTATIONS = [
  [0, 3, 1, 2],
  [0, 2, 3, 1],
  [0, 2, 1, 3],
  [0, 3, 2, 1],
  [0, 1, 3, 2],
  [0, 1, 2, 3],
];

function image(b: IntGraph, { image, channels }: Case): number {
  return b.input([...image, channels], { zeroPoint: b.rng.below(200) - 100 });
}

/** Some elements of an axis, forwards or backwards. */
function range(b: IntGraph, extent: number): [begin: number, size: number, stride: number] {
  const stride = 1 + b.rng.below(3);
  const size = 1 + b.rng.below(Math.ceil(extent / stride));
  const begin = b.rng.below(extent - (size - 1) * stride);
  if (b.rng.below(2)) return [begin, size, stride];
  return [begin + (size - 1) * stride, size, -stride];
}

function slice(b: IntGraph, c: Case): number {
  const ranges = [...c.image, c.channels].map((extent) => range(b, extent));
  const [begin, size, strides] = [0, 1, 2].map((i) => ranges.map((one) => one[i]!));
  return b.keep('slice', [image(b, c)], { begin, size, strides });
}

/** Operands that nodes write, so that they may be placed inside the output, and one that the graph is given. */
function concat(b: IntGraph, c: Case): number {
  const axis = 1 + b.rng.below(3);
  const extents = [...c.image, c.channels];
  const like = (extent: number) => extents.map((own, a) => (a === axis - 1 ? extent : own));
  const given = b.input(extents, { zeroPoint: 5 });
  const computed = b.input(like(3), { zeroPoint: 5 });
  const moved = b.keep('slice', [computed], {
    ...{ begin: [0, 0, 0], size: like(2), strides: [1, 1, 1] },
  });
  const second = b.keep('maxPool2d', [given], {
    ...{ poolSize: [1, 1], strides: [1, 1], dilation: [1, 1] },
    padding: [
      [0, 0],
      [0, 0],
    ],
  });
  return b.keep('concat', [moved, given, second, moved], { axis });
}

function pad(b: IntGraph, c: Case): number {
  const mode = ['constant', 'reflect', 'symmetric'][b.rng.below(3)]!;
  const padding = [...c.image, c.channels].map((extent) => {
    const most = mode === 'constant' ? 4 : Math.min(extent - (mode === 'reflect' ? 1 : 0), 4);
    const side = () => (b.rng.below(2) ? b.rng.below(most + 1) : 0);
    return [side(), side()];
  });
  return b.keep('pad', [image(b, c)], { padding, mode, value: b.rng.below(3) - 1 });
}

function resize(b: IntGraph, c: Case): number {
  const method = b.rng.below(2) ? 'nearest' : 'bilinear';
  const centers = b.rng.below(3);
  return b.keep('resize', [image(b, c)], {
    ...{ size: [1 + b.rng.below(20), 1 + b.rng.below(20)], method },
    ...{ alignCorners: centers === 1, halfPixelCenters: centers === 2 },
  });
}

function transposedConv2d(b: IntGraph, c: Case): number {
  const { kernel, strides, outChannels, bias } = c;
  // Sometimes strides of which some phases have no tap.
  const padding = c.padding.map((sides, axis) =>
    sides.map((side) => Math.min(side, kernel[axis]! - 1)),
  );
  const outputPadding = strides.map((stride) => b.rng.below(stride));
  const attrs = { strides, padding, outputPadding };
  return b.transposedConv2d(image(b, c), [outChannels, ...kernel], attrs, bias);
}

/** Multiples of a block in height and width. */
function blocks(b: IntGraph, { image: [height, width], channels, kernel: [bh, bw] }: Case): number {
  return b.input([height * bh, width * bw, channels]);
}

/** One op on a random image. */
export const movementGraphs = {
  reshape: (b, c) => {
    const [height, width] = c.image;
    const into = b.rng.below(2) ? [-1, height * width, c.channels] : [-height, width, c.channels];
    const y = b.keep('reshape', [image(b, c)], { shape: into });
    return b.keep('transpose', [y], { perm: [0, 2, 1] });
  },
  transpose: (b, c) => b.keep('transpose', [image(b, c)], { perm: PERMUTATIONS[b.rng.below(6)]! }),
  slice,
  concat,
  pad,
  gather: (b, c) => {
    const axis = 1 + b.rng.below(3);
    return b.gather(image(b, c), [[], [3], [2, 5], [9]][b.rng.below(4)]!, axis);
  },
  depthToSpace: (b, c) => {
    const [blockSize] = c.kernel;
    const x = b.input([...c.image, c.channels * blockSize ** 2]);
    return b.keep('depthToSpace', [x], { blockSize });
  },
  spaceToDepth: (b, c) => {
    const [blockSize] = c.kernel;
    const x = blocks(b, { ...c, kernel: [blockSize, blockSize] });
    return b.keep('spaceToDepth', [x], { blockSize });
  },
  spaceToBatch: (b, c) => {
    const padding = c.kernel.map((block) => {
      const before = b.rng.below(4);
      return [before, block * 4 - before];
    });
    return b.keep('spaceToBatch', [blocks(b, c)], { blockShape: c.kernel, padding });
  },
  batchToSpace: (b, c) => {
    const { kernel, padding } = c;
    const none = [
      [0, 0],
      [0, 0],
    ];
    const x = b.keep('spaceToBatch', [blocks(b, c)], { blockShape: kernel, padding: none });
    return b.keep('batchToSpace', [x], { blockShape: kernel, crops: padding });
  },
  resize,
  transposedConv2d,
} satisfies Partial<Record<OpName, Make>>;
