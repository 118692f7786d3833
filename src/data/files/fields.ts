/**
 * The fields of a record by role. A record may have its document as a nested object
 * (`{"query": ..., "document": {"title": ...}}`) or beside the query (`{"query": ..., "title": ...}`); both are handled
 * alike. The fields of the pair (query, queryId, grade, judge) are never searched inside the document.
 */
import { makeDocument, type LabDocument } from '../../relevance/pair/pair.ts';
import { readAttribute, readAttributes } from './attributes.ts';
import { findColumns, type ColumnNames, type Columns, type Role } from './columns.ts';
import { contentId } from './content-id.ts';
import type { Findings } from './findings.ts';
import { gradeText } from './grades.ts';
import { RowProblem, type FileRecord } from './records.ts';

/** Keys of a nested document. */
const NESTED = ['document', 'doc', 'product', 'item'] as const;

/** The columns of a file of documents and a file of pairs, which are read in this order. */
export class TwoFiles {
  readonly columns = new Set<string>();
}

/** Options for finding the columns of a file. */
export interface FieldOptions {
  /** Names given by the user. */
  readonly columns?: ColumnNames | undefined;
  /** The two files that these names are for; a name that this file lacks may be in the other. */
  readonly twoFiles?: TwoFiles | undefined;
  /** Collects ambiguous columns. */
  readonly findings?: Findings | undefined;
}

/** Reads records of one file. JSON records may differ in their keys; columns are found once per set of keys. */
export class FieldReader {
  readonly #options: FieldOptions;
  readonly #columns = new Map<string, Columns>();

  constructor(options: FieldOptions = {}) {
    this.#options = options;
  }

  /** @param nestedIn - the key of a nested document, which prefixes the names of its columns */
  columnsOf(names: readonly string[], nestedIn?: string): Columns {
    const key = JSON.stringify([nestedIn ?? '', names]);
    const known = this.#columns.get(key);
    if (known !== undefined) return known;
    const { columns = {}, twoFiles, findings } = this.#options;
    const requested = twoFiles !== undefined ? only(columns, names, nestedIn) : columns;
    const found = findColumns(names, requested, nestedIn);
    this.#columns.set(key, found);
    findings?.addColumns(found);
    return found;
  }

  read(record: FileRecord): Fields {
    const { values, nested } = flatValues(record);
    const [nestedIn, ...others] = nested;
    if (nestedIn !== undefined && others.length > 0) {
      this.#options.findings?.addRivals({ role: 'document', chosen: nestedIn, others });
    }
    return new Fields(values, this.columnsOf([...values.keys()], nestedIn));
  }
}

/** The values of one record. */
export class Fields {
  readonly columns: Columns;
  readonly #values: ReadonlyMap<string, unknown>;

  constructor(values: ReadonlyMap<string, unknown>, columns: Columns) {
    this.#values = values;
    this.columns = columns;
  }

  /** The column of a role for errors; the role itself if it has no column. */
  column(role: Role): string {
    return this.columns.names.get(role) ?? role;
  }

  /**
   * The text of a role, trimmed; empty if there is none.
   *
   * @throws {RowProblem} if the value is not a text, number or boolean.
   */
  text(role: Role): string {
    return this.exactText(role).trim();
  }

  /**
   * The text of a role with its outer spaces, because ids that differ in them are different ids; empty if there is
   * nothing else.
   *
   * @throws {RowProblem} if the value is not a text, number or boolean.
   */
  exactText(role: Role): string {
    const value = this.#value(role);
    if (value === undefined || value === null) return '';
    if (typeof value === 'string') return value.trim() === '' ? '' : value;
    if (typeof value === 'number' || typeof value === 'boolean') return String(value);
    throw new RowProblem(this.column(role), 'it is not a text', 'a text or number', value);
  }

  /**
   * The text of a role that must have one.
   *
   * @throws {RowProblem} if it is empty.
   */
  requiredText(role: Role): string {
    return this.requiredExactText(role).trim();
  }

  /**
   * The same with its outer spaces.
   *
   * @throws {RowProblem} if it is empty.
   */
  requiredExactText(role: Role): string {
    const text = this.exactText(role);
    if (text === '') throw new RowProblem(this.column(role), `the ${role} is missing`, 'a text', text);
    return text;
  }

  /** Who gave the grade; empty if that is not said. */
  judge(): string {
    const value = this.#value('judge');
    return typeof value === 'string' || typeof value === 'number' ? String(value).trim() : '';
  }

  /** The grade; empty if there is none. A value of another type is given as its JSON, which has no label. */
  grade(): string {
    const value = this.#value('grade');
    return gradeText(value) ?? JSON.stringify(value);
  }

  /**
   * The document of the record. Without an id it gets one from its content, so that tie-breaks do not depend on the
   * order of the file. Without a title its text becomes the title.
   *
   * @throws {RowProblem} if a field cannot be parsed, or there is neither title nor text.
   */
  document(): LabDocument {
    const text = this.text('text');
    const title = text === '' ? this.requiredText('title') : this.text('title');
    const fields = {
      title: title === '' ? text : title,
      text: title === '' ? '' : text,
      brand: this.text('brand'),
      type: this.text('type'),
      attributes: this.#attributes(),
    };
    return makeDocument({ docId: this.exactText('docId') || contentId(fields), ...fields });
  }

  #value(role: Role): unknown {
    const column = this.columns.names.get(role);
    return column === undefined ? undefined : this.#values.get(column);
  }

  #attributes(): LabDocument['attributes'] {
    const column = this.columns.names.get('attributes');
    const combined = column === undefined ? [] : readAttributes(column, this.#values.get(column));
    const separate = this.columns.attributes.flatMap((one) =>
      readAttribute(one.column, one.attribute, this.#values.get(one.column)),
    );
    return Object.fromEntries([...combined, ...separate]);
  }
}

/**
 * The values of a record by the names of its columns; those of a nested document begin with its key.
 *
 * @returns `nested`: the keys of nested documents; only the first is read
 */
export function flatValues({ fields }: FileRecord): {
  readonly values: ReadonlyMap<string, unknown>;
  readonly nested: readonly string[];
} {
  const nested = NESTED.filter((name) => isObject(fields.get(name)));
  const [first] = nested;
  return { values: first === undefined ? fields : flatten(fields, first), nested };
}

/** Merges the fields of a nested document with the others, under prefixed names such as `product.title`. */
function flatten(fields: ReadonlyMap<string, unknown>, nestedIn: string): ReadonlyMap<string, unknown> {
  const flat = new Map(fields);
  flat.delete(nestedIn);
  for (const [name, value] of Object.entries(fields.get(nestedIn) ?? {})) flat.set(`${nestedIn}.${name}`, value);
  return flat;
}

/** The requested names of columns that a file has, and the empty ones. */
function only(requested: ColumnNames, names: readonly string[], nestedIn = ''): ColumnNames {
  const exists = (name: string): boolean =>
    name === '' || names.includes(name) || names.includes(`${nestedIn}.${name}`);
  return Object.fromEntries(Object.entries(requested).filter(([, name]) => exists(name)));
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
