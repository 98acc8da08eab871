import type { Handle } from '../graph/dispatch.ts';
import { add, concatenate, layers } from '../nn/layers.ts';
import type { Module } from '../nn/module.ts';
import { Blocks, type ClassifierOptions, classifier, IMAGENET } from './blocks.ts';

const blocks = new Blocks('relu', { momentum: 0.9997 });

/** Channels of the first cells; each reduction doubles them. */
const WIDTH = 44;
const CELLS = 4;

interface Separable {
  readonly filters: number;
  readonly kernelSize: number;
  readonly strides?: number;
}

/** Twice relu, separable convolution, norm; the first strides. */
function separable(x: Handle, name: string, { strides = 1, ...options }: Separable): Handle {
  const half = (y: Handle, part: string, step: number) => {
    const own = `${name}/${part}`;
    const layer = {
      ...options,
      name: own,
      strides: step,
      padding: 'same',
      useBias: false,
    } as const;
    return blocks.norm(layers.separableConv2d(layer).apply(blocks.activate(y, own)), own);
  };
  return half(half(x, 'first', strides), 'second', 1);
}

function project(x: Handle, name: string, filters: number): Handle {
  return blocks.convNorm(blocks.activate(x, name), name, { filters });
}

/**
 * The output of the cell before the last, with the size and width of this cell. Where it is larger, two halves of the
 * channels come from every second pixel and from those one further down and to the right.
 */
function adjust(p: Handle | undefined, x: Handle, name: string, filters: number): Handle {
  if (!p) return x;
  if (p.shape[1] === x.shape[1]) return p.shape[3] === filters ? p : project(p, name, filters);
  const y = blocks.activate(p, name);
  const last = layers
    .zeroPadding2d({
      padding: [
        [0, 1],
        [0, 1],
      ],
    })
    .apply(y);
  const shifted = layers
    .cropping2d({
      cropping: [
        [1, 0],
        [1, 0],
      ],
    })
    .apply(last);
  const halves = [y, shifted].map((image, i) => {
    // A mean over one pixel, as a maximum: that keeps integers.
    const picked = layers.maxPool2d({ poolSize: 1, strides: 2 }).apply(image);
    return blocks.conv(picked, `${name}/half_${i + 1}`, { filters: filters >> 1 });
  });
  return blocks.norm(concatenate(halves), name);
}

const mean = (x: Handle) =>
  layers.averagePool2d({ poolSize: 3, strides: 1, padding: 'same' }).apply(x);

/** Five sums of pairs and the adjusted input, side by side; `previous` is the output of the cell before. */
function normalCell(x: Handle, previous: Handle, name: string, filters: number): Handle {
  const p = adjust(previous, x, `${name}/adjust`, filters);
  const h = project(x, `${name}/project`, filters);
  const sep = (y: Handle, part: string, kernelSize: number) =>
    separable(y, `${name}/${part}`, { filters, kernelSize });
  return concatenate([
    p,
    add(sep(h, 'left_1', 5), sep(p, 'right_1', 3)),
    add(sep(p, 'left_2', 5), sep(p, 'right_2', 3)),
    add(mean(h), p),
    add(mean(p), mean(p)),
    add(sep(h, 'left_5', 3), h),
  ]);
}

/** Half the size: four of five sums of pairs, side by side. The first cell has none before it. */
function reductionCell(
  x: Handle,
  previous: Handle | undefined,
  name: string,
  filters: number,
): Handle {
  const p = adjust(previous, x, `${name}/adjust`, filters);
  const h = project(x, `${name}/project`, filters);
  const sep = (y: Handle, part: string, kernelSize: number) =>
    separable(y, `${name}/${part}`, { filters, kernelSize, strides: 2 });
  // Zeros at the end of even images and around odd ones; they count in maxima and means.
  const before = ([1, 2] as const).map((axis) => h.shape[axis]! % 2) as [number, number];
  const padding = [
    [before[0], 1],
    [before[1], 1],
  ] as const;
  const padded = layers.zeroPadding2d({ padding }).apply(h);
  const window = { poolSize: 3, strides: 2 };
  const most = () => layers.maxPool2d(window).apply(padded);
  const first = add(sep(h, 'left_1', 5), sep(p, 'right_1', 7));
  const second = add(most(), sep(p, 'right_2', 7));
  const third = add(layers.averagePool2d(window).apply(padded), sep(p, 'right_3', 5));
  const fourth = add(mean(first), second);
  const fifth = add(separable(first, `${name}/left_5`, { filters, kernelSize: 3 }), most());
  return concatenate([second, third, fourth, fifth]);
}

/**
 * NASNet-A (4 @ 1056) (Zoph et al. 2017, arXiv 1707.07012), layer for layer that of Keras. 568 MMAC and 5,326,716
 * parameters.
 */
export function nasnetMobile(options: ClassifierOptions = {}): Module {
  return classifier('nasnetMobile', options, IMAGENET, (image) => {
    const stem = { filters: 32, kernelSize: 3, strides: 2, padding: 'valid' } as const;
    let previous = blocks.convNorm(image, 'stem', stem);
    let x = reductionCell(previous, undefined, 'stem_1', WIDTH / 4);
    [previous, x] = [x, reductionCell(x, previous, 'stem_2', WIDTH / 2)];
    for (const [stage, filters] of [WIDTH, 2 * WIDTH, 4 * WIDTH].entries()) {
      if (stage > 0) {
        [previous, x] = [x, reductionCell(x, previous, `reduction_${stage}`, filters)];
      }
      for (let i = 1; i <= CELLS; i++) {
        const name = `cell_${stage * CELLS + i}`;
        [previous, x] = [x, normalCell(x, previous, name, filters)];
      }
    }
    return blocks.activate(x, 'last');
  });
}
