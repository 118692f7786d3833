/**
 * Reads pairs and documents from files. Either every row of one file has a query and its document, or rows have a
 * document id and the documents are in a second file, which is read first.
 *
 * A bad row gives a {@link RowError} and reading continues. A file that cannot be read at all throws.
 */
import { DEFAULT_SCALE, type LabelScale } from '../../relevance/pair/labels.ts';
import type { JudgedPair, LabDocument, Pair } from '../../relevance/pair/pair.ts';
import { isPairRole, type Role, ROLES } from './columns.ts';
import { saysTheSame } from './content-id.ts';
import { FieldReader, type FieldOptions, type Fields } from './fields.ts';
import { GradeReader } from './grades.ts';
import { readRecords, type RecordOptions } from './record-reader.ts';
import { badFile, isRowError, RowProblem, type FileRecord, type RowError, type RowSource } from './records.ts';
import { normaliseQuery } from '../splits.ts';

/** Options for reading a file. With two files the column names apply to both. */
export interface DocumentsOptions extends RecordOptions, FieldOptions {}

export interface PairsOptions extends DocumentsOptions {
  /** Default: the scale of four. With null no grade has a label. */
  readonly scale?: LabelScale | null | undefined;
  /** The meanings of grades that are not labels of the scale (protocol/grade-meanings.ts). */
  readonly grades?: string | undefined;
  /** Whether a grade without a label makes its row an error; otherwise only the label is lost. Default false. */
  readonly isStrict?: boolean | undefined;
  /** The documents of a second file, by docId. Rows then need only a query, a docId and a grade. */
  readonly documents?: ReadonlyMap<string, LabDocument> | undefined;
}

/** The pair of row `row`; without a label if the row has no grade, or one without a label on the scale. */
export interface PairRow {
  readonly row: number;
  readonly pair: Pair & { readonly queryId: string; readonly label?: number };
  /** The query as in the file, if that has outer spaces, which the pair's has not. */
  readonly ownQuery?: string | undefined;
}

/** The pair of row `row` with its grade as in the file; empty if it has none. */
export interface GradedRow {
  readonly row: number;
  readonly pair: Pair & { readonly queryId: string };
  readonly grade: string;
  /** The column of the grade, for messages. */
  readonly gradeColumn: string;
  readonly ownQuery?: string | undefined;
  /** Who gave the grade; empty if the file does not say. */
  readonly judge: string;
}

/** The document of row `row`. */
export interface DocumentRow {
  readonly row: number;
  readonly document: LabDocument;
}

/** The contents of a whole file. Only the first errors are kept; `errorCount` counts all. */
export interface Loaded<T> {
  readonly items: T;
  readonly errors: readonly RowError[];
  readonly errorCount: number;
}

const KEPT_ERRORS = 1000;

/**
 * The pairs of a file, row by row. Without a query id, the normalised query is the id.
 *
 * @throws {LabError} `bad-file` if the file cannot be read or lacks a required column; `aborted` on request.
 */
export async function* readPairs(
  source: RowSource,
  options: PairsOptions,
): AsyncGenerator<(PairRow & GradedRow) | RowError> {
  const { scale = DEFAULT_SCALE } = options;
  const grades = scale === null ? undefined : new GradeReader(scale, options.grades);
  const needed = neededFor(options);
  yield* readRows(source, options, needed, (fields, row): PairRow & GradedRow => {
    const graded = readGraded(fields, row, options);
    const { pair, grade, gradeColumn } = graded;
    const label = grade === '' ? undefined : grades?.read(grade);
    if (label !== undefined) return { ...graded, pair: { ...pair, label } };
    if (grade === '') return graded;
    const isNone = grades?.isNone(grade) === true;
    if (options.isStrict === true && !isNone) throw noLabel(gradeColumn, grades?.expected ?? 'no grade', grade);
    options.findings?.addUnreadGrade(row, grade, isNone);
    return graded;
  });
}

/**
 * The pairs of a file whose grades are interpreted later. Where grades are needed, a row without a grade is an error,
 * and a file without a grade column cannot be read.
 *
 * @throws {LabError} as {@link readPairs} does.
 */
export async function* readGradedPairs(
  source: RowSource,
  options: Omit<PairsOptions, 'scale' | 'grades'>,
  { needsGrade = true }: { readonly needsGrade?: boolean } = {},
): AsyncGenerator<GradedRow | RowError> {
  const needed = neededFor(options);
  yield* readRows(source, options, needsGrade ? [...needed, 'grade'] : needed, (fields, row): GradedRow => {
    const graded = readGraded(fields, row, options);
    if (graded.grade !== '' || !needsGrade) return graded;
    throw new RowProblem(graded.gradeColumn, 'the grade is missing', 'a grade', graded.grade);
  });
}

function neededFor({ documents }: PairsOptions): readonly Role[] {
  return ['query', documents === undefined ? 'title' : 'docId'];
}

function readGraded(fields: Fields, row: number, { documents, findings }: PairsOptions): GradedRow {
  const ownQuery = fields.requiredExactText('query');
  const query = ownQuery.trim();
  const document = documents === undefined ? fields.document() : lookUp(documents, fields);
  const pair = { query, document, queryId: fields.exactText('queryId') || normaliseQuery(query) };
  const grade = fields.grade();
  findings?.addPair(row, pair, grade);
  const graded = { row, pair, grade, gradeColumn: fields.column('grade'), judge: fields.judge() };
  return query === ownQuery ? graded : { ...graded, ownQuery };
}

/**
 * The documents of a file, row by row.
 *
 * @throws {LabError} as {@link readPairs} does.
 */
export async function* readDocuments(
  source: RowSource,
  options: DocumentsOptions,
): AsyncGenerator<DocumentRow | RowError> {
  yield* readRows(source, options, ['docId', 'title'], (fields, row): DocumentRow => {
    fields.requiredText('docId');
    return { row, document: fields.document() };
  });
}

/**
 * All judged pairs of a file. A row without a label is an error, unless the user declared its grade as none. Throws as
 * {@link readPairs} does.
 */
export async function loadJudgedPairs(
  source: RowSource,
  options: PairsOptions & { readonly scale?: LabelScale | undefined },
): Promise<Loaded<JudgedPair[]>> {
  const items: JudgedPair[] = [];
  const errors = new ErrorList();
  const grades = new GradeReader(options.scale ?? DEFAULT_SCALE, options.grades);
  for await (const item of readPairs(source, options)) {
    if (isRowError(item)) {
      errors.add(item);
      continue;
    }
    const { row, pair, grade, gradeColumn } = item;
    if (pair.label !== undefined) items.push({ ...pair, label: pair.label });
    else if (grade === '') errors.add(new RowProblem(gradeColumn, 'the grade is missing', 'a grade', grade).at(row));
    else if (!grades.isNone(grade)) errors.add(noLabel(gradeColumn, grades.expected, grade).at(row));
  }
  return { items, errors: errors.kept, errorCount: errors.count };
}

/**
 * All documents of a file by docId. If two with the same id differ in content, the first is kept and the second is an
 * error. Throws as {@link readDocuments} does.
 */
export async function loadDocuments(
  source: RowSource,
  options: DocumentsOptions,
): Promise<Loaded<ReadonlyMap<string, LabDocument>>> {
  const items = new Map<string, LabDocument>();
  const errors = new ErrorList();
  for await (const item of readDocuments(source, options)) {
    if (isRowError(item)) {
      errors.add(item);
      continue;
    }
    const { row, document } = item;
    const before = items.get(document.docId);
    if (before === undefined) items.set(document.docId, document);
    else if (!saysTheSame(before, document)) {
      errors.add(
        new RowProblem('docId', 'the docId was used before with other text', 'one text', document.docId).at(row),
      );
    }
  }
  return { items, errors: errors.kept, errorCount: errors.count };
}

// Reads each record with `readRow`, and converts its problems to row errors.
async function* readRows<T>(
  source: RowSource,
  options: DocumentsOptions,
  needed: readonly Role[],
  readRow: (fields: Fields, row: number) => T,
): AsyncGenerator<T | RowError> {
  const reader = new FieldReader(options);
  const checkHeader = (names: readonly string[]): void => requireColumns(reader, names, needed, options);
  const read = (record: FileRecord): T | RowError => {
    try {
      return readRow(reader.read(record), record.row);
    } catch (error) {
      if (error instanceof RowProblem) return error.at(record.row);
      throw error;
    }
  };
  for await (const batch of readRecords(source, options, checkHeader)) {
    for (const item of batch) yield isRowError(item) ? item : read(item);
  }
}

function requireColumns(
  reader: FieldReader,
  names: readonly string[],
  needed: readonly Role[],
  { columns: requested = {}, twoFiles, fileName }: DocumentsOptions,
): void {
  const found = reader.columnsOf(names).names;
  const isPairs = needed.includes('query');
  for (const name of names) twoFiles?.columns.add(name);
  // With two files, one has the query and its grade and the other the texts of documents; a docId may be named in
  // either.
  const isAbsent = (role: Role, name: string): boolean => {
    if (names.includes(name)) return false;
    if (twoFiles === undefined) return true;
    return role === 'docId' ? isPairs && !twoFiles.columns.has(name) : isPairRole(role) === isPairs;
  };
  const unknown = ROLES.find((role) => {
    const name = requested[role];
    return name !== undefined && name !== '' && isAbsent(role, name);
  });
  const missing = needed.find((role) => !found.has(role));
  if (unknown === undefined && missing === undefined) return;
  throw badFile(fileName, {
    problem:
      unknown === undefined
        ? `no column is recognised as the ${missing ?? ''}`
        : `there is no column "${requested[unknown] ?? ''}"`,
    expected: unknown === undefined ? `a header with ${needed.join(', ')}` : 'a name from the header',
    got: `the columns ${names.slice(0, 20).join(', ')}`,
    fix: 'Rename the column, or assign the columns, on the command line with --column.',
  });
}

function noLabel(column: string, expected: string, grade: string): RowProblem {
  return new RowProblem(column, 'the grade has no label', expected, grade);
}

function lookUp(documents: ReadonlyMap<string, LabDocument>, fields: Fields): LabDocument {
  const docId = fields.requiredExactText('docId');
  const document = documents.get(docId);
  if (document === undefined)
    throw new RowProblem(fields.column('docId'), 'the document is unknown', 'a docId of the documents file', docId);
  return document;
}

class ErrorList {
  readonly kept: RowError[] = [];
  count = 0;

  add(error: RowError): void {
    this.count += 1;
    if (this.kept.length < KEPT_ERRORS) this.kept.push(error);
  }
}
