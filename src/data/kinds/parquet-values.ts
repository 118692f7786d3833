/**
 * The values of Parquet columns without loss: the library rounds decimals to floats and instants to milliseconds, so it
 * is asked for the numbers behind them.
 */
import type { FileMetaData, ParquetParsers, SchemaElement, SchemaTree } from 'hyparquet';

/** A value as records have it: what JSON can say. */
export type PlainValue =
  string | number | boolean | null | readonly PlainValue[] | { readonly [name: string]: PlainValue };

const DAY_MS = 86_400_000;
/** The last instant that a date of JavaScript can be. */
const LAST_MS = 8.64e15;
const MAX_DEPTH = 64;
const MAX_SCALE = 1000;

/** How the library is to read dates and texts. */
export const EXACT_PARSERS: Partial<ParquetParsers> = {
  timestampFromMilliseconds: (ms) => instantText(ms, 3),
  timestampFromMicroseconds: (us) => instantText(us, 6),
  timestampFromNanoseconds: (ns) => instantText(ns, 9),
  dateFromDays: (days) => {
    if (typeof days !== 'number') return days;
    return Math.abs(days) * DAY_MS <= LAST_MS ? new Date(days * DAY_MS).toISOString().slice(0, 10) : days;
  },
  stringFromBytes: exactText,
  // What JSON says is read with its digits where it is used.
  jsonFromBytes: exactText,
};

/** The number of digits after the point, of the decimals of a schema. */
export type Scales = ReadonlyMap<SchemaElement, number>;

/** Has the library give the numbers behind decimals, and read dates that only new writers mark. */
export function prepareSchema({ schema }: FileMetaData): Scales {
  const scales = new Map<SchemaElement, number>();
  for (const element of schema) {
    const { converted_type, logical_type } = element;
    if (converted_type === 'DECIMAL' || logical_type?.type === 'DECIMAL') {
      const scale = element.scale ?? (logical_type?.type === 'DECIMAL' ? logical_type.scale : 0);
      if (!(scale >= 0 && scale <= MAX_SCALE)) throw new Error(`a decimal with ${scale} digits after its point`);
      scales.set(element, scale);
      delete element.converted_type;
      delete element.logical_type;
    } else if (logical_type?.type === 'DATE') element.converted_type = 'DATE';
  }
  return scales;
}

/** Converts the values of columns, by the name of the column. */
export function columnValues(
  children: readonly SchemaTree[],
  scales: Scales,
): (name: string, value: unknown) => PlainValue {
  const flat = children.filter((child) => child.children.length === 0 && child.element.repetition_type !== 'REPEATED');
  const byName = new Map(flat.map(({ element }) => [element.name, element]));
  return (name, value) => {
    const element = byName.get(name);
    const scale = element === undefined ? undefined : scales.get(element);
    if (scale !== undefined && value !== undefined && value !== null) return decimalText(unscaled(value), scale);
    if (element?.type === 'FLOAT' && typeof value === 'number') return plainNumber(shortest(value));
    return plainValue(value, MAX_DEPTH);
  };
}

function plainValue(value: unknown, levels: number): PlainValue {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return plainNumber(value);
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (value instanceof Uint8Array) return bytesText(value);
  if (levels === 0) return '…';
  if (Array.isArray(value)) return value.map((item) => plainValue(item, levels - 1));
  if (ArrayBuffer.isView(value)) return null;
  const entries = Object.entries(value).map(([name, inner]) => [name, plainValue(inner, levels - 1)] as const);
  return Object.fromEntries(entries);
}

/** A number that is none is how some writers leave a value out. */
function plainNumber(value: number): PlainValue {
  if (Number.isNaN(value)) return null;
  return Number.isFinite(value) ? value : String(value);
}

/** The shortest number that is the same 32-bit float, which is what was written. */
function shortest(value: number): number {
  for (let digits = 1; digits <= 9; digits++) {
    const shorter = Number(value.toPrecision(digits));
    if (Math.fround(shorter) === value) return shorter;
  }
  return value;
}

function instantText(value: unknown, digits: number): unknown {
  if (typeof value !== 'bigint') return value;
  const unit = 10n ** BigInt(digits - 3);
  // Rounded down, also before 1970.
  const ms = value / unit - (value % unit < 0n ? 1n : 0n);
  if (ms > BigInt(LAST_MS) || ms < -BigInt(LAST_MS)) return String(value);
  const rest = String(value - ms * unit).padStart(digits - 3, '0');
  const text = new Date(Number(ms)).toISOString().slice(0, -1) + (digits > 3 ? rest : '');
  return text.replace(/(?<!0)0+$/u, '').replace(/\.$/u, '');
}

function exactText(bytes: unknown): unknown {
  return bytes instanceof Uint8Array ? new TextDecoder('utf-8', { fatal: true }).decode(bytes) : bytes;
}

/** Bytes that are text are text; others are said to be bytes. */
function bytesText(bytes: Uint8Array): PlainValue {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return { bytes: bytes.length };
  }
}

/** The number behind a decimal: two's complement, the most significant byte first. */
function unscaled(value: unknown): bigint {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number') return BigInt(value);
  if (!(value instanceof Uint8Array)) return 0n;
  let number = 0n;
  for (const byte of value) number = (number << 8n) | BigInt(byte);
  return BigInt.asIntN(8 * value.length, number);
}

function decimalText(number: bigint, scale: number): string {
  const digits = String(number < 0n ? -number : number).padStart(scale + 1, '0');
  const [whole, fraction] = [digits.slice(0, digits.length - scale), digits.slice(digits.length - scale)];
  const short = fraction.replace(/(?<!0)0+$/u, '');
  return `${number < 0n ? '-' : ''}${whole}${short === '' ? '' : `.${short}`}`;
}
