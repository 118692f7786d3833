/**
 * The safetensors format: a length, a JSON header, and the bytes of the tensors. Pure functions of bytes.
 *
 *     8 bytes: header length H, little-endian | H bytes: {"name": {"dtype", "shape", "data_offsets"}, ...} | data
 *
 * Files are untrusted, so everything is checked before it is used: lengths, shapes against byte counts, and that the
 * tensors fill the data exactly, without overlap or gap. Reading copies nothing; a tensor is a view until it is
 * converted to floats.
 *
 * Writing sorts as the reference implementation does (wider types first, then by name), so that equal tensors give
 * equal files and every tensor is aligned for its type. Source: https://github.com/huggingface/safetensors (format,
 * lib.rs).
 */
import { LabError } from '../common/errors.ts';
import { bfloatsToFloats, halvesToFloats } from './float16.ts';
import { findHeaderFlaw, hasLoneSurrogate } from './strict-header.ts';

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
const LENGTH_BYTES = 8;
const METADATA_KEY = '__metadata__';
/** Names with a meaning for JavaScript objects; a tensor with such a name is an attack or an accident. */
const FORBIDDEN_NAMES: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** A named tensor; `data` holds its values in row-major order, little-endian. */
export interface TensorData {
  readonly name: string;
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  readonly data: ArrayBufferView;
}

/** A parsed file, with its tensors in the order of their data. */
export interface SafetensorsFile {
  readonly metadata: ReadonlyMap<string, string>;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
}

/** A tensor inside a file; its bytes are a view of those of the file. */
export class StoredTensor implements TensorData {
  constructor(
    readonly name: string,
    readonly dtype: SafetensorsDtype,
    readonly shape: readonly number[],
    readonly data: Uint8Array,
  ) {}

  /**
   * The values as float32: a view of the file if it has aligned float32 values, else a copy.
   *
   * @throws {LabError} `bad-checkpoint` if the tensor is not of type F32, F16, BF16 or F64.
   */
  toFloat32(): Float32Array {
    switch (this.dtype) {
      case 'F32': {
        const { buffer, byteOffset } = aligned(this.data, 4);
        return new Float32Array(buffer, byteOffset, this.data.byteLength / 4);
      }
      case 'F64': {
        const { buffer, byteOffset } = aligned(this.data, 8);
        return Float32Array.from(new Float64Array(buffer, byteOffset, this.data.byteLength / 8));
      }
      case 'F16':
        return halvesToFloats(this.#halfWords());
      case 'BF16':
        return bfloatsToFloats(this.#halfWords());
      default:
        throw new LabError('bad-checkpoint', {
          message: `Tensor ${this.name} does not hold floating-point numbers.`,
          expected: 'F32, F16, BF16 or F64',
          got: this.dtype,
        });
    }
  }

  #halfWords(): Uint16Array {
    const { buffer, byteOffset } = aligned(this.data, 2);
    return new Uint16Array(buffer, byteOffset, this.data.byteLength / 2);
  }
}

/**
 * Writes a safetensors file.
 *
 * @param metadata - texts to store with the tensors, such as a config; written in key order
 * @throws {LabError} `bad-shape` if data and shape do not match; `bad-checkpoint` for an invalid or repeated name
 */
export function writeSafetensors(
  tensors: Iterable<TensorData>,
  metadata: ReadonlyMap<string, string> = new Map(),
): Uint8Array<ArrayBuffer> {
  const sorted = [...tensors].toSorted(compareTensors);
  // Entries instead of an object, whose integer-like keys such as "7" would come first.
  const entries: string[] = [];
  if (metadata.size > 0) {
    const texts = [...metadata].toSorted(([a], [b]) => compareText(a, b)).map(([key, text]) => jsonEntry(key, text));
    entries.push(`${JSON.stringify(METADATA_KEY)}:{${texts.join(',')}}`);
  }
  const names = new Set<string>();
  let dataBytes = 0;
  for (const { name, dtype, shape, data } of sorted) {
    checkNewName(name, names);
    checkSize(name, shape, dtype, data.byteLength);
    entries.push(jsonEntry(name, { dtype, shape, data_offsets: [dataBytes, dataBytes + data.byteLength] }));
    dataBytes += data.byteLength;
  }

  const json = new TextEncoder().encode(`{${entries.join(',')}}`);
  const headerBytes = Math.ceil(json.length / LENGTH_BYTES) * LENGTH_BYTES;
  const file = new Uint8Array(LENGTH_BYTES + headerBytes + dataBytes);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerBytes), true);
  file.fill(0x20, LENGTH_BYTES, LENGTH_BYTES + headerBytes);
  file.set(json, LENGTH_BYTES);
  let at = LENGTH_BYTES + headerBytes;
  for (const { data } of sorted) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return file;
}

/**
 * Parses a safetensors file without copying it.
 *
 * @param fileName - the name of the file in errors
 * @throws {LabError} `bad-file` if anything violates the format
 */
export function readSafetensors(bytes: Uint8Array, fileName = 'The safetensors file'): SafetensorsFile {
  const fail: Fail = (problem, expected, got) =>
    new LabError('bad-file', {
      message: `${fileName}: ${problem}.`,
      expected,
      got,
      fix: 'Save or download the file again; it is damaged or not a safetensors file.',
    });

  const headerBytes = readHeaderLength(bytes, fail);
  const header = parseHeader(bytes.subarray(LENGTH_BYTES, LENGTH_BYTES + headerBytes), fail);
  const data = plain(bytes).subarray(LENGTH_BYTES + headerBytes);
  const infos = Object.entries(header)
    .filter(([name]) => name !== METADATA_KEY)
    .map(([name, info]) => readInfo(name, info, data.length, fail))
    .toSorted((a, b) => a.begin - b.begin || a.end - b.end);

  const tensors = new Map<string, StoredTensor>();
  let filled = 0;
  for (const { name, dtype, shape, begin, end } of infos) {
    if (begin !== filled)
      throw fail(`tensor "${name}" leaves a gap or overlaps another`, `offset ${filled}`, String(begin));
    tensors.set(name, new StoredTensor(name, dtype, shape, data.subarray(begin, end)));
    filled = end;
  }
  if (filled !== data.length)
    throw fail('the tensors do not fill the file', `${data.length} bytes of data`, String(filled));
  return { metadata: readMetadata(header[METADATA_KEY], fail), tensors };
}

type Fail = (problem: string, expected: string, got: string) => LabError;

interface TensorInfo {
  readonly name: string;
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

function readHeaderLength(bytes: Uint8Array, fail: Fail): number {
  if (bytes.length < LENGTH_BYTES)
    throw fail('it is too short', `at least ${LENGTH_BYTES} bytes`, String(bytes.length));
  const declared = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  const most = Math.min(MAX_HEADER_BYTES, bytes.length - LENGTH_BYTES);
  if (declared > BigInt(most)) throw fail('the header is too long', `at most ${most} bytes`, String(declared));
  return Number(declared);
}

function parseHeader(bytes: Uint8Array, fail: Fail): Readonly<Record<string, unknown>> {
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

function isCounts(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

/**
 * Undefined beyond 2^53, even if a later 0 makes the product 0, because other programs multiply left to right and
 * overflow.
 */
function byteCount(shape: readonly number[], dtype: SafetensorsDtype): number | undefined {
  const most = shape.reduce((product, size) => product * Math.max(1, size), DTYPE_BYTES[dtype]);
  if (!Number.isSafeInteger(most)) return undefined;
  return shape.includes(0) ? 0 : most;
}

function brief(value: unknown): string {
  return (JSON.stringify(value) ?? 'nothing').slice(0, 100);
}

function checkNewName(name: string, names: Set<string>): void {
  if (name === METADATA_KEY || FORBIDDEN_NAMES.has(name) || names.has(name) || hasLoneSurrogate(name)) {
    throw new LabError('bad-checkpoint', {
      message: 'A tensor name is not valid.',
      expected: 'a unique name of valid Unicode that is not reserved',
      got: name,
    });
  }
  names.add(name);
}

function checkSize(name: string, shape: readonly number[], dtype: SafetensorsDtype, sizeBytes: number): void {
  const expected = byteCount(shape, dtype);
  if (isCounts(shape) && expected === sizeBytes) return;
  throw new LabError('bad-shape', {
    message: `Tensor ${name} of shape [${shape.join(', ')}] and type ${dtype} cannot be written.`,
    expected: `whole numbers in the shape and ${expected ?? 'a countable number of'} bytes`,
    got: String(sizeBytes),
  });
}

function compareTensors(a: TensorData, b: TensorData): number {
  return DTYPE_ORDER.indexOf(b.dtype) - DTYPE_ORDER.indexOf(a.dtype) || compareText(a.name, b.name);
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function jsonEntry(key: string, value: unknown): string {
  return `${JSON.stringify(key)}:${JSON.stringify(value)}`;
}

/** The same bytes; of a Buffer, as Node reads files, because the `slice` of one is no copy. */
function plain({ buffer, byteOffset, byteLength }: Uint8Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function aligned(bytes: Uint8Array, unit: number): { readonly buffer: ArrayBufferLike; readonly byteOffset: number } {
  return bytes.byteOffset % unit === 0 ? bytes : bytes.slice();
}
