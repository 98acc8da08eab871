/** Copies of short and long runs of bytes that never touch a byte outside: the last step overlaps the one before. */

/** From here on the host's own copy is faster than 16 bytes a step, and its 18 cycles of overhead do not show. */
// @ts-ignore: decorator
@inline const LONG: i32 = 512;

/** `bytes` ≥ 16 of them. */
// @ts-ignore: decorator
@inline
export function copyLong(x: usize, y: usize, bytes: i32): void {
  if (bytes >= LONG) {
    memory.copy(y, x, bytes);
    return;
  }
  const last = <usize>bytes - 16;
  for (let i: usize = 0; i < last; i += 16) v128.store(y + i, v128.load(x + i));
  v128.store(y + last, v128.load(x + last));
}

/** 8 < `bytes` < 16 of them. */
// @ts-ignore: decorator
@inline
export function copyUpTo16(x: usize, y: usize, bytes: i32): void {
  const last = <usize>bytes - 8;
  const head = load<u64>(x), tail = load<u64>(x + last);
  store<u64>(y, head);
  store<u64>(y + last, tail);
}

/** 4 < `bytes` < 8 of them. */
// @ts-ignore: decorator
@inline
export function copyUpTo8(x: usize, y: usize, bytes: i32): void {
  const last = <usize>bytes - 4;
  const head = load<u32>(x), tail = load<u32>(x + last);
  store<u32>(y, head);
  store<u32>(y + last, tail);
}

/** Three of them. */
// @ts-ignore: decorator
@inline
export function copyThree(x: usize, y: usize): void {
  const head = load<u16>(x), tail = load<u8>(x, 2);
  store<u16>(y, head);
  store<u8>(y, tail, 2);
}
