/**
 * The GGUF format of llama.cpp: metadata (the shape of a model, its tokenizer), and tensors as floats or in blocks.
 *
 *     "GGUF" | version u32 | tensors u64 | metadata u64 | key, type, value ... | name, dims, type, offset ... | data
 *
 * Versions 2 and 3, little-endian. Files are untrusted, so every count, length and offset is compared with the file
 * before it is used. Only the header is read; a tensor is a place in the file. The lab's readers of weights take one
 * tensor at a time from there (model/weight-source.ts).
 *
 * Source: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 */
import type { ByteSource } from './byte-source.ts';
import { GGML_TYPE_NAMES, GGML_TYPES, ggmlBytes, type GgmlType, ggmlTypeName, ggmlTypeOf } from './ggml-types.ts';
import { badGguf, GgufCursor } from './gguf-cursor.ts';
import { type GgufValue, readGgufValue } from './gguf-values.ts';

export type { GgufValue };

/** A tensor of a file. */
export interface GgufTensor {
  readonly name: string;
  readonly type: GgmlType;
  /** Outermost first, so that a linear map is `[out,in]`; files have the reverse. */
  readonly shape: readonly number[];
  /** The position of its first byte in the file. */
  readonly offset: number;
  readonly byteLength: number;
}

/** The header of a file. */
export interface GgufFile {
  /** Values by key, such as `general.architecture`; see {@link GgufValue}. */
  readonly metadata: ReadonlyMap<string, GgufValue>;
  /** Tensors by name, in the order of the header. */
  readonly tensors: ReadonlyMap<string, GgufTensor>;
}

const MAGIC = 'GGUF';
const VERSIONS: readonly number[] = [2, 3];
const FIXED_BYTES = 24;
/** An empty key, a type and one byte; an empty name and one dimension. */
const LEAST_ENTRY_BYTES = 13;
const LEAST_TENSOR_BYTES = 32;
/** Limits of the format. */
const MOST_KEY_BYTES = 65_535;
const MOST_NAME_BYTES = 64;
const MOST_DIMENSIONS = 4;
const DEFAULT_ALIGNMENT = 32;
const MOST_ALIGNMENT = 2 ** 20;

/**
 * Reads the header of a GGUF file.
 *
 * @throws {LabError} `bad-file` naming the key, tensor or byte if anything violates the format, or a tensor has a type
 *   that the lab does not read
 */
export async function readGguf(source: ByteSource): Promise<GgufFile> {
  const cursor = new GgufCursor(source);
  const counts = await readStart(cursor, source.sizeBytes);
  const metadata = new Map<string, GgufValue>();
  for (let left = counts.metadata; left > 0; left--) {
    const at = cursor.position;
    const key = await cursor.text('a key of the metadata', MOST_KEY_BYTES);
    const place = `metadata ${quoted(key)}`;
    if (metadata.has(key)) throw badGguf(`${place} occurs twice`, 'each key once', 'it again', at);
    metadata.set(key, await readGgufValue(cursor, place));
  }
  const alignment = alignmentOf(metadata.get('general.alignment'));
  const infos: GgufTensor[] = [];
  const names = new Set<string>();
  for (let left = counts.tensors; left > 0; left--) {
    const info = await readTensor(cursor, alignment);
    if (names.has(info.name)) throw badGguf(`tensor ${quoted(info.name)} occurs twice`, 'each name once', 'it again');
    names.add(info.name);
    infos.push(info);
  }
  const dataStart = Math.ceil(cursor.position / alignment) * alignment;
  const placed = infos.map((info) => ({ ...info, offset: dataStart + info.offset }));
  checkPlaces(placed, source.sizeBytes);
  return { metadata, tensors: new Map(placed.map((tensor) => [tensor.name, tensor])) };
}

async function readStart(
  cursor: GgufCursor,
  sizeBytes: number,
): Promise<{ readonly tensors: number; readonly metadata: number }> {
  if (sizeBytes < FIXED_BYTES) throw badGguf('it is too short', `at least ${FIXED_BYTES} bytes`, `${sizeBytes}`);
  await cursor.need(FIXED_BYTES, 'its start');
  const magic = String.fromCharCode(...cursor.bytes(4));
  if (magic !== MAGIC) throw badGguf('it does not begin as one', `"${MAGIC}"`, JSON.stringify(magic), 0);
  const version = cursor.u32();
  if (!VERSIONS.includes(version)) {
    const isSwapped = version > 0xffff && version % 0x1_00_00 === 0;
    const got = isSwapped ? 'a big-endian file' : `version ${version}`;
    throw badGguf('its version is not supported', `version ${VERSIONS.join(' or ')}, little-endian`, got, 4);
  }
  const [tensors, metadata] = [cursor.count(), cursor.count()];
  const { rest } = cursor;
  if (LEAST_TENSOR_BYTES * tensors > rest) {
    const most = Math.floor(rest / LEAST_TENSOR_BYTES);
    throw badGguf('it cannot have so many tensors', `at most ${most}`, `${tensors}`, 8);
  }
  if (LEAST_ENTRY_BYTES * metadata > rest) {
    const most = Math.floor(rest / LEAST_ENTRY_BYTES);
    throw badGguf('it cannot have so many metadata', `at most ${most}`, `${metadata}`, 16);
  }
  return { tensors, metadata };
}

function alignmentOf(value: GgufValue | undefined): number {
  if (value === undefined) return DEFAULT_ALIGNMENT;
  const isPower = typeof value === 'number' && value >= 8 && value <= MOST_ALIGNMENT && Number.isInteger(Math.log2(value)); // prettier-ignore
  if (isPower) return value;
  const got = typeof value === 'number' ? String(value) : typeof value;
  throw badGguf('metadata "general.alignment" is not usable', `a power of two from 8 to ${MOST_ALIGNMENT}`, got);
}

/** A tensor whose offset counts from the start of the data. */
async function readTensor(cursor: GgufCursor, alignment: number): Promise<GgufTensor> {
  const at = cursor.position;
  const name = await cursor.text('the name of a tensor', MOST_NAME_BYTES);
  const place = `tensor ${quoted(name)}`;
  await cursor.need(4, place);
  const dimensions = cursor.u32();
  if (dimensions < 1 || dimensions > MOST_DIMENSIONS) {
    throw badGguf(`${place} has a bad number of dimensions`, `1 to ${MOST_DIMENSIONS}`, `${dimensions}`, at);
  }
  await cursor.need(8 * dimensions + 12, place);
  const shape = Array.from({ length: dimensions }, () => cursor.count()).toReversed();
  const id = cursor.u32();
  const type = ggmlTypeOf(id);
  const offset = cursor.count();
  if (type === undefined) {
    throw badGguf(`${place} has a type that the lab does not read`, GGML_TYPE_NAMES.join(', '), ggmlTypeName(id));
  }
  const { weights } = GGML_TYPES[type];
  const count = shape.reduce((product, size) => product * size, 1);
  if (!Number.isSafeInteger(count) || !Number.isSafeInteger(4 * count) || shape.some((size) => size < 1)) {
    throw badGguf(`${place} has a bad shape`, 'sizes from 1 on with a countable product', brief(shape), at);
  }
  const width = shape.at(-1) ?? 0;
  if (width % weights !== 0) {
    throw badGguf(`${place} has rows that ${type} cannot store`, `a multiple of ${weights} weights`, `${width}`, at);
  }
  if (!Number.isSafeInteger(offset) || offset % alignment !== 0) {
    throw badGguf(`${place} has a bad offset`, `a multiple of ${alignment}`, `${offset}`, at);
  }
  return { name, type, shape, offset, byteLength: ggmlBytes(type, count) };
}

/** Tensors lie inside the file and do not overlap; gaps are harmless. */
function checkPlaces(tensors: readonly GgufTensor[], sizeBytes: number): void {
  let filled = 0;
  let before = '';
  for (const { name, offset, byteLength } of tensors.toSorted((a, b) => a.offset - b.offset)) {
    if (offset + byteLength > sizeBytes) {
      throw badGguf(`tensor ${quoted(name)} goes past the end`, `a file of at least ${offset + byteLength} bytes`, `${sizeBytes}`); // prettier-ignore
    }
    if (offset < filled) {
      throw badGguf(`tensor ${quoted(name)} overlaps ${before}`, `an offset from ${filled} on`, `${offset}`);
    }
    filled = offset + byteLength;
    before = quoted(name);
  }
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 80));
}

function brief(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}
