import { checkInteger, checkShape, kindOf, rangeError, typeError } from '../core/errors.ts';
import type { Preprocessing } from '../core/preprocess.ts';
import type { Shape } from '../core/shape.ts';
import type { Augmentation } from './augment.ts';
import { checkPreprocessing } from './pixels.ts';

/** What datasets over samples of one's own have in common. */
export interface DatasetOptions {
  /** Of one sample. */
  readonly shape: Shape;
  /** Of the class indices. It or `targetShape`. */
  readonly classes?: number;
  /** Of the real targets of one sample, like [1]: that of the model's output. */
  readonly targetShape?: Shape;
  /** 64 unless given. */
  readonly batchSize?: number;
  /** Of order and augmentation; 0 unless given. */
  readonly seed?: number;
  /** Of uint8 samples; pixel / 255 unless given. */
  readonly preprocessing?: Preprocessing;
  /** Names of the classes, one for each. */
  readonly labels?: readonly string[];
  /** Changes each uint8 image [H,W,C] of a batch before it is normalized, in this order. */
  readonly augment?: readonly Augmentation[];
}

export const DATASET_OPTIONS = [
  ...['shape', 'classes', 'targetShape', 'batchSize'],
  ...['seed', 'preprocessing', 'labels', 'augment'],
] as const;

/** Throws a RangeError or TypeError, starting with `where`, unless they make sense; `bytes`: samples are uint8. */
export function checkDatasetOptions(where: string, options: DatasetOptions, bytes: boolean): void {
  const { shape, classes, targetShape, batchSize = 64, seed = 0 } = options;
  const { preprocessing, labels } = options;
  checkInteger(where, 'batchSize', batchSize, 1);
  checkInteger(where, 'seed', seed, Number.MIN_SAFE_INTEGER);
  checkShape(where, 'shape', shape);
  if (!targetShape) checkInteger(where, 'classes', classes!, 1);
  else checkShape(where, 'targetShape', targetShape);
  if (targetShape && classes !== undefined) {
    throw typeError(where, 'classes or targetShape is expected', 'both');
  }
  if (labels !== undefined) checkLabelList(where, labels, classes);
  if (preprocessing && bytes) checkPreprocessing(where, preprocessing, shape);
}

function checkLabelList(where: string, labels: readonly string[], classes?: number): void {
  if (!Array.isArray(labels)) throw typeError(where, 'labels must be an array', kindOf(labels));
  if (labels.length === classes) return;
  const expected = classes === undefined ? 'no labels beside targetShape' : `${classes} labels`;
  throw rangeError(where, expected, labels.length);
}

/** Throws a RangeError unless all of y is finite. */
export function checkFinite(where: string, y: ArrayLike<number>): void {
  for (let i = 0; i < y.length; i++) {
    if (!Number.isFinite(y[i])) throw rangeError(where, `y[${i}] must be finite`, y[i]);
  }
}
