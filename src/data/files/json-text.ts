/**
 * JSON in which numbers keep their digits. `JSON.parse` rounds a number to the nearest 64-bit float, so that two ids
 * above 2^53 can become equal; here a number that a float may not represent exactly stays text.
 */

/** Digits that a 64-bit float always keeps (DBL_DIG of IEEE 754 double precision). */
const EXACT_DIGITS = 15;

/** Strings, which stay unchanged, and numbers. */
const STRING_OR_NUMBER = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/gu;

/** Whether a text can have a number that needs a check. */
const LONG_NUMBER = /[\d.]{16}|\d[eE][+-]?\d/u;

/**
 * The maximum nesting of lists and objects. Judgments are never deeper, and deep values would exhaust the stack of
 * recursive code.
 */
export const MAX_DEPTH = 64;

/** The error for values that are nested deeper than {@link MAX_DEPTH}. */
export class NestedTooDeeply extends SyntaxError {
  constructor() {
    super(`more than ${MAX_DEPTH} lists and objects are nested`);
  }
}

/**
 * Parses JSON. A number that a float would print differently becomes a string, if it has more than 15 digits or is
 * beyond the range of floats.
 *
 * @throws {SyntaxError} as `JSON.parse` does; {@link NestedTooDeeply}
 */
export function parseExactJson(json: string): unknown {
  const value = JSON.parse(json) as unknown; // so that invalid JSON is rejected as written
  if (isDeeperThan(value, MAX_DEPTH)) throw new NestedTooDeeply();
  if (!LONG_NUMBER.test(json)) return value;
  let changed = false;
  const exact = json.replace(STRING_OR_NUMBER, (token) => {
    if (token.startsWith('"') || isExact(token)) return token;
    changed = true;
    return `"${token}"`;
  });
  return changed ? (JSON.parse(exact) as unknown) : value;
}

function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeperThan(inner, levels - 1));
}

function isExact(token: string): boolean {
  if (String(Number(token)) === token) return true;
  const [mantissa = ''] = token.split(/[eE]/u);
  const digits = mantissa.replaceAll(/\D/gu, '');
  const value = Number(token);
  return digits.length <= EXACT_DIGITS && Number.isFinite(value) && (value !== 0 || /^0*$/u.test(digits));
}
