/**
 * A data set from the files that a person chose: one file of judged pairs, or pairs that name documents and a second file
 * with the documents, in any order.
 *
 * A row that cannot be read is left out, counted and told. What ends the reading is a file that cannot be read at all, or
 * in which no row can be used.
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
import { badFile, describeRowError, isRowError, type RowError } from './records.ts';

/** A file, wherever it comes from. */
export interface DataFile {
  readonly name: string;
  /** Its bytes from the start; asked for more than once. */
  readonly open: () => AsyncIterable<Uint8Array>;
}

export interface ReadDataOptions {
  /** Names of columns that are not told rightly by themselves. */
  readonly columns?: ColumnNames | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A data set, and what was left out of it. */
export interface ReadData {
  readonly dataSet: DataSet;
  /** Rows of the pairs and of the documents that could not be read, the first of many. */
  readonly errors: readonly RowError[];
  readonly errorCount: number;
  /** What is strange without being an error, a sentence each. */
  readonly findings: readonly string[];
}

/** Text beyond this is no file that could be trained on here. */
const MAX_TEXT_BYTES = 256 * 2 ** 20;
/** Errors worth keeping: nobody reads more. */
const KEPT_ERRORS = 20;

/**
 * Reads a data set, whatever its labels will mean.
 *
 * @throws {LabError} `bad-file` if it cannot be read, holds no usable pair or is too large; `aborted`
 */
export async function readDataSet(files: readonly DataFile[], options: ReadDataOptions = {}): Promise<ReadData> {
  const { pairsFile, documentsFile } = await tellApart(files, options);
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

/** The columns of some files, each name once, and which of them have a role. */
export interface FoundColumns {
  readonly names: readonly string[];
  readonly found: ReadonlyMap<Role, string>;
}

/**
 * The columns of files, whether these can be used or not: of tables all, of JSON files those of the first record.
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
 * Which scale to begin with for the grades of a file: the one that they are on, else that of four.
 *
 * @param meanings - what grades mean, empty for what they usually do
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
 * Tells which of one or two files holds the pairs, and which their documents.
 *
 * @throws {LabError} `bad-file` if they do not belong together
 */
export async function tellApart(
  files: readonly DataFile[],
  options: ReadDataOptions = {},
): Promise<{ readonly pairsFile: DataFile; readonly documentsFile: DataFile | undefined }> {
  const [first, second] = files;
  if (first === undefined || files.length > 2) {
    throw new LabError('bad-file', {
      message: 'A data set cannot be made of these files.',
      expected: 'one file of judged pairs, or one of pairs and one of documents',
      got: `${files.length} files`,
      fix: 'Put the pairs into one file.',
    });
  }
  if (second === undefined) return { pairsFile: first, documentsFile: undefined };
  const [firstHas, secondHas] = [await hasQueries(first, options), await hasQueries(second, options)];
  if (firstHas === secondHas) {
    throw new LabError('bad-file', {
      message: `Of ${first.name} and ${second.name}, one must hold queries and the other only documents.`,
      expected: 'a column "query" in one of them',
      got: firstHas ? 'one in both' : 'one in neither',
      fix: 'Choose the two files that belong together, or one that holds everything.',
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
    problem: 'it has no row that can be used',
    expected: 'rows with a query, a document and a grade',
    got: first === undefined ? 'no rows' : describeRowError(first),
    fix: 'Mend the rows. If documents stand in a file of their own, choose both files together.',
  });
}
