/**
 * Opens the files that were given together: finds out what kind each is and which layout they have, and makes pairs and
 * documents of them. The command line and the page read all judged files through this.
 */
import { LabError } from '../../common/errors.ts';
import { nearestName } from '../../common/suggestions.ts';
import type { ColumnNames } from '../files/columns.ts';
import type { DataFile } from '../files/data-set-reader.ts';
import { previewFile } from '../files/preview.ts';
import type { GivenFile } from '../kinds/given-file.ts';
import { openGiven, type SheetChoice } from '../kinds/open-given.ts';
import { lacking, type Layout, LAYOUT_NAMES, type LayoutName } from './layout.ts';
import { type GivenPart, lookAt, type LookedAt } from './look.ts';
import { LAYOUTS } from './registry.ts';
import { TABLE } from './table.ts';

/** What a person said of the files. */
export interface OpenDataOptions {
  /** Names of columns that are not recognised correctly. */
  readonly columns?: ColumnNames | undefined;
  /** The name of the layout; by default it is found. */
  readonly format?: string | undefined;
  /** The sheet of workbooks; by default the first that is visible. */
  readonly sheet?: string | undefined;
  /** A file that holds documents. */
  readonly docs?: GivenFile | undefined;
  /** A file that holds the texts of queries by their ids. */
  readonly queries?: GivenFile | undefined;
}

/** Judged data as readers take it. */
export interface OpenedData {
  readonly layout: LayoutName;
  readonly title: string;
  readonly pairs: DataFile;
  readonly documents: DataFile | undefined;
  /** What grades mean in this layout; empty for the usual meanings. */
  readonly grades: string;
  readonly sheets: readonly SheetChoice[];
  /** What a person should know of how the files are read, a sentence each. */
  readonly notes: readonly string[];
}

/**
 * Opens files.
 *
 * @throws {LabError} `bad-file` if they cannot be read or do not belong together; `bad-config` for an unknown format
 */
export async function openData(given: readonly GivenFile[], options: OpenDataOptions = {}): Promise<OpenedData> {
  const named = options.format === undefined ? undefined : layoutsOf(options.format);
  const { looks, sheets, notes } = await lookAtAll(given, options);
  const layout = named?.find((one) => one.recognises(looks)) ?? named?.[0] ?? recognised(looks);
  const arranged = await layout.arrange(looks, { columns: options.columns ?? {} });
  return {
    layout: layout.name,
    title: layout.title,
    pairs: arranged.pairs,
    documents: arranged.documents,
    grades: arranged.grades ?? '',
    sheets,
    notes: [...notes, ...(arranged.notes ?? [])],
  };
}

/**
 * What was seen in files; the same for files that were made alike.
 *
 * @throws {LabError} `bad-file` if one cannot be read
 */
export async function shapeOfFiles(given: readonly GivenFile[]): Promise<string> {
  const { looks } = await lookAtAll(given, {});
  const shapes: (readonly string[])[] = [];
  for (const { file, shape, rootKeys } of looks) {
    if (shape !== undefined) shapes.push([shape.name]);
    else shapes.push(rootKeys ?? (await previewFile(file, {})).columns.map(({ name }) => name));
  }
  return JSON.stringify(shapes);
}

async function lookAtAll(
  given: readonly GivenFile[],
  { columns, sheet, docs, queries }: OpenDataOptions,
): Promise<{
  readonly looks: readonly LookedAt[];
  readonly sheets: readonly SheetChoice[];
  readonly notes: readonly string[];
}> {
  const parts: [files: readonly GivenFile[], part: GivenPart | undefined][] = [
    [given, undefined],
    [docs === undefined ? [] : [docs], 'documents'],
    [queries === undefined ? [] : [queries], 'queries'],
  ];
  const all = await openGiven(
    parts.flatMap(([files]) => files),
    sheet,
  );
  const looks: LookedAt[] = [];
  for (const [files, part] of parts) {
    // What an archive holds has the part that was said of the archive.
    for (const file of all.files.filter(({ from }) => files.includes(from)))
      looks.push(await lookAt(file, columns, part));
  }
  return { looks, sheets: all.sheets, notes: all.notes };
}

function recognised(looks: readonly LookedAt[]): Layout {
  const found = LAYOUTS.filter((layout) => layout.recognises(looks));
  const [first, second] = found;
  if (first === undefined) return TABLE;
  if (second === undefined) return first;
  throw lacking(looks, {
    problem: 'it can be read in several ways',
    expected: 'files of one layout',
    fix: `Say which it is with --format, or in the page under "Layout": ${found.map(({ name }) => name).join(' or ')}.`,
  });
}

/** Some layouts have several forms. */
function layoutsOf(name: string): readonly Layout[] {
  const all = [TABLE, ...LAYOUTS];
  const found = all.filter((one) => one.name === name);
  if (found.length > 0) return found;
  const names = LAYOUT_NAMES;
  const near = nearestName(name, names);
  throw new LabError('bad-config', {
    message: `There is no layout "${name}".${near === undefined ? '' : ` Did you mean ${near}?`}`,
    expected: names.join(', '),
    fix: 'Leave out the name to have the layout found.',
  });
}
