/**
 * The 4x8 tiles of f32 matrix products. Eight accumulators, two loads of b and four splats of a fill the fifteen
 * registers that V8 has on x64; a larger tile spills. Every product and every sum is rounded to f32, in the order
 * of the loop, so a plain loop gives the same bits.
 */

/**
 * c[r][j] = init[r][j] + Σ_i a[r][i] · b[i][j]      r < rows, j < 8
 *
 * All rows that meet a panel in one call: with few terms a call for each four would take as long as its products.
 *
 * a    [rows, count] f32    rows aStep bytes apart, rows ≥ 1
 * b    [count][8] f32       a packed panel
 * init [rows, 8] f32        rows initStep bytes apart, 0 for one row that all share; may be c. Up to three more are read
 * c    [rows, 8] f32        written, rows cStep bytes apart
 */
export function tiles4x8(
  count: i32, rows: i32, a: usize, aStep: usize, b: usize, init: usize, initStep: usize, c: usize,
  cStep: usize,
): void {
  const end = <usize>count << 2, pairs = end & ~7;
  do {
    // Rows that do not exist repeat the last one that does, in both a and c.
    const a1 = rows > 1 ? a + aStep : a;
    const a2 = rows > 2 ? a1 + aStep : a1;
    const a3 = rows > 3 ? a2 + aStep : a2;
    let c00 = v128.load(init), c01 = v128.load(init, 16);
    init += initStep;
    let c10 = v128.load(init), c11 = v128.load(init, 16);
    init += initStep;
    let c20 = v128.load(init), c21 = v128.load(init, 16);
    init += initStep;
    let c30 = v128.load(init), c31 = v128.load(init, 16);
    init += initStep;
    let at = b;
    let i: usize = 0;
    // Two turns at a time: the second needs no addresses of its own, which would take the ports that multiply and add.
    for (; i < pairs; i += 8, at += 64) {
      {
        const b0 = v128.load(at);
        const b1 = v128.load(at, 16);
        const s0 = v128.load32_splat(a + i);
        c00 = f32x4.add(c00, f32x4.mul(s0, b0));
        c01 = f32x4.add(c01, f32x4.mul(s0, b1));
        const s1 = v128.load32_splat(a1 + i);
        c10 = f32x4.add(c10, f32x4.mul(s1, b0));
        c11 = f32x4.add(c11, f32x4.mul(s1, b1));
        const s2 = v128.load32_splat(a2 + i);
        c20 = f32x4.add(c20, f32x4.mul(s2, b0));
        c21 = f32x4.add(c21, f32x4.mul(s2, b1));
        const s3 = v128.load32_splat(a3 + i);
        c30 = f32x4.add(c30, f32x4.mul(s3, b0));
        c31 = f32x4.add(c31, f32x4.mul(s3, b1));
      }
      const b0 = v128.load(at, 32);
      const b1 = v128.load(at, 48);
      const s0 = v128.load32_splat(a + i, 4);
      c00 = f32x4.add(c00, f32x4.mul(s0, b0));
      c01 = f32x4.add(c01, f32x4.mul(s0, b1));
      const s1 = v128.load32_splat(a1 + i, 4);
      c10 = f32x4.add(c10, f32x4.mul(s1, b0));
      c11 = f32x4.add(c11, f32x4.mul(s1, b1));
      const s2 = v128.load32_splat(a2 + i, 4);
      c20 = f32x4.add(c20, f32x4.mul(s2, b0));
      c21 = f32x4.add(c21, f32x4.mul(s2, b1));
      const s3 = v128.load32_splat(a3 + i, 4);
      c30 = f32x4.add(c30, f32x4.mul(s3, b0));
      c31 = f32x4.add(c31, f32x4.mul(s3, b1));
    }
    if (i < end) {
      const b0 = v128.load(at);
      const b1 = v128.load(at, 16);
      const s0 = v128.load32_splat(a + i);
      c00 = f32x4.add(c00, f32x4.mul(s0, b0));
      c01 = f32x4.add(c01, f32x4.mul(s0, b1));
      const s1 = v128.load32_splat(a1 + i);
      c10 = f32x4.add(c10, f32x4.mul(s1, b0));
      c11 = f32x4.add(c11, f32x4.mul(s1, b1));
      const s2 = v128.load32_splat(a2 + i);
      c20 = f32x4.add(c20, f32x4.mul(s2, b0));
      c21 = f32x4.add(c21, f32x4.mul(s2, b1));
      const s3 = v128.load32_splat(a3 + i);
      c30 = f32x4.add(c30, f32x4.mul(s3, b0));
      c31 = f32x4.add(c31, f32x4.mul(s3, b1));
    }
    const d1 = rows > 1 ? c + cStep : c;
    const d2 = rows > 2 ? d1 + cStep : d1;
    const d3 = rows > 3 ? d2 + cStep : d2;
    v128.store(d3, c30);
    v128.store(d3, c31, 16);
    v128.store(d2, c20);
    v128.store(d2, c21, 16);
    v128.store(d1, c10);
    v128.store(d1, c11, 16);
    v128.store(c, c00);
    v128.store(c, c01, 16);
    a += 4 * aStep;
    c += 4 * cStep;
    rows -= 4;
  } while (rows > 0);
}

/**
 * c[r][j] += Σ_p a[p][r] · b[p][j]      r < 4, j < 8; the sum is formed first
 *
 * a [count][4] f32    aStep bytes from one p to the next
 * b [count][8] f32    bStep bytes from one p to the next
 * c [4, 8] f32        added to, rows cStep bytes apart
 */
export function outerTile4x8(
  count: i32, a: usize, aStep: usize, b: usize, bStep: usize, c: usize, cStep: usize,
): void {
  let c00 = f32x4.splat(0), c10 = c00, c20 = c00, c30 = c00;
  let c01 = c00, c11 = c00, c21 = c00, c31 = c00;
  for (; count > 0; count--, a += aStep, b += bStep) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    const s0 = v128.load32_splat(a);
    c00 = f32x4.add(c00, f32x4.mul(s0, b0));
    c01 = f32x4.add(c01, f32x4.mul(s0, b1));
    const s1 = v128.load32_splat(a, 4);
    c10 = f32x4.add(c10, f32x4.mul(s1, b0));
    c11 = f32x4.add(c11, f32x4.mul(s1, b1));
    const s2 = v128.load32_splat(a, 8);
    c20 = f32x4.add(c20, f32x4.mul(s2, b0));
    c21 = f32x4.add(c21, f32x4.mul(s2, b1));
    const s3 = v128.load32_splat(a, 12);
    c30 = f32x4.add(c30, f32x4.mul(s3, b0));
    c31 = f32x4.add(c31, f32x4.mul(s3, b1));
  }
  addRow(c, c00, c01);
  addRow(c + cStep, c10, c11);
  addRow(c + 2 * cStep, c20, c21);
  addRow(c + 3 * cStep, c30, c31);
}

/**
 * The same for r < 3, and written: six sums still keep the adders busy, and 3 and 9 taps fill such tiles.
 */
export function outerTile3x8(
  count: i32, a: usize, aStep: usize, b: usize, bStep: usize, c: usize, cStep: usize,
): void {
  let c00 = f32x4.splat(0), c10 = c00, c20 = c00;
  let c01 = c00, c11 = c00, c21 = c00;
  for (; count > 0; count--, a += aStep, b += bStep) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    const s0 = v128.load32_splat(a);
    c00 = f32x4.add(c00, f32x4.mul(s0, b0));
    c01 = f32x4.add(c01, f32x4.mul(s0, b1));
    const s1 = v128.load32_splat(a, 4);
    c10 = f32x4.add(c10, f32x4.mul(s1, b0));
    c11 = f32x4.add(c11, f32x4.mul(s1, b1));
    const s2 = v128.load32_splat(a, 8);
    c20 = f32x4.add(c20, f32x4.mul(s2, b0));
    c21 = f32x4.add(c21, f32x4.mul(s2, b1));
  }
  v128.store(c, c00);
  v128.store(c, c01, 16);
  v128.store(c + cStep, c10);
  v128.store(c + cStep, c11, 16);
  v128.store(c + 2 * cStep, c20);
  v128.store(c + 2 * cStep, c21, 16);
}

// @ts-ignore: decorator
@inline
function addRow(c: usize, low: v128, high: v128): void {
  v128.store(c, f32x4.add(v128.load(c), low));
  v128.store(c, f32x4.add(v128.load(c, 16), high), 16);
}
