/**
 * The rows of a Parquet file as records, one group of rows after the other. Whole numbers and decimals keep all their
 * digits, as text where a float would change them; dates and times are ISO 8601; an empty value is null. Everything the
 * file says of its sizes is compared with its bytes first.
 */
import {
  type AsyncBuffer,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
} from 'hyparquet';
import { getMaxDefinitionLevel, getMaxRepetitionLevel, getSchemaPath } from 'hyparquet/src/schema.js';
import type { ByteSource } from '../../checkpoint/byte-source.ts';
import { LabError, messageOf, throwIfAborted } from '../../common/errors.ts';
import { badFile, type FileRecord, type RecordSource } from '../files/records.ts';
import { checkPages, COMPRESSORS } from './parquet-pages.ts';
import { columnValues, EXACT_PARSERS, type PlainValue, prepareSchema, type Scales } from './parquet-values.ts';

const MAX_ROWS = 20_000_000;
/** A group of rows is held in memory. */
const MAX_GROUP_BYTES = 2 ** 29;
/** Nested columns have several values a row. */
const MAX_VALUES = 50_000_000;
const MAX_METADATA_BYTES = 2 ** 26;
const BATCH_ROWS = 1024;
const END_BYTES = 8;

/** Whether bytes start like a Parquet file. */
export function isParquet(head: Uint8Array): boolean {
  return head[0] === 0x50 && head[1] === 0x41 && head[2] === 0x52 && (head[3] === 0x31 || head[3] === 0x45);
}

/** The records of a Parquet file. */
export function parquetRecords(source: ByteSource, fileName: string): RecordSource {
  return {
    records: async function* ({ signal }, checkHeader) {
      const file = asyncBuffer(source);
      const { metadata, scales, children } = await attempt(fileName, async () => {
        const read = await readMetadata(file, source);
        return { ...read, children: parquetSchema(read.metadata).children };
      });
      const names = children.map(({ element }) => element.name);
      if (children.every(({ children: inner }) => inner.length === 0)) checkHeader(names);
      let rowStart = 0;
      for (const [number, group] of metadata.row_groups.entries()) {
        throwIfAborted(signal);
        const rowEnd = rowStart + Number(group.num_rows);
        const objects = await attempt(fileName, async () => {
          await checkGroup(source, metadata, number);
          // The library types the values of rows as any.
          const read: readonly Readonly<Record<string, unknown>>[] = await parquetReadObjects({
            file,
            metadata,
            rowStart,
            rowEnd,
            compressors: COMPRESSORS,
            parsers: EXACT_PARSERS,
            utf8: false,
            geoparquet: false,
          });
          return read;
        });
        if (objects.length !== rowEnd - rowStart) throw damaged(fileName, `${objects.length} rows in a group`);
        const convert = columnValues(children, scales);
        for (let at = 0; at < objects.length; at += BATCH_ROWS) {
          const first = rowStart + at + 1;
          const batch = objects.slice(at, at + BATCH_ROWS);
          yield await attempt(fileName, () =>
            batch.map((object, i): FileRecord => {
              const fields = new Map<string, PlainValue>(names.map((name) => [name, convert(name, object[name])]));
              return { row: first + i, fields };
            }),
          );
        }
        rowStart = rowEnd;
      }
    },
  };
}

async function readMetadata(
  file: AsyncBuffer,
  source: ByteSource,
): Promise<{ readonly metadata: FileMetaData; readonly scales: Scales }> {
  const { sizeBytes } = source;
  if (sizeBytes < 2 * END_BYTES) throw new Error('a file that is cut off');
  const end = await source.read(sizeBytes - END_BYTES, sizeBytes);
  const length = new DataView(end.buffer, end.byteOffset).getUint32(0, true);
  const magic = new TextDecoder('latin1').decode(end.subarray(4));
  if (magic === 'PARE') throw new Error('encrypted metadata');
  if (magic !== 'PAR1') throw new Error('no end mark; it is cut off');
  if (length > MAX_METADATA_BYTES) throw new Error(`${length} bytes of metadata`);
  const metadata = await parquetMetadataAsync(file, { parsers: EXACT_PARSERS, geoparquet: false });
  const scales = prepareSchema(metadata);
  const rows = metadata.row_groups.reduce((sum, { num_rows }) => sum + Number(num_rows), 0);
  if (!(rows <= MAX_ROWS)) throw new Error(`${rows} rows, more than ${MAX_ROWS}`);
  if (BigInt(rows) !== metadata.num_rows) throw new Error(`${rows} of ${metadata.num_rows} rows`);
  return { metadata, scales };
}

/** Checks the sizes of a group of rows and the pages of its columns. */
async function checkGroup(source: ByteSource, { row_groups, schema }: FileMetaData, number: number): Promise<void> {
  const group = row_groups[number];
  if (group === undefined) return;
  const rows = Number(group.num_rows);
  const columns = group.columns.map(({ meta_data: column, file_path }) => {
    if (column === undefined) throw new Error('a column that is encrypted or missing');
    if (file_path !== undefined && file_path !== '') throw new Error('a column in another file');
    return column;
  });
  const total = columns.reduce((sum, column) => sum + Number(column.total_uncompressed_size), 0);
  if (!(rows >= 0) || !(total <= MAX_GROUP_BYTES)) throw new Error(`a group of ${rows} rows in ${total} bytes`);
  for (const column of columns) {
    const path = getSchemaPath(schema, column.path_in_schema);
    const limits = { maxRepetition: getMaxRepetitionLevel(path), maxDefinition: getMaxDefinitionLevel(path) };
    const values = Number(column.num_values);
    const isFlat = limits.maxRepetition === 0;
    if (isFlat ? values !== rows : !(values >= 0 && values <= MAX_VALUES)) {
      throw new Error(`${values} values of ${column.path_in_schema.join('.')} in ${rows} rows`);
    }
    const { dictionary_page_offset: dictionary, data_page_offset: data } = column;
    const start = Number(dictionary !== undefined && dictionary > 0n && dictionary < data ? dictionary : data);
    const end = start + Number(column.total_compressed_size);
    if (!(start >= 0 && end >= start && end <= source.sizeBytes)) throw new Error('a column outside the file');
    checkPages(await source.read(start, end), column, limits);
  }
}

function asyncBuffer(source: ByteSource): AsyncBuffer {
  const { sizeBytes } = source;
  const slice = async (start: number, end: number): Promise<ArrayBuffer> => {
    if (!(start >= 0 && end >= start && end <= sizeBytes)) throw new Error(`bytes ${start} to ${end} of ${sizeBytes}`);
    const bytes = await source.read(start, end);
    return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  };
  return {
    byteLength: sizeBytes,
    slice: (start, end = sizeBytes) => {
      const read = slice(start, end);
      // The library asks for all columns at once and forgets the others when one fails, which would end the process.
      read.catch(() => undefined);
      return read;
    },
  };
}

/** Does something with a file; whatever the library throws is a problem of the file. */
async function attempt<T>(fileName: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof LabError) throw cause;
    throw damaged(fileName, messageOf(cause), cause);
  }
}

function damaged(fileName: string, got: string, cause?: unknown): LabError {
  return badFile(fileName, {
    problem: 'it cannot be read as Parquet',
    expected: 'a complete Parquet file with ordinary columns',
    got,
    fix: 'Write it again, or save it as CSV or JSON lines.',
    cause,
  });
}
