/**
 * Sizes of a tensor, outermost first. In a Graph the batch axis, always axis 0 of an activation, is `BATCH`; it gets
 * its size when the graph runs.
 */
export type Shape = readonly number[];

/** Stands for the batch size in the shapes of a Graph. */
export const BATCH = -1;

/** Number of elements; 1 for a scalar []. The shape must have no open batch axis. */
export function sizeOf(shape: Shape): number {
  return shape.reduce((size, extent) => size * extent, 1);
}

/** Elements of one sample: the product of all axes but the first. */
export function sampleSize(shape: Shape): number {
  return sizeOf(shape.slice(1));
}

export function withBatch(shape: Shape, batch: number): Shape {
  return shape[0] === BATCH ? [batch, ...shape.slice(1)] : shape;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((extent, axis) => extent === b[axis]);
}

/** [N,28,28,1] with N for the open batch axis. */
export function showShape(shape: Shape): string {
  return `[${shape.map((extent) => (extent === BATCH ? 'N' : extent)).join(',')}]`;
}
