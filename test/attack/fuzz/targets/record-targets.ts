/** Text files of records and judged data: tables, JSON, layouts, columns, grades, written tables. */
import Papa from 'papaparse';
import { gzipSync } from 'node:zlib';
import type { Rng } from '../../../../src/common/rng.ts';
import { foundScale } from '../../../../src/data/files/grades.ts';
import { loadDocuments, readGradedPairs } from '../../../../src/data/files/pairs-file.ts';
import { readRecords } from '../../../../src/data/files/record-reader.ts';
import { describeRowError, type FileFormat, isRowError } from '../../../../src/data/files/records.ts';
import { tableLines } from '../../../../src/data/files/table-writer.ts';
import { openData } from '../../../../src/data/layouts/open-data.ts';
import { GradeMeanings } from '../../../../src/protocol/grade-meanings.ts';
import { chunked } from '../../../unit/data/files/chunks.ts';
import { given } from '../../../unit/data/kinds/given.ts';
import { LAYOUTS } from '../../../unit/data/layouts/cases.ts';
import { mutateBytes, mutateText, plainCell, someTable, someText, type Table } from '../mutations.ts';
import { expectSame, outcomeOf, type Target, target, Wrong } from '../target.ts';

/** A row that cannot be read is named in a sentence of at most this length. */
const LONGEST_SENTENCE = 300;

function written({ columns, rows }: Table, format: FileFormat): string {
  if (format === 'csv' || format === 'tsv') return [...tableLines(columns, rows, { format })].join('');
  const objects = rows.map((row) => Object.fromEntries(columns.map((column, i) => [column, row[i] ?? ''])));
  return format === 'json' ? JSON.stringify(objects) : objects.map((row) => `${JSON.stringify(row)}\n`).join('');
}

async function recordsOf(content: string | Uint8Array, format: FileFormat, size: number): Promise<unknown[]> {
  const rows: unknown[] = [];
  for await (const batch of readRecords(chunked(content, size), { fileName: `x.${format}`, format })) {
    for (const item of batch) {
      if (!isRowError(item)) {
        rows.push([item.row, ...item.fields]);
        continue;
      }
      const sentence = describeRowError(item);
      if (sentence.length > LONGEST_SENTENCE)
        throw new Wrong(`a sentence of ${sentence.length} characters: ${sentence}`);
      rows.push(sentence);
    }
  }
  return rows;
}

const FORMATS = ['csv', 'tsv', 'jsonl', 'json'] as const;

const records = target(
  'records of text files',
  (rng) => {
    const table = someTable(rng, ['query']);
    const format = rng.pick(FORMATS);
    const text = written(table, format);
    const isWhole = rng.chance(0.2);
    const depth = rng.chance(0.02) ? '['.repeat(20_000) : '';
    return { format, table, isWhole, text: isWhole ? text : mutateText(text, rng) + depth };
  },
  async ({ format, table, isWhole, text }) => {
    // Of two reasons to refuse a file the one that is met first is given, which depends on the chunks.
    const read = async (content: string | Uint8Array, size: number): Promise<unknown> => {
      const outcome = await outcomeOf(() => recordsOf(content, format, size));
      return typeof outcome === 'string' ? outcome.split(':')[0] : outcome;
    };
    const whole = await read(text, 1 << 20);
    for (const size of text.length < 2000 ? [1, 7] : [997]) {
      expectSame(`${format} by ${size} bytes`, await read(text, size), whole);
    }
    expectSame(`${format}, packed`, await read(gzipSync(text), 1 << 20), whole);
    if (isWhole) expectSame(`${format}, written and read`, (whole as unknown[]).length, table.rows.length);
  },
);

const guarded = target(
  'written tables',
  (rng) => ({ table: someTable(rng, ['query', 'title']), format: rng.pick(['csv', 'tsv'] as const) }),
  ({ table: { columns, rows }, format }) => {
    const text = [...tableLines(columns, rows, { format, freeText: ['title'] })].join('');
    const { data } = Papa.parse<string[]>(text, { delimiter: format === 'csv' ? ',' : '\t', skipEmptyLines: false });
    const cells = data.slice(1, rows.length + 1);
    for (const [i, cell] of cells.map((row) => row[1] ?? '').entries()) {
      if (/^[=+\-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20]/u.test(cell)) throw new Wrong(`a formula in row ${i + 1}: ${cell}`);
    }
    expectSame(
      'exact columns',
      cells.map((row) => row[0]),
      rows.map((row) => row[0]),
    );
  },
);

interface GivenContent {
  readonly name: string;
  readonly content: Uint8Array;
}

async function pairsIn(files: readonly GivenContent[]): Promise<string[]> {
  const { pairs, documents } = await openData(files.map(({ name, content }) => given(name, content)));
  const loaded = documents && (await loadDocuments(documents.open(), { fileName: documents.name }));
  const lines = (loaded?.errors ?? []).map(describeRowError);
  const how = { fileName: pairs.name, documents: loaded?.items };
  for await (const item of readGradedPairs(pairs.open(), how, { needsGrade: false })) {
    lines.push(
      isRowError(item) ? describeRowError(item) : `${item.pair.query} | ${item.pair.document.title} | ${item.grade}`,
    );
  }
  return lines;
}

const layouts = target(
  'layouts',
  (rng) => {
    const [, files, pairs] = rng.pick(Object.values(LAYOUTS));
    const entries = Object.entries(files).map(([name, content]) => ({
      name,
      content: typeof content === 'string' ? new TextEncoder().encode(content) : content,
    }));
    const isWhole = rng.chance(0.15);
    const at = rng.int(entries.length);
    const changed = entries.map((file, i) =>
      isWhole || i !== at ? file : { ...file, content: damage(file.content, rng) },
    );
    return { files: changed, pairs: isWhole ? pairs.length : null, isTurned: rng.chance(0.5) };
  },
  async ({ files, pairs, isTurned }) => {
    const found = await pairsIn(files);
    if (pairs !== null) expectSame('pairs of the layout', found.length, pairs);
    const renamed = files.map((file, i) => ({ ...file, name: `file${i}` }));
    if (pairs !== null) expectSame('pairs under other names', (await pairsIn(isTurned ? renamed.toReversed() : renamed)).toSorted(), found.toSorted()); // prettier-ignore
  },
);

function damage(content: Uint8Array, rng: Rng): Uint8Array {
  if (rng.chance(0.4)) return mutateBytes(content, rng);
  return new TextEncoder().encode(mutateText(new TextDecoder().decode(content), rng));
}

const judged = target(
  'judged tables',
  (rng) => {
    const count = 1 + rng.int(6);
    const rows = Array.from({ length: count }, () => [
      `q${rng.int(3)}`,
      `d${rng.int(4)}`,
      someText(rng),
      someText(rng),
    ]);
    return {
      rows: rows.map((row) => row.map(plainCell)),
      format: rng.pick(FORMATS),
    };
  },
  async ({ rows, format }) => {
    const columns = ['queryId', 'docId', 'query', 'title'];
    const read = async (table: Table): Promise<string[]> => {
      const content = new TextEncoder().encode(written(table, format));
      return (await outcomeOf(() => pairsIn([{ name: `x.${format}`, content }]))) as string[];
    };
    const plain = await read({ columns, rows });
    if (typeof plain === 'string') return;
    const renamed = rows.map(([query = '', doc = '', ...rest]) => [`other-${query}`, `z${doc}`, ...rest]);
    const withoutIds = (lines: readonly string[]): string[] =>
      lines.map((line) => line.replaceAll(/other-(?=q\d)|z(?=d\d)/gu, ''));
    expectSame('pairs under other ids', withoutIds(await read({ columns, rows: renamed })), withoutIds(plain));
    const graded = await read({ columns: [...columns, 'grade'], rows: rows.map((row) => [...row, '2']) });
    expectSame(
      'pairs with grades',
      graded.map((line) => line.replace(/ \| 2$/u, ' | ')),
      plain,
    );
  },
);

const grades = target(
  'grades and their meanings',
  (rng) => ({
    grades: Array.from({ length: rng.int(8) }, () => someText(rng, 2)),
    meanings: rng.chance(0.5) ? mutateText('Y=1,N=0,>=2.5=3,*=none', rng) : '',
  }),
  ({ grades: found, meanings }) => {
    foundScale(found, meanings);
    const read = new GradeMeanings(meanings);
    for (const grade of found) read.labelOf(grade);
  },
);

export const RECORD_TARGETS: readonly Target[] = [records, guarded, layouts, judged, grades];
