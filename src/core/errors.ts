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
  throw numberError(where, `${name} must be an integer ${range}`, value);
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
  throw numberError(where, `${name} must be a finite number ${range}`, value);
}

function numberError(where: string, expected: string, got: unknown): Error {
  return (typeof got === 'number' ? rangeError : typeError)(where, expected, kindOf(got));
}

/** Throws unless `shape`, the value of `name`, is an array of integers >= 1. */
export function checkShape(where: string, name: string, shape: readonly number[]): void {
  if (!Array.isArray(shape)) {
    throw typeError(where, `${name} must be an array of integers`, kindOf(shape));
  }
  for (const extent of shape) checkInteger(where, `extents of ${name}`, extent, 1);
}

/** Throws a TypeError that names the options that do not exist and those that do. */
export function checkOptions(where: string, options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) {
    throw typeError(where, 'options must be an object', kindOf(options));
  }
  const unknown = Object.keys(options).filter((key) => !known.includes(key));
  if (unknown.length === 0) return;
  throw typeError(where, `options are ${known.join(', ')}`, unknown.join(', '));
}

/** Throws a TypeError unless `value` is an object and no array. */
export function checkObject(where: string, name: string, value: unknown): void {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return;
  throw typeError(where, `${name} must be an object`, kindOf(value));
}

/** Throws a TypeError unless `value` is true or false. */
export function checkFlag(where: string, name: string, value: unknown): void {
  if (typeof value === 'boolean') return;
  throw typeError(where, `${name} must be true or false`, kindOf(value));
}

/** A caller's value in a message: text in quotes, an object by its class. */
export function kindOf(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'function') return 'a function';
  if (typeof value !== 'object' || value === null) return String(value);
  return value.constructor?.name ?? 'Object';
}

/** A string is shown as it is: it may be a description. */
function show(value: unknown): string {
  if (Array.isArray(value)) return `[${value.join(',')}]`;
  return typeof value === 'string' ? value : kindOf(value);
}
