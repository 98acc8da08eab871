import { checkInteger, kindOf, rangeError, typeError } from '../core/errors.ts';
import { fitImage, type Image } from '../core/image.ts';
import type { Preprocessing } from '../core/preprocess.ts';
import { type Shape, showShape } from '../core/shape.ts';

/** What of a session says how large its images are and how they get so: a `Session` is one. */
export interface ImageModel {
  readonly inputs: readonly { readonly shape: Shape }[];
  readonly preprocessing?: Preprocessing | undefined;
}

/**
 * The pixels of one image as the model's input takes them, u8 [height, width, channels]: cropped and resized as the
 * bundle says, grey or RGB as the input is, without alpha. `session.run({ input: prepareImage(image, session) })` is all
 * that an image needs. The bytes are the same on every host. An image that has the input's size already, and no crop
 * to be done, is copied. Throws a TypeError or RangeError that starts with `prepareImage`.
 */
export function prepareImage(image: Image, { inputs, preprocessing }: ImageModel): Uint8Array {
  const [shape, ...others] = inputs.map((input) => input.shape);
  if (!shape || others.length > 0 || shape.length !== 4) {
    const expected = 'the model must have one input [N,height,width,channels]';
    throw rangeError(
      'prepareImage',
      expected,
      inputs.map((input) => showShape(input.shape)),
    );
  }
  checkImage(image);
  const [, height, width, channels] = shape as [number, number, number, number];
  return fitImage(image, [height, width, channels], preprocessing, 'prepareImage');
}

function checkImage({ data, height, width, channels }: Image): void {
  if (!(data instanceof Uint8Array || data instanceof Uint8ClampedArray)) {
    throw typeError('prepareImage', 'data must be a Uint8Array of pixels', kindOf(data));
  }
  checkInteger('prepareImage', 'height', height, 1);
  checkInteger('prepareImage', 'width', width, 1);
  checkInteger('prepareImage', 'channels', channels, 1);
  const length = height * width * channels;
  if (data.length === length) return;
  throw rangeError('prepareImage', `data must have ${length} pixels`, data.length);
}
