/**
 * Depthwise weights minus their zero point, widened to i16, two of a column side by side; 0 below the last row and past
 * the last channel.
 * Few bytes, packed once a load: the plain loop is the kernel of both modules.
 *
 * w       [kernelHeight, kernelWidth, channels] i8
 * packed  [ceil(channels/8)][kernelWidth][ceil(kernelHeight/2)][8][2] i16, v = w − zeroPoint:
 *
 *     group g, column j, rows i and i+1:   | v[i, j, 8g] v[i+1, j, 8g] | … | v[i, j, 8g+7] v[i+1, j, 8g+7] |
 */
export function qs8_pack_dwconv_weights__scalar(
  channels: i32, kernelHeight: i32, kernelWidth: i32, zeroPoint: i32, w: usize, packed: usize,
): void {
  for (let g = 0; g < channels; g += 8) {
    for (let j = 0; j < kernelWidth; j++) {
      for (let pair = 0; pair < kernelHeight; pair += 2) {
        for (let c = g; c < g + 8; c++) {
          for (let i = pair; i < pair + 2; i++) {
            const known = i < kernelHeight && c < channels;
            const at = w + (i * kernelWidth + j) * channels + c;
            store<i16>(packed, known ? <i32>load<i8>(at) - zeroPoint : 0);
            packed += 2;
          }
        }
      }
    }
  }
}
