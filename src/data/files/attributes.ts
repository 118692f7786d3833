/**
 * The attributes of a document in a file: a JSON object, or in a table cell either JSON or pairs like
 * `colour: red | capacity: 1.5 l`.
 */
import type { AttributeValue } from '../../relevance/pair/pair.ts';
import { parseExactJson } from './json-text.ts';
import { RowProblem } from './records.ts';

export type AttributeEntry = readonly [name: string, value: AttributeValue];

/** Names that would not become ordinary properties of an object made from the entries. */
const FORBIDDEN_NAMES: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * The attributes in a value of the column `column`. Empty values are omitted.
 *
 * @throws {RowProblem} if the value cannot be parsed as attributes.
 */
export function readAttributes(column: string, value: unknown): AttributeEntry[] {
  if (value === undefined || value === null || value === '') return [];
  if (typeof value === 'string') return readCell(column, value);
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw new RowProblem(column, 'the attributes are not an object', 'an object', value);
  }
  return Object.entries(value).flatMap(([name, item]) => readAttribute(column, name, item));
}

/**
 * One attribute; none if its value is empty. Lists become lists of texts.
 *
 * @throws {RowProblem} if the name or the value cannot be used.
 */
export function readAttribute(column: string, name: string, value: unknown): AttributeEntry[] {
  if (FORBIDDEN_NAMES.has(name))
    throw new RowProblem(column, 'an attribute has a forbidden name', 'another name', name);
  if (value === undefined || value === null || value === '') return [];
  if (Array.isArray(value)) {
    const items: readonly unknown[] = value.filter((item) => item !== null && item !== '');
    if (items.every(isScalar)) return items.length === 0 ? [] : [[name, items.map(String)]];
  } else if (isScalar(value)) {
    return [[name, typeof value === 'string' ? value.trim() : value]];
  }
  throw new RowProblem(
    column,
    `the attribute "${name}" is not readable`,
    'a text, number, boolean or a list of them',
    value,
  );
}

function readCell(column: string, cell: string): AttributeEntry[] {
  if (cell.trimStart().startsWith('{')) return readAttributes(column, parseJson(column, cell));
  const values = new Map<string, string[]>();
  for (const piece of cell.split(/[|;\n]/)) {
    const colon = piece.indexOf(':');
    // A piece without a name still describes the document.
    const name = piece.slice(0, Math.max(colon, 0)).trim() || 'other';
    const value = piece.slice(colon + 1).trim();
    if (value === '') continue;
    const known = values.get(name);
    if (known === undefined) values.set(name, [value]);
    else known.push(value);
  }
  return [...values].flatMap(([name, texts]) => readAttribute(column, name, texts.length === 1 ? texts[0] : texts));
}

function parseJson(column: string, cell: string): unknown {
  try {
    return parseExactJson(cell);
  } catch {
    throw new RowProblem(column, 'the attributes are not JSON', 'a JSON object, or "name: value | name: value"', cell);
  }
}

function isScalar(value: unknown): value is string | number | boolean {
  return (
    typeof value === 'string' || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))
  );
}
