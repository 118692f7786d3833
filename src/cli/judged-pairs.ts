/**
 * Judged pairs as commands need them in memory: from a file, with the documents in it or in a second one.
 */
import { LabError } from '../common/errors.ts';
import { TwoFiles } from '../data/files/fields.ts';
import { Findings } from '../data/files/findings.ts';
import { loadJudgedPairs } from '../data/files/pairs-file.ts';
import type { LabelScale } from '../relevance/pair/labels.ts';
import type { JudgedPair } from '../relevance/pair/pair.ts';
import { noteFindings, noteRowErrors, openFiles, readDocuments, type ReadingOptions } from './pair-files.ts';

/** How judged pairs are read. */
interface JudgedPairsOptions extends Partial<ReadingOptions> {
  readonly scale: LabelScale;
}

/**
 * The judged pairs of files; rows that cannot be read are reported and left out.
 *
 * @throws {LabError} `not-found`, or `bad-file` where no row is usable.
 */
export async function readJudgedPairs(paths: readonly string[], options: JudgedPairsOptions): Promise<JudgedPair[]> {
  const { column: columns, scale, grade: grades } = options;
  const { data: opened } = await openFiles(paths, options);
  const { name: fileName } = opened.pairs;
  const twoFiles = opened.documents === undefined ? undefined : new TwoFiles();
  const documents =
    opened.documents === undefined ? undefined : await readDocuments(opened.documents, columns, twoFiles);
  const findings = new Findings();
  const how = { fileName, scale, columns, grades: grades ?? opened.grades, documents, twoFiles, findings };
  const { items, errors, errorCount } = await loadJudgedPairs(opened.pairs.open(), how);
  noteRowErrors(fileName, errors, errorCount);
  noteFindings(fileName, findings.sentences());
  if (items.length > 0) return items;
  throw new LabError('bad-file', {
    message: `${fileName} has no judged pair that could be read.`,
    expected: `rows with a query, a document and a grade from 0 to ${scale.size - 1}`,
    got: errorCount === 0 ? 'no rows' : `${errorCount} rows with errors, named above`,
    fix: 'State what grades mean with --grade, and assign columns with --column.',
  });
}
