/** Networks from papers, with random weights: to be trained, and to measure with. */

export type { ClassifierOptions } from './blocks.ts';
export { resnet20, resnet32, resnet44, resnet56 } from './cifarResnet.ts';
export { digits } from './digits.ts';
export { type MobilenetOptions, mobilenetV1 } from './mobilenetV1.ts';
export { mobilenetV2 } from './mobilenetV2.ts';
export { nasnetMobile } from './nasnetMobile.ts';
export { resnet50 } from './resnet50.ts';
export { resnet50V2 } from './resnet50V2.ts';
export {
  type AutoencoderOptions,
  autoencoder,
  dscnn,
  resnet8,
  visualWakeWords,
} from './tiny.ts';
