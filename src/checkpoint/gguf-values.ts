/** Values of GGUF metadata: numbers, texts, and arrays of them. */
import { badGguf, type GgufCursor } from './gguf-cursor.ts';

/** Numbers of an array; truth values are 0 and 1. */
export type GgufNumbers =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array
  | BigUint64Array
  | BigInt64Array;

/**
 * A value. 64-bit integers are numbers up to 2^53 and bigints beyond; arrays of numbers are typed arrays, those of texts
 * `readonly string[]`.
 */
export type GgufValue = string | number | bigint | boolean | GgufNumbers | readonly GgufValue[];

const STRING = 8;
const ARRAY = 9;
/** Real files have no array in an array. */
const MOST_DEPTH = 3;
const LENGTH_BYTES = 8;
const ARRAY_HEAD_BYTES = 12;

interface NumberType {
  readonly bytes: number;
  readonly read: (cursor: GgufCursor) => number | bigint;
  readonly toArray: (buffer: ArrayBuffer) => GgufNumbers;
}

const BOOL = 7;
const NUMBERS: ReadonlyMap<number, NumberType> = new Map<number, NumberType>([
  [0, { bytes: 1, read: (cursor) => cursor.u8(), toArray: (buffer) => new Uint8Array(buffer) }],
  [1, { bytes: 1, read: (cursor) => cursor.i8(), toArray: (buffer) => new Int8Array(buffer) }],
  [2, { bytes: 2, read: (cursor) => cursor.u16(), toArray: (buffer) => new Uint16Array(buffer) }],
  [3, { bytes: 2, read: (cursor) => cursor.i16(), toArray: (buffer) => new Int16Array(buffer) }],
  [4, { bytes: 4, read: (cursor) => cursor.u32(), toArray: (buffer) => new Uint32Array(buffer) }],
  [5, { bytes: 4, read: (cursor) => cursor.i32(), toArray: (buffer) => new Int32Array(buffer) }],
  [6, { bytes: 4, read: (cursor) => cursor.f32(), toArray: (buffer) => new Float32Array(buffer) }],
  [BOOL, { bytes: 1, read: (cursor) => cursor.u8(), toArray: (buffer) => new Uint8Array(buffer) }],
  [10, { bytes: 8, read: (cursor) => narrowed(cursor.u64()), toArray: (buffer) => new BigUint64Array(buffer) }],
  [11, { bytes: 8, read: (cursor) => narrowed(cursor.i64()), toArray: (buffer) => new BigInt64Array(buffer) }],
  [12, { bytes: 8, read: (cursor) => cursor.f64(), toArray: (buffer) => new Float64Array(buffer) }],
]);

/**
 * Reads a type and a value of that type.
 *
 * @param place - what it belongs to, for errors
 * @throws {LabError} `bad-file`
 */
export async function readGgufValue(cursor: GgufCursor, place: string): Promise<GgufValue> {
  await cursor.need(4, place);
  const type = cursor.u32();
  if (type === STRING) return cursor.text(place);
  if (type === ARRAY) return readArray(cursor, place, 1);
  const kind = numberType(type, cursor, place);
  await cursor.need(kind.bytes, place);
  const value = kind.read(cursor);
  if (type !== BOOL) return value;
  if (value !== 0 && value !== 1) throw badTruth(place, String(value), cursor.position - 1);
  return value === 1;
}

async function readArray(cursor: GgufCursor, place: string, depth: number): Promise<GgufValue> {
  await cursor.need(ARRAY_HEAD_BYTES, place);
  const at = cursor.position;
  const type = cursor.u32();
  const count = cursor.count();
  const least =
    type === STRING ? LENGTH_BYTES : type === ARRAY ? ARRAY_HEAD_BYTES : numberType(type, cursor, place).bytes;
  if (count * least > cursor.rest) {
    throw badGguf(`${place} cannot have so many items`, `at most ${Math.floor(cursor.rest / least)}`, `${count}`, at);
  }
  if (type === STRING) {
    const texts: string[] = [];
    for (let left = count; left > 0; left--) texts.push(await cursor.text(place));
    return texts;
  }
  if (type === ARRAY) {
    if (depth >= MOST_DEPTH) throw badGguf(`${place} is nested too deeply`, `${MOST_DEPTH} levels`, 'more', at);
    const arrays: GgufValue[] = [];
    for (let left = count; left > 0; left--) arrays.push(await readArray(cursor, place, depth + 1));
    return arrays;
  }
  const kind = numberType(type, cursor, place);
  await cursor.need(count * kind.bytes, place);
  // All platforms that the lab runs on are little-endian, like the files.
  const numbers = kind.toArray(cursor.bytes(count * kind.bytes).buffer);
  if (type === BOOL && numbers.some((value) => value > 1)) throw badTruth(place, 'another number', at);
  return numbers;
}

function numberType(type: number, cursor: GgufCursor, place: string): NumberType {
  const kind = NUMBERS.get(type);
  if (kind !== undefined) return kind;
  throw badGguf(`${place} has an unknown type`, 'a type from 0 to 12', String(type), cursor.position);
}

function badTruth(place: string, got: string, at: number): Error {
  return badGguf(`${place} is no truth value`, '0 or 1', got, at);
}

function narrowed(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
