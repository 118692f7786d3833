/**
 * What the cells of a workbook say, as text. Whole numbers keep the digits that the file has, also above 2^53, where a
 * float would change them; dates are days since an epoch there, and become ISO 8601.
 */

const DAY_MS = 86_400_000;
/** The last day that spreadsheets know, 9999-12-31. */
const LAST_DAY = 2_958_465;
/** In the system of 1900 the 29th of February of that year exists, as in Lotus 1-2-3. */
const NO_SUCH_DAY = 60;
const EPOCH_1900 = Date.UTC(1899, 11, 30);
const EPOCH_1904 = Date.UTC(1904, 0, 1);
/** Significant digits that a float in a workbook is written with at most. */
const FLOAT_DIGITS = 17;
const MAX_EXPONENT = 40;

const NUMBER = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/u;

/** What a format makes of a number. */
export interface DateFormat {
  readonly hasDate: boolean;
  readonly hasTime: boolean;
}

/** Number formats that every workbook has without naming them (ECMA-376, 18.8.30). */
const BUILT_IN: readonly (readonly [first: number, last: number, format: DateFormat])[] = [
  [14, 17, { hasDate: true, hasTime: false }],
  [18, 21, { hasDate: false, hasTime: true }],
  [22, 22, { hasDate: true, hasTime: true }],
  [27, 31, { hasDate: true, hasTime: false }],
  [32, 35, { hasDate: false, hasTime: true }],
  [36, 36, { hasDate: true, hasTime: false }],
  [45, 47, { hasDate: false, hasTime: true }],
  [50, 58, { hasDate: true, hasTime: false }],
];

/** The date format with a number; undefined if it is none. */
export function builtInDateFormat(id: number): DateFormat | undefined {
  return BUILT_IN.find(([first, last]) => id >= first && id <= last)?.[2];
}

/** The date format in a code such as `dd.mm.yyyy hh:mm`; undefined if it is none. */
export function dateFormatOf(code: string): DateFormat | undefined {
  // The first section is that of positive numbers; quoted and escaped characters, colours and locales are no codes.
  const [section = ''] = code.replaceAll(/"[^"]*"|\\.|_.|\*./gu, '').split(';');
  const isElapsed = /\[(?:h+|m+|s+)\]/iu.test(section);
  const bare = section.replaceAll(/\[[^[\]]*\]/gu, '').toLowerCase();
  if (/[#?]|general/u.test(bare)) return undefined;
  const hasTime = isElapsed || /[hs]/u.test(bare);
  const hasDate = !isElapsed && (/[yd]/u.test(bare) || (!hasTime && /m/u.test(bare)));
  return hasTime || hasDate ? { hasDate, hasTime } : undefined;
}

/** A number as the file writes it, in the digits that people expect. */
export function numberText(raw: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = NUMBER.exec(raw) ?? [];
  const digits = (whole + fraction).replace(/^0+/u, '');
  if (whole + fraction === '') return raw;
  const shift = Number(exponent) - fraction.length;
  const minus = sign === '-' && digits !== '' ? '-' : '';
  if (fraction === '' && Number(exponent) === 0) return minus + (digits === '' ? '0' : digits);
  const value = Number(raw);
  if (digits.length > FLOAT_DIGITS || !Number.isFinite(value)) return raw;
  const isWhole = shift >= 0 || /^0*$/u.test(digits.slice(shift));
  if (!isWhole || Number.isSafeInteger(value) || Math.abs(shift) > MAX_EXPONENT) return String(value);
  return minus + (shift >= 0 ? digits + '0'.repeat(shift) : digits.slice(0, shift));
}

/** A number of days as a date, a time or both; the number itself if it is none. */
export function dateText(raw: string, format: DateFormat, is1904: boolean): string {
  const days = Number(raw);
  if (raw.trim() === '' || !(days >= 0) || days > LAST_DAY) return numberText(raw);
  const ms = Math.round(days * DAY_MS);
  const [day, timeMs] = [Math.floor(ms / DAY_MS), ms % DAY_MS];
  if (!format.hasDate) {
    const [, clock = ''] = new Date(timeMs).toISOString().split('T');
    const hours = Math.floor(ms / 3_600_000);
    return `${String(hours).padStart(2, '0')}${withoutZeros(clock.slice(2))}`;
  }
  const clock = withoutZeros(new Date(timeMs).toISOString().slice(11));
  const time = timeMs === 0 && !format.hasTime ? '' : `T${clock}`;
  if (!is1904 && day === NO_SUCH_DAY) return `1900-02-29${time}`;
  const epoch = is1904 ? EPOCH_1904 : EPOCH_1900 + (day < NO_SUCH_DAY ? DAY_MS : 0);
  return `${new Date(epoch + day * DAY_MS).toISOString().slice(0, 10)}${time}`;
}

/** A clock without the milliseconds that it does not need. */
function withoutZeros(clock: string): string {
  return clock.replace(/(?:\.000)?Z$/u, '');
}

/** A text with `_x000D_` as the character that it means (ECMA-376, 22.9.2.19). */
export function cellText(text: string): string {
  return text.replaceAll(/_x([0-9a-f]{4})_/giu, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}

/** The number of a column in a reference such as `AB12`, from 0; undefined if it is none. */
export function columnIn(reference: string): number | undefined {
  const [, letters] = /^\$?([A-Z]{1,3})\$?\d*$/u.exec(reference.toUpperCase()) ?? [];
  if (letters === undefined) return undefined;
  let column = 0;
  for (const letter of letters) column = column * 26 + (letter.charCodeAt(0) - 64);
  return column - 1;
}
