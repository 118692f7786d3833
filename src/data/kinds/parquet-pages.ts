/**
 * Checks the pages of a Parquet column before the library reads them. Pages say by themselves how long they are and how
 * many values they hold, runs of equal values say how often they repeat, and the library allocates by that; so a small
 * hostile file could ask for any memory.
 */
import { type ColumnMetaData, type Compressors, snappyUncompress } from 'hyparquet';
import { parquetHeader } from 'hyparquet/src/column.js';
import { deltaBinaryUnpack } from 'hyparquet/src/delta.js';
import { readRleBitPackedHybrid } from 'hyparquet/src/encoding.js';
import { readVarInt } from 'hyparquet/src/thrift.js';
import {
  decompressBrotli,
  decompressGzip,
  decompressLz4,
  decompressLz4Raw,
  decompressZstd,
} from 'hyparquet-compressors';
import { crc32 } from './crc32.ts';

/** The longest page, unpacked; writers make pages of about 1 MiB. */
const MAX_PAGE_BYTES = 2 ** 28;
/** The most bytes of a column of one group whose values are written as their differences. */
const MAX_GROWN_BYTES = 2 ** 28;
/** Groups of values that are packed in bits. */
const GROUP = 8;

/** What every page is checked against. */
export interface PageLimits {
  readonly maxRepetition: number;
  readonly maxDefinition: number;
}

/** A problem with a page, for the reader of the file to name it. */
export class DamagedPage extends Error {}

/** The known ways to pack pages, each bound to the length that a page says it has. */
export const COMPRESSORS: Compressors = {
  SNAPPY: (input, length) => {
    const output = new Uint8Array(length);
    snappyUncompress(input, output);
    return output;
  },
  GZIP: decompressGzip,
  BROTLI: decompressBrotli,
  ZSTD: (input, length) => decompressZstd(input, new Uint8Array(length)),
  LZ4: decompressLz4,
  LZ4_RAW: decompressLz4Raw,
};

type PageHeader = ReturnType<typeof parquetHeader>;

/**
 * Checks all pages of a column chunk.
 *
 * @param bytes - of the chunk
 * @throws {DamagedPage}
 */
export function checkPages(bytes: Uint8Array, column: ColumnMetaData, limits: PageLimits): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const reader = { view, offset: 0 };
  const numValues = Number(column.num_values);
  let values = 0;
  let grown = 0;
  while (values < numValues) {
    if (reader.offset >= bytes.length - 1) throw new DamagedPage(`${values} of ${numValues} values`);
    const header = parquetHeader(reader);
    const packed = bytes.subarray(reader.offset, reader.offset + header.compressed_page_size);
    checkSizes(header, packed);
    reader.offset += header.compressed_page_size;
    const count = countIn(header);
    if (!(count >= 0)) throw new DamagedPage(`a page with ${count} values`);
    if (header.type === 'DICTIONARY_PAGE') {
      checkDictionary(header, column);
      continue;
    }
    values += count;
    if (values > numValues) throw new DamagedPage(`more than ${numValues} values`);
    grown += checkRuns(header, packed, column, limits);
    if (grown > MAX_GROWN_BYTES) throw new DamagedPage(`values of more than ${MAX_GROWN_BYTES} bytes`);
  }
}

function checkSizes({ compressed_page_size, uncompressed_page_size, crc }: PageHeader, packed: Uint8Array): void {
  if (!(compressed_page_size >= 0) || packed.length !== compressed_page_size)
    throw new DamagedPage('a page that is cut off');
  if (!(uncompressed_page_size >= 0 && uncompressed_page_size <= MAX_PAGE_BYTES)) {
    throw new DamagedPage(`a page of ${uncompressed_page_size} bytes`);
  }
  if (crc !== undefined && crc32(packed) !== crc >>> 0) throw new DamagedPage('a wrong checksum of a page');
}

function countIn({ type, data_page_header, data_page_header_v2, dictionary_page_header }: PageHeader): number {
  if (type === 'DATA_PAGE') return data_page_header?.num_values ?? NaN;
  if (type === 'DATA_PAGE_V2') return data_page_header_v2?.num_values ?? NaN;
  return dictionary_page_header?.num_values ?? NaN;
}

/** Each value of a dictionary takes at least a bit of its page. */
function checkDictionary(header: PageHeader, { type }: ColumnMetaData): void {
  const count = countIn(header);
  const most = header.uncompressed_page_size * (type === 'BOOLEAN' ? GROUP : 1);
  if (count > most) throw new DamagedPage(`a dictionary of ${count} values in ${header.uncompressed_page_size} bytes`);
}

/** Walks the runs of levels and of places in the dictionary. @returns the bytes of {@link walkValues} */
function checkRuns(header: PageHeader, packed: Uint8Array, column: ColumnMetaData, limits: PageLimits): number {
  const { data_page_header: v1, data_page_header_v2: v2 } = header;
  const unpack = (bytes: Uint8Array, length: number): Uint8Array => {
    if (column.codec === 'UNCOMPRESSED') return bytes;
    const page = COMPRESSORS[column.codec]?.(bytes, length);
    if (page?.length !== length) throw new DamagedPage(`a page packed by ${column.codec} that is not ${length} bytes`);
    return page;
  };
  const levels = [limits.maxRepetition, limits.maxDefinition];
  if (v1 !== undefined) {
    const page = unpack(packed, header.uncompressed_page_size);
    const view = new DataView(page.buffer, page.byteOffset, page.byteLength);
    let at = 0;
    let nulls = 0;
    for (const [i, level] of levels.entries()) {
      if (level === 0) continue;
      const length = view.getUint32(at, true);
      walkRuns(page, at + 4, Math.min(at + 4 + length, page.length), widthOf(level), v1.num_values);
      // Only these values are read one by one here, so that their places among the empty ones count.
      if (i === 1 && isDelta(v1.encoding)) nulls = nullsIn(view, at, level, v1.num_values);
      at += 4 + length;
    }
    return walkValues(page, at, v1.encoding, column, { all: v1.num_values, nulls });
  }
  if (v2 !== undefined) {
    const [repetitionEnd, end] = [
      v2.repetition_levels_byte_length,
      v2.repetition_levels_byte_length + v2.definition_levels_byte_length,
    ];
    if (!(repetitionEnd >= 0 && end >= repetitionEnd && end <= header.uncompressed_page_size)) {
      throw new DamagedPage('levels outside their page');
    }
    if (limits.maxRepetition > 0) walkRuns(packed, 0, repetitionEnd, widthOf(limits.maxRepetition), v2.num_values);
    if (limits.maxDefinition > 0) walkRuns(packed, repetitionEnd, end, widthOf(limits.maxDefinition), v2.num_values);
    if (!(v2.num_nulls >= 0 && v2.num_nulls <= v2.num_values)) throw new DamagedPage(`${v2.num_nulls} empty values`);
    const rest = packed.subarray(end);
    const page = v2.is_compressed === false ? rest : unpack(rest, header.uncompressed_page_size - end);
    return walkValues(page, 0, v2.encoding, column, { all: v2.num_values, nulls: v2.num_nulls });
  }
  return 0;
}

/**
 * Walks the places in the dictionary, booleans, or differences, if the values of a page are these.
 *
 * @returns how many bytes the values have if they are written by what they share with the one before, else 0
 */
function walkValues(
  page: Uint8Array,
  at: number,
  encoding: string,
  { type }: ColumnMetaData,
  { all, nulls }: { readonly all: number; readonly nulls: number },
): number {
  if (encoding.endsWith('_DICTIONARY')) walkRuns(page, at + 1, page.length, page[at] ?? 0, all);
  else if (encoding === 'RLE' && type === 'BOOLEAN') walkRuns(page, at + 4, page.length, 1, all);
  if (!isDelta(encoding)) return 0;
  const reader = { view: new DataView(page.buffer, page.byteOffset, page.byteLength), offset: at };
  const count = all - nulls;
  const shared = differences(reader, count);
  if (encoding !== 'DELTA_BYTE_ARRAY') return 0;
  const own = differences(reader, count);
  let [total, before] = [0, 0];
  for (let i = 0; i < count; i++) {
    const [prefix, suffix] = [shared[i] ?? 0, own[i] ?? 0];
    if (!(prefix >= 0 && prefix <= before && suffix >= 0)) throw new DamagedPage(`${prefix} of ${before} bytes shared`);
    before = prefix + suffix;
    total += before;
    if (total > MAX_GROWN_BYTES) break;
  }
  return total;
}

function isDelta(encoding: string): boolean {
  return encoding.startsWith('DELTA_');
}

/** Whole numbers written as their differences, in blocks of which each says how long it is. */
function differences(reader: { view: DataView; offset: number }, count: number): Int32Array {
  const start = reader.offset;
  const [block, parts] = [readVarInt(reader), readVarInt(reader)];
  const part = block / parts;
  if (!(parts > 0 && parts <= reader.view.byteLength && part > 0 && part % GROUP === 0)) {
    throw new DamagedPage(`blocks of ${block} values in ${parts} parts`);
  }
  reader.offset = start;
  const values = new Int32Array(count);
  deltaBinaryUnpack(reader, count, values);
  return values;
}

/** How many values of a page are empty, by their definition levels, whose runs have been walked. */
function nullsIn(view: DataView, at: number, level: number, count: number): number {
  const levels = Array<number>(count);
  readRleBitPackedHybrid({ view, offset: at }, widthOf(level), levels);
  return levels.filter((value) => value !== level).length;
}

/** Walks runs until they hold `count` values. @throws {DamagedPage} if one is longer than that */
function walkRuns(page: Uint8Array, from: number, to: number, width: number, count: number): void {
  if (width > 32) throw new DamagedPage(`values of ${width} bits`);
  let at = from;
  let seen = 0;
  while (seen < count && at < to) {
    let header = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = page[at++];
      if (byte === undefined || shift > 28) throw new DamagedPage('a run that does not end');
      header |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    const isPacked = (header & 1) === 1;
    const length = (header >>> 1) * (isPacked ? GROUP : 1);
    if (length > count + GROUP) throw new DamagedPage(`a run of ${length} values in a page of ${count}`);
    at += isPacked ? (header >>> 1) * width : Math.ceil(width / 8);
    seen += length;
  }
}

function widthOf(level: number): number {
  return 32 - Math.clz32(level);
}
