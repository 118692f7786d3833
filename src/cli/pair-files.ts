/**
 * Reads files of pairs and documents for commands.
 */
import { stat } from 'node:fs/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { messageOf } from '../common/errors.ts';
import { type ColumnNames, ROLES } from '../data/files/columns.ts';
import { type DataFile, readDataSet } from '../data/files/data-set-reader.ts';
import type { DataSet } from '../data/files/data-set.ts';
import { TwoFiles } from '../data/files/fields.ts';
import { Findings } from '../data/files/findings.ts';
import { describeGrades, foundScale, GradeReader } from '../data/files/grades.ts';
import { loadDocuments } from '../data/files/pairs-file.ts';
import { describeRowError, type RowError, showValue } from '../data/files/records.ts';
import { LAYOUT_NAMES } from '../data/layouts/layout.ts';
import { openData, type OpenedData } from '../data/layouts/open-data.ts';
import { checkGradeMeanings, GRADE_GRAMMAR } from '../protocol/grade-meanings.ts';
import { scaleOfSize } from '../relevance/pair/labels.ts';
import type { LabDocument } from '../relevance/pair/pair.ts';
import { checkOneStdin, givenPath, notThere } from './given-paths.ts';
import { note } from './terminal.ts';

/** Further row errors are counted, not printed. */
export const SHOWN_ERRORS = 20;

/** Adds the options that say how files of judged pairs are read. */
export function addReadingOptions(command: Command): Command {
  return addReadingOptionsAlone(command).addOption(queriesOption());
}

/** The same without `--queries FILE`, for a command where `--queries` is a number; `--data` takes that file too. */
export function addReadingOptionsAlone(command: Command): Command {
  return [docsOption(), formatOption(), sheetOption(), columnOption(), gradeOption()].reduce(
    (all, option) => all.addOption(option),
    command,
  );
}

/** `--data FILE`, may be repeated. */
export function dataOption(what: string): Option {
  return new Option('--data <file>', `${what}; repeat it for files that belong together`).argParser(
    (path: string, before: readonly string[] | undefined) => [...(before ?? []), path],
  );
}

/** `--docs FILE` */
function docsOption(): Option {
  return new Option('--docs <file>', 'documents by docId, where the pairs hold ids only');
}

/** `--column ROLE=NAME`, may be repeated */
function columnOption(): Option {
  return new Option('--column <role=name>', `name a column, of the pairs or of --docs; roles: ${ROLES.join(', ')}`)
    .argParser(collectColumn)
    .default({});
}

/** `--grade VALUE=LABEL,...`, may be repeated; `protocol/grade-meanings.ts` parses its value. */
function gradeOption(): Option {
  return new Option('--grade <meanings>', `${GRADE_GRAMMAR} (example: "Y=1,N=0,*=none")`).argParser(collectGrades);
}

/** `--format NAME` */
function formatOption(): Option {
  return new Option(
    '--format <name>',
    `the layout of the files (default: found by their contents): ${LAYOUT_NAMES.join(', ')}`,
  );
}

/** `--queries FILE` */
function queriesOption(): Option {
  return new Option('--queries <file>', 'texts of queries by their ids, where the pairs hold ids only');
}

/** `--sheet NAME` */
function sheetOption(): Option {
  return new Option('--sheet <name>', 'the sheet of a workbook (default: the first)');
}

/** How commands say which files they read. */
export interface FilesOptions {
  readonly docs?: string | undefined;
  readonly queries?: string | undefined;
  readonly format?: string | undefined;
  readonly sheet?: string | undefined;
  readonly column?: ColumnNames | undefined;
}

/** How commands say how files of judged pairs are read: the options of {@link addReadingOptions}. */
export interface ReadingOptions extends FilesOptions {
  readonly column: ColumnNames;
  readonly grade?: string | undefined;
}

/** The files of a command, opened. */
interface OpenedFiles {
  readonly data: OpenedData;
  /** Where their bytes are. */
  readonly places: {
    readonly pairs: readonly string[];
    readonly docs: string | undefined;
    readonly queries: string | undefined;
  };
}

/**
 * Opens the files of a command; what a person may not expect of them is said.
 *
 * @throws {LabError} `not-found`, or `bad-file` if they cannot be read or do not belong together
 */
export async function openFiles(paths: readonly string[], options: FilesOptions): Promise<OpenedFiles> {
  const { docs, queries, column: columns, format, sheet } = options;
  checkOneStdin([...paths, docs, queries]);
  const given = await Promise.all(paths.map((path) => givenPath(path)));
  const docsFile = docs === undefined ? undefined : await givenPath(docs);
  const queriesFile = queries === undefined ? undefined : await givenPath(queries);
  const data = await openData(given, { columns, format, sheet, docs: docsFile, queries: queriesFile });
  if (data.layout !== 'table') note(`Read as ${data.title}.`);
  for (const sentence of data.notes) note(sentence);
  const places = { pairs: given.map(({ place }) => place), docs: docsFile?.place, queries: queriesFile?.place };
  return { data, places };
}

/** The documents of a file; rows that cannot be read are reported and left out. */
export async function readDocuments(
  { name: fileName, open }: DataFile,
  columns: ColumnNames = {},
  twoFiles = new TwoFiles(),
): Promise<ReadonlyMap<string, LabDocument>> {
  const findings = new Findings();
  const options = { fileName, columns, twoFiles, findings };
  const { items, errors, errorCount } = await loadDocuments(open(), options);
  noteRowErrors(fileName, errors, errorCount);
  noteFindings(fileName, findings.sentences());
  note(`${items.size.toLocaleString('en')} documents in ${fileName}.`);
  return items;
}

/**
 * Judged pairs for training or evaluation, read as the page reads them.
 *
 * @param scale - the number of labels of the grades; by default as the grades show
 * @throws {LabError} `not-found`, or `bad-file` if they cannot be used
 */
export async function readDataFiles(
  paths: readonly string[],
  options: ReadingOptions & { readonly scale?: number | undefined },
): Promise<DataSet> {
  const { column, grade, scale } = options;
  const { pairs, documents, grades } = (await openFiles(paths, options)).data;
  const files = documents === undefined ? [pairs] : [pairs, documents];
  const { dataSet, errors, errorCount, findings } = await readDataSet(files, { columns: column });
  noteRowErrors(dataSet.name, errors, errorCount);
  noteFindings(dataSet.name, findings);
  const { sentences, unlabelled } = gradeNotes(dataSet, grade ?? (grades === '' ? undefined : grades), scale);
  noteFindings(dataSet.name, sentences);
  note(
    `${(dataSet.pairs.length - unlabelled).toLocaleString('en')} judged pairs, ` +
      `${dataSet.documents.length.toLocaleString('en')} documents in ${dataSet.name}.`,
  );
  return dataSet;
}

/** Reports rows that could not be read; of many only the first individually. */
export function noteRowErrors(fileName: string, errors: readonly RowError[], errorCount: number): void {
  const shown = errors.slice(0, SHOWN_ERRORS);
  for (const error of shown) note(`${fileName}: ${describeRowError(error)}`);
  if (errorCount > shown.length) note(`${fileName}: ${errorCount - shown.length} more rows could not be read.`);
}

/** Reports oddities of a file that are not errors, as {@link Findings} words them. */
export function noteFindings(fileName: string, sentences: readonly string[]): void {
  for (const sentence of sentences) note(`${fileName}: ${sentence}`);
}

/** @throws {LabError} `not-found` unless there is a file at the path */
export async function assertFile(path: string): Promise<void> {
  const stats = await stat(path).catch(() => undefined);
  if (stats?.isFile() !== true) throw notThere(path, stats !== undefined);
}

/** Describes the grades of a data set and how many have no label. */
function gradeNotes(
  { pairs }: DataSet,
  meanings: string | undefined,
  scale: number | undefined,
): { sentences: string[]; unlabelled: number } {
  const grades = pairs.map(({ grade }) => grade);
  const found = foundScale(grades, meanings);
  const size = scale ?? found.size;
  if (size === undefined) return { sentences: [], unlabelled: 0 };
  const reader = new GradeReader(scaleOfSize(size), meanings);
  const unread = pairs.filter(({ grade }) => reader.read(grade) === undefined);
  const firstRows = new Map(unread.toReversed().map(({ grade, row }) => [grade, row]));
  const listed = [...firstRows]
    .slice(-5)
    .toReversed()
    .map(([grade, row]) => `${showValue(grade)}, first in row ${row}`);
  const sentences = [
    `grades are ${describeGrades(found)}, on a scale of ${size} labels.`,
    ...(unread.length === 0
      ? []
      : [`${unread.length} with a grade that has no label, left out: ${listed.join('; ')}.`]),
  ];
  return { sentences, unlabelled: unread.length };
}

function collectColumn(text: string, previous: ColumnNames): ColumnNames {
  const [role, ...rest] = text.split('=');
  const known = ROLES.find((name) => name === role);
  if (known === undefined || rest.length === 0) {
    throw new InvalidArgumentError(`Expected role=name with a role out of ${ROLES.join(', ')}.`);
  }
  return { ...previous, [known]: rest.join('=') };
}

function collectGrades(text: string, previous?: string): string {
  const meanings = previous === undefined ? text : `${previous},${text}`;
  try {
    checkGradeMeanings(meanings);
  } catch (error) {
    throw new InvalidArgumentError(messageOf(error));
  }
  return meanings;
}
