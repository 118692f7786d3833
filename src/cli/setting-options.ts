/**
 * Options made from the schema of a run's settings: some settings have a flag, `--set path=value` reaches all of them,
 * and `--help` lists them with default, range and unit.
 */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type * as v from 'valibot';
import { messageOf } from '../common/errors.ts';
import { type SettingField, settingFields } from '../config/setting-fields.ts';
import {
  describeAllowed,
  fieldsAt,
  leafAt,
  rangeText,
  readSetting,
  type SettingValue,
  typedSetting,
  withSetting,
} from '../config/setting-values.ts';
import type { RawSettings } from './config-file.ts';

interface FlagDetails {
  /** Replaces the help of the setting. */
  readonly help?: string;
  /** A setting that the flag implies: the kind of variant that its setting belongs to. */
  readonly with?: readonly [path: string, value: string];
}
type Flag = readonly [flags: string, path: string, details?: FlagDetails];

/** A setting that the command line sets. */
export interface ExplicitSetting {
  readonly field: SettingField;
  readonly value: SettingValue;
}

/** The options of one kind of run. */
export class SettingOptions {
  readonly #fields: readonly SettingField[];
  readonly #flags: readonly Flag[];

  constructor(schema: v.GenericSchema, flags: readonly Flag[]) {
    this.#fields = settingFields(schema).filter(({ kind }) => kind !== 'given');
    this.#flags = flags;
  }

  /** Adds the flags, `--set`, and the list of settings below the help. */
  addTo(command: Command): Command {
    for (const [flags, path, { help } = {}] of this.#flags) {
      const field = this.#at(path);
      const option = new Option(flags, help ?? `${phrase(field)} (${factsOf(field)})`);
      command.addOption(field.kind === 'toggle' ? option : option.argParser((text) => valueOf(field, text)));
    }
    const set = new Option('--set <path=value>', 'any setting by its path, as listed below; may be repeated');
    return command
      .addOption(
        set.argParser((text, explicit: ExplicitSetting[] | undefined) => [...(explicit ?? []), this.#readPair(text)]),
      )
      .addHelpText('after', () => this.#list(command));
  }

  /**
   * The settings that the command line sets; kinds of variants come first, because they decide which other settings
   * exist.
   */
  explicitIn(command: Command): ExplicitSetting[] {
    const options = command.opts<Record<string, unknown>>();
    const flagged = this.#flags.flatMap(([flags, path, { with: implied } = {}]) => {
      const name = new Option(flags).attributeName();
      if (command.getOptionValueSource(name) !== 'cli') return [];
      const own = { field: this.#at(path), value: options[name] as SettingValue };
      return implied === undefined ? [own] : [own, { field: this.#at(implied[0]), value: implied[1] }];
    });
    const explicit = [...flagged, ...((options['set'] ?? []) as ExplicitSetting[])];
    const rank = ({ field }: ExplicitSetting): number =>
      (field.kind === 'choice' && field.isVariant) || (field.kind === 'toggle' && field.isGroup) ? 0 : 1;
    return explicit.toSorted((a, b) => rank(a) - rank(b));
  }

  /** Settings with the explicit ones in their places. */
  apply(settings: RawSettings, explicit: readonly ExplicitSetting[]): RawSettings {
    return explicit.reduce<RawSettings>(
      (whole, { field, value }) => withSetting(whole, this.#fields, field, value),
      settings,
    );
  }

  /** The `--set` options that turn settings into others, for settings without a flag. */
  unflagged(from: object, to: object): string[] {
    const flagged = new Set(this.#flags.map(([, path]) => path));
    const paths = new Set(this.#fields.map(({ path }) => path).filter((path) => !flagged.has(path)));
    return [...paths].flatMap((path) => {
      const value = leafAt(to, path);
      const isLeaf = value !== undefined && (typeof value !== 'object' || value === null || Array.isArray(value));
      if (!isLeaf || JSON.stringify(value) === JSON.stringify(leafAt(from, path))) return [];
      return [`--set ${path}=${value === null ? 'none' : JSON.stringify(value).replaceAll(/["[\]]/gu, '')}`];
    });
  }

  /** Reads a setting. @throws {InvalidArgumentError} for an unknown path or an unacceptable value */
  read(path: string, text: string): ExplicitSetting {
    try {
      const [field] = fieldsAt(
        this.#fields.filter((each) => !isDecided(each)),
        path,
      );
      if (field === undefined) throw new RangeError(path); // fieldsAt has thrown before
      return { field, value: valueOf(field, text) };
    } catch (error) {
      throw error instanceof InvalidArgumentError ? error : new InvalidArgumentError(messageOf(error));
    }
  }

  #at(path: string): SettingField {
    const [field] = fieldsAt(this.#fields, path);
    if (field === undefined) throw new RangeError(path); // fieldsAt has thrown before
    return field;
  }

  #readPair(text: string): ExplicitSetting {
    const [, path, value = ''] = /^([^=]+)=(.*)$/su.exec(text) ?? [];
    if (path === undefined) throw new InvalidArgumentError('Expected path=value, such as seed=7.');
    return this.read(path.trim(), value);
  }

  #list(command: Command): string {
    const helper = command.createHelp();
    helper.prepareContext({ helpWidth: 110 });
    const offered = this.#fields.filter((field) => !isDecided(field));
    const width = Math.max(...offered.map(({ path }) => path.length));
    const lines = offered.flatMap((field, index) => {
      const isNewGroup = field.group !== offered[index - 1]?.group;
      const kinds = field.when.filter(({ value }) => typeof value === 'string').map(({ value }) => String(value));
      const where = kinds.length === 0 ? '' : `${kinds.join(', ')}: `;
      const item = helper.formatItem(field.path, width, `${where}${phrase(field)} (${factsOf(field)})`, helper);
      return isNewGroup ? [`\n  ${field.group}`, item] : [item];
    });
    return `\nSettings, for --set or in the file of --config:${lines.join('\n')}`;
  }
}

/** Whether no option sets it: the kind of data, and the origin of a student. */
function isDecided({ kind, level, path }: SettingField): boolean {
  return kind === 'choice' && level === 'fixed' && path.endsWith('.kind');
}

/** Reads the value of a setting. @throws {InvalidArgumentError} */
function valueOf(field: SettingField, text: string): SettingValue {
  const value = readSetting(field, text);
  if (value === undefined) throw new InvalidArgumentError(`Expected ${describeAllowed(field)}.`);
  return value;
}

/** Label and help as a phrase: "warm-up: steps in which the learning rate rises". */
function phrase({ label, help }: SettingField): string {
  return `${lowerFirst(label)}: ${lowerFirst(help.replace(/\.$/u, ''))}`;
}

function lowerFirst(text: string): string {
  return /^.[^a-z ]/u.test(text) ? text : `${text.charAt(0).toLowerCase()}${text.slice(1)}`;
}

/** Accepted values, unit and default. */
function factsOf(field: SettingField): string {
  const { unit, fallback, kind } = field;
  const shown = kind === 'toggle' ? (fallback ? 'yes' : 'no') : typedSetting(fallback);
  const allowed = [briefRange(field), unit].filter((part) => part !== '').join(' ');
  return [allowed, `default: ${shown === '' ? 'none' : shown}`].filter((part) => part !== '').join('; ');
}

function briefRange(field: SettingField): string {
  switch (field.kind) {
    case 'number':
    case 'list':
      if (field.max < Number.MAX_SAFE_INTEGER) return rangeText(field).replace(/^from /u, '');
      return field.isAboveMin ? `above ${field.min}` : field.min < 0 ? '' : `${field.min} or more`;
    case 'choice':
      return field.options.map(({ value }) => value).join(', ');
    default:
      return '';
  }
}
