/** Layouts of passage ranking in which rows hold the texts: triples, and the lists of 1000 passages of MS MARCO. */
import { RowProblem } from '../files/records.ts';
import { arrangeByIds } from './by-ids.ts';
import { gradesOf, judgmentsIn, pairKey } from './judgments.ts';
import { type Arranged, lacking, type Layout } from './layout.ts';
import { lineRecords } from './lines.ts';
import { columnOf, type LookedAt } from './look.ts';
import { concatenated, multipliedFile } from './record-sources.ts';

const TRIPLES = 'triples: a query, a relevant document and another, as texts or as ids';

const isTextTriples = (look: LookedAt): boolean =>
  look.shape?.name === 'triples' ||
  (queryColumn(look) !== undefined && columnOf(look, 'positive', 'pos') !== undefined);

export const PASSAGES: readonly Layout[] = [
  {
    name: 'triples',
    title: TRIPLES,
    recognises: (files) => files.some((look) => isTextTriples(look) || look.shape?.name === 'id-triples'),
    arrange: async (files) => {
      if (files.some((look) => look.shape?.name === 'id-triples')) return arrangeByIds(files, TRIPLES);
      return arrangeTriples(files);
    },
  },
  {
    name: 'msmarco',
    title: 'MS MARCO: lists of passages, with judgments if there are any',
    recognises: (files) => files.some(({ shape }) => shape?.name === 'top1000'),
    arrange: arrangeLists,
  },
];

async function arrangeTriples(files: readonly LookedAt[]): Promise<Arranged> {
  await Promise.resolve();
  if (!files.every(isTextTriples)) {
    throw lacking(files, { problem: 'not all of them are triples', expected: TRIPLES, fix: 'Leave the others out.' });
  }
  const pairs = files.map((look) => {
    const { file, shape } = look;
    if (shape === undefined) return multipliedFile(file, MAX_PAIRS, (record) => pairsOf(look, record));
    const lines = { name: file.name, open: () => lineRecords(file, readTriple) };
    return multipliedFile(lines, MAX_PAIRS, (record) => pairsOf(undefined, record));
  });
  return {
    pairs: concatenated(pairs, files.map(({ file }) => file.name).join(', '), MAX_PAIRS),
    notes: ['Of each triple, the relevant document has the grade 1 and the other 0.'],
  };
}

function readTriple(line: string): [string, string][] {
  const [query = '', positive = '', negative, ...more] = line.split('\t');
  if (negative === undefined || more.length > 0) {
    throw new RowProblem('', 'it is not three texts', 'a query and two texts with tabs between', line);
  }
  return [
    ['query', query],
    ['positive', positive],
    ['negative', negative],
  ];
}

/** The pairs of a triple; each part may be a list of texts. */
function pairsOf(
  look: LookedAt | undefined,
  { row, fields }: { readonly row: number; readonly fields: ReadonlyMap<string, unknown> },
): Map<string, unknown>[] {
  const query = fields.get(look === undefined ? 'query' : (queryColumn(look) ?? 'query'));
  const column = (...names: string[]): string =>
    (look === undefined ? undefined : columnOf(look, ...names)) ?? names[0] ?? '';
  const textsOf = (name: string): readonly unknown[] => {
    const value = fields.get(name);
    return Array.isArray(value) ? (value as readonly unknown[]) : value === undefined || value === '' ? [] : [value];
  };
  const pairs = [
    ...textsOf(column('positive', 'pos')).map((text) => ({ text, grade: '1' })),
    ...textsOf(column('negative', 'neg')).map((text) => ({ text, grade: '0' })),
  ];
  return pairs.map(
    ({ text, grade }) =>
      new Map<string, unknown>([
        ['query', query],
        ['text', text],
        ['grade', grade],
        ['triple', row],
      ]),
  );
}

/** The most texts of a triple. */
const MAX_PAIRS = 1000;

function queryColumn(look: LookedAt): string | undefined {
  return columnOf(look, 'query', 'anchor', 'question');
}

async function arrangeLists(files: readonly LookedAt[]): Promise<Arranged> {
  const lists = files.filter(({ shape }) => shape?.name === 'top1000');
  const qrels = files.flatMap((look) => (lists.includes(look) ? [] : [judgmentsIn(look)]));
  if (qrels.includes(undefined)) {
    throw lacking(files, {
      problem: 'a file beside the lists has no judgments',
      expected: 'lines of a query id, a document id, a query and a text, and judgments by these ids',
      fix: 'Leave it out.',
    });
  }
  const grades = await gradesOf(qrels.flatMap((judgments) => judgments ?? []));
  const pairs = lists.map(({ file }) => ({
    name: file.name,
    open: () =>
      lineRecords(file, (line) => {
        const [queryId = '', docId = '', query = '', text] = line.split('\t');
        if (text === undefined)
          throw new RowProblem('', 'it has too few fields', 'query id, document id, query, text', line);
        const grade = grades.get(pairKey(queryId, docId));
        return [
          ['queryId', queryId],
          ['docId', docId],
          ['query', query],
          ['text', text],
          ...(typeof grade === 'string' ? [['grade', grade] as const] : []),
        ];
      }),
  }));
  return { pairs: concatenated(pairs, lists.map(({ file }) => file.name).join(', ')) };
}
