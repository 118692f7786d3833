/**
 * The fields of a record by what they mean. A record may hold its document as an object of its own
 * (`{"query": ..., "document": {"title": ...}}`) or beside the query (`{"query": ..., "title": ...}`); here both are one.
 */
import { hashHex } from '../../common/rng.ts';
import { makeDocument, type LabDocument } from '../../relevance/pair/pair.ts';
import { readAttribute, readAttributes } from './attributes.ts';
import { findColumns, type ColumnNames, type Columns, type Role } from './columns.ts';
import { RowProblem, type FileRecord } from './records.ts';

/** Keys under which a record can hold its document. */
const NESTED = ['document', 'doc', 'product', 'item'] as const;

/** Reads records of one file. Records of JSON files may have different keys each; columns are found once per set of keys. */
export class FieldReader {
  readonly #wished: ColumnNames;
  readonly #columns = new Map<string, Columns>();

  constructor(wished: ColumnNames = {}) {
    this.#wished = wished;
  }

  columnsOf(names: readonly string[]): Columns {
    const key = names.join('\n');
    const found = this.#columns.get(key) ?? findColumns(names, this.#wished);
    this.#columns.set(key, found);
    return found;
  }

  read(record: FileRecord): Fields {
    const values = flatten(record.fields);
    return new Fields(values, this.columnsOf([...values.keys()]));
  }
}

/** The values of one record. */
export class Fields {
  readonly #values: ReadonlyMap<string, unknown>;
  readonly #columns: Columns;

  constructor(values: ReadonlyMap<string, unknown>, columns: Columns) {
    this.#values = values;
    this.#columns = columns;
  }

  /** The column of a role as errors name it; the role itself where it has none. */
  column(role: Role): string {
    return this.#columns.names.get(role) ?? role;
  }

  /**
   * The text of a role, trimmed; empty where there is none.
   *
   * @throws {RowProblem} if the value is not a text, number or boolean.
   */
  text(role: Role): string {
    const column = this.#columns.names.get(role);
    const value = column === undefined ? undefined : this.#values.get(column);
    if (value === undefined || value === null) return '';
    if (typeof value === 'string') return value.trim();
    if (typeof value === 'number' || typeof value === 'boolean') return String(value);
    throw new RowProblem(column ?? role, 'it is not a text', 'a text or number', value);
  }

  /**
   * The text of a role that must have one.
   *
   * @throws {RowProblem} if it is empty.
   */
  requiredText(role: Role): string {
    const text = this.text(role);
    if (text === '') throw new RowProblem(this.column(role), `the ${role} is missing`, 'a text', text);
    return text;
  }

  /**
   * The document of the record. Without an id it gets one from its content, so that ties never break by the order of a
   * file; without a title, its text takes that place.
   *
   * @throws {RowProblem} if a field is not readable, or there is neither title nor text.
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
    return makeDocument({ docId: this.text('docId') || `content-${hashHex(JSON.stringify(fields))}`, ...fields });
  }

  #attributes(): LabDocument['attributes'] {
    const column = this.#columns.names.get('attributes');
    const together = column === undefined ? [] : readAttributes(column, this.#values.get(column));
    const apart = this.#columns.attributes.flatMap((one) =>
      readAttribute(one.column, one.attribute, this.#values.get(one.column)),
    );
    return Object.fromEntries([...together, ...apart]);
  }
}

// Lifts the fields of a nested document up; where both levels have a key, the document's own is taken.
function flatten(fields: ReadonlyMap<string, unknown>): ReadonlyMap<string, unknown> {
  const key = NESTED.find((name) => isObject(fields.get(name)));
  const nested = key === undefined ? undefined : fields.get(key);
  if (key === undefined || !isObject(nested)) return fields;
  const flat = new Map([...fields, ...Object.entries(nested)]);
  if (!Object.hasOwn(nested, key)) flat.delete(key);
  return flat;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
