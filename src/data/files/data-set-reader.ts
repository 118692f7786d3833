/**
 * Reads a data set from the chosen files: one file of judged pairs, or one file of pairs that refer to documents and a
 * second file with the documents, in any order.
 *
 * A row that cannot be read is left out, counted and reported. Reading fails only if a whole file cannot be read or has
 * no usable row.
 *
 * This room holds the import of data sets: file formats, columns, fields and the findings that users see.
 */
import { LabError } from '../../common/errors.ts';
import { DEFAULT_SCALE } from '../../relevance/pair/labels.ts';
import type { LabDocument } from '../../relevance/pair/pair.ts';
import type { ColumnNames, Columns, Role } from './columns.ts';
import { checkPairs, type DataSet, type GradedPair, makeDataSet } from './data-set.ts';
import { FieldReader, TwoFiles } from './fields.ts';
import { Findings } from './findings.ts';
import { foundScale } from './grades.ts';
import { type Loaded, loadDocuments, readGradedPairs } from './pairs-file.ts';
import { readRecords } from './record-reader.ts';
import { badFile, describeRowError, isRowError, type RowError, type RowSource } from './records.ts';

/** A file from any source. */
export interface DataFile {
  readonly name: string;
  /** Its contents from the start; called more than once. */
  readonly open: () => RowSource;
}

export interface ReadDataOptions {
  /** Names of columns that are not recognised correctly. */
  readonly columns?: ColumnNames | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A data set, with the errors and findings of its import. */
export interface ReadData {
  readonly dataSet: DataSet;
  /** Rows of the pairs and of the documents that could not be read; only the first ones. */
  readonly errors: readonly RowError[];
  readonly errorCount: number;
  /** Oddities that are not errors, one sentence each. */
  readonly findings: readonly string[];
}

/** The maximum size of the texts; larger ones cannot be used for training. */
const MAX_TEXT_BYTES = 256 * 2 ** 20;
/** Errors kept, because users read no more. */
const KEPT_ERRORS = 20;

/**
 * Reads a data set; the meaning of its grades is decided later.
 *
 * @throws {LabError} `bad-file` if it cannot be read, has no usable pair or is too large; `aborted`
 */
export async function readDataSet(files: readonly DataFile[], options: ReadDataOptions = {}): Promise<ReadData> {
  const { pairsFile, documentsFile } = await distinguishFiles(files, options);
  const twoFiles = documentsFile === undefined ? undefined : new TwoFiles();
  const documents = documentsFile === undefined ? undefined : await documentsOf(documentsFile, options, twoFiles);
  const pairs: GradedPair[] = [];
  const errors = [...(documents?.errors ?? [])].slice(0, KEPT_ERRORS);
  let errorCount = documents?.errorCount ?? 0;
  const { name: fileName } = pairsFile;
  const findings = new Findings();
  const how = { ...options, fileName, documents: documents?.items, twoFiles, findings, maxTextBytes: MAX_TEXT_BYTES };
  for await (const item of readGradedPairs(pairsFile.open(), how)) {
    if (isRowError(item)) {
      errorCount += 1;
      if (errors.length < KEPT_ERRORS) errors.push(item);
      continue;
    }
    pairs.push({ row: item.row, ...item.pair, grade: item.grade });
    checkPairs(fileName, pairs.length);
  }
  if (pairs.length === 0) throw nothingUsable(fileName, errors[0]);
  return { dataSet: await makeDataSet(fileName, pairs), errors, errorCount, findings: findings.sentences() };
}

/** The columns of some files, each name once, and their roles. */
export interface FoundColumns {
  readonly names: readonly string[];
  readonly found: ReadonlyMap<Role, string>;
}

/**
 * The columns of files, usable or not: all columns of tables, and those of the first record of JSON files.
 *
 * @throws {LabError} `bad-file` if a file cannot be read; `aborted`
 */
export async function readColumns(files: readonly DataFile[], options: ReadDataOptions = {}): Promise<FoundColumns> {
  const names = new Set<string>();
  const found = new Map<Role, string>();
  for (const file of files) {
    const columns = await firstColumns(file, options);
    for (const name of columns.names.values()) names.add(name);
    for (const { column } of columns.attributes) names.add(column);
    for (const name of columns.ignored) names.add(name);
    for (const [role, column] of columns.names) if (!found.has(role)) found.set(role, column);
  }
  return { names: [...names], found };
}

/**
 * The scale to suggest for the grades of a file: the one that fits them, else four labels.
 *
 * @param meanings - the meanings of grades; empty for the usual ones
 */
export function likelyScale(grades: Iterable<string>, meanings = ''): number {
  return foundScale(grades, meanings).size ?? DEFAULT_SCALE.size;
}

async function documentsOf(
  { name: fileName, open }: DataFile,
  { columns, signal }: ReadDataOptions,
  twoFiles: TwoFiles | undefined,
): Promise<Loaded<ReadonlyMap<string, LabDocument>>> {
  const how = { fileName, columns, twoFiles, signal, maxTextBytes: MAX_TEXT_BYTES };
  const loaded = await loadDocuments(open(), how);
  if (loaded.items.size === 0) throw nothingUsable(fileName, loaded.errors[0]);
  return loaded;
}

/**
 * Finds out which of one or two files holds the pairs, and which their documents.
 *
 * @throws {LabError} `bad-file` if they do not belong together
 */
export async function distinguishFiles(
  files: readonly DataFile[],
  options: ReadDataOptions = {},
): Promise<{ readonly pairsFile: DataFile; readonly documentsFile: DataFile | undefined }> {
  const [first, second] = files;
  if (first === undefined || files.length > 2) {
    throw new LabError('bad-file', {
      message: 'These files do not form a data set.',
      expected: 'one file of judged pairs, or one of pairs and one of documents',
      got: `${files.length} files`,
      fix: 'Put all pairs into one file.',
    });
  }
  if (second === undefined) return { pairsFile: first, documentsFile: undefined };
  const [firstHas, secondHas] = [await hasQueries(first, options), await hasQueries(second, options)];
  if (firstHas === secondHas) {
    throw new LabError('bad-file', {
      message: `Of ${first.name} and ${second.name}, one must have queries and the other only documents.`,
      expected: 'a column "query" in one of them',
      got: firstHas ? 'one in both' : 'one in neither',
      fix: 'Choose the two files that belong together, or one file with everything.',
    });
  }
  return firstHas ? { pairsFile: first, documentsFile: second } : { pairsFile: second, documentsFile: first };
}

async function hasQueries(file: DataFile, options: ReadDataOptions): Promise<boolean> {
  return (await firstColumns(file, options)).names.has('query');
}

/** The columns of the header, or of the first record. */
async function firstColumns(
  { name: fileName, open }: DataFile,
  { columns, signal }: ReadDataOptions,
): Promise<Columns> {
  const reader = new FieldReader({ columns, twoFiles: new TwoFiles() });
  let header: readonly string[] | undefined;
  const how = { fileName, signal, maxTextBytes: MAX_TEXT_BYTES };
  for await (const batch of readRecords(open(), how, (names) => (header = names))) {
    const record = batch.find((item) => !isRowError(item));
    if (header !== undefined) return reader.columnsOf(header);
    if (record !== undefined && !isRowError(record)) return reader.read(record).columns;
  }
  return reader.columnsOf(header ?? []);
}

function nothingUsable(fileName: string, first: RowError | undefined): LabError {
  return badFile(fileName, {
    problem: 'it has no usable row',
    expected: 'rows with a query, a document and a grade',
    got: first === undefined ? 'no rows' : describeRowError(first),
    fix: 'Correct the rows. If the documents are in a separate file, choose both files together.',
  });
}
