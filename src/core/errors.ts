/**
 * Every message reads `<where>: <what was expected>, got <value>`. TypeError is for a wrong kind, RangeError for a
 * wrong value or shape, Error for the rest; our own bugs start with `internal:`.
 */

export function rangeError(where: string, expected: string, got: unknown): RangeError {
  return new RangeError(`${where}: ${expected}, got ${show(got)}`);
}

export function typeError(where: string, expected: string, got: unknown): TypeError {
  return new TypeError(`${where}: ${expected}, got ${show(got)}`);
}

export function internal(message: string): Error {
  return new Error(`internal: ${message}`);
}

/** Throws a RangeError unless `value` is an integer in [min, max]. */
export function checkInteger(
  where: string,
  name: string,
  value: number,
  min: number,
  max = Number.MAX_SAFE_INTEGER,
): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  const range = max === Number.MAX_SAFE_INTEGER ? `>= ${min}` : `in [${min}, ${max}]`;
  throw rangeError(where, `${name} must be an integer ${range}`, value);
}

/** Throws a RangeError unless `value` is a finite number in [min, max]. */
export function checkNumber(
  where: string,
  name: string,
  value: number,
  min: number,
  max = Infinity,
): void {
  if (Number.isFinite(value) && value >= min && value <= max) return;
  const range = max === Infinity ? `>= ${min}` : `in [${min}, ${max}]`;
  throw rangeError(where, `${name} must be a finite number ${range}`, value);
}

/** Throws a TypeError that names the options that do not exist and those that do. */
export function checkOptions(where: string, options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) {
    throw typeError(where, 'options must be an object', options);
  }
  const unknown = Object.keys(options).filter((key) => !known.includes(key));
  if (unknown.length === 0) return;
  throw typeError(where, `options are ${known.join(', ')}`, unknown.join(', '));
}

function show(value: unknown): string {
  if (Array.isArray(value)) return `[${value.join(',')}]`;
  return typeof value === 'string' ? value : String(value);
}
