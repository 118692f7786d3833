/**
 * The header of a safetensors file: what every tensor is and where it lies, checked before anything else is read. The
 * format is described in safetensors.ts.
 */
import { LabError } from '../common/errors.ts';
import { findHeaderFlaw } from './strict-header.ts';

/** Bytes per value, in the reverse of the reference implementation's file order. */
const DTYPE_BYTES = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  F64: 8,
  I64: 8,
  U64: 8,
} as const;
const DTYPE_ORDER = Object.keys(DTYPE_BYTES);

/** The supported element types. F16 and BF16 are bit patterns; see float16.ts. */
export type SafetensorsDtype = keyof typeof DTYPE_BYTES;

/** The limit that the format sets on the header. */
const MAX_HEADER_BYTES = 100_000_000;
export const LENGTH_BYTES = 8;
export const METADATA_KEY = '__metadata__';
/** Names with a meaning for JavaScript objects; a tensor with such a name is an attack or an accident. */
export const FORBIDDEN_NAMES: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** Where a tensor lies in the data of a file, and what it is. */
export interface TensorInfo {
  readonly name: string;
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  /** The first byte, counted from the end of the header. */
  readonly begin: number;
  /** The byte after the last. */
  readonly end: number;
}

/** A parsed header. */
export interface SafetensorsHeader {
  readonly metadata: ReadonlyMap<string, string>;
  /** In the order of their data, which they fill without overlap or gap. */
  readonly infos: readonly TensorInfo[];
}

/**
 * The bytes of the header.
 *
 * @param start - the first 8 bytes of the file or more
 * @param sizeBytes - of the whole file
 * @param fileName - the name of the file in errors
 * @throws {LabError} `bad-file`
 */
export function readHeaderLength(start: Uint8Array, sizeBytes: number, fileName: string): number {
  const fail = failureOf(fileName);
  if (sizeBytes < LENGTH_BYTES) throw fail('it is too short', `at least ${LENGTH_BYTES} bytes`, String(sizeBytes));
  const declared = new DataView(start.buffer, start.byteOffset).getBigUint64(0, true);
  const most = Math.min(MAX_HEADER_BYTES, sizeBytes - LENGTH_BYTES);
  if (declared > BigInt(most)) throw fail('the header is too long', `at most ${most} bytes`, String(declared));
  return Number(declared);
}

/**
 * Parses and checks a header.
 *
 * @param json - the bytes of the header
 * @param dataBytes - the bytes of the file after it
 * @throws {LabError} `bad-file`
 */
export function parseHeader(json: Uint8Array, dataBytes: number, fileName: string): SafetensorsHeader {
  const fail = failureOf(fileName);
  const header = readJson(json, fail);
  const infos = Object.entries(header)
    .filter(([name]) => name !== METADATA_KEY)
    .map(([name, info]) => readInfo(name, info, dataBytes, fail))
    .toSorted((a, b) => a.begin - b.begin || a.end - b.end);
  let filled = 0;
  for (const { name, begin, end } of infos) {
    if (begin !== filled)
      throw fail(`tensor "${name}" leaves a gap or overlaps another`, `offset ${filled}`, String(begin));
    filled = end;
  }
  if (filled !== dataBytes)
    throw fail('the tensors do not fill the file', `${dataBytes} bytes of data`, String(filled));
  return { metadata: readMetadata(header[METADATA_KEY], fail), infos };
}

/** Orders types as the reference implementation does, wider ones first. */
export function compareDtypes(a: SafetensorsDtype, b: SafetensorsDtype): number {
  return DTYPE_ORDER.indexOf(b) - DTYPE_ORDER.indexOf(a);
}

type Fail = (problem: string, expected: string, got: string) => LabError;

function failureOf(fileName: string): Fail {
  return (problem, expected, got) =>
    new LabError('bad-file', {
      message: `${fileName}: ${problem}.`,
      expected,
      got,
      fix: 'Save or download the file again; it is damaged or not a safetensors file.',
    });
}

function readJson(bytes: Uint8Array, fail: Fail): Readonly<Record<string, unknown>> {
  if (bytes[0] !== 0x7b) throw fail('the header is not a JSON object', 'a "{" first', String(bytes[0]));
  let json: string;
  let header: unknown;
  try {
    json = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    header = JSON.parse(json);
  } catch (error) {
    throw fail('the header is not JSON', 'UTF-8 JSON', error instanceof Error ? error.message : 'something else');
  }
  if (!isRecord(header)) throw fail('the header is not a JSON object', 'an object', typeof header);
  const flaw = findHeaderFlaw(json);
  if (flaw !== undefined) throw fail(flaw.problem, flaw.expected, flaw.got);
  return header;
}

function readInfo(name: string, info: unknown, dataBytes: number, fail: Fail): TensorInfo {
  if (FORBIDDEN_NAMES.has(name)) throw fail('a tensor has a forbidden name', 'another name', name);
  const place = `tensor "${name.slice(0, 100)}"`;
  if (!isRecord(info)) throw fail(`${place} is not described`, 'an object', typeof info);
  const { dtype, shape, data_offsets: offsets } = info;
  if (!isDtype(dtype)) throw fail(`${place} has an unsupported dtype`, DTYPE_ORDER.join(', '), brief(dtype));
  if (!isCounts(shape)) throw fail(`${place} has a bad shape`, 'whole numbers', brief(shape));
  if (!isCounts(offsets)) throw fail(`${place} has bad data_offsets`, 'two whole numbers', brief(offsets));
  const [begin, end, more] = offsets;
  if (begin === undefined || end === undefined || more !== undefined || begin > end || end > dataBytes) {
    throw fail(`${place} has bad data_offsets`, `begin <= end <= ${dataBytes}`, brief(offsets));
  }
  const sizeBytes = byteCount(shape, dtype);
  if (sizeBytes === undefined) throw fail(`${place} has a shape that is too large`, 'a countable size', brief(shape));
  if (sizeBytes !== end - begin)
    throw fail(`${place} has data that does not fit its shape`, `${sizeBytes} bytes`, String(end - begin));
  return { name, dtype, shape, begin, end };
}

function readMetadata(metadata: unknown, fail: Fail): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  if (metadata === undefined) return texts;
  if (!isRecord(metadata)) throw fail('the metadata is not an object', 'an object of texts', typeof metadata);
  for (const [key, text] of Object.entries(metadata)) {
    if (typeof text !== 'string') throw fail(`metadata "${key.slice(0, 100)}" is not a text`, 'a text', typeof text);
    texts.set(key, text);
  }
  return texts;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isDtype(value: unknown): value is SafetensorsDtype {
  return typeof value === 'string' && Object.hasOwn(DTYPE_BYTES, value);
}

/** Whether a value is a list of whole numbers. */
export function isCounts(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

/**
 * Undefined beyond 2^53, even if a later 0 makes the product 0, because other programs multiply left to right and
 * overflow.
 */
export function byteCount(shape: readonly number[], dtype: SafetensorsDtype): number | undefined {
  const most = shape.reduce((product, size) => product * Math.max(1, size), DTYPE_BYTES[dtype]);
  if (!Number.isSafeInteger(most)) return undefined;
  return shape.includes(0) ? 0 : most;
}

function brief(value: unknown): string {
  return (JSON.stringify(value) ?? 'nothing').slice(0, 100);
}
