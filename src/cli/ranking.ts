/** Entries of a row of scores, the highest first; of equal ones the first. */

/** How many entries come before entry `index`. */
export function rankOf(scores: ArrayLike<number>, index: number): number {
  const score = scores[index]!;
  let rank = 0;
  for (let i = 0; i < scores.length; i++) {
    if (scores[i]! > score || (scores[i] === score && i < index)) rank++;
  }
  return rank;
}

/** The first `count` entries, or all where there are fewer. */
export function topOf(scores: ArrayLike<number>, count: number): number[] {
  const order = Array.from(scores, (_, i) => i);
  return order.sort((a, b) => scores[b]! - scores[a]! || a - b).slice(0, count);
}
