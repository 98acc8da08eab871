import { checkOptions, kindOf, rangeError, typeError } from '../core/errors.ts';
import { checkFit, MAX_TABLES, type Preprocessing } from '../core/preprocess.ts';
import { BATCH, type Shape } from '../core/shape.ts';

/** Of uint8 samples of which nothing else is said. */
export const PIXELS: Preprocessing = { mean: [0], std: [1] };

/** What every bundle needs of it, said where it is written. `shape` is that of one sample. */
export function checkPreprocessing(where: string, about: Preprocessing, shape: Shape): void {
  checkOptions(`${where}: preprocessing`, about, ['mean', 'std', 'crop', 'resize']);
  const channels = shape.at(-1) ?? 1;
  for (const name of ['mean', 'std'] as const) {
    const list: unknown = about[name];
    const expected = `preprocessing.${name} must be an array of 1 or ${channels} finite numbers`;
    if (!Array.isArray(list)) throw typeError(where, expected, kindOf(list));
    if (list.length > MAX_TABLES) {
      const most = `preprocessing.${name} may have ${MAX_TABLES} entries`;
      throw rangeError(where, most, list.length);
    }
    const count = list.length === 1 || list.length === channels;
    if (!count || !list.every(Number.isFinite)) throw rangeError(where, expected, list);
  }
  if (about.std.includes(0)) {
    throw rangeError(where, 'preprocessing.std must not have a 0', about.std);
  }
  checkFit(`${where}: preprocessing`, about, [BATCH, ...shape]);
}
