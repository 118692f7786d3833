/**
 * The draft of a supervised run: what changes in it with the data that is chosen.
 */
import type { DataSummary } from '../../protocol/imported-data.ts';
import { GradeMeanings } from '../../protocol/grade-meanings.ts';
import { type DataKind, type SftExperiment, SftExperimentSchema } from '../../protocol/sft-experiment.ts';
import { MIN_SCALE } from '../../relevance/pair/labels.ts';
import { CURRENT_STANDING } from '../../relevance/prompt/standing.ts';
import { CURRENT_FOLDING } from '../../relevance/pair/text-folding.ts';
import { checkDraft, type CheckedDraft, formOf, type SettingsDraft } from '../parts/forms/settings-draft.ts';

export const SFT_FORM = formOf(SftExperimentSchema);
/** Settings that mean something on a file alone: a rule world has a scale of its own, and its documents no standing. */
const OF_A_FILE: ReadonlySet<string> = new Set(['prompt.scaleSize', 'prompt.standing']);
export const SFT_FIELDS = {
  file: SFT_FORM.fields,
  world: SFT_FORM.fields.filter(({ path }) => !OF_A_FILE.has(path)),
} as const satisfies Record<DataKind, typeof SFT_FORM.fields>;

/** A new model reads words and standings as this version of the lab does. */
export function checkSftDraft(draft: SettingsDraft): CheckedDraft<SftExperiment> {
  const ofFile = dataKindOf(draft) === 'file' ? { standingVersion: CURRENT_STANDING } : {};
  return checkDraft(SFT_FORM, draft, { prompt: { folding: CURRENT_FOLDING, ...ofFile } });
}

/** What the run of a draft would learn from. */
export function dataKindOf(draft: SettingsDraft): DataKind {
  return draft.get('data.kind') === 'file' ? 'file' : 'world';
}

/**
 * The draft for other data. What was typed for both stays, and what was typed for one is there again on the way back.
 */
export function withDataKind(draft: SettingsDraft, kind: DataKind): SettingsDraft {
  const switched = new Map(draft).set('data.kind', kind);
  if (kind === 'world') for (const path of OF_A_FILE) switched.delete(path);
  return switched;
}

/** The draft with an imported data set, on the scale that its grades show. */
export function withDataSet(draft: SettingsDraft, { name, sha256, likelyScale }: DataSummary): SettingsDraft {
  return new Map(withDataKind(draft, 'file'))
    .set('data.name', name)
    .set('data.sha256', sha256)
    .set('data.grades', ofSameFile(draft, sha256, 'data.grades'))
    .set('data.labels', ofSameFile(draft, sha256, 'data.labels'))
    .set('prompt.scaleSize', String(likelyScale));
}

/** A setting that is about the file, which another file does not take over. */
function ofSameFile(draft: SettingsDraft, sha256: string, path: string): string | boolean {
  return draft.get('data.sha256') === sha256 ? (draft.get(path) ?? '') : '';
}

/** The draft with what the grades of its file mean, on the scale that they then have; another has other labels. */
export function withGrades(draft: SettingsDraft, meanings: string, likelyScale: number): SettingsDraft {
  const labels = meanings === '' ? [] : new GradeMeanings(meanings).labels;
  const scale = labels.length === 0 ? likelyScale : Math.max(MIN_SCALE, (labels.at(-1) ?? 0) + 1);
  const changed = new Map(draft).set('data.grades', meanings).set('prompt.scaleSize', String(scale));
  return draft.get('prompt.scaleSize') === String(scale) ? changed : changed.set('data.labels', '');
}
