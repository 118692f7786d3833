/**
 * Layouts of judged data: which files belong together and what each holds. A layout recognises its files by their
 * contents and makes of them pairs, and documents where the pairs hold only their ids; from there all files are read
 * alike.
 */
import type { ColumnNames } from '../files/columns.ts';
import type { DataFile } from '../files/data-set-reader.ts';
import { badFile } from '../files/records.ts';
import type { LabError } from '../../common/errors.ts';
import type { LookedAt } from './look.ts';

/** The names of layouts, as `--format` takes them. */
export const LAYOUT_NAMES = [
  'table',
  'beir',
  'trec',
  'msmarco',
  'triples',
  'esci',
  'wands',
  'msrd',
  'quepid',
  'rank-eval',
  'rre',
  'letor',
  'label-studio',
  'argilla',
] as const;
export type LayoutName = (typeof LAYOUT_NAMES)[number];

/** What a layout makes of its files. */
export interface Arranged {
  readonly pairs: DataFile;
  /** Undefined where the pairs hold their documents. */
  readonly documents?: DataFile | undefined;
  /** What its grades mean, in the syntax of protocol/grade-meanings.ts; undefined for the usual meanings. */
  readonly grades?: string | undefined;
  /** What was done that a person may not expect, a sentence each. */
  readonly notes?: readonly string[] | undefined;
}

/** What a person said of the files. */
export interface ArrangeOptions {
  readonly columns: ColumnNames;
}

/** One layout. */
export interface Layout {
  readonly name: LayoutName;
  /** For people: what it is, and of which files it consists. */
  readonly title: string;
  /** Whether some of the files can only be of this layout. */
  readonly recognises: (files: readonly LookedAt[]) => boolean;
  /** @throws {LabError} `bad-file` if files are missing, or say nothing of their part */
  readonly arrange: (files: readonly LookedAt[], options: ArrangeOptions) => Promise<Arranged>;
}

/** The error for files that a layout lacks something of. */
export function lacking(
  files: readonly LookedAt[],
  { problem, expected, fix }: { readonly problem: string; readonly expected: string; readonly fix: string },
): LabError {
  const names = files.map(({ file }) => file.name).join(', ');
  return badFile(names, { problem, expected, got: describeFiles(files), fix });
}

/** What was seen in files, for messages. */
export function describeFiles(files: readonly LookedAt[]): string {
  return files.map(({ file, seen }) => `${file.name}: ${seen}`).join('; ');
}
