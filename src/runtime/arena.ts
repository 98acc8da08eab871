/** A piece of the arena whose content must last from step `first` to step `last`, both included. */
export interface Block {
  readonly bytes: number;
  readonly first: number;
  readonly last: number;
}

export interface Placement {
  /** One offset a block, in the order of the blocks. */
  readonly offsets: readonly number[];
  /** Size of the arena. */
  readonly bytes: number;
}

/** Every tensor, struct and array starts on a cache line. */
export const ALIGNMENT = 64;

export function alignUp(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

/**
 * Offsets such that blocks that live at the same time never overlap. Greedy by size (Pisarchyk and Lee 2020): the
 * largest block first, each into the smallest gap that holds it, or on top of the blocks it lives with.
 */
export function placeBlocks(blocks: readonly Block[]): Placement {
  const offsets = blocks.map(() => 0);
  const placed = new Placed(blocks.length);
  const bySize = blocks.map((block, i) => ({ block, i }));
  bySize.sort((a, b) => b.block.bytes - a.block.bytes || a.block.first - b.block.first);
  for (const { block, i } of bySize) offsets[i] = placed.place(block);
  return { offsets, bytes: placed.end };
}

/**
 * The blocks placed so far, by offset. Quadratic in their number, but a step is a few comparisons of numbers in
 * memory: 8,192 blocks take a quarter of a second.
 */
class Placed {
  #count = 0;
  readonly #first: Float64Array;
  readonly #last: Float64Array;
  readonly #offset: Float64Array;
  readonly #end: Float64Array;
  /** The highest end. */
  end = 0;

  constructor(capacity: number) {
    this.#first = new Float64Array(capacity);
    this.#last = new Float64Array(capacity);
    this.#offset = new Float64Array(capacity);
    this.#end = new Float64Array(capacity);
  }

  place(block: Block): number {
    const size = alignUp(block.bytes);
    const offset = this.#bestGap(block, size);
    this.#insert(block, offset, offset + size);
    this.end = Math.max(this.end, offset + size);
    return offset;
  }

  /** Start of the smallest gap of at least `size` bytes between blocks that live with this one, else the end of all. */
  #bestGap({ first, last }: Block, size: number): number {
    const [firsts, lasts, offsets, ends] = [this.#first, this.#last, this.#offset, this.#end];
    let best = -1;
    let room = Infinity;
    let end = 0;
    for (let i = 0; i < this.#count; i++) {
      if (firsts[i]! > last || lasts[i]! < first) continue;
      const gap = offsets[i]! - end;
      if (gap >= size && gap < room) {
        best = end;
        room = gap;
      }
      if (ends[i]! > end) end = ends[i]!;
    }
    return best < 0 ? end : best;
  }

  #insert({ first, last }: Block, offset: number, end: number): void {
    let at = this.#count++;
    while (at > 0 && this.#offset[at - 1]! > offset) at--;
    const insert = (list: Float64Array, value: number) => {
      list.copyWithin(at + 1, at, this.#count - 1);
      list[at] = value;
    };
    insert(this.#first, first);
    insert(this.#last, last);
    insert(this.#offset, offset);
    insert(this.#end, end);
  }
}
