/** Judgments in one JSON document: Elasticsearch's rank_eval, and the ratings of RRE (Rated Ranking Evaluator). */
import type { DataFile } from '../files/data-set-reader.ts';
import { type RecordBatch, RowProblem, type FileRecord, showValue } from '../files/records.ts';
import { isObject, type JsonObject, objectsIn } from './json-values.ts';
import { type Arranged, lacking, type Layout } from './layout.ts';
import { type LookedAt, readRoot } from './look.ts';
import { idOf } from './record-sources.ts';
import { documentsFile, queryTexts, textPartOf } from './texts.ts';

const RANK_EVAL = 'Elasticsearch rank_eval: requests with ratings, and documents by their ids';
const RRE = 'RRE: queries with relevant documents, and documents by their ids';

/** One judgment, before rows are numbered. */
interface Judgment {
  readonly queryId: string;
  /** Undefined where it is ambiguous. */
  readonly query: string | undefined;
  readonly docId: string;
  readonly grade: string;
  /** Where the query is, for messages. */
  readonly source: string;
}

export const JSON_JUDGMENTS: readonly Layout[] = [
  {
    name: 'rank-eval',
    title: RANK_EVAL,
    recognises: (files) => files.some(isRankEval),
    arrange: (files) => arrange(files, isRankEval, RANK_EVAL, rankEvalJudgments),
  },
  {
    name: 'rre',
    title: RRE,
    recognises: (files) => files.some(isRre),
    arrange: (files) => arrange(files, isRre, RRE, rreJudgments),
  },
];

function isRankEval({ rootKeys, given }: LookedAt): boolean {
  return given === undefined && rootKeys?.includes('requests') === true;
}

function isRre({ rootKeys, given }: LookedAt): boolean {
  return given === undefined && ['topics', 'query_groups', 'queries'].some((key) => rootKeys?.includes(key) === true);
}

async function arrange(
  files: readonly LookedAt[],
  isJudged: (look: LookedAt) => boolean,
  title: string,
  read: (root: JsonObject) => readonly Judgment[],
): Promise<Arranged> {
  const [judged, ...moreJudged] = files.filter(isJudged);
  const others = files.filter((look) => !isJudged(look));
  const queries = others.filter(({ given }) => given === 'queries');
  const [documents, ...moreDocuments] = others.filter((look) => !queries.includes(look));
  if (judged === undefined || moreJudged.length > 0 || moreDocuments.length > 0) {
    throw lacking(files, {
      problem: 'these files do not belong together',
      expected: title,
      fix: 'Choose one file of judgments and one of documents.',
    });
  }
  const part = documents === undefined ? undefined : textPartOf(documents);
  if (documents === undefined || part === undefined || part === 'queries') {
    throw lacking(files, {
      problem: 'the texts of the documents are missing',
      expected: title,
      fix: 'Give a file of documents with --docs, or choose it together with the judgments.',
    });
  }
  const texts = new Map<string, string>();
  for (const look of queries) for (const [id, text] of await queryTexts(look)) texts.set(id, text);
  const { file } = judged;
  const judgments = read(await readRoot(file));
  const pairs: DataFile = { name: file.name, open: () => ({ records: () => recordsOf(judgments, texts) }) };
  return { pairs, documents: documentsFile(documents) };
}

async function* recordsOf(
  judgments: readonly Judgment[],
  texts: ReadonlyMap<string, string>,
): AsyncGenerator<RecordBatch> {
  await Promise.resolve();
  yield judgments.map(({ queryId, query, docId, grade, source }, i) => {
    const row = i + 1;
    const text = texts.get(queryId) ?? query;
    if (text === undefined) {
      const expected = 'one text in the request, or a text by its id in --queries';
      return new RowProblem('query', 'the text of the query is ambiguous', expected, source).at(row);
    }
    const fields = new Map([
      ['query', text],
      ['queryId', queryId],
      ['docId', docId],
      ['grade', grade],
    ]);
    return { row, fields } satisfies FileRecord;
  });
}

function rankEvalJudgments({ requests }: JsonObject): readonly Judgment[] {
  return objectsIn(requests).flatMap(({ id, request, params, ratings }, number) => {
    const queryId = idOf(id) || `request ${number + 1}`;
    const texts = new Set(isObject(params) && request === undefined ? textsIn(params) : queryTextsIn(request));
    const [query] = texts.size === 1 ? texts : [];
    const source = showValue(request ?? params);
    return objectsIn(ratings).map(({ _id, rating }) => {
      return { queryId, query, docId: idOf(_id), grade: idOf(rating), source };
    });
  });
}

/** Clauses that search texts for what a person typed (Elasticsearch's query DSL). */
const TEXT_CLAUSES: ReadonlySet<string> = new Set([
  'match',
  'match_phrase',
  'match_phrase_prefix',
  'match_bool_prefix',
  'multi_match',
  'combined_fields',
  'query_string',
  'simple_query_string',
  'semantic',
]);

/** The texts that clauses of a request search for. */
function queryTextsIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(queryTextsIn);
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([name, inner]) =>
    TEXT_CLAUSES.has(name) && isObject(inner) ? clauseTexts(inner) : queryTextsIn(inner),
  );
}

/** `{"query": "text"}`, `{"field": "text"}` or `{"field": {"query": "text"}}`. */
function clauseTexts(clause: JsonObject): string[] {
  if (typeof clause['query'] === 'string') return [clause['query']];
  return Object.values(clause).flatMap((value) => {
    if (typeof value === 'string') return [value];
    return isObject(value) && typeof value['query'] === 'string' ? [value['query']] : [];
  });
}

function textsIn(params: JsonObject): string[] {
  const texts = Object.entries(params).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  const named = texts.filter(([name]) => /query|q$|text|term|keyword/iu.test(name));
  return (named.length > 0 ? named : texts).map(([, text]) => text);
}

function rreJudgments(root: JsonObject): readonly Judgment[] {
  const groups = [root, ...objectsIn(root['topics'])].flatMap((topic) => objectsIn(topic['query_groups']));
  return [root, ...groups].flatMap((group) =>
    objectsIn(group['queries']).flatMap((one) => {
      const query = placeholderText(one['placeholders']);
      const relevant = one['relevant_documents'] ?? group['relevant_documents'];
      const source = showValue(one['placeholders'] ?? one);
      return gradesIn(relevant).map(([docId, grade]) => ({
        queryId: query ?? source,
        query,
        docId,
        grade,
        source,
      }));
    }),
  );
}

/** The text that a person typed: of the placeholder that is called so, or of the only one. */
function placeholderText(placeholders: unknown): string | undefined {
  if (!isObject(placeholders)) return undefined;
  const entries = Object.entries(placeholders);
  const named = entries.find(([name]) => /^\$?(?:query|q|searchterms?|text)$/iu.test(name));
  const [, text] = named ?? (entries.length === 1 ? (entries[0] ?? []) : []);
  return typeof text === 'string' && text.trim() !== '' ? text : undefined;
}

/** `{"3": ["D1"]}` by grade, or `{"D1": {"gain": 3}}` by document. */
function gradesIn(relevant: unknown): [docId: string, grade: string][] {
  if (!isObject(relevant)) return [];
  return Object.entries(relevant).flatMap(([key, value]): [string, string][] => {
    if (Array.isArray(value)) return value.map((id) => [idOf(id), key]);
    return isObject(value) ? [[key, idOf(value['gain'])]] : [];
  });
}
