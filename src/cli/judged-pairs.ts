/**
 * Judged pairs as commands need them in memory: from a file, with the documents in it or in a second one.
 */
import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import { LabError } from '../common/errors.ts';
import type { ColumnNames } from '../data/files/columns.ts';
import { loadJudgedPairs } from '../data/files/pairs-file.ts';
import { describeRowError } from '../data/files/records.ts';
import type { LabelScale } from '../relevance/pair/labels.ts';
import type { JudgedPair } from '../relevance/pair/pair.ts';
import { assertFile, readDocuments, SHOWN_ERRORS } from './pair-files.ts';
import { note } from './terminal.ts';

/**
 * The judged pairs of a file; rows that cannot be read are told and left out.
 *
 * @throws {LabError} `not-found`, or `bad-file` where no row is of use.
 */
export async function readJudgedPairs(
  path: string,
  { docs, column, scale }: { readonly docs?: string; readonly column?: ColumnNames; readonly scale: LabelScale },
): Promise<JudgedPair[]> {
  await assertFile(path);
  const fileName = basename(path);
  const documents = docs === undefined ? undefined : await readDocuments(docs);
  const options = { fileName, scale, columns: column, documents };
  const { items, errors, errorCount } = await loadJudgedPairs(createReadStream(path), options);
  for (const error of errors.slice(0, SHOWN_ERRORS)) note(`${fileName}: ${describeRowError(error)}`);
  if (errorCount > SHOWN_ERRORS) note(`${fileName}: ${errorCount - SHOWN_ERRORS} more rows could not be read.`);
  if (items.length > 0) return items;
  throw new LabError('bad-file', {
    message: `${fileName} has no judged pair that could be read.`,
    expected: `rows with a query, a document and a grade from 0 to ${scale.size - 1}`,
    got: errorCount === 0 ? 'no rows' : `${errorCount} rows with errors, named above`,
  });
}
