/**
 * Settings as they are being typed. A draft holds what was typed or chosen, right or wrong; the fields and the schema
 * turn it into settings or say which fields are wrong.
 */
import * as v from 'valibot';
import { sentence } from '../../../config/issues.ts';
import { type SettingField, settingFields } from '../../../config/setting-fields.ts';
import {
  describeAllowed,
  leafAt,
  readSetting,
  type SettingValue,
  typedSetting,
  withSetting,
} from '../../../config/setting-values.ts';

/** What was typed, by path: text, or the state of a toggle. What is not in it has its default. */
export type SettingsDraft = ReadonlyMap<string, string | boolean>;

/** A schema with its fields. */
export interface SettingsForm<Schema extends v.GenericSchema = v.GenericSchema> {
  readonly schema: Schema;
  readonly fields: readonly SettingField[];
}

/** A draft, checked. */
export interface CheckedDraft<Settings> {
  /** The settings with all defaults; absent if anything is wrong. */
  readonly settings: Settings | undefined;
  /** What is wrong with a field, by path. What is wrong with no field in particular is under ''. */
  readonly problems: ReadonlyMap<string, string>;
}

export function formOf<Schema extends v.GenericSchema>(schema: Schema): SettingsForm<Schema> {
  return { schema, fields: settingFields(schema) };
}

/** The fields that exist beside what was chosen. */
export function fieldsIn(fields: readonly SettingField[], draft: SettingsDraft): SettingField[] {
  const valueAt = (path: string): unknown => draft.get(path) ?? fields.find((field) => field.path === path)?.fallback;
  return fields.filter(({ when }) => when.every(({ path, value }) => valueAt(path) === value));
}

/** What a field shows. */
export function shownIn(draft: SettingsDraft, { path, kind, fallback }: SettingField): string | boolean {
  const typed = draft.get(path);
  if (kind === 'toggle') return typed === undefined ? fallback : typed === true;
  return typed === undefined ? typedSetting(fallback) : String(typed);
}

/** The draft that shows some settings. */
export function draftOf<Schema extends v.GenericSchema>(
  { fields }: SettingsForm<Schema>,
  settings: v.InferInput<Schema>,
): SettingsDraft {
  const draft = new Map<string, string | boolean>();
  for (const field of fields) {
    const value = leafAt(settings, field.path);
    if (value === undefined || fieldsIn(fields, draft).every((each) => each !== field)) continue;
    const shown = field.kind === 'toggle' ? value !== null && value !== false : typedSetting(value as SettingValue);
    if (shown !== shownIn(new Map(), field)) draft.set(field.path, shown);
  }
  return draft;
}

/** @param decided - settings that are not the form's to choose */
export function checkDraft<Schema extends v.GenericSchema>(
  { schema, fields }: SettingsForm<Schema>,
  draft: SettingsDraft,
  decided: Readonly<Record<string, unknown>> = {},
): CheckedDraft<v.InferOutput<Schema>> {
  const problems = new Map<string, string>();
  const present = fieldsIn(fields, draft);
  let settings = decided;
  for (const field of present) {
    const typed = draft.get(field.path);
    if (typed === undefined) continue;
    const value = readSetting(field, String(typed));
    if (value === undefined) problems.set(field.path, demandOf(field));
    else settings = withSetting(settings, present, field, value);
  }
  const result = v.safeParse(schema, settings);
  if (result.success) return { settings: problems.size === 0 ? result.output : undefined, problems };
  for (const issue of result.issues) {
    const path = v.getDotPath(issue) ?? '';
    const field = present.find((each) => path === each.path || path.startsWith(`${each.path}.`));
    const isOfList = field?.kind === 'list';
    const problem = field === undefined || isOfList ? sentence(issue.message) : demandOf(field);
    if (field === undefined || !problems.has(field.path)) problems.set(field?.path ?? '', problem);
  }
  return { settings: undefined, problems };
}

/** What a field asks for, in a sentence. */
export function demandOf(field: SettingField): string {
  return `${field.kind === 'choice' || field.kind === 'given' ? 'Choose' : 'Give'} ${describeAllowed(field)}.`;
}
