import { CopyParams } from '../abi';
import { copyLong, copyThree, copyUpTo16, copyUpTo8 } from '../lib/runs';

/**
 * The strided copy of CopyParams, for units first … first + count − 1 of axis 0. x and y are the addresses of element
 * 0 of all axes and must not overlap. Reads and writes exactly the runs.
 */
export function x8_copy__simd128(
  params: CopyParams, first: i32, count: i32, x: usize, y: usize,
): void {
  const in0 = params.inStride0, in1 = params.inStride1, in2 = params.inStride2;
  const in3 = params.inStride3, in4 = params.inStride4;
  const out0 = params.outStride0, out1 = params.outStride1, out2 = params.outStride2;
  const out3 = params.outStride3, out4 = params.outStride4;
  let x0 = x + first * in0, y0 = y + first * out0;
  const square = isTranspose(params, in4, params.extent4);
  const middle = params.extent1 * params.extent2 * params.extent3 * params.extent4;
  if (middle == 1 && isTranspose(params, in0, count)) {
    transposeBytes(params.extent5, count, x0, y0, params.inStride5, out0);
    return;
  }
  for (let i0 = 0; i0 < count; i0++, x0 += in0, y0 += out0) {
    let x1 = x0, y1 = y0;
    for (let i1 = params.extent1; i1 > 0; i1--, x1 += in1, y1 += out1) {
      let x2 = x1, y2 = y1;
      for (let i2 = params.extent2; i2 > 0; i2--, x2 += in2, y2 += out2) {
        let x3 = x2, y3 = y2;
        for (let i3 = params.extent3; i3 > 0; i3--, x3 += in3, y3 += out3) {
          let x4 = x3, y4 = y3;
          if (square) {
            transposeBytes(params.extent5, params.extent4, x4, y4, params.inStride5, out4);
            continue;
          }
          for (let i4 = params.extent4; i4 > 0; i4--, x4 += in4, y4 += out4) {
            copyRuns(params, x4, y4);
          }
        }
      }
    }
  }
}

/** Single bytes, side by side along another axis in x and along axis 5 in y, enough of them for blocks of 8 x 8. */
// @ts-ignore: decorator
@inline
function isTranspose(params: CopyParams, inStride: i32, extent: i32): bool {
  return params.bytes == 1 && inStride == 1 && params.outStride5 == 1 &&
    extent >= 8 && params.extent5 >= 8;
}

/** y[j · outStep + i] = x[i · inStep + j] in blocks of 8 x 8; the last ones overlap those before. */
function transposeBytes(
  rows: i32, columns: i32, x: usize, y: usize, inStep: i32, outStep: i32,
): void {
  for (let i = 0; i < rows; i += 8) {
    i = min(i, rows - 8);
    for (let j = 0; j < columns; j += 8) {
      j = min(j, columns - 8);
      transposeBlock(x + i * inStep + j, y + j * outStep + i, inStep, outStep);
    }
  }
}

/** Three rounds of interleaving: bytes of two rows, of four, of eight. */
// @ts-ignore: decorator
@inline
function transposeBlock(x: usize, y: usize, inStep: i32, outStep: i32): void {
  const rows01 = pairBytes(x, inStep), rows23 = pairBytes(x + (inStep << 1), inStep);
  x += inStep << 2;
  const rows45 = pairBytes(x, inStep), rows67 = pairBytes(x + (inStep << 1), inStep);
  const upper03 = v128.shuffle<i16>(rows01, rows23, 0, 8, 1, 9, 2, 10, 3, 11);
  const upper47 = v128.shuffle<i16>(rows01, rows23, 4, 12, 5, 13, 6, 14, 7, 15);
  const lower03 = v128.shuffle<i16>(rows45, rows67, 0, 8, 1, 9, 2, 10, 3, 11);
  const lower47 = v128.shuffle<i16>(rows45, rows67, 4, 12, 5, 13, 6, 14, 7, 15);
  storeTwo(y, v128.shuffle<i32>(upper03, lower03, 0, 4, 1, 5), outStep);
  storeTwo(y + (outStep << 1), v128.shuffle<i32>(upper03, lower03, 2, 6, 3, 7), outStep);
  y += outStep << 2;
  storeTwo(y, v128.shuffle<i32>(upper47, lower47, 0, 4, 1, 5), outStep);
  storeTwo(y + (outStep << 1), v128.shuffle<i32>(upper47, lower47, 2, 6, 3, 7), outStep);
}

/** Eight bytes of a row and of the next, in turn. */
// @ts-ignore: decorator
@inline
function pairBytes(x: usize, step: i32): v128 {
  return v128.shuffle<i8>(
    v128.load64_zero(x), v128.load64_zero(x + step),
    0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23,
  );
}

// @ts-ignore: decorator
@inline
function storeTwo(y: usize, lanes: v128, step: i32): void {
  v128.store64_lane(y, lanes, 0);
  v128.store64_lane(y + step, lanes, 1);
}

/** Axis 5: one loop for each length of a run that an inner loop can know. */
function copyRuns(params: CopyParams, x: usize, y: usize): void {
  const inStep = params.inStride5, outStep = params.outStride5, bytes = params.bytes;
  let count = params.extent5;
  if (bytes == 1) {
    if (inStep == 0 && outStep == 1) memory.fill(y, load<u8>(x), count);
    else copySingles(count, x, y, inStep, outStep);
  } else if (bytes == 2) {
    for (; count > 0; count--, x += inStep, y += outStep) store<u16>(y, load<u16>(x));
  } else if (bytes == 3) {
    for (; count > 0; count--, x += inStep, y += outStep) copyThree(x, y);
  } else if (bytes == 4) {
    for (; count > 0; count--, x += inStep, y += outStep) store<u32>(y, load<u32>(x));
  } else if (bytes < 8) {
    for (; count > 0; count--, x += inStep, y += outStep) copyUpTo8(x, y, bytes);
  } else if (bytes == 8) {
    for (; count > 0; count--, x += inStep, y += outStep) store<u64>(y, load<u64>(x));
  } else if (bytes < 16) {
    for (; count > 0; count--, x += inStep, y += outStep) copyUpTo16(x, y, bytes);
  } else {
    for (; count > 0; count--, x += inStep, y += outStep) copyLong(x, y, bytes);
  }
}

/** Single bytes, four at a time: transposes, and concats of one channel. */
function copySingles(count: i32, x: usize, y: usize, inStep: i32, outStep: i32): void {
  for (; count >= 4; count -= 4) {
    const q0 = load<u8>(x), q1 = load<u8>(x + inStep);
    x += inStep << 1;
    const q2 = load<u8>(x), q3 = load<u8>(x + inStep);
    x += inStep << 1;
    store<u8>(y, q0);
    store<u8>(y + outStep, q1);
    y += outStep << 1;
    store<u8>(y, q2);
    store<u8>(y + outStep, q3);
    y += outStep << 1;
  }
  for (; count > 0; count--, x += inStep, y += outStep) store<u8>(y, load<u8>(x));
}

export function x8_copy__scalar(
  params: CopyParams, first: i32, count: i32, x: usize, y: usize,
): void {
  const inner = params.extent1 * params.extent2 * params.extent3 * params.extent4 * params.extent5;
  for (let run = first * inner; run < (first + count) * inner; run++) {
    const i4 = run / params.extent5, i3 = i4 / params.extent4;
    const i2 = i3 / params.extent3, i1 = i2 / params.extent2, i0 = i1 / params.extent1;
    const at1 = i1 % params.extent1, at2 = i2 % params.extent2, at3 = i3 % params.extent3;
    const at4 = i4 % params.extent4, at5 = run % params.extent5;
    const from = i0 * params.inStride0 + at1 * params.inStride1 + at2 * params.inStride2 +
      at3 * params.inStride3 + at4 * params.inStride4 + at5 * params.inStride5;
    const to = i0 * params.outStride0 + at1 * params.outStride1 + at2 * params.outStride2 +
      at3 * params.outStride3 + at4 * params.outStride4 + at5 * params.outStride5;
    for (let b = 0; b < params.bytes; b++) store<u8>(y + to + b, load<u8>(x + from + b));
  }
}
