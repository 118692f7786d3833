/**
 * Settings as they are being typed. A draft holds what stands in the fields, right or wrong; the schema turns it into
 * settings or says which fields are wrong.
 */
import * as v from 'valibot';
import type { DataSummary } from '../../protocol/imported-data.ts';
import { type DataKind, type SftExperiment, SftExperimentSchema } from '../../protocol/sft-experiment.ts';
import { GradeMeanings } from '../../protocol/grade-meanings.ts';
import { DEFAULT_SCALE, MIN_SCALE } from '../../relevance/pair/labels.ts';
import { CURRENT_FOLDING } from '../../relevance/pair/text-folding.ts';
import { fieldsOf, type NumberField, type SettingField } from './settings-fields.ts';

const WORLD_SCALE = DEFAULT_SCALE.size;

/** What stands in the fields, by path: text, or the state of a toggle. */
export type SettingsDraft = ReadonlyMap<string, string | boolean>;

/** A draft, checked. */
export interface CheckedDraft {
  /** The settings with all defaults; absent if anything is wrong. */
  readonly settings: SftExperiment | undefined;
  /** What is wrong with a field, by path. What is wrong with no field in particular stands under ''. */
  readonly problems: ReadonlyMap<string, string>;
}

/** The settings of a supervised run, in the order of the schema, by what it learns from. */
export const SETTING_FIELDS: Readonly<Record<DataKind, readonly SettingField[]>> = {
  world: fieldsOf(SftExperimentSchema, { data: 'world' }),
  file: fieldsOf(SftExperimentSchema, { data: 'file' }),
};

/** The draft that shows some settings; defaults stand where they say nothing. */
export function draftOf(settings: v.InferInput<typeof SftExperimentSchema>): SettingsDraft {
  const fields = SETTING_FIELDS[settings.data?.kind ?? 'world'];
  return new Map(fields.map(({ path, fallback }) => [path, shown(leafAt(settings, path) ?? fallback)]));
}

/** What the run of a draft would learn from. */
export function dataKindOf(draft: SettingsDraft): DataKind {
  return draft.get('data.kind') === 'file' ? 'file' : 'world';
}

/** The draft for other data. What was typed for both stays, and what was typed for one is there again on the way back. */
export function withDataKind(draft: SettingsDraft, kind: DataKind): SettingsDraft {
  const defaults = SETTING_FIELDS[kind].map(({ path, fallback }): [string, string | boolean] => [
    path,
    shown(fallback),
  ]);
  const switched = new Map([...defaults, ...draft, ['data.kind', kind] as const]);
  // A rule world has a scale of its own.
  return kind === 'world' ? switched.set('prompt.scaleSize', String(WORLD_SCALE)) : switched;
}

/** The draft with an imported data set, on the scale that its grades show. */
export function withDataSet(draft: SettingsDraft, { name, sha256, likelyScale }: DataSummary): SettingsDraft {
  return new Map(withDataKind(draft, 'file'))
    .set('data.name', name)
    .set('data.sha256', sha256)
    .set('data.grades', draft.get('data.sha256') === sha256 ? (draft.get('data.grades') ?? '') : '')
    .set('prompt.scaleSize', String(likelyScale));
}

/** The draft with what the grades of its file mean, on the scale that they then have. */
export function withGrades(draft: SettingsDraft, meanings: string, likelyScale: number): SettingsDraft {
  const labels = meanings === '' ? [] : new GradeMeanings(meanings).labels;
  const scale = labels.length === 0 ? likelyScale : Math.max(MIN_SCALE, (labels.at(-1) ?? 0) + 1);
  return new Map(draft).set('data.grades', meanings).set('prompt.scaleSize', String(scale));
}

export function checkDraft(draft: SettingsDraft): CheckedDraft {
  const fields = SETTING_FIELDS[dataKindOf(draft)];
  const typed = nestedValues(draft, fields);
  // A new model reads words as this version of the lab does.
  childOf(typed, 'prompt')['folding'] = CURRENT_FOLDING;
  const result = v.safeParse(SftExperimentSchema, typed);
  if (result.success) return { settings: result.output, problems: new Map() };
  const problems = new Map<string, string>();
  for (const issue of result.issues) {
    const path = v.getDotPath(issue) ?? '';
    const field = fields.find((candidate) => candidate.path === path);
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
    case 'given':
      return 'Choose a file.';
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
function nestedValues(draft: SettingsDraft, fields: readonly SettingField[]): Record<string, unknown> {
  const root: Record<string, unknown> = {};
  for (const field of fields) {
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
