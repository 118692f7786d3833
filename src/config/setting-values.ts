/**
 * Reads settings typed into a field of the page or after `--set` as the values that a schema accepts, and describes
 * what a field accepts.
 */
import { LabError } from '../common/errors.ts';
import { nearestName } from '../common/suggestions.ts';
import type { NumberRange, SettingField } from './setting-fields.ts';

const DECIMAL = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/iu;
/** Texts that mean no number. */
const NONE: ReadonlySet<string> = new Set(['', 'none', 'null']);
// A map, because texts such as "constructor" are keys of every object.
const TOGGLES: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['yes', true],
  ['on', true],
  ['false', false],
  ['no', false],
  ['off', false],
]);

/** The value of a setting. */
export type SettingValue = string | number | boolean | null | readonly number[];

/** Reads a decimal number; -0 becomes 0. Undefined for anything else, including `0x10`, `1,5` and `1e999`. */
export function readNumber(text: string): number | undefined {
  const trimmed = text.trim();
  const value = Number(trimmed);
  return DECIMAL.test(trimmed) && Number.isFinite(value) ? value + 0 : undefined;
}

/** Reads the text typed for a setting; undefined if the setting does not accept it. */
export function readSetting(field: SettingField, text: string): SettingValue | undefined {
  switch (field.kind) {
    case 'number':
      if (field.isNullable && NONE.has(text.trim().toLowerCase())) return null;
      return numberIn(field, text);
    case 'list': {
      const numbers = text.split(/[\s,;]+/u).filter((part) => part !== '');
      const values = numbers.flatMap((part) => numberIn(field, part) ?? []);
      return values.length === numbers.length && values.length === field.fallback.length ? values : undefined;
    }
    case 'choice':
      return field.options.some(({ value }) => value === text) ? text : undefined;
    case 'toggle':
      return TOGGLES.get(text.trim().toLowerCase());
    case 'text':
    case 'given':
      return text;
    default:
      return field satisfies never;
  }
}

/** The text to type for a value. */
export function typedSetting(value: SettingValue): string {
  if (value === null) return '';
  return typeof value === 'object' ? value.join(', ') : String(value);
}

/** Describes what a field accepts: "a whole number from 1 to 4,096". */
export function describeAllowed(field: SettingField): string {
  switch (field.kind) {
    case 'number':
      return `a ${field.isWhole ? 'whole ' : ''}number ${rangeText(field)}${field.isNullable ? ', or nothing' : ''}`;
    case 'list':
      return `${field.fallback.length} numbers ${rangeText(field)}`;
    case 'choice':
      return `one of ${field.options.map(({ value }) => value).join(', ')}`;
    case 'toggle':
      return 'yes or no';
    case 'text':
      return `a ${field.label.toLowerCase()}`;
    case 'given':
      return 'a file';
    default:
      return field satisfies never;
  }
}

/** "from 0 to 1", "above 0, up to 10". */
export function rangeText({ min, isAboveMin, max }: NumberRange): string {
  return isAboveMin ? `above ${shown(min)}, up to ${shown(max)}` : `from ${shown(min)} to ${shown(max)}`;
}

function numberIn({ isWhole, min, isAboveMin, max }: NumberRange, text: string): number | undefined {
  const value = readNumber(text);
  if (value === undefined || (isWhole && !Number.isInteger(value)) || value > max) return undefined;
  return (isAboveMin ? value > min : value >= min) ? value : undefined;
}

function shown(limit: number): string {
  const size = Math.abs(limit);
  return size < 10_000
    ? String(limit)
    : size < 1e16
      ? limit.toLocaleString('en')
      : limit.toExponential().replace('+', '');
}

/**
 * Settings with one value replaced. A variant that changes its kind loses the settings of the old kind; a variant
 * without a kind gets its default kind.
 */
export function withSetting(
  settings: Readonly<Record<string, unknown>>,
  fields: readonly SettingField[],
  field: SettingField,
  value: SettingValue,
): Record<string, unknown> {
  const put = (group: unknown, names: readonly string[], at: string): unknown => {
    const [name = '', ...rest] = names;
    const path = at === '' ? name : `${at}.${name}`;
    if (group !== undefined && group !== null && !isGroup(group)) return group; // the schema refuses it
    const kind = fields.find((each) => each.path === `${at}.kind`);
    const start = isGroup(group) ? group : kind?.kind === 'choice' && kind.isVariant ? { kind: kind.fallback } : {};
    if (rest.length > 0) return { ...start, [name]: put(start[name], rest, path) };
    if (field.kind === 'toggle' && field.isGroup)
      return { ...start, [name]: value === true ? (start[name] ?? {}) : null };
    const isOther = field.kind === 'choice' && field.isVariant && start[name] !== value;
    return isOther ? { [name]: value } : { ...start, [name]: value };
  };
  return put(settings, field.path.split('.'), '') as Record<string, unknown>;
}

/**
 * The fields with a path; several if kinds of a variant share it.
 *
 * @throws {LabError} `bad-config`, naming the nearest path, where there is none
 */
export function fieldsAt(fields: readonly SettingField[], path: string): readonly SettingField[] {
  const found = fields.filter((field) => field.path === path);
  if (found.length > 0) return found;
  const paths = new Set(fields.map((field) => field.path));
  const last = path.split('.').at(-1) ?? path;
  const near =
    [...paths].find((each) => each.endsWith(`.${path}`)) ??
    nearestName(path, paths) ??
    [...paths].find((each) => each.endsWith(`.${last}`));
  throw new LabError('bad-config', {
    message: `There is no setting "${path}".`,
    ...(near === undefined ? {} : { fix: `Did you mean "${near}"?` }),
  });
}

/** The value at a path of nested objects. */
export function leafAt(settings: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>(
      (at, name) => (typeof at === 'object' && at !== null ? Reflect.get(at, name) : undefined),
      settings,
    );
}

function isGroup(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
