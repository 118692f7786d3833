/**
 * The settings of a schema as a list of fields, read off the schema that checks them: what it allows is what forms, options and
 * `--help` offer, and a setting that is added to it appears there by itself.
 *
 * Of valibot only the node types that settings are made of are understood; any other is an error at once.
 */
import type * as v from 'valibot';
import { LabError } from '../common/errors.ts';
import type { SettingLevel, SettingWords } from './settings.ts';

interface FieldBase {
  /** Names from the outside in, joined by dots: `sft.learningRate`. The kinds of a variant may each have a field of one path. */
  readonly path: string;
  readonly label: string;
  /** What it does, in a sentence. */
  readonly help: string;
  /** What its number counts; empty if nothing. */
  readonly unit: string;
  /** The heading that it belongs under. */
  readonly group: string;
  readonly level: SettingLevel;
  /** Fields and the values that they must have for this one to exist: the kinds of the variants that it is in. */
  readonly when: readonly Condition[];
}
export interface Condition {
  readonly path: string;
  readonly value: string | boolean;
}

/** A number; both ends of its range belong to it unless `isAboveMin`. */
export interface NumberRange {
  readonly isWhole: boolean;
  readonly min: number;
  readonly isAboveMin: boolean;
  readonly max: number;
}
export interface NumberField extends FieldBase, NumberRange {
  readonly kind: 'number';
  /** Null where there may be none. */
  readonly fallback: number | null;
  readonly isNullable: boolean;
}
/** As many numbers as its default has. */
export interface ListField extends FieldBase, NumberRange {
  readonly kind: 'list';
  readonly fallback: readonly number[];
}
export interface ChoiceField extends FieldBase {
  readonly kind: 'choice';
  readonly fallback: string;
  readonly options: readonly Choice[];
  /** Whether it decides which fields there are beside it. */
  readonly isVariant: boolean;
}
export interface Choice {
  readonly value: string;
  readonly label: string;
  readonly help: string;
}
/** A yes or no; `isGroup` where it says whether a group of settings is there at all (else it is null). */
export interface ToggleField extends FieldBase {
  readonly kind: 'toggle';
  readonly fallback: boolean;
  readonly isGroup: boolean;
}
export interface TextField extends FieldBase {
  readonly kind: 'text';
  readonly fallback: string;
}
/** A text that nobody types: it comes with something else that is chosen, such as a file. */
export interface GivenField extends FieldBase {
  readonly kind: 'given';
  readonly fallback: string;
}

/** One setting; `fallback` is its default. */
export type SettingField = NumberField | ListField | ChoiceField | ToggleField | TextField | GivenField;

/** What is read of a valibot schema or of one step of its pipe. */
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
  readonly metadata?: SettingWords;
}

/** What a field has from around it. */
type Place = Pick<FieldBase, 'path' | 'group' | 'level' | 'when'>;

/**
 * The fields of a schema of nested objects, in its order; a variant is the choice of its kind, and the fields of every kind.
 *
 * @throws {LabError} `internal` for a setting without a default or without words, or of a type that no control is made for
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
  if (fallback === undefined) return []; // comes from a file or from this version of the lab, not from a form
  const own = base(wrapped, place);
  if (own.label === '') throw unreadable(place.path, `${wrapped.type} without words`);
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
      const { choices = {} } = wordsOf(node);
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
  const words = wordsOf(node);
  return {
    path,
    label: actions.findLast(({ type }) => type === 'title')?.title ?? '',
    help: actions.findLast(({ type }) => type === 'description')?.description ?? '',
    unit: words.unit ?? '',
    group: words.group ?? group,
    level: words.level ?? level,
    when,
  };
}

/** The steps of a pipe, and of the pipes in it. */
function actionsOf(node: Node): readonly Node[] {
  return node.pipe === undefined ? [node] : node.pipe.flatMap(actionsOf);
}

function wordsOf(node: Node): SettingWords {
  return Object.assign({}, ...actionsOf(node).map(({ metadata }) => metadata)) as SettingWords;
}

/** The checks of a number as a range. @throws {LabError} `internal` unless it has both ends */
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
    expected: 'a number with a range, a list of such, a choice, a yes or no, or a text, with default and words',
    got,
  });
}
