/** Rows of cells under a header: the first column to the left, the others to the right, a rule under the header. */
export function formatTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const all = [header, ...rows].map((row) => row.map(printable));
  const widths = header.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!),
      )
      .join('   ')
      .trimEnd();
  const rule = '─'.repeat(widths.reduce((sum, width) => sum + width + 3, -3));
  const [first, ...others] = all.map(line);
  return [first, rule, ...others].join('\n');
}

/** Text of a stranger's file, with its control characters as \xHH: a terminal must not obey them. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/** 12,345 */
export function grouped(n: number): string {
  return n.toLocaleString('en-US');
}

export function percent(fraction: number): string {
  return `${(100 * fraction).toFixed(2)} %`;
}
