/**
 * A student as the reader chooses it: who teaches, and the settings of its run.
 */
import * as v from 'valibot';
import type { SettingField } from '../../config/setting-fields.ts';
import type { CheckpointOverview } from '../../protocol/checkpoints.ts';
import { type DistillExperiment, DistillExperimentSchema } from '../../protocol/distill-experiment.ts';
import { BRANCH_KIND, checkpointUrl } from '../../protocol/grpo.ts';
import { isSingleRun } from '../parts/sessions/run-kinds.ts';
import {
  checkDraft,
  type CheckedDraft,
  draftOf,
  formOf,
  type SettingsDraft,
  type SettingsForm,
} from '../parts/forms/settings-draft.ts';
import { BUNDLED_MODELS } from '../score/bundled-models.ts';
import type { RunSource } from '../parts/sessions/training-controller.ts';

const { schema, fields } = formOf(DistillExperimentSchema);
const isAboutTeacher = ({ group }: SettingField): number => (group === 'What is learned' ? 0 : 1);
/**
 * What is learned of the teacher comes first; the size of the rule world matters less than how much of it is learned
 * from.
 */
export const STUDENT_FORM: SettingsForm<typeof DistillExperimentSchema> = {
  schema,
  fields: fields
    .map((field): SettingField => (field.path.startsWith('world.') ? { ...field, level: 'advanced' } : field))
    .toSorted((a, b) => isAboutTeacher(a) - isAboutTeacher(b)),
};

export interface StudentChoice {
  /** A {@link Teacher.key}. */
  readonly teacher: string;
  readonly draft: SettingsDraft;
}

/** Takes a few minutes without a GPU. */
export const DEFAULT_STUDENT: StudentChoice = {
  teacher: 'default',
  draft: draftOf(STUDENT_FORM, {
    queries: 500,
    distill: { steps: 300, batchSize: 32, warmupSteps: 30, evaluateEvery: 50, checkpointEvery: 50, logEvery: 5 },
  }),
};

export function checkStudent({ draft }: StudentChoice): CheckedDraft<DistillExperiment> {
  return checkDraft(STUDENT_FORM, draft);
}

/** Who can teach. */
export interface Teacher {
  /** The id of a bundled model, or the address of a checkpoint. */
  readonly key: string;
  readonly name: string;
}

/** Models that give reasons by the rules of the rule world: bundled ones, and checkpoints trained on it. */
export function teachersOf(overview: CheckpointOverview | undefined): Teacher[] {
  const bundled = BUNDLED_MODELS.filter(({ isOfWorld }) => isOfWorld !== false);
  const kept = (overview?.checkpoints ?? []).filter(
    ({ kind, configJson }) => isRun(kind) && learnedFromWorld(configJson),
  );
  return [
    ...bundled.map(({ id, name }) => ({ key: id, name })),
    ...kept.map(({ id, name }) => ({ key: checkpointUrl(id), name })),
  ];
}

/** The run to ask for. @param baseUrl - of the page */
export function studentSource(teacher: string, experiment: DistillExperiment, baseUrl: string): RunSource {
  const bundled = BUNDLED_MODELS.find(({ id }) => id === teacher);
  const teacherUrl = bundled === undefined ? teacher : new URL(bundled.folder, baseUrl).href;
  return { kind: 'student', experiment, teacherUrl };
}

function isRun(kind: string): boolean {
  return isSingleRun(kind) || kind === BRANCH_KIND;
}

const DataSchema = v.object({ data: v.optional(v.object({ kind: v.string() }), { kind: 'world' }) });
const SettingsSchema = v.pipe(v.string(), v.parseJson(), DataSchema);

/** Settings of runs on files have the file in `data`; all others are of the rule world. */
function learnedFromWorld(configJson: string): boolean {
  const read = v.safeParse(SettingsSchema, configJson);
  return read.success && read.output.data.kind === 'world';
}
