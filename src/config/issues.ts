/**
 * Descriptions of schema violations; for an unknown key also the known key that was probably meant.
 */
import type * as v from 'valibot';
import { nearestName } from '../common/suggestions.ts';

/** The properties of a valibot schema that are read here. */
interface Node {
  readonly type?: string;
  readonly wrapped?: Node;
  readonly pipe?: readonly Node[];
  readonly options?: readonly unknown[];
  readonly entries?: Readonly<Record<string, Node>>;
  readonly item?: Node;
  readonly value?: Node;
  readonly literal?: unknown;
}

/** Describes an issue in one line, without its path. */
export function describeIssue(schema: v.GenericSchema, issue: v.BaseIssue<unknown>): string {
  const path = issue.path ?? [];
  const last = path.at(-1);
  if (issue.type !== 'strict_object' || issue.expected !== 'never' || last?.origin !== 'key') return issue.message;
  const key = String(last.key);
  const places = path.slice(0, -1).map((item) => String(item.key));
  const groups = places.reduce<readonly Node[]>(
    (nodes, place) => nodes.flatMap((node) => inside(node, place)),
    [schema],
  );
  const near = nearestName(key, new Set(groups.flatMap(keysOf)));
  if (near === key) {
    const kind = String((last.input as { kind?: unknown }).kind);
    return `there is no "${key}" where kind is "${kind}", but for ${kindsWith(groups, key).join(', ')}`;
  }
  if (near !== undefined) return `there is no "${key}"; did you mean "${near}"?`;
  const elsewhere = placesOf(schema as Node, key).find((place) => place !== [...places, key].join('.'));
  if (elsewhere !== undefined) return `there is no "${key}" here; did you mean "${elsewhere}"?`;
  const known = [...new Set(groups.flatMap(keysOf))];
  return `there is no "${key}"${known.length === 0 ? '' : `; known are ${known.join(', ')}`}`;
}

/** Adds a full stop, unless the text ends with a question mark. */
export function sentence(text: string): string {
  return text.endsWith('?') ? text : `${text}.`;
}

/** The object schemas of a schema, without their wrappers; several for a variant. */
function objectsOf(node: Node): Node[] {
  if (node.wrapped !== undefined) return objectsOf(node.wrapped);
  if (node.entries !== undefined) return [node];
  if (node.pipe?.[0] !== undefined && node.pipe[0] !== node) return objectsOf(node.pipe[0]);
  return (node.options ?? []).flatMap((option) => (isNode(option) ? objectsOf(option) : []));
}

function isNode(option: unknown): option is Node {
  return typeof option === 'object' && option !== null && 'type' in option;
}

function keysOf(node: Node): string[] {
  return objectsOf(node).flatMap(({ entries }) => Object.keys(entries ?? {}));
}

/** The kinds of variants that have a key. */
function kindsWith(groups: readonly Node[], key: string): string[] {
  const withKey = groups.flatMap(objectsOf).filter(({ entries = {} }) => key in entries);
  return withKey.map(({ entries = {} }) => String(entries['kind']?.literal));
}

/** The schemas at a key or an index of a schema. */
function inside(node: Node, key: string): Node[] {
  const bare = node.wrapped ?? node;
  if (bare !== node) return inside(bare, key);
  const element = node.item ?? (node.entries === undefined ? node.value : undefined);
  if (element !== undefined) return [element];
  if (node.pipe?.[0] !== undefined && node.pipe[0] !== node && node.entries === undefined) {
    return inside(node.pipe[0], key);
  }
  return objectsOf(node).flatMap(({ entries }) => (entries?.[key] === undefined ? [] : [entries[key]]));
}

/** The paths of a schema that end with this key. */
function placesOf(node: Node, key: string, at: readonly string[] = []): string[] {
  return objectsOf(node).flatMap(({ entries = {} }) =>
    Object.entries(entries).flatMap(([name, entry]) => [
      ...(name === key ? [[...at, name].join('.')] : []),
      ...placesOf(entry, key, [...at, name]),
    ]),
  );
}
