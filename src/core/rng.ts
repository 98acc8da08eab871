import { rangeError } from './errors.ts';

/**
 * Seeded random numbers, equal on every host: xoshiro128** (Blackman and Vigna 2018) seeded by splitmix32, integer
 * arithmetic only.
 */
export class Rng {
  readonly #state: Uint32Array;

  constructor(seed: number) {
    let s = seed >>> 0;
    this.#state = Uint32Array.from({ length: 4 }, () => {
      s = (s + 0x9e3779b9) >>> 0;
      let z = s;
      z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
      z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
      return (z ^ (z >>> 15)) >>> 0;
    });
  }

  /** The four words that all later numbers follow from, as plain numbers in [0, 2³²): for checkpoints. */
  get state(): readonly number[] {
    return [...this.#state];
  }

  /** Throws a RangeError unless these are four such words and one of them is not 0. */
  set state(words: readonly number[]) {
    const valid =
      Array.isArray(words) &&
      words.length === 4 &&
      words.every((word) => word === word >>> 0) &&
      words.some((word) => word !== 0);
    if (!valid) throw rangeError('Rng', 'a state of four integers in [0, 2³²), not all 0', words);
    this.#state.set(words);
  }

  /** Uniform integer in [0, 2³²). */
  uint32(): number {
    const s = this.#state;
    const [a, b, c, d] = s as unknown as [number, number, number, number];
    const product = Math.imul(b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    s[2] = c ^ a;
    s[3] = d ^ b;
    s[1] = b ^ s[2]!;
    s[0] = a ^ s[3]!;
    s[2] = s[2]! ^ (b << 9);
    s[3] = (s[3]! << 11) | (s[3]! >>> 21);
    return result;
  }

  /** Uniform in [0, 1), a multiple of 2⁻³². */
  uniform(): number {
    return this.uint32() * 2 ** -32;
  }

  /** Uniform integer in [0, n), n ≤ 2³². The bias is below n · 2⁻³². */
  below(n: number): number {
    return Math.floor(this.uniform() * n);
  }

  /** Fisher–Yates, in place. */
  shuffle<T extends { length: number; [index: number]: number }>(items: T): T {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      const kept = items[i]!;
      items[i] = items[j]!;
      items[j] = kept;
    }
    return items;
  }
}
