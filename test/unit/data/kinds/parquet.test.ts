/** Parquet: every value without loss, whatever the codec, and damaged or hostile files refused. */
import { zipSync } from 'fflate';
import * as fc from 'fast-check';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { given, outcome, rowsIn } from './given.ts';

type Columns = Parameters<typeof parquetWriteBuffer>[0]['columnData'];

const parquet = (columnData: Columns, more: object = {}): Uint8Array =>
  new Uint8Array(parquetWriteBuffer({ columnData, ...more }));

const QUERIES = { name: 'query', data: ['red kettle', 'größe 🫖'], type: 'STRING' as const };

describe('a Parquet file', () => {
  it('keeps the digits of whole numbers, leaves out what is empty, and has dates', async () => {
    const file = parquet([
      QUERIES,
      { name: 'docId', data: [9007199254740993n, 5n], type: 'INT64' },
      { name: 'grade', data: [3, null], type: 'INT32', nullable: true },
      { name: 'price', data: [0.1, NaN], type: 'FLOAT' },
      { name: 'seen', data: [new Date('2020-02-29T12:00:00.500Z'), new Date(0)], type: 'TIMESTAMP' },
    ]);
    expect(await rowsIn(given('x.parquet', file))).toEqual([
      { query: 'red kettle', docId: '9007199254740993', grade: 3, price: 0.1, seen: '2020-02-29T12:00:00.5' },
      { query: 'größe 🫖', docId: 5, grade: null, price: null, seen: '1970-01-01T00:00:00' },
    ]);
  });

  it('keeps decimals exactly', async () => {
    const schema = [
      { name: 'root', num_children: 1 },
      {
        name: 'price',
        type: 'INT64' as const,
        converted_type: 'DECIMAL' as const,
        scale: 3,
        precision: 18,
        repetition_type: 'REQUIRED' as const,
      },
    ];
    const file = parquet([{ name: 'price', data: [1234567890123.457, 0.5, -2] }], { schema });
    const rows = await rowsIn(given('x.parquet', file));
    expect(rows.slice(1)).toEqual([{ price: '0.5' }, { price: '-2' }]);
  });

  it.each([
    ['UNCOMPRESSED', undefined],
    ['SNAPPY', undefined],
    ['GZIP', (input: Uint8Array) => new Uint8Array(gzipSync(input))],
  ] as const)('is read with pages packed by %s', async (codec, pack) => {
    const compressors = pack === undefined ? {} : { [codec]: pack };
    const data = Array.from({ length: 3000 }, (_, i) => `query ${i % 7}`);
    const file = parquet([{ name: 'query', data }], { codec, compressors, rowGroupSize: 1000 });
    const rows = await rowsIn(given('x.parquet', file));
    expect(rows).toEqual(data.map((query) => ({ query })));
  });

  it('in an archive is read too', async () => {
    const zip = zipSync({ 'train.parquet': parquet([QUERIES]) });
    expect(await rowsIn(given('x.zip', zip))).toHaveLength(2);
  });

  it('has nested documents', async () => {
    const file = parquet([QUERIES, { name: 'document', data: [{ title: 'a' }, { title: 'b' }], type: 'JSON' }]);
    const rows = await rowsIn(given('x.parquet', file));
    expect(rows[0]).toMatchObject({ query: 'red kettle', document: '{"title":"a"}' });
  });

  it('gives all values back', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.tuple(
            fc.string({ unit: 'grapheme' }),
            fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
            fc.boolean(),
          ),
          {
            minLength: 1,
            maxLength: 40,
          },
        ),
        async (rows) => {
          const file = parquet([
            { name: 'query', data: rows.map(([text]) => text), type: 'STRING' },
            { name: 'docId', data: rows.map(([, id]) => id), type: 'INT64' },
            { name: 'isGood', data: rows.map(([, , good]) => good), type: 'BOOLEAN' },
          ]);
          const read = await rowsIn(given('x.parquet', file));
          expect(read.map((row) => Object.values(row as object).map(String))).toEqual(
            rows.map(([text, id, good]) => [text, String(id), String(good)]),
          );
        },
      ),
      { numRuns: 50 },
    );
  });

  it('cut or changed anywhere is read or refused, never worse', async () => {
    const data = Array.from({ length: 200 }, (_, i) => `query ${i % 5}`);
    const file = parquet([
      { name: 'query', data, type: 'STRING' },
      { name: 'grade', data: data.map((_, i) => (i % 3 === 0 ? null : i % 4)), type: 'INT32', nullable: true },
    ]);
    await fc.assert(
      fc.asyncProperty(fc.nat(file.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        expect(await outcome(() => rowsIn(given('x.parquet', file.slice(0, Math.max(at, 4)))))).toMatch(/^bad-file/u);
        const changed = file.map((byte, i) => (i === at ? byte ^ change : byte));
        expect(await outcome(() => rowsIn(given('x.parquet', changed)))).toMatch(/^(?:bad-file|\[)/u);
      }),
      { numRuns: 300 },
    );
  });

  it('with a run that is longer than its page is refused', async () => {
    const file = parquet(
      [{ name: 'q', data: Array.from({ length: 100 }, () => 'same'), type: 'STRING', nullable: true }],
      {
        codec: 'UNCOMPRESSED',
      },
    );
    // The levels are one run of 100 values: 200 as a varint, then the level 1.
    const at = file.findIndex((byte, i) => byte === 0xc8 && file[i + 1] === 0x01 && file[i + 2] === 0x01);
    expect(at).toBeGreaterThan(0);
    const longer = file.slice();
    longer[at + 1] = 0x7f;
    expect(await outcome(() => rowsIn(given('x.parquet', longer)))).toMatch(/a run of \d+ values in a page of 100/u);
  });

  it.each(['DELTA_BYTE_ARRAY', 'DELTA_LENGTH_BYTE_ARRAY'] as const)(
    'of values written by %s is read',
    async (encoding) => {
      const data = Array.from({ length: 700 }, (_, i) => (i % 5 === 0 ? null : `kettle ${'x'.repeat(i % 90)}${i}`));
      const file = parquet([{ name: 'query', data, type: 'STRING', nullable: true, encoding }], { pageSize: 2000 });
      expect(await rowsIn(given('x.parquet', file))).toEqual(data.map((query) => ({ query })));
    },
  );

  it('whose values each share the whole value before and grow without bound is refused', async () => {
    const all = new Uint8Array(30_000).fill(0x61);
    const data = Array.from({ length: all.length }, (_, i) => all.subarray(0, i + 1));
    const file = parquet([{ name: 'q', data, type: 'BYTE_ARRAY', encoding: 'DELTA_BYTE_ARRAY' }], {
      statistics: false,
      pageSize: 2 ** 30,
    });
    expect(file.length).toBeLessThan(50_000);
    expect(await outcome(() => rowsIn(given('x.parquet', file)))).toMatch(/values of more than \d+ bytes/u);
  });
});
