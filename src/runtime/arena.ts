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

interface Placed extends Block {
  readonly offset: number;
  readonly end: number;
}

/**
 * Offsets such that blocks that live at the same time never overlap. Greedy by size (Pisarchyk and Lee 2020): the
 * largest block first, each into the smallest gap that holds it, or on top of the blocks it lives with.
 */
export function placeBlocks(blocks: readonly Block[]): Placement {
  const offsets = blocks.map(() => 0);
  const placed: Placed[] = [];
  const bySize = blocks.map((block, i) => ({ block, i }));
  bySize.sort((a, b) => b.block.bytes - a.block.bytes || a.block.first - b.block.first);
  for (const { block, i } of bySize) {
    const together = placed.filter(({ first, last }) => first <= block.last && block.first <= last);
    const size = alignUp(block.bytes);
    const offset = bestGap(together, size);
    offsets[i] = offset;
    const above = placed.findIndex((other) => other.offset > offset);
    const entry = { ...block, offset, end: offset + size };
    placed.splice(above < 0 ? placed.length : above, 0, entry);
  }
  return { offsets, bytes: placed.reduce((most, { end }) => Math.max(most, end), 0) };
}

/** Start of the smallest gap of at least `size` bytes between blocks in order of offset, else the end of the last. */
function bestGap(blocks: readonly Placed[], size: number): number {
  let best = -1;
  let room = Infinity;
  let end = 0;
  for (const block of blocks) {
    const gap = block.offset - end;
    if (gap >= size && gap < room) {
      best = end;
      room = gap;
    }
    end = Math.max(end, block.end);
  }
  return best < 0 ? end : best;
}
