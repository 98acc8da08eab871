/**
 * Sizes of a tensor, outermost first. In a Graph the batch axis, always axis 0 of an activation, is open: −k stands for
 * k times the batch, which gets its size when the graph runs. It is `BATCH` but for ops that fold other axes into it.
 */
export type Shape = readonly number[];

/** Stands for the batch size in the shapes of a Graph. */
export const BATCH = -1;

/** Number of elements; 1 for a scalar []. The shape must have no open batch axis. */
export function sizeOf(shape: Shape): number {
  return shape.reduce((size, extent) => size * extent, 1);
}

/** The product of all axes but the first: the elements of one sample where axis 0 is the batch. */
export function sampleSize(shape: Shape): number {
  return sizeOf(shape.slice(1));
}

/** Elements that one sample of the batch adds to an activation of a Graph. */
export function elementsPerSample(shape: Shape): number {
  return -shape[0]! * sampleSize(shape);
}

/** The shape with the batch size filled in. */
export function withBatch(shape: Shape, batch: number): Shape {
  return shape.length > 0 && shape[0]! < 0 ? [-shape[0]! * batch, ...shape.slice(1)] : shape;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((extent, axis) => extent === b[axis]);
}

/** [N,28,28,1] with N for the open batch axis, 4N for four times as much. */
export function showShape(shape: Shape): string {
  const show = (extent: number) => (extent < 0 ? `${extent < -1 ? -extent : ''}N` : extent);
  return `[${shape.map(show).join(',')}]`;
}
