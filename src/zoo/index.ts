/** Networks from papers, with random weights: to be trained, and to measure with. */

export type { ClassifierOptions } from './blocks.ts';
export { digits } from './digits.ts';
export { type MobilenetOptions, mobilenetV1 } from './mobilenetV1.ts';
export { mobilenetV2 } from './mobilenetV2.ts';
export { resnet50 } from './resnet50.ts';
export {
  type AutoencoderOptions,
  autoencoder,
  dscnn,
  resnet8,
  visualWakeWords,
} from './tiny.ts';
