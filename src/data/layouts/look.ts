/**
 * Looks at the beginning of a file, to tell its layout: the columns of a table, the keys of JSON records, or the first
 * lines of a text without a header.
 */
import { FieldReader, flatValues, TwoFiles } from '../files/fields.ts';
import type { ColumnNames, Role } from '../files/columns.ts';
import { parseExactJson } from '../files/json-text.ts';
import { readRecords } from '../files/record-reader.ts';
import { type FileRecord, isRowError, showValue } from '../files/records.ts';
import { readText } from '../files/text-stream.ts';
import type { OpenedFile } from '../kinds/open-given.ts';
import { type LineShape, shapeOfLines } from './line-shapes.ts';

/** What a person said that a file is. */
export type GivenPart = 'queries' | 'documents';

/** A file of which the beginning has been read. */
export interface LookedAt {
  readonly file: OpenedFile;
  readonly given: GivenPart | undefined;
  /** The names of columns, or the keys of the first records. */
  readonly columns: readonly string[];
  /** The roles that are recognised among them. */
  readonly roles: ReadonlyMap<Role, string>;
  /** The first records; none if it is not a table. */
  readonly records: readonly FileRecord[];
  /** The shape of its lines; undefined if it has columns or keys. */
  readonly shape: LineShape | undefined;
  /** The keys of the object that the whole file is; undefined if it is none. */
  readonly rootKeys: readonly string[] | undefined;
  /** In words, for messages. */
  readonly seen: string;
}

const HEAD_CHARACTERS = 1 << 16;
const LOOKED_RECORDS = 50;
/** One JSON object is read as a whole. */
const MAX_ROOT_CHARACTERS = 1 << 26;

/** Looks at a file. What cannot be read has no columns; reading it will say why. */
export async function lookAt(file: OpenedFile, columns: ColumnNames = {}, given?: GivenPart): Promise<LookedAt> {
  const none = { file, given, columns: [], roles: new Map<Role, string>(), records: [], rootKeys: undefined };
  if (file.kind === 'text') {
    const head = await headText(file);
    const shape = shapeOfLines(head);
    if (shape !== undefined) return { ...none, shape, seen: shape.seen };
    if (head.trimStart().startsWith('{') && !isJsonLines(head)) {
      const root = await readRoot(file).catch(() => undefined);
      const rootKeys = root === undefined ? undefined : Object.keys(root);
      if (rootKeys !== undefined && rootKeys.length > 0) {
        return { ...none, shape: undefined, rootKeys, seen: `one JSON object with ${listed(rootKeys)}` };
      }
    }
  }
  return { ...none, shape: undefined, ...(await lookAtRecords(file, columns)) };
}

/** The object that a whole file is. @throws {SyntaxError} if it is none; {LabError} `bad-file` if it cannot be read */
export async function readRoot(file: OpenedFile): Promise<Readonly<Record<string, unknown>>> {
  const pieces: string[] = [];
  let length = 0;
  for await (const piece of textOf(file)) {
    pieces.push(piece);
    length += piece.length;
    if (length > MAX_ROOT_CHARACTERS) throw new SyntaxError(`more than ${MAX_ROOT_CHARACTERS} characters`);
  }
  const value = parseExactJson(pieces.join(''));
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new SyntaxError('not an object');
  return { ...value };
}

/** The text of a file; nothing of one that is no text. */
export async function* textOf({ name, open }: OpenedFile): AsyncGenerator<string> {
  const source = open();
  if (!('records' in source)) yield* readText(source, { fileName: name });
}

/** Whether a look has all of some columns, by their names without case and punctuation. */
export function hasColumns({ columns }: LookedAt, names: readonly string[]): boolean {
  const plain = new Set(columns.map(plainColumn));
  return names.every((name) => plain.has(name));
}

/** The column of that name without case and punctuation. */
export function columnOf({ columns }: LookedAt, ...names: readonly string[]): string | undefined {
  return names.flatMap((name) => columns.filter((column) => plainColumn(column) === name)).at(0);
}

function plainColumn(name: string): string {
  return name.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '');
}

async function lookAtRecords(
  file: OpenedFile,
  columns: ColumnNames,
): Promise<Pick<LookedAt, 'columns' | 'roles' | 'records' | 'seen'>> {
  const reader = new FieldReader({ columns, twoFiles: new TwoFiles() });
  const records: FileRecord[] = [];
  let header: readonly string[] = [];
  try {
    for await (const batch of readRecords(file.open(), { fileName: file.name }, (names) => (header = names))) {
      for (const item of batch) if (!isRowError(item)) records.push(item);
      if (records.length >= LOOKED_RECORDS) break;
    }
  } catch {
    // It will be said when the file is read.
  }
  const [first] = records;
  const flat = first === undefined ? undefined : flatValues(first);
  const names = header.length > 0 ? header : [...new Set(records.flatMap(({ fields }) => [...fields.keys()]))];
  const roles =
    flat === undefined || header.length > 0
      ? reader.columnsOf(names).names
      : reader.columnsOf([...flat.values.keys()], flat.nested[0]).names;
  const seen = names.length === 0 ? 'no rows' : `columns ${listed(names)}`;
  return { columns: names, roles, records: records.slice(0, LOOKED_RECORDS), seen };
}

async function headText(file: OpenedFile): Promise<string> {
  let head = '';
  try {
    for await (const piece of textOf(file)) {
      head += piece;
      if (head.length >= HEAD_CHARACTERS) return head.slice(0, HEAD_CHARACTERS);
    }
  } catch {
    // It will be said when the file is read.
    return '';
  }
  // The last line is complete.
  return head.endsWith('\n') ? head : `${head}\n`;
}

/** Keys of objects that hold a list of judgments. */
const LIST_KEYS = ['requests', 'topics', 'query_groups', 'queries'];

/** Whether the first line is an object by itself, and holds no list of judgments. */
function isJsonLines(head: string): boolean {
  const [first = ''] = head.trimStart().split(/\r?\n/u);
  try {
    const value = parseExactJson(first);
    return (
      typeof value !== 'object' || value === null || !LIST_KEYS.some((key) => Array.isArray(Reflect.get(value, key)))
    );
  } catch {
    // An object over several lines, or one that is longer than the beginning.
    return false;
  }
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 12).map((name) => showValue(name).slice(1, -1));
  return names.length > shown.length ? `${shown.join(', ')} and ${names.length - shown.length} more` : shown.join(', ');
}
