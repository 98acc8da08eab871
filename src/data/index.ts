export {
  type Augmentation,
  type AugmentedImage,
  type CutoutOptions,
  cutout,
  type Fill,
  type HorizontalFlipOptions,
  horizontalFlip,
  type RandomCropOptions,
  randomCrop,
} from './augment.ts';
export { type Cifar, type CifarOptions, loadCifar10, loadCifar100, parseCifar } from './cifar.ts';
export {
  type Batch,
  type Dataset,
  type DatasetState,
  type Samples,
  takeSamples,
} from './dataset.ts';
export { ArrayDataset, type ArraysOptions, fromArrays, subset } from './fromArrays.ts';
export {
  fromIterable,
  type IterableOptions,
  type Sample,
  type SampleSource,
} from './fromIterable.ts';
export { type IdxArray, parseIdx } from './idx.ts';
export { loadFashionMnist, loadMnist, type MnistOptions } from './mnist.ts';
