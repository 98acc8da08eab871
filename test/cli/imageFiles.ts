import { PNG } from 'pngjs';

/** A PNG of interleaved pixels: of 1 grey, 2 grey and alpha, 3 RGB or 4 RGBA channels. */
export function pngFile(
  width: number,
  channels: 1 | 2 | 3 | 4,
  pixels: readonly number[],
): Uint8Array {
  const height = pixels.length / width / channels;
  const colorType = ([0, 4, 2, 6] as const)[channels - 1]!;
  const png = new PNG({ width, height });
  for (let i = 0; i < width * height; i++) {
    const pixel = pixels.slice(i * channels, (i + 1) * channels);
    const grey = [pixel[0]!, pixel[0]!, pixel[0]!];
    const rgb = channels < 3 ? grey : pixel.slice(0, 3);
    png.data.set([...rgb, channels % 2 === 0 ? pixel.at(-1)! : 255], 4 * i);
  }
  return PNG.sync.write(png, { colorType, inputColorType: 6 });
}

const base64 = (text: string) => new Uint8Array(Buffer.from(text, 'base64'));

/** JPEGs of 8 × 4 pixels: all [200, 100, 50], and all of its luma, 124 or so. */
export const COLOUR_JPEG = base64(
  '/9j/4AAQSkZJRgABAQAAAQABAAD/2wCEAAMDAwMDAwQEBAQFBQUFBQcHBgYHBwsICQgJCAsRCwwLCwwLEQ8SDw4PEg8bFRMTFRsfGhkaHyYi' +
    'IiYwLTA+PlQBAwMDAwMDBAQEBAUFBQUFBwcGBgcHCwgJCAkICxELDAsLDAsRDxIPDg8SDxsVExMVGx8aGRofJiIiJjAtMD4+VP/AABEIAAQA' +
    'CAMBEQACEQEDEQH/xABLAAEAAAAAAAAAAAAAAAAAAAAEEAEAAAAAAAAAAAAAAAAAAAAAAQEBAAAAAAAAAAAAAAAAAAAHCBEBAAAAAAAAAAAA' +
    'AAAAAAAAAP/aAAwDAQACEQMRAD8AID1IP//Z',
);
export const GREY_JPEG = base64(
  '/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMDAwMDAwQEBAQFBQUFBQcHBgYHBwsICQgJCAsRCwwLCwwLEQ8SDw4PEg8bFRMTFRsfGhkaHyYi' +
    'IiYwLTA+PlT/wAALCAAEAAgBAREA/8QAJgABAAAAAAAAAAAAAAAAAAAABBABAAAAAAAAAAAAAAAAAAAAAP/aAAgBAQAAPwAj/9k=',
);
