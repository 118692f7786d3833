/**
 * The settings of a form as the JSON of a settings file, in both directions: what `--config` of the command line reads,
 * and what runs export as config.json.
 */
import * as v from 'valibot';
import { parseConfig } from '../../../config/parse.ts';
import type { SettingField } from '../../../config/setting-fields.ts';
import { leafAt, readSetting, type SettingValue, typedSetting, withSetting } from '../../../config/setting-values.ts';
import { draftOf, fieldsIn, type SettingsDraft, type SettingsForm, shownIn } from './settings-draft.ts';

/** How a form reads settings as JSON. */
export interface JsonForm {
  /** Checks them. */
  readonly schema: v.GenericSchema;
  /** The view and the name in its address that bring settings to the form. */
  readonly place: readonly [view: string, name: string];
}

/** Whether something beside the form decides a setting, such as the data that was chosen. */
function isDecided({ kind, level }: SettingField): boolean {
  return kind === 'given' || level === 'fixed';
}

/** The settings that were changed in a form; those that are wrong are left out. */
export function changedSettings(fields: readonly SettingField[], draft: SettingsDraft): Record<string, unknown> {
  const present = fieldsIn(fields, draft);
  return present.reduce<Record<string, unknown>>((settings, field) => {
    const typed = draft.get(field.path);
    if (typed === undefined) return settings;
    const value = readSetting(field, String(typed));
    return value === undefined ? settings : withSetting(settings, present, field, value);
  }, {});
}

/** Settings taken over into a form. */
export interface TakenSettings {
  readonly draft: SettingsDraft;
  /** What stays as it was, because something beside the form decides it, by path. */
  readonly leftOut: readonly string[];
}

/**
 * The draft that shows the settings of a text in place of those of a form.
 *
 * @throws {LabError} `bad-config` naming the setting
 */
export function takenSettings(form: SettingsForm, before: SettingsDraft, text: string): TakenSettings {
  const place = 'The JSON';
  const given = parseConfig(place, v.pipe(v.string(), v.parseJson(), v.record(v.string(), v.unknown())), text);
  parseConfig(place, form.schema, given);
  const decided = form.fields.filter(isDecided);
  const draft = new Map(draftOf(form, given));
  for (const { path } of decided) {
    const kept = before.get(path);
    if (kept === undefined) draft.delete(path);
    else draft.set(path, kept);
  }
  const differs = (field: SettingField): boolean => {
    const value = leafAt(given, field.path);
    if (value === undefined || (typeof value === 'object' && !Array.isArray(value))) return false;
    const shown = field.kind === 'toggle' ? value === true : typedSetting(value as SettingValue);
    return shown !== shownIn(before, field);
  };
  const known = (key: string): boolean => form.fields.some(({ path }) => path === key || path.startsWith(`${key}.`));
  const others = Object.keys(given).filter((key) => !known(key));
  return { draft, leftOut: [...new Set([...decided.filter(differs).map(({ path }) => path), ...others])] };
}
