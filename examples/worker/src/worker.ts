/** Says what an image shows: POST a JPEG, a PNG, or raw RGB bytes with `?width=…&height=…`. */

import jpegModule from '@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm';
import decodeJpeg, { init as initJpeg } from '@jsquash/jpeg/decode.js';
import pngModule from '@jsquash/png/codec/pkg/squoosh_png_bg.wasm';
import decodePng, { init as initPng } from '@jsquash/png/decode.js';
import { type Image, load, prepareImage } from 'octavo/runtime';
import labels from './labels.json';
import bundle from './model.octavo';

/** Of a request's body: memory of a Worker is 128 MB, and a decoded image takes several times what its file does. */
const MOST_BYTES = 4 * 2 ** 20;
/** Of an image: 64 MB as RGBA. */
const MOST_PIXELS = 16 * 2 ** 20;
const SHOWN = 5;

/** Started with the Worker, ready before its first request. */
const session = load(bundle);

/** What is wrong with a request, as an answer. */
class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export default {
  async fetch(request: Request): Promise<Response> {
    if (request.method !== 'POST') {
      return new Response('POST a JPEG, a PNG, or raw RGB bytes with ?width=…&height=…\n', {
        status: request.method === 'GET' ? 200 : 405,
      });
    }
    try {
      const bytes = await readBody(request);
      return Response.json(await classify(await decode(bytes, new URL(request.url).searchParams)));
    } catch (error) {
      if (error instanceof Refusal) {
        return Response.json({ error: error.message }, { status: error.status });
      }
      throw error;
    }
  },
};

/** The body, read no further than it may be long: a length that is announced may be wrong. */
async function readBody({ body, headers }: Request): Promise<Uint8Array<ArrayBuffer>> {
  if (Number(headers.get('content-length') ?? 0) > MOST_BYTES) throw tooLarge();
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of (body ?? []) as AsyncIterable<Uint8Array>) {
    length += part.length;
    if (length > MOST_BYTES) throw tooLarge();
    parts.push(part);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function tooLarge(): Refusal {
  return new Refusal(413, `an image must have at most ${MOST_BYTES} bytes`);
}

async function decode(bytes: Uint8Array<ArrayBuffer>, query: URLSearchParams): Promise<Image> {
  const width = Number(query.get('width'));
  const height = Number(query.get('height'));
  if (width > 0 && height > 0) return rawImage(bytes, width, height);
  const decoder = decoderOf(bytes);
  if (!decoder) throw new Refusal(415, 'expected a JPEG, a PNG, or raw RGB bytes and their size');
  try {
    return { ...(await decoder(bytes.buffer)), channels: 4 };
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal(400, 'expected a whole JPEG or PNG');
  }
}

function rawImage(data: Uint8Array, width: number, height: number): Image {
  const expected = width * height * 3;
  if (data.length === expected) return { data, width, height, channels: 3 };
  const sizes = `${expected} bytes of RGB for ${width} x ${height} pixels, got ${data.length}`;
  throw new Refusal(400, `expected ${sizes}`);
}

/** By the first bytes, for names and types may be wrong; none for an image that is none or too large to unpack. */
function decoderOf(bytes: Uint8Array<ArrayBuffer>) {
  if (bytes[0] === 0xff && bytes[1] === 0xd8) {
    return async (file: ArrayBuffer) => {
      checkSize(jpegSize(bytes));
      await initJpeg(jpegModule);
      return decodeJpeg(file);
    };
  }
  if (bytes[0] === 0x89 && bytes[1] === 0x50) {
    return async (file: ArrayBuffer) => {
      const view = new DataView(file);
      checkSize([view.getUint32(16), view.getUint32(20)]);
      await initPng(pngModule);
      return decodePng(file);
    };
  }
  return undefined;
}

function checkSize([width, height]: readonly [number, number]): void {
  if (width * height <= MOST_PIXELS) return;
  throw new Refusal(413, `expected at most ${MOST_PIXELS} pixels, got ${width} x ${height}`);
}

/** Width and height in the frame header, which follows any number of other segments. */
function jpegSize(bytes: Uint8Array<ArrayBuffer>): [width: number, height: number] {
  const view = new DataView(bytes.buffer);
  for (let at = 2; ; at += 2 + view.getUint16(at + 2)) {
    const marker = view.getUint8(at + 1);
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) return [view.getUint16(at + 7), view.getUint16(at + 5)];
  }
}

/** The most likely classes, with what the network gives for them. */
async function classify(image: Image) {
  const model = await session;
  const input = model.inputs[0]!.name;
  const outputs = model.run({ [input]: prepareImage(image, model) }, { dequantize: true });
  const scores = outputs[model.outputs[0]!.name]!;
  return { classes: best(scores).map((index) => ({ label: labels[index], score: scores[index] })) };
}

/** Where the largest scores are, the largest first: cheaper than to sort a thousand. */
function best(scores: Float32Array): number[] {
  const found: number[] = [];
  for (let i = 0; i < scores.length; i++) {
    const at = found.findIndex((index) => scores[i]! > scores[index]!);
    if (at < 0 && found.length === SHOWN) continue;
    found.splice(at < 0 ? found.length : at, 0, i);
    found.length = Math.min(found.length, SHOWN);
  }
  return found;
}
