/**
 * y[r, c] = f32(x[r, c] · a[c]) + b[c]      batch normalization with its statistics folded into a and b
 *
 * x    [rows, channels] f32    read
 * a, b [channels] f32          read
 * y    [rows, channels] f32    written; may be x
 */
export function f32_vaffine__scalar(
  rows: i32, channels: i32, x: usize, a: usize, b: usize, y: usize,
): void {
  const row = <usize>channels << 2;
  for (let r = 0; r < rows; r++, x += row, y += row) affineRow(channels, x, a, b, y);
}

// @ts-ignore: decorator
@inline
function affineRow(channels: i32, x: usize, a: usize, b: usize, y: usize): void {
  for (let c: usize = 0, end = <usize>channels << 2; c < end; c += 4) {
    store<f32>(y + c, load<f32>(x + c) * load<f32>(a + c) + load<f32>(b + c));
  }
}

// @ts-ignore: decorator
@inline
function affineLanes(x: usize, a: usize, b: usize, y: usize): void {
  v128.store(y, f32x4.add(f32x4.mul(v128.load(x), v128.load(a)), v128.load(b)));
}

export function f32_vaffine__simd128(
  rows: i32, channels: i32, x: usize, a: usize, b: usize, y: usize,
): void {
  const row = <usize>channels << 2;
  const body = <usize>(channels & ~3) << 2;
  for (let r = 0; r < rows; r++, x += row, y += row) {
    let c: usize = 0;
    // Sixteen channels a turn: rows of few channels are short loops.
    for (; c + 64 <= body; c += 64) {
      affineLanes(x + c, a + c, b + c, y + c);
      affineLanes(x + c + 16, a + c + 16, b + c + 16, y + c + 16);
      affineLanes(x + c + 32, a + c + 32, b + c + 32, y + c + 32);
      affineLanes(x + c + 48, a + c + 48, b + c + 48, y + c + 48);
    }
    for (; c < body; c += 16) affineLanes(x + c, a + c, b + c, y + c);
    affineRow(channels & 3, x + body, a + body, b + body, y + body);
  }
}
