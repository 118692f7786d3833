/**
 * The settings of a run as a list of fields, read off the schema that checks them: what the schema allows is what the form
 * offers, and a setting that is added to the schema appears in the form by itself.
 *
 * Of valibot only the few node types that settings are made of are understood; any other is an error at once.
 */
import { LabError } from '../../common/errors.ts';

interface FieldBase {
  /** Names from the outside in, joined by dots: `sft.learningRate`. */
  readonly path: string;
}

/** A number; both ends of its range belong to it unless `isAboveMin`. */
export interface NumberField extends FieldBase {
  readonly kind: 'number';
  readonly fallback: number;
  readonly isWhole: boolean;
  readonly min: number | undefined;
  readonly isAboveMin: boolean;
  readonly max: number | undefined;
}
export interface ChoiceField extends FieldBase {
  readonly kind: 'choice';
  readonly fallback: string;
  readonly options: readonly string[];
}
export interface ToggleField extends FieldBase {
  readonly kind: 'toggle';
  readonly fallback: boolean;
}
export interface TextField extends FieldBase {
  readonly kind: 'text';
  readonly fallback: string;
}

/** A text that nobody types: it comes with something else that the reader chooses, such as a file. */
export interface GivenField extends FieldBase {
  readonly kind: 'given';
  readonly fallback: string;
}

/** One setting; `fallback` is its default. */
export type SettingField = NumberField | ChoiceField | ToggleField | TextField | GivenField;

/** What is read of a valibot schema or of one step of its pipe. */
export interface SchemaNode {
  readonly kind: string;
  readonly type: string;
  readonly wrapped?: SchemaNode;
  readonly default?: unknown;
  readonly entries?: Readonly<Record<string, SchemaNode>>;
  readonly options?: readonly unknown[];
  /** The name of the entry that tells the options of a variant apart. */
  readonly key?: unknown;
  readonly literal?: unknown;
  readonly pipe?: readonly SchemaNode[];
  readonly requirement?: unknown;
}

/**
 * The fields of a schema of nested objects, in the order of the schema.
 *
 * @param kinds - which option of a variant is meant, by the path of the variant
 * @throws {LabError} `internal` for a setting without a default, or of a type that no control is made for
 */
export function fieldsOf(schema: SchemaNode, kinds: Readonly<Record<string, string>> = {}, path = ''): SettingField[] {
  if (schema.entries !== undefined) {
    return Object.entries(schema.entries).flatMap(([name, entry]) =>
      fieldsOf(entry, kinds, path === '' ? name : `${path}.${name}`),
    );
  }
  const { type, wrapped } = schema;
  if (type === 'variant') return fieldsOf(optionOf(schema, kinds[path], path), kinds, path);
  if (type === 'literal') return [{ kind: 'given', path, fallback: String(schema.literal) }];
  if (type === 'string') return [{ kind: 'given', path, fallback: '' }];
  if (type !== 'optional' || wrapped === undefined) throw unreadable(path, 'an optional setting with a default', type);
  if (schema.default === undefined) return []; // comes from a file or from this version of the lab, not from a form
  const isGroup = wrapped.entries !== undefined || wrapped.type === 'variant';
  return isGroup ? fieldsOf(wrapped, kinds, path) : [fieldOf(path, wrapped, schema.default)];
}

/** The option of a variant whose telling entry is `kind`. */
function optionOf({ key, options = [] }: SchemaNode, kind: string | undefined, path: string): SchemaNode {
  const found = (options as readonly SchemaNode[]).find(({ entries }) => entries?.[String(key)]?.literal === kind);
  if (found === undefined) throw unreadable(path, `a kind of ${path}`, String(kind));
  return found;
}

function fieldOf(path: string, schema: SchemaNode, fallback: unknown): SettingField {
  switch (typeof fallback) {
    case 'number':
      if (schema.type === 'number') return { kind: 'number', path, fallback, ...rangeOf(schema.pipe ?? []) };
      break;
    case 'boolean':
      if (schema.type === 'boolean') return { kind: 'toggle', path, fallback };
      break;
    case 'string':
      if (schema.type === 'picklist')
        return { kind: 'choice', path, fallback, options: (schema.options ?? []).map(String) };
      if (schema.type === 'string') return { kind: 'text', path, fallback };
      break;
    default:
  }
  throw unreadable(
    path,
    'a number, a choice, a yes or no, or a text',
    `${schema.type} with default ${String(fallback)}`,
  );
}

/** The checks of a number as a range. Checks of other kinds are left to the schema. */
function rangeOf(checks: readonly SchemaNode[]): Pick<NumberField, 'isWhole' | 'min' | 'isAboveMin' | 'max'> {
  const limit = (type: string): number | undefined => {
    const requirement = checks.find((check) => check.type === type)?.requirement;
    return typeof requirement === 'number' ? requirement : undefined;
  };
  const above = limit('gt_value');
  return {
    isWhole: checks.some((check) => check.type === 'integer'),
    min: above ?? limit('min_value'),
    isAboveMin: above !== undefined,
    max: limit('max_value'),
  };
}

function unreadable(path: string, expected: string, got: string): LabError {
  return new LabError('internal', { message: `The form has no control for the setting "${path}".`, expected, got });
}
