/**
 * The open file of the Files view: its record, its bytes, and what was read from them.
 */
import * as v from 'valibot';
import type { JudgedBytes, JudgedRecord } from '../checkpoint/judged-files.ts';
import { LabError } from '../common/errors.ts';
import { type ColumnNames, ROLES } from '../data/files/columns.ts';
import { type FilePreview, previewFile } from '../data/files/preview.ts';
import { type FileEntry, type FileScoring, FileScoringSchema } from '../protocol/files.ts';
import { CURRENT_FOLDING } from '../relevance/pair/text-folding.ts';
import type { FileModel } from './file-model.ts';
import type { FileScores } from './file-scores.ts';
import { dataFileOf, type JudgedRows } from './judged-rows.ts';

/** The open file. */
export interface OpenFile {
  record: JudgedRecord;
  readonly files: readonly JudgedBytes[];
  readonly isRemembered: boolean;
  previews: readonly FilePreview[];
  rows: JudgedRows | undefined;
  scores: FileScores | undefined;
  model: FileModel | undefined;
}

/** Previews of files with the given columns. */
export async function previewsOf(files: readonly JudgedBytes[], columns: ColumnNames): Promise<FilePreview[]> {
  const previews: FilePreview[] = [];
  for (const file of files) previews.push(await previewFile(dataFileOf(file), columns));
  return previews;
}

export function entryOf(record: JudgedRecord): FileEntry {
  const { id, createdAt, files, scored } = record;
  return {
    id,
    name: files.map(({ name }) => name).join(' and '),
    createdAt,
    sizeBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    scored,
    scoring: scoringOf(record),
  };
}

export function scoringOf({ scoring }: JudgedRecord): FileScoring | null {
  const read = v.safeParse(FileScoringSchema, scoring);
  return read.success ? read.output : null;
}

export function namesOf({ columns }: JudgedRecord): ColumnNames {
  return Object.fromEntries(Object.entries(columns).filter(([role]) => ROLES.some((known) => known === role)));
}

export function readRows({ rows }: OpenFile): JudgedRows {
  if (rows !== undefined) return rows;
  throw new LabError('bad-file', {
    message: 'This file cannot be read with these columns.',
    fix: 'Choose what each column is.',
  });
}

export function scoresIn({ scores }: OpenFile): FileScores {
  if (scores === undefined) throw notReady();
  return scores;
}

/** The text folding of BM25: that of the model that scores the file. */
export function foldingOf({ record }: OpenFile): FileScoring['folding'] {
  return scoringOf(record)?.folding ?? CURRENT_FOLDING;
}

export function notReady(): LabError {
  return new LabError('bad-config', { message: 'The file is not being scored yet.', fix: 'Choose a model first.' });
}
