/**
 * The settings of a schema as a list of fields. Forms, options and `--help` are made from this list, so that they offer
 * exactly what the schema accepts.
 *
 * Only the valibot types that settings use are supported; any other is an error.
 */
import type * as v from 'valibot';
import { LabError } from '../common/errors.ts';
import type { SettingLevel, SettingMetadata } from './settings.ts';

interface FieldBase {
  /**
   * Keys from the outermost in, joined by dots: `sft.learningRate`. Kinds of a variant may have fields with the same
   * path.
   */
  readonly path: string;
  readonly label: string;
  /** What it does, in a sentence. */
  readonly help: string;
  /** The unit of its number, or an empty text. */
  readonly unit: string;
  /** The heading above it in forms. */
  readonly group: string;
  readonly level: SettingLevel;
  /**
   * The conditions under which this field exists: values of other fields, such as the kind of the enclosing variant.
   */
  readonly when: readonly Condition[];
}
export interface Condition {
  readonly path: string;
  readonly value: string | boolean;
}

/** A range that includes both ends, except its lower end if `isAboveMin`. */
export interface NumberRange {
  readonly isWhole: boolean;
  readonly min: number;
  readonly isAboveMin: boolean;
  readonly max: number;
}
export interface NumberField extends FieldBase, NumberRange {
  readonly kind: 'number';
  /** Null is possible only if `isNullable`. */
  readonly fallback: number | null;
  readonly isNullable: boolean;
}
/** A list of as many numbers as its default has. */
export interface ListField extends FieldBase, NumberRange {
  readonly kind: 'list';
  readonly fallback: readonly number[];
}
export interface ChoiceField extends FieldBase {
  readonly kind: 'choice';
  readonly fallback: string;
  readonly options: readonly Choice[];
  /** Whether it is the kind of a variant, which decides which other fields exist. */
  readonly isVariant: boolean;
}
export interface Choice {
  readonly value: string;
  readonly label: string;
  readonly help: string;
}
/** A yes or no; if `isGroup`, whether a group of settings is present or null. */
export interface ToggleField extends FieldBase {
  readonly kind: 'toggle';
  readonly fallback: boolean;
  readonly isGroup: boolean;
}
export interface TextField extends FieldBase {
  readonly kind: 'text';
  readonly fallback: string;
}
/** A text that is not typed, because it comes with another choice, such as a file. */
export interface GivenField extends FieldBase {
  readonly kind: 'given';
  readonly fallback: string;
}

/** One setting; `fallback` is its default. */
export type SettingField = NumberField | ListField | ChoiceField | ToggleField | TextField | GivenField;

/** The properties of a valibot schema, or of an action of its pipe, that are read here. */
interface Node {
  readonly kind?: string;
  readonly type: string;
  readonly wrapped?: Node;
  readonly default?: unknown;
  readonly entries?: Readonly<Record<string, Node>>;
  readonly options?: readonly unknown[];
  readonly items?: readonly Node[];
  readonly literal?: unknown;
  readonly pipe?: readonly Node[];
  readonly requirement?: unknown;
  readonly title?: string;
  readonly description?: string;
  readonly metadata?: SettingMetadata;
}

/** Properties that a field takes from the groups around it. */
type Place = Pick<FieldBase, 'path' | 'group' | 'level' | 'when'>;

/**
 * The fields of a schema of nested objects, in order. A variant becomes a choice of its kind, followed by the fields of
 * all kinds.
 *
 * @throws {LabError} `internal` for a setting without a default or a label, or of an unsupported type
 */
export function settingFields(schema: v.GenericSchema): SettingField[] {
  return fieldsOf(schema, { path: '', group: '', level: 'advanced', when: [] });
}

function fieldsOf(node: Node, place: Place): SettingField[] {
  if (node.entries !== undefined) {
    const { path } = place;
    return Object.entries(node.entries).flatMap(([name, entry]) =>
      fieldsOf(entry, { ...place, path: path === '' ? name : `${path}.${name}` }),
    );
  }
  const { type, wrapped, default: fallback } = node;
  if (type === 'string') return [{ ...base(node, place), kind: 'given', fallback: '' }];
  if (type !== 'optional' || wrapped === undefined) throw unreadable(place.path, `${type} without a default`);
  if (fallback === undefined) return []; // set by a file or by the lab itself, not in a form
  const own = base(wrapped, place);
  if (own.label === '') throw unreadable(place.path, `${wrapped.type} without a label`);
  const inside = { ...place, group: own.group };
  const bare = wrapped.type === 'nullable' ? (wrapped.wrapped ?? wrapped) : wrapped;
  if (bare !== wrapped && bare.entries !== undefined) {
    const when = [...place.when, { path: place.path, value: true }];
    const toggle = { ...own, kind: 'toggle', fallback: fallback !== null, isGroup: true } as const;
    return [toggle, ...fieldsOf(bare, { ...inside, when })];
  }
  if (wrapped.entries !== undefined) return fieldsOf(wrapped, inside);
  if (wrapped.type === 'variant') return variantFields(wrapped, own, inside, fallback);
  return [fieldOf(bare, wrapped !== bare, own, fallback)];
}

function variantFields(variant: Node, own: FieldBase, place: Place, fallback: unknown): SettingField[] {
  const path = `${place.path}.kind`;
  const kinds = ((variant.options ?? []) as readonly Node[]).map(({ entries: { kind, ...rest } = {} }) => {
    const value = String(kind?.literal);
    const { label, help } = kind === undefined ? own : base(kind, place);
    return { value, label, help, rest };
  });
  const choice: ChoiceField = {
    ...own,
    path,
    kind: 'choice',
    isVariant: true,
    fallback: String((fallback as { kind?: unknown }).kind),
    options: kinds.map(({ value, label, help }) => ({ value, label, help })),
  };
  const fields = kinds.flatMap(({ value, rest }) =>
    fieldsOf({ type: 'object', entries: rest }, { ...place, when: [...place.when, { path, value }] }),
  );
  return [choice, ...fields];
}

function fieldOf(node: Node, isNullable: boolean, own: FieldBase, fallback: unknown): SettingField {
  switch (node.type) {
    case 'number':
      if (typeof fallback === 'number' || (fallback === null && isNullable)) {
        return { ...own, kind: 'number', fallback, isNullable, ...rangeOf(node, own.path) };
      }
      break;
    case 'boolean':
      if (typeof fallback === 'boolean') return { ...own, kind: 'toggle', fallback, isGroup: false };
      break;
    case 'string':
      if (typeof fallback === 'string') return { ...own, kind: 'text', fallback };
      break;
    case 'picklist': {
      if (typeof fallback !== 'string') break;
      const { choices = {} } = metadataOf(node);
      const options = (node.options ?? []).map((option) => {
        const value = String(option);
        const [label, help] = choices[value] ?? [value, own.help];
        return { value, label, help };
      });
      return { ...own, kind: 'choice', isVariant: false, fallback, options };
    }
    case 'tuple': {
      const [item] = node.items ?? [];
      if (!Array.isArray(fallback) || item?.type !== 'number') break;
      return { ...own, kind: 'list', fallback: fallback as readonly number[], ...rangeOf(item, own.path) };
    }
    default:
  }
  throw unreadable(own.path, `${node.type} with default ${String(fallback)}`);
}

function base(node: Node, { path, group, level, when }: Place): FieldBase {
  const actions = actionsOf(node);
  const metadata = metadataOf(node);
  return {
    path,
    label: actions.findLast(({ type }) => type === 'title')?.title ?? '',
    help: actions.findLast(({ type }) => type === 'description')?.description ?? '',
    unit: metadata.unit ?? '',
    group: metadata.group ?? group,
    level: metadata.level ?? level,
    when,
  };
}

/** The actions of a pipe and of the pipes nested in it. */
function actionsOf(node: Node): readonly Node[] {
  return node.pipe === undefined ? [node] : node.pipe.flatMap(actionsOf);
}

function metadataOf(node: Node): SettingMetadata {
  return Object.assign({}, ...actionsOf(node).map(({ metadata }) => metadata)) as SettingMetadata;
}

/** The range of a number, from its checks. @throws {LabError} `internal` unless it has both ends */
function rangeOf(node: Node, path: string): NumberRange {
  const actions = actionsOf(node);
  const limits = (type: string): number[] =>
    actions.flatMap((action) =>
      action.type === type && typeof action.requirement === 'number' ? [action.requirement] : [],
    );
  const above = Math.max(...limits('gt_value'));
  const min = Math.max(above, ...limits('min_value'));
  const max = Math.min(...limits('max_value'));
  if (!Number.isFinite(min) || !Number.isFinite(max)) throw unreadable(path, 'a number without both ends of its range');
  return { isWhole: actions.some(({ type }) => type === 'integer'), min, isAboveMin: min === above, max };
}

function unreadable(path: string, got: string): LabError {
  return new LabError('internal', {
    message: `No form can be made for the setting "${path}".`,
    expected: 'a number with a range, a list of such numbers, a choice, a yes or no, or a text, with default and label',
    got,
  });
}
