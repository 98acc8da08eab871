import { log } from '../core/math.ts';

const BINS = 2048;

/** Limits that the search for the least divergence tries are so many bins apart: 1/256 of the range. */
const STRIDE = 8;

/** Counts of values in 2,048 bins of one width over [min, max]. */
export class Histogram {
  readonly counts = new Float64Array(BINS);

  /** min <= 0 <= max, as every range. */
  constructor(
    readonly min: number,
    readonly max: number,
  ) {}

  /** Values outside the ends count in the outermost bins. */
  add(values: Float32Array): void {
    const { counts, min, max } = this;
    const perUnit = max > min ? BINS / (max - min) : 0;
    for (let i = 0; i < values.length; i++) {
      const bin = Math.floor((values[i]! - min) * perUnit);
      counts[bin < 0 ? 0 : bin < BINS ? bin : BINS - 1]!++;
    }
  }

  /** The ends of the fewest bins that leave at most a share 1 − `kept` of the values below and as many above, with 0 inside. */
  percentiles(kept: number): [min: number, max: number] {
    const { counts, min, max } = this;
    const width = (max - min) / BINS;
    const most = counts.reduce((sum, count) => sum + count, 0) * (1 - kept);
    let [low, below] = [0, counts[0]!];
    while (below <= most && low < BINS - 1) below += counts[++low]!;
    let [high, above] = [BINS - 1, counts[BINS - 1]!];
    while (above <= most && high > 0) above += counts[--high]!;
    // The outermost bins end exactly where the range does.
    const ends = [
      low === 0 ? min : min + low * width,
      high === BINS - 1 ? max : min + (high + 1) * width,
    ];
    return [Math.min(0, ends[0]!), Math.max(0, ends[1]!)];
  }

  /**
   * Of magnitudes: the end of the bins whose distribution P, all that lies beyond counted in the last of them, is nearest to the one Q
   * that `levels` equal steps up to there can tell apart, by Σ P·ln(P/Q) (Migacz 2017).
   */
  entropyThreshold(levels: number): number {
    const { min, max } = this;
    let [best, least] = [BINS, Infinity];
    for (let end = BINS; end >= levels; end -= STRIDE) {
      const divergence = this.#divergence(end, levels);
      if (divergence < least) [best, least] = [end, divergence];
    }
    return best === BINS ? max : min + (best * (max - min)) / BINS;
  }

  #divergence(end: number, levels: number): number {
    const inside = this.counts.subarray(0, end);
    const kept = inside.reduce((sum, count) => sum + count, 0);
    const all = this.counts.reduce((sum, count) => sum + count, 0);
    if (kept === 0) return Infinity;
    const p = inside.slice();
    p[end - 1]! += all - kept;
    let divergence = 0;
    for (let level = 0; level < levels; level++) {
      const from = Math.floor((level * end) / levels);
      const to = Math.floor(((level + 1) * end) / levels);
      const q = spread(inside, p, from, to) / kept;
      for (let bin = from; bin < to; bin++) {
        const share = p[bin]! / all;
        if (share > 0) divergence += share * log(share / q);
      }
    }
    return divergence;
  }
}

/**
 * Each value of a level lies in one of its bins that hold any, with the same chance. A level with nothing but what was cut off
 * counts as half a value: with none, one outlier behind a gap would forbid every limit below it.
 */
function spread(inside: Float64Array, p: Float64Array, from: number, to: number): number {
  let [sum, used] = [0, 0];
  for (let bin = from; bin < to; bin++) {
    sum += inside[bin]!;
    if (p[bin]! > 0) used++;
  }
  return Math.max(sum, 0.5) / Math.max(used, 1);
}
