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
  for (let i0 = 0; i0 < count; i0++, x0 += in0, y0 += out0) {
    let x1 = x0, y1 = y0;
    for (let i1 = params.extent1; i1 > 0; i1--, x1 += in1, y1 += out1) {
      let x2 = x1, y2 = y1;
      for (let i2 = params.extent2; i2 > 0; i2--, x2 += in2, y2 += out2) {
        let x3 = x2, y3 = y2;
        for (let i3 = params.extent3; i3 > 0; i3--, x3 += in3, y3 += out3) {
          let x4 = x3, y4 = y3;
          for (let i4 = params.extent4; i4 > 0; i4--, x4 += in4, y4 += out4) {
            copyRuns(params, x4, y4);
          }
        }
      }
    }
  }
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
