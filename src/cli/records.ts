import { arrayOf, type DType } from '../core/dtype.ts';
import { rangeError, typeError } from '../core/errors.ts';
import { fitImage } from '../core/image.ts';
import { type Shape, showShape, sizeOf } from '../core/shape.ts';
import { decodeImage, isImage } from '../data/images.ts';
import type { InputData, Session, TensorInfo } from '../runtime.ts';
import { readBytes } from './files.ts';
import { isNpy, readNpy } from './npy.ts';

/** Samples for a model's input, one after another. */
export interface Records {
  readonly count: number;
  /** Sample i, as a view. */
  at(i: number): InputData;
}

/** The only input of a session, which runs one sample at a time. */
export function inputOf(where: string, { inputs }: Session): TensorInfo {
  const [input, ...others] = inputs;
  if (input && others.length === 0) return input;
  throw rangeError(where, 'expected a bundle with one input', inputs.length);
}

/** The kinds of raw records, by the ends of their files' names. */
const RAW = { '.u8': 'u8', '.i8': 'i8', '.f32': 'f32' } as const satisfies Record<string, DType>;

/**
 * The samples in a file: raw records by its name, or else .npy, PNG or JPEG by its content. Throws an Error that starts
 * with `where` for any other, and for one that holds no whole number of samples.
 */
export async function readRecords(where: string, path: string, session: Session): Promise<Records> {
  const input = inputOf(where, session);
  const bytes = await readBytes(path, where);
  const ending = Object.keys(RAW).find((name) => path.endsWith(name)) as keyof typeof RAW;
  const place = `${where}: ${path}`;
  if (ending) return split(place, rawElements(place, bytes, RAW[ending]), input);
  if (isNpy(bytes)) return npyRecords(place, bytes, input);
  if (isImage(bytes)) return split(place, await imagePixels(place, bytes, session), input);
  const expected = `expected records (${Object.keys(RAW).join(', ')}), .npy, PNG or JPEG in --input`;
  throw typeError(where, expected, path);
}

function rawElements(place: string, bytes: Uint8Array, dtype: 'u8' | 'i8' | 'f32'): InputData {
  const { BYTES_PER_ELEMENT: size } = arrayOf[dtype];
  if (bytes.length % size === 0) return new arrayOf[dtype](bytes.slice().buffer);
  throw rangeError(place, `expected a multiple of ${size} bytes`, bytes.length);
}

/** The pixels of an image file, cropped and resized for the model. */
export async function imagePixels(
  place: string,
  bytes: Uint8Array,
  session: Session,
): Promise<Uint8Array> {
  const { preprocessing } = session;
  const { shape, dtype } = inputOf(place, session);
  if (!preprocessing && dtype !== 'u8') {
    const expected = 'for images expected a bundle with preprocessing (--mean and --std at import)';
    throw typeError(place, expected, 'one without');
  }
  const [, height, width, channels, ...others] = shape;
  if (!channels || others.length > 0) {
    const expected = 'for images expected an input [1,height,width,channels]';
    throw rangeError(place, expected, showShape(shape));
  }
  const image = await decodeImage(bytes, place);
  return fitImage(image, [height!, width!, channels], preprocessing, place);
}

function npyRecords(place: string, bytes: Uint8Array, input: TensorInfo): Records {
  const { shape, data } = readNpy(bytes, place);
  checkArray(place, shape, input.shape.slice(1));
  const reals = data instanceof Float64Array ? Float32Array.from(data) : data;
  return split(place, reals as InputData, input);
}

/** Throws a RangeError for an array whose last axes are no samples of this shape. */
export function checkArray(place: string, shape: Shape, sample: Shape): void {
  if (fits(shape, sample)) return;
  throw rangeError(
    place,
    `expected samples of ${showShape(sample)}`,
    `an array ${showShape(shape)}`,
  );
}

/** Whether an array's last axes are a sample, flat or with axes of 1 more or less. */
function fits(shape: Shape, sample: Shape): boolean {
  const wide = (extents: Shape) => extents.filter((extent) => extent !== 1);
  const last = wide(sample);
  const tail = wide(shape).slice(-last.length || shape.length);
  const flat = shape.at(-1) === sizeOf(sample);
  return flat || (tail.length === last.length && tail.every((extent, i) => extent === last[i]));
}

function split(place: string, data: InputData, { shape }: TensorInfo): Records {
  const size = sizeOf(shape);
  const count = data.length / size;
  if (count > 0 && Number.isInteger(count)) {
    return { count, at: (i) => data.subarray(i * size, (i + 1) * size) };
  }
  const expected = `expected records of ${size} values (${showShape(shape.slice(1))})`;
  throw rangeError(place, expected, `${data.length} values`);
}
