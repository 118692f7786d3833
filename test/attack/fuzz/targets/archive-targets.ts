/** Compressed files and archives: gzip, zip, workbooks, Parquet. */
import { parquetWriteBuffer } from 'hyparquet-writer';
import { constants, deflateRawSync, gunzipSync, gzipSync } from 'node:zlib';
import { arraySource } from '../../../../src/checkpoint/byte-source.ts';
import type { Rng } from '../../../../src/common/rng.ts';
import { DamagedGzip, gunzip } from '../../../../src/data/files/gzip-stream.ts';
import { readRecords } from '../../../../src/data/files/record-reader.ts';
import { crc32 } from '../../../../src/data/kinds/crc32.ts';
import { openGiven } from '../../../../src/data/kinds/open-given.ts';
import { readZip, unpackMember } from '../../../../src/data/kinds/zip-archive.ts';
import { all, chunked } from '../../../unit/data/files/chunks.ts';
import { bytesOf, given, rowsIn, textRow, workbookOf, zipOf } from '../../../unit/data/kinds/given.ts';
import { mutateBytes, mutateText, someBytes, someTable, type Table } from '../mutations.ts';
import { expectSame, outcomeOf, type Target, target, Wrong } from '../target.ts';

/** What unpacking may take in memory for one case. */
const MOST_UNPACKED = 64 << 20;

interface Damaged<Whole> {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** What the undamaged file holds; null where it was damaged. */
  readonly whole: Whole | null;
}

function perhapsDamaged<Whole>(bytes: Uint8Array, whole: Whole, rng: Rng): Damaged<Whole> {
  return rng.chance(0.25) ? { bytes: Uint8Array.from(bytes), whole } : { bytes: mutateBytes(bytes, rng), whole: null };
}

const gzip = target(
  'gzip against zlib',
  (rng) => {
    const parts = Array.from({ length: 1 + rng.int(3) }, () => someBytes(rng, 3000));
    const packed = parts.map((part) =>
      gzipSync(part, { level: rng.int(10), strategy: rng.pick([0, constants.Z_FIXED]) }),
    );
    const bomb = rng.chance(0.01) ? [gzipSync(new Uint8Array(1 << 20).fill(10))] : [];
    return perhapsDamaged(Buffer.concat([...packed, ...bomb]), null, rng);
  },
  async ({ bytes }) => {
    const unpack = async (size: number): Promise<unknown> => {
      try {
        const parts: Uint8Array[] = [];
        let length = 0;
        for await (const part of gunzip(chunked(bytes, size))) {
          parts.push(Uint8Array.from(part));
          length += part.length;
          if (length > MOST_UNPACKED) return 'too much';
        }
        return Buffer.concat(parts);
      } catch (thrown) {
        if (thrown instanceof DamagedGzip) return null;
        throw thrown;
      }
    };
    const whole = await unpack(bytes.length + 1);
    if (bytes.length < 600) expectSame('gzip by single bytes', await unpack(1), whole);
    expectSame('gzip by 97 bytes', await unpack(97), whole);
    let byZlib: Buffer | null;
    try {
      byZlib = bytes.length === 0 ? null : gunzipSync(bytes);
    } catch {
      byZlib = null;
    }
    if (whole !== null && bytes.length > 0) expectSame('gzip accepted, by zlib', byZlib, whole);
  },
);

const zip = target(
  'zip',
  (rng) => {
    const names = Array.from(
      { length: 1 + rng.int(3) },
      (_, i) => `${i}${rng.pick(['.csv', '.tsv', '', '.jsonl', '/'])}`,
    );
    const files = Object.fromEntries(
      names.map((name) => [name, name.endsWith('/') ? new Uint8Array() : someBytes(rng, 800)]),
    );
    return perhapsDamaged(
      zipOf(files),
      Object.values(files)
        .map((file) => file.length)
        .reduce((a, b) => a + b, 0),
      rng,
    );
  },
  async ({ bytes, whole }) => {
    const members = await readZip(arraySource(bytes), 'x.zip');
    let length = 0;
    for (const member of members) {
      if (member.sizeBytes > MOST_UNPACKED) continue;
      const parts = await all(unpackMember(arraySource(bytes), member, 'x.zip'));
      const content = Buffer.concat(parts);
      if (crc32(content) !== member.crc) throw new Wrong('a member with another checksum was accepted');
      length += content.length;
    }
    if (whole !== null) expectSame('bytes in the archive', length, whole);
  },
);

const opened = target(
  'given files of any kind',
  (rng) => {
    const { columns, rows } = someTable(rng, ['query', 'title']);
    const csv = [columns, ...rows].map((row) => row.map((cell) => JSON.stringify(cell)).join(',')).join('\n');
    const packed = rng.pick([
      () => zipOf({ 'a.csv': csv, 'b.csv': csv }),
      () => gzipSync(csv),
      () => bytesOf(csv),
      () => zipOf({ 'a.zip': zipOf({ 'a.csv': csv }) }),
    ])();
    return {
      name: rng.pick(['x.zip', 'x.csv', 'x.csv.gz', 'x', 'x.parquet', 'x.xlsx']),
      ...perhapsDamaged(packed, null, rng),
    };
  },
  ({ name, bytes }) => rowsIn(given(name, bytes)),
);

/** What XML cannot hold is not put into a workbook. */
const XML_CELL = /^[\t\n\r\u0020-\ud7ff\ue000-\ufffd]*$/u;

const workbook = target(
  'workbook',
  (rng) => {
    const table = someTable(rng, ['query']);
    const rows = table.rows.map((row) => row.map((cell) => (XML_CELL.test(cell) ? cell.replaceAll('\r', '') : 'x')));
    const sheet = [table.columns, ...rows].map((row, i) => textRow(row, i + 1)).join('');
    const isInside = rng.chance(0.5);
    const bytes = workbookOf({ sheets: { Sheet: isInside ? mutateText(sheet, rng) : sheet } });
    return isInside
      ? { bytes: Uint8Array.from(bytes), whole: null }
      : perhapsDamaged(bytes, { columns: table.columns, rows }, rng);
  },
  async ({ bytes, whole }) => {
    const rows = await rowsIn(given('x.xlsx', bytes));
    if (whole !== null) expectSame('rows of the workbook', rows.length, (whole as Table).rows.length);
  },
);

const parquet = target(
  'Parquet',
  (rng) => {
    const { columns, rows } = someTable(rng, ['query']);
    const count = rows.length * (1 + rng.int(4));
    const numbers = Array.from({ length: count }, () => rng.int(7));
    const columnData = [
      ...columns.map((name, i) => ({
        name,
        data: Array.from({ length: count }, (_, row) => rows[row % rows.length]?.[i] ?? ''),
        type: 'STRING' as const,
      })),
      { name: 'grade', data: numbers, type: 'INT32' as const },
    ];
    const codec = rng.pick(['UNCOMPRESSED', 'SNAPPY'] as const);
    const bytes = new Uint8Array(parquetWriteBuffer({ columnData, codec, rowGroupSize: 1 + rng.int(10) }));
    return perhapsDamaged(bytes, numbers, rng);
  },
  async ({ bytes, whole }) => {
    const rows = (await rowsIn(given('x.parquet', bytes))) as { grade?: unknown }[];
    if (whole !== null)
      expectSame(
        'grades in Parquet',
        rows.map(({ grade }) => grade),
        whole,
      );
  },
);

const bomb = target(
  'bombs',
  (rng) => ({
    unit: rng.pick(['\n', '\r\n', ',', '"', '\t', '[', '{"a":', 'a\n', '\u0000', ' ', '""\n', '<']),
    kilobytes: 256 << rng.int(3),
    kind: rng.pick(['gz', 'zip', 'deflate']),
    head: rng.pick(['', 'query,title\n', 'query\ttitle\n', '[', '{"query":"a","title":"b"}\n']),
    name: rng.pick(['x.csv', 'x.tsv', 'x.jsonl', 'x.json', 'x.txt']),
  }),
  ({ unit, kilobytes, kind, head, name }) => {
    const text = head + unit.repeat(Math.ceil((kilobytes << 10) / unit.length));
    const packed = kind === 'gz' ? gzipSync(text) : kind === 'zip' ? zipOf({ [name]: text }) : deflateRawSync(text);
    return outcomeOf(async () => {
      const { files } = await openGiven([given(kind === 'gz' ? `${name}.gz` : 'x.zip', packed)]);
      let rows = 0;
      for (const file of files)
        for await (const batch of readRecords(file.open(), { fileName: file.name })) rows += batch.length;
      return rows;
    });
  },
);

export const ARCHIVE_TARGETS: readonly Target[] = [gzip, zip, opened, workbook, parquet];
/** Takes long for one case, and is drawn seldom. */
export const RARE_TARGETS: readonly Target[] = [bomb];
