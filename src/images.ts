/** Octavo with files of images: for Node, Deno and Bun. What is in `octavo` itself runs in pages too. */

export { fitImage, type Image } from './core/image.ts';
export { type ImagesOptions, loadImages } from './data/imageFolder.ts';
export { decodeImage } from './data/images.ts';
