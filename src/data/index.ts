export { type Batch, type Dataset, type Samples, takeSamples } from './dataset.ts';
export { ArrayDataset, type ArraysOptions, fromArrays, subset } from './fromArrays.ts';
export { type IdxArray, parseIdx } from './idx.ts';
export { loadFashionMnist, loadMnist, type MnistOptions } from './mnist.ts';
