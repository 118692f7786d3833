/**
 * Settings as they are being typed. A draft holds what stands in the fields, right or wrong; the schema turns it into
 * settings or says which fields are wrong.
 */
import * as v from 'valibot';
import { type SftExperiment, SftExperimentSchema } from '../protocol/sft-experiment.ts';
import { fieldsOf, type NumberField, type SettingField } from './settings-fields.ts';

/** What stands in the fields, by path: text, or the state of a toggle. */
export type SettingsDraft = ReadonlyMap<string, string | boolean>;

/** A draft, checked. */
export interface CheckedDraft {
  /** The settings with all defaults; absent if anything is wrong. */
  readonly settings: SftExperiment | undefined;
  /** What is wrong with a field, by path. What is wrong with no field in particular stands under ''. */
  readonly problems: ReadonlyMap<string, string>;
}

/** The settings of a supervised run, in the order of the schema. */
export const SETTING_FIELDS: readonly SettingField[] = fieldsOf(SftExperimentSchema);

/** The draft that shows some settings; defaults stand where they say nothing. */
export function draftOf(settings: v.InferInput<typeof SftExperimentSchema>): SettingsDraft {
  return new Map(SETTING_FIELDS.map(({ path, fallback }) => [path, shown(leafAt(settings, path) ?? fallback)]));
}

export function checkDraft(draft: SettingsDraft): CheckedDraft {
  const result = v.safeParse(SftExperimentSchema, nestedValues(draft));
  if (result.success) return { settings: result.output, problems: new Map() };
  const problems = new Map<string, string>();
  for (const issue of result.issues) {
    const path = v.getDotPath(issue) ?? '';
    const field = SETTING_FIELDS.find((candidate) => candidate.path === path);
    problems.set(field?.path ?? '', field === undefined ? issue.message : demandOf(field));
  }
  return { settings: undefined, problems };
}

/** What a field asks for, in a sentence. */
export function demandOf(field: SettingField): string {
  switch (field.kind) {
    case 'number':
      return `Give ${field.isWhole ? 'a whole number' : 'a number'}${rangeText(field)}.`;
    case 'choice':
      return `Choose one of ${field.options.join(', ')}.`;
    case 'text':
      return 'Give a name.';
    case 'toggle':
      return 'Choose yes or no.';
    default:
      return field satisfies never;
  }
}

function rangeText({ min, isAboveMin, max }: NumberField): string {
  if (min !== undefined && max !== undefined)
    return isAboveMin ? ` above ${min}, up to ${max}` : ` from ${min} to ${max}`;
  if (min !== undefined) return isAboveMin ? ` above ${min}` : ` of at least ${min}`;
  return max === undefined ? '' : ` of at most ${max}`;
}

/** What was typed, as the nested values that the schema reads; text that is no number stays text, and is refused there. */
function nestedValues(draft: SettingsDraft): Record<string, unknown> {
  const root: Record<string, unknown> = {};
  for (const field of SETTING_FIELDS) {
    const typed = draft.get(field.path);
    if (typed === undefined) continue;
    const names = field.path.split('.');
    const last = names.pop() ?? field.path;
    let place = root;
    for (const name of names) place = childOf(place, name);
    place[last] = field.kind === 'number' ? numberIn(String(typed)) : typed;
  }
  return root;
}

function shown(value: string | number | boolean): string | boolean {
  return typeof value === 'boolean' ? value : String(value);
}

function numberIn(text: string): number | string {
  const number = Number(text);
  return text.trim() === '' || Number.isNaN(number) ? text : number;
}

function childOf(parent: Record<string, unknown>, name: string): Record<string, unknown> {
  const child = parent[name];
  if (isRecord(child)) return child;
  const made: Record<string, unknown> = {};
  parent[name] = made;
  return made;
}

/** The setting at a path, if one is there. */
function leafAt(settings: unknown, path: string): string | number | boolean | undefined {
  const value = path.split('.').reduce<unknown>((at, name) => (isRecord(at) ? at[name] : undefined), settings);
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
