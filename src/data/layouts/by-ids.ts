/**
 * Layouts in which judgments hold ids, and the texts of queries and of documents are in separate files: BEIR, TREC, the
 * collection of MS MARCO, WANDS and LTR. They differ in how lines are written; how they are joined is the same.
 */
import type { DataFile } from '../files/data-set-reader.ts';
import { readRecords } from '../files/record-reader.ts';
import { isRowError, RowProblem } from '../files/records.ts';
import { gradesOf, idTriples, isBeirQrels, type Judgments, judgmentsIn, pairKey } from './judgments.ts';
import { type Arranged, lacking, type Layout, type LayoutName } from './layout.ts';
import { hasColumns, type LookedAt } from './look.ts';
import { changedFile, concatenated, idOf } from './record-sources.ts';
import { documentsFile, idsIn, queryTexts, textPartOf } from './texts.ts';

/** Judgments from which the ids are taken that tell queries from documents. */
const SAMPLE = 500;

/** A layout by ids, by whether its judgments look like it. */
function layoutByIds(
  name: LayoutName,
  title: string,
  isOf: (judgments: LookedAt, others: readonly LookedAt[]) => boolean,
  grades?: string,
): Layout {
  return {
    name,
    title,
    recognises: (files) => {
      const parts = files.filter((look) => judgmentsOf(look) !== undefined);
      const [first] = parts;
      return (
        first !== undefined &&
        isOf(
          first,
          files.filter((look) => !parts.includes(look)),
        )
      );
    },
    arrange: async (files) => ({ ...(await arrangeByIds(files, title)), grades }),
  };
}

const isTsvCollection = ({ shape }: LookedAt): boolean => shape?.name === 'id-text';
const isMsMarco = ({ shape }: LookedAt, others: readonly LookedAt[]): boolean =>
  shape?.name === 'ranks' || (shape?.name === 'qrels' && others.some(isTsvCollection));
const isWands = (look: LookedAt): boolean => hasColumns(look, ['queryid', 'productid', 'label']);

export const BY_IDS: readonly Layout[] = [
  layoutByIds(
    'beir',
    'BEIR: a corpus, queries and judgments by their ids',
    (look) => isBeirQrels(look) || (look.shape === undefined && !isWands(look)),
  ),
  layoutByIds(
    'trec',
    'TREC: judgments (qrels) or results (run), topics and documents',
    (look, others) =>
      (look.shape?.name === 'qrels' || look.shape?.name === 'run') &&
      !isMsMarco(look, others) &&
      !others.some(({ shape }) => shape?.name === 'top1000'),
  ),
  layoutByIds('msmarco', 'MS MARCO: judgments or ranks, queries and a collection', isMsMarco),
  layoutByIds(
    'wands',
    'WANDS: labels, queries and products',
    (look) => isWands(look) && !isBeirQrels(look),
    'Exact=2,Partial=1,Irrelevant=0',
  ),
  layoutByIds(
    'letor',
    'LTR: grades and features, with queries and documents by their ids',
    (look) => look.shape?.name === 'letor',
  ),
];

function judgmentsOf(look: LookedAt): Judgments | undefined {
  if (look.given !== undefined) return undefined;
  return look.shape?.name === 'id-triples' ? idTriples(look) : judgmentsIn(look);
}

/**
 * Joins judgments with their queries, and finds their documents.
 *
 * @throws {LabError} `bad-file` if one of these is missing, or a file has no part in it
 */
export async function arrangeByIds(files: readonly LookedAt[], title: string): Promise<Arranged> {
  const judged = files.flatMap((look) => judgmentsOf(look) ?? []);
  const rest = files.filter((look) => judgmentsOf(look) === undefined);
  const [first] = judged;
  if (first === undefined) {
    throw lacking(files, {
      problem: 'there are no judgments by ids',
      expected: title,
      fix: 'Choose them together with the file of judgments.',
    });
  }
  const stranger = rest.find((look) => textPartOf(look) === undefined);
  if (stranger !== undefined) {
    throw lacking(files, {
      problem: `${stranger.file.name} holds neither queries nor documents by their ids`,
      expected: title,
      fix: 'Leave it out, or say what it holds with --queries or --docs.',
    });
  }
  const { queries, documents } = await tellApart(files, rest, judged);
  if (documents.length === 0) throw noTexts(files, 'documents', '--docs', title);
  if (queries.length === 0) throw noTexts(files, 'queries', '--queries', title);
  const texts = new Map<string, string>();
  for (const look of queries) for (const [id, text] of await queryTexts(look)) if (!texts.has(id)) texts.set(id, text);
  // Each with its own name for the query, because several files may have several.
  const joined = judged.map((each) => ({ ...each, file: withQueries(each.file, each.queryId, texts) }));
  const { pairs, notes } = await pairsOf(joined);
  return {
    pairs,
    documents: concatenated(documents.map(documentsFile), documents.map(({ file }) => file.name).join(', ')),
    notes,
  };
}

/** The rows to score: those of runs if there are any, with the grades of the judgments, else the judgments. */
async function pairsOf(judged: readonly Judgments[]): Promise<{ readonly pairs: DataFile; readonly notes: string[] }> {
  const runs = judged.filter(({ isRun }) => isRun);
  const qrels = judged.filter(({ isRun }) => !isRun);
  const nameOf = (some: readonly Judgments[]): string => some.map(({ file }) => file.name).join(', ');
  const several = (some: readonly Judgments[]): string[] =>
    some.length < 2 ? [] : [`${nameOf(some)} are read one after the other, with rows numbered through.`];
  if (runs.length === 0 || qrels.length === 0) {
    const all = runs.length === 0 ? qrels : runs;
    return {
      pairs: concatenated(
        all.map(({ file }) => file),
        nameOf(all),
      ),
      notes: several(all),
    };
  }
  const grades = await gradesOf(qrels);
  const listed = concatenated(
    runs.map(({ file }) => file),
    nameOf(runs),
  );
  const pairs = changedFile(listed, ({ row, fields }) => [
    {
      row,
      fields: new Map([...fields, ['grade', grades.get(pairKey(fields.get('queryId'), fields.get('docId'))) ?? '']]),
    },
  ]);
  const note = `The pairs are those of ${nameOf(runs)}, with the grades of ${nameOf(qrels)}; judgments of other documents are not used.`;
  return { pairs, notes: [note, ...several(runs)] };
}

/** Judgments with the texts of their queries. */
export function withQueries(file: DataFile, column: string, texts: ReadonlyMap<string, string>): DataFile {
  return changedFile(file, ({ row, fields }) => {
    const id = idOf(fields.get(column));
    const query = texts.get(id);
    if (query === undefined) {
      throw new RowProblem(column, 'the query is unknown', 'an id of the queries file', id);
    }
    return [{ row, fields: new Map<string, unknown>([['query', query], ...fields]) }];
  });
}

/** Which files have queries and which have documents. Where nothing else tells, ids of judgments do. */
async function tellApart(
  files: readonly LookedAt[],
  rest: readonly LookedAt[],
  judged: readonly Judgments[],
): Promise<{ readonly queries: readonly LookedAt[]; readonly documents: readonly LookedAt[] }> {
  const queries = rest.filter((look) => textPartOf(look) === 'queries');
  const documents = rest.filter((look) => textPartOf(look) === 'documents');
  const unknown = rest.filter((look) => textPartOf(look) === 'either');
  if (unknown.length === 0) return { queries, documents };
  if (unknown.length === 1 && queries.length > 0 && documents.length === 0) return { queries, documents: unknown };
  if (unknown.length === 1 && queries.length === 0 && documents.length > 0) return { queries: unknown, documents };
  const ids = await sampleIds(judged);
  for (const look of unknown) {
    const [asQueries, asDocuments] = await sharesOf(look, ids);
    if (asQueries === asDocuments) {
      throw lacking(files, {
        problem: `${look.file.name} can be queries or documents`,
        expected: 'ids of queries or of documents that the judgments have',
        fix: 'Say which with --queries or --docs; in the page, choose files whose ids differ.',
      });
    }
    if (asQueries > asDocuments) queries.push(look);
    else documents.push(look);
  }
  return { queries, documents };
}

interface SampleIds {
  readonly queries: ReadonlySet<string>;
  readonly documents: ReadonlySet<string>;
}

async function sampleIds(judged: readonly Judgments[]): Promise<SampleIds> {
  const queries = new Set<string>();
  const documents = new Set<string>();
  for (const { file, queryId, docId } of judged) {
    for await (const batch of readRecords(file.open(), { fileName: file.name })) {
      for (const item of batch) {
        if (isRowError(item)) continue;
        queries.add(idOf(item.fields.get(queryId)));
        documents.add(idOf(item.fields.get(docId)));
      }
      if (documents.size >= SAMPLE) break;
    }
  }
  return { queries, documents };
}

/** The shares of the queries and of the documents whose ids a file has. */
async function sharesOf(look: LookedAt, { queries, documents }: SampleIds): Promise<[number, number]> {
  const foundQueries = new Set<string>();
  const foundDocuments = new Set<string>();
  for await (const id of idsIn(look)) {
    if (queries.has(id)) foundQueries.add(id);
    if (documents.has(id)) foundDocuments.add(id);
  }
  return [foundQueries.size / Math.max(1, queries.size), foundDocuments.size / Math.max(1, documents.size)];
}

function noTexts(files: readonly LookedAt[], what: string, option: string, title: string): Error {
  return lacking(files, {
    problem: `the texts of the ${what} are missing`,
    expected: title,
    fix: `Give a file of ${what} with ${option}, or choose it together with the others.`,
  });
}
