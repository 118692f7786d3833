/** The plain layout: a table of pairs with their documents, or a table of pairs and one of documents. */
import { distinguishFiles } from '../files/data-set-reader.ts';
import { withQueries } from './by-ids.ts';
import { type Arranged, type ArrangeOptions, lacking, type Layout } from './layout.ts';
import { columnOf, type LookedAt } from './look.ts';
import { queryTexts, textPartOf } from './texts.ts';

export const TABLE: Layout = {
  name: 'table',
  title: 'a table of pairs; documents may be in a second table',
  recognises: () => false,
  arrange: arrangeTable,
};

/** @throws {LabError} `bad-file` if the files do not belong together */
async function arrangeTable(files: readonly LookedAt[], { columns }: ArrangeOptions): Promise<Arranged> {
  const queries = files.filter(({ given }) => given === 'queries');
  const documents = files.filter(({ given }) => given === 'documents');
  const others = files.filter(({ given }) => given === undefined);
  const [pairs, second] = others;
  const [docs] = documents;
  if (pairs === undefined || documents.length > 1 || others.length > (docs === undefined ? 2 : 1)) {
    throw lacking(files, {
      problem: 'these files do not form a known layout',
      expected:
        'a table of pairs with a query and a document, a table of documents beside it, or files of a known layout',
      fix: 'Put all pairs into one file, or say what the files are with --format, --docs and --queries.',
    });
  }
  if (queries.length > 0) return arrangeWithQueries(files, pairs, second ?? docs, queries);
  if (docs !== undefined) return { pairs: pairs.file, documents: docs.file };
  const { pairsFile, documentsFile } = await distinguishFiles(
    others.map(({ file }) => file),
    { columns },
  );
  return { pairs: pairsFile, documents: documentsFile };
}

/** A table that has ids of queries in place of their texts. */
async function arrangeWithQueries(
  files: readonly LookedAt[],
  pairs: LookedAt,
  documents: LookedAt | undefined,
  queries: readonly LookedAt[],
): Promise<Arranged> {
  const column = pairs.roles.get('queryId') ?? columnOf(pairs, 'queryid', 'qid', 'query');
  if (column === undefined || queries.some((look) => textPartOf(look) === undefined)) {
    throw lacking(files, {
      problem: 'the queries cannot be joined with the pairs',
      expected: 'ids of queries in both files',
      fix: 'Name the column of the pairs that has them with --column queryId=NAME.',
    });
  }
  const texts = new Map<string, string>();
  for (const look of queries) for (const [id, text] of await queryTexts(look)) if (!texts.has(id)) texts.set(id, text);
  return { pairs: withQueries(pairs.file, column, texts), documents: documents?.file };
}
