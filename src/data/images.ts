/**
 * Decoded images for Node. JPEG is libjpeg's own code as wasm, because decoders that upsample chroma in another way move
 * pixels by dozens of levels. Orientation tags are not looked at.
 */

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { rangeError } from '../core/errors.ts';
import type { Image } from '../core/image.ts';

type Decoder = (bytes: Uint8Array, where: string) => Promise<Image>;

/** What a file must start with, whatever its name is. */
const FORMATS: readonly { readonly magic: readonly number[]; readonly decode: Decoder }[] = [
  { magic: [0xff, 0xd8, 0xff], decode: decodeJpeg },
  { magic: [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a], decode: decodePng },
];

function decoderOf(bytes: Uint8Array): Decoder | undefined {
  return FORMATS.find(({ magic }) => magic.every((byte, i) => bytes[i] === byte))?.decode;
}

export function isImage(bytes: Uint8Array): boolean {
  return decoderOf(bytes) !== undefined;
}

/** RGBA, 8 bits each, of a PNG or JPEG file. Throws an Error that starts with `where`. */
export async function decodeImage(bytes: Uint8Array, where: string): Promise<Image> {
  const decode = decoderOf(bytes);
  if (decode) return decode(bytes, where);
  throw rangeError(where, 'the file must be a PNG or a JPEG', `bytes [${bytes.subarray(0, 4)}]`);
}

/** Of 16-bit samples the nearest of 8 bits. */
async function decodePng(bytes: Uint8Array, where: string): Promise<Image> {
  const { PNG } = (await import('pngjs')).default;
  try {
    const { data, width, height } = PNG.sync.read(Buffer.from(bytes));
    return { data, width, height, channels: 4 };
  } catch (error) {
    throw rangeError(where, 'the file must be a whole PNG', (error as Error).message);
  }
}

/** The part of the codec's module that is used here; its package describes it with types that it does not export. */
interface Codec {
  decode(bytes: Uint8Array, orient: boolean): Omit<Image, 'channels'> | null;
}

type CodecFactory = (options: {
  readonly noInitialRun: boolean;
  readonly printErr: (line: string) => void;
  readonly instantiateWasm: (
    imports: WebAssembly.Imports,
    done: (instance: WebAssembly.Instance) => void,
  ) => WebAssembly.Exports;
}) => Promise<Codec>;

/** One for all files: the codec of libjpeg and what it said of the file at hand. */
let libjpeg: Promise<{ readonly codec: Codec; readonly said: string[] }> | undefined;

async function startLibjpeg() {
  const folder = '@jsquash/jpeg/codec/dec/mozjpeg_dec';
  const { default: factory } = await import('@jsquash/jpeg/codec/dec/mozjpeg_dec.js');
  const file = createRequire(import.meta.url).resolve(`${folder}.wasm`);
  const module = await WebAssembly.compile(await readFile(file));
  const said: string[] = [];
  const codec = await (factory as unknown as CodecFactory)({
    noInitialRun: true,
    printErr: (line) => said.push(line),
    // The codec's own way is to fetch its file, which Node cannot.
    instantiateWasm: (imports, done) => {
      const instance = new WebAssembly.Instance(module, imports);
      done(instance);
      return instance.exports;
    },
  });
  return { codec, said };
}

async function decodeJpeg(bytes: Uint8Array, where: string): Promise<Image> {
  libjpeg ??= startLibjpeg();
  const { codec, said } = await libjpeg;
  said.length = 0;
  let image: ReturnType<Codec['decode']> = null;
  try {
    image = codec.decode(bytes, false);
  } catch {
    // libjpeg ends its program on an error, so that the next file needs another.
    libjpeg = undefined;
  }
  // It fills what is missing with grey and only warns.
  const cut = said.find((line) => line.startsWith('Premature end'));
  if (image && !cut) return { ...image, data: image.data, channels: 4 };
  throw rangeError(where, 'the file must be a whole JPEG', cut ?? said[0] ?? 'another');
}
