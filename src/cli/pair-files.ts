/**
 * Files of pairs and documents as commands take them.
 */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { InvalidArgumentError, Option } from 'commander';
import { LabError } from '../common/errors.ts';
import { type ColumnNames, ROLES } from '../data/files/columns.ts';
import type { DataSet } from '../data/files/data-set.ts';
import { readDataSet } from '../data/files/data-set-reader.ts';
import { loadDocuments } from '../data/files/pairs-file.ts';
import { describeRowError } from '../data/files/records.ts';
import type { LabDocument } from '../relevance/pair/pair.ts';
import { note } from './terminal.ts';

/** Row errors beyond these are counted, not printed. */
export const SHOWN_ERRORS = 20;

/** `--docs FILE` */
export function docsOption(): Option {
  return new Option('--docs <file>', 'documents by docId, where the pairs hold ids only');
}

/** `--column ROLE=NAME`, as often as needed */
export function columnOption(): Option {
  return new Option('--column <role=name>', `name a column; roles: ${ROLES.join(', ')}`)
    .argParser(collectColumn)
    .default({});
}

/** The documents of a file; rows that cannot be read are told and left out. */
export async function readDocuments(path: string): Promise<ReadonlyMap<string, LabDocument>> {
  await assertFile(path);
  const fileName = basename(path);
  const { items, errors, errorCount } = await loadDocuments(createReadStream(path), { fileName });
  for (const error of errors.slice(0, SHOWN_ERRORS)) note(`${fileName}: ${describeRowError(error)}`);
  if (errorCount > SHOWN_ERRORS) note(`${fileName}: ${errorCount - SHOWN_ERRORS} more documents could not be read.`);
  note(`${items.size.toLocaleString('en')} documents in ${fileName}.`);
  return items;
}

/**
 * Judged pairs to learn from or to be measured on, as the page reads them.
 *
 * @throws {LabError} `not-found`, or `bad-file` if they cannot be used
 */
export async function readDataFiles(
  path: string,
  { docs, column }: { readonly docs?: string; readonly column: ColumnNames },
): Promise<DataSet> {
  const paths = docs === undefined ? [path] : [path, docs];
  for (const each of paths) await assertFile(each);
  const files = paths.map((each) => ({ name: basename(each), open: () => createReadStream(each) }));
  const { dataSet, errors, errorCount } = await readDataSet(files, { columns: column });
  for (const error of errors) note(`${dataSet.name}: ${describeRowError(error)}`);
  if (errorCount > errors.length) note(`${dataSet.name}: ${errorCount - errors.length} more rows could not be read.`);
  note(
    `${dataSet.pairs.length.toLocaleString('en')} judged pairs, ` +
      `${dataSet.documents.length.toLocaleString('en')} documents in ${dataSet.name}.`,
  );
  return dataSet;
}

/** @throws {LabError} `not-found` unless there is a file at the path */
export async function assertFile(path: string): Promise<void> {
  const stats = await stat(path).catch(() => undefined);
  if (stats?.isFile() === true) return;
  throw new LabError('not-found', {
    message: stats === undefined ? `There is no file ${path}.` : `${path} is not a file.`,
    expected: 'a file of query-document pairs',
    fix: 'Check the path.',
  });
}

function collectColumn(text: string, previous: ColumnNames): ColumnNames {
  const [role, ...rest] = text.split('=');
  const known = ROLES.find((name) => name === role);
  if (known === undefined || rest.length === 0) {
    throw new InvalidArgumentError(`Expected role=name with a role out of ${ROLES.join(', ')}.`);
  }
  return { ...previous, [known]: rest.join('=') };
}
