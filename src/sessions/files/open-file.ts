/**
 * The open file of the Files view: its record, its bytes, and what was read from them.
 */
import * as v from 'valibot';
import type { JudgedBytes, JudgedRecord } from '../../checkpoint/judged-files.ts';
import { LabError } from '../../common/errors.ts';
import { tryLock } from '../../common/tab-locks.ts';
import { type ColumnNames, ROLES } from '../../data/files/columns.ts';
import type { DataFile } from '../../data/files/data-set-reader.ts';
import { type FilePreview, previewFile } from '../../data/files/preview.ts';
import type { GivenFile } from '../../data/kinds/given-file.ts';
import { givenBlob } from '../../data/kinds/given-file.ts';
import { LAYOUT_NAMES } from '../../data/layouts/layout.ts';
import { openData, type OpenedData } from '../../data/layouts/open-data.ts';
import {
  type FileEntry,
  type FileReading,
  type FileScoring,
  FileScoringSchema,
  type OpenedFile,
} from '../../protocol/files.ts';
import { failureOf } from '../../protocol/failure.ts';
import { CURRENT_FOLDING } from '../../relevance/pair/text-folding.ts';
import type { FileModel } from './file-model.ts';
import type { FileScores } from './file-scores.ts';
import { JudgedRows } from './judged-rows.ts';

/** Larger files are refused before they are read. */
const MAX_FILE_BYTES = 512 * 2 ** 20;

/** The open file. */
export interface OpenFile {
  record: JudgedRecord;
  readonly files: readonly JudgedBytes[];
  readonly isRemembered: boolean;
  /** Undefined where the files do not belong together. */
  data: OpenedData | undefined;
  previews: readonly FilePreview[];
  rows: JudgedRows | undefined;
  scores: FileScores | undefined;
  model: FileModel | undefined;
}

/** An open file before its bytes are read. */
export function unreadFile(given: Pick<OpenFile, 'record' | 'files' | 'isRemembered' | 'model'>): OpenFile {
  return { ...given, data: undefined, previews: [], rows: undefined, scores: undefined };
}

/** The bytes of files as readers take them. */
export function givenFiles(files: readonly JudgedBytes[]): GivenFile[] {
  return files.map(({ name, blob }) => givenBlob(name, blob));
}

/** Reads the files of an open record with its columns. @returns why they cannot be read; null if they can */
export async function readOpen(open: OpenFile): Promise<OpenedFile['failure']> {
  const { record, files } = open;
  try {
    open.data = await openRecord(record, files);
    open.previews = await previewsOf(open.data, namesOf(record));
    open.rows = await JudgedRows.read(open.data, { columns: namesOf(record), grades: gradesOf(open) });
    return null;
  } catch (thrown) {
    return failureOf(thrown);
  }
}

/** Opens the files of a record. @throws {LabError} `bad-file` if they cannot be read or do not belong together */
function openRecord(record: JudgedRecord, files: readonly JudgedBytes[]): Promise<OpenedData> {
  const { format, sheet } = readingOf(record);
  const said = { format: format === '' ? undefined : format, sheet: sheet === '' ? undefined : sheet };
  return openData(givenFiles(files), { ...said, columns: namesOf(record) });
}

/** What pairs and documents look like under some columns; one that cannot be read is left out. */
async function previewsOf(
  { pairs, documents }: Pick<OpenedData, 'pairs' | 'documents'>,
  columns: ColumnNames,
): Promise<FilePreview[]> {
  const previews: FilePreview[] = [];
  const files: readonly DataFile[] = documents === undefined ? [pairs] : [pairs, documents];
  for (const file of files) previews.push(await previewFile(file, columns));
  return previews;
}

/** What a person said of how the files of a record are read. */
export function readingOf({ reading }: JudgedRecord): FileReading {
  return reading ?? { format: '', sheet: '' };
}

/** What grades mean: what was said, or what the layout says. */
export function gradesOf({ record, data }: Pick<OpenFile, 'record' | 'data'>): string {
  return record.grades === '' ? (data?.grades ?? '') : record.grades;
}

export function entryOf(record: JudgedRecord): FileEntry {
  const { id, createdAt, files, scored } = record;
  return {
    id,
    name: nameOfFiles(files.map(({ name }) => name)),
    createdAt,
    sizeBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    scored,
    scoring: scoringOf(record),
  };
}

/** An open file for the page. @param failure - why it cannot be read with its columns */
export function describeOpen(open: OpenFile, failure: OpenedFile['failure']): OpenedFile {
  const { record, data, previews, rows, isRemembered } = open;
  return {
    entry: entryOf(record),
    previews: previews.map(({ name, columns, rows: lines }) => ({
      name,
      columns: columns.map((column) => ({ ...column })),
      rows: lines.map((line) => [...line]),
    })),
    roles: [...ROLES],
    columns: { ...record.columns },
    grades: gradesOf(open),
    reading: readingOf(record),
    layout: data === undefined ? null : { name: data.layout, title: data.title },
    layouts: [...LAYOUT_NAMES],
    sheets: data?.sheets.flatMap(({ sheets }) => sheets) ?? [],
    notes: [...(data?.notes ?? [])],
    isMapped: record.isMapped && failure === null,
    isRemembered,
    survey: rows?.survey() ?? null,
    failure,
  };
}

function nameOfFiles(names: readonly string[]): string {
  return names.length < 3 ? names.join(' and ') : `${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''}`;
}

export function scoringOf({ scoring }: JudgedRecord): FileScoring | null {
  const read = v.safeParse(FileScoringSchema, scoring);
  return read.success ? read.output : null;
}

function namesOf({ columns }: JudgedRecord): ColumnNames {
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

/** Keeps other tabs from scoring a file. @returns what ends that @throws {LabError} `bad-config` while one scores it */
export async function lockScoring({ id }: JudgedRecord): Promise<() => void> {
  const release = await tryLock(`afrl-lab scoring ${id}`);
  if (release !== undefined) return release;
  throw new LabError('bad-config', {
    message: 'This file is being scored in another tab.',
    fix: 'Wait for it, or pause it there.',
  });
}

/** Changes what is scored. @throws {LabError} as {@link lockScoring}, and what the change throws */
export async function whileUnscored<T>(record: JudgedRecord, change: () => Promise<T>): Promise<T> {
  const release = await lockScoring(record);
  try {
    return await change();
  } finally {
    release();
  }
}

/** @throws {LabError} `bad-file` if a file is too large for a page */
export function checkSize(name: string, { size }: Blob): void {
  if (size <= MAX_FILE_BYTES) return;
  throw new LabError('bad-file', {
    message: `${name} is too large for a page.`,
    expected: `at most ${MAX_FILE_BYTES / 2 ** 20} MiB`,
    got: `${Math.ceil(size / 2 ** 20)} MiB`,
    fix: 'Score it with "lab score", or choose some of its queries and keep all pairs of each.',
  });
}
