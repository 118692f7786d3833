/**
 * The boundary between the page and the worker that lists, compares, exports and imports runs.
 */
import * as v from 'valibot';
import type { ExportedFile } from './checkpoints.ts';
import { RUN_STATES, type RunChange, RunCompletionsSchema, RunWatchSchema, TrackedRunSchema } from './tracked-run.ts';

const text = v.string();
const finite = v.pipe(v.number(), v.finite());

/** A run as a row of the table. */
const RunRowSchema = v.strictObject({
  ...v.omit(TrackedRunSchema, ['schemaVersion', 'experiment', 'settings', 'curve', 'state', 'startUrl']).entries,
  /** `interrupted`: it began, and no tab is making it any more. */
  state: v.picklist([...RUN_STATES, 'interrupted']),
  /** What differs from its parent or else from the first run of its kind that is not archived, such as `lambda 0.3`. */
  differs: v.array(text),
  /** The name of the run that it differs from; null for that run itself. */
  baseline: v.nullable(text),
  /** The last value of everything that was measured. */
  last: v.record(v.string(), finite),
  /** The course of each of the {@link SHOWN_METRICS} that was measured, for a small drawing. */
  courses: v.record(v.string(), v.array(v.strictObject({ step: finite, value: finite }))),
});
export type RunRow = v.InferOutput<typeof RunRowSchema>;

/** The metrics that a comparison shows first, in this order. */
export const FIRST_METRICS = [
  'reward',
  'accuracy',
  'tailRecall',
  'headRecall',
  'distinctRules',
  'verifiedSteps',
  'expertLossNats',
] as const;
/** The metrics that the table can show, in this order. */
export const SHOWN_METRICS = [...FIRST_METRICS, 'lossNats'] as const;

export const RunsOverviewSchema = v.strictObject({
  /** The last started first. */
  runs: v.array(RunRowSchema),
  /** Records that cannot be read; they can only be deleted. */
  damaged: v.array(v.strictObject({ id: text, problem: text })),
});
export type RunsOverview = v.InferOutput<typeof RunsOverviewSchema>;

/** A part of a comparison in words. */
const ReportPartSchema = v.variant('kind', [
  v.strictObject({ kind: v.literal('heading'), text }),
  v.strictObject({ kind: v.literal('paragraph'), text }),
  v.strictObject({ kind: v.literal('list'), items: v.array(text) }),
  v.strictObject({ kind: v.literal('table'), head: v.array(text), rows: v.array(v.array(text)) }),
]);
export type ReportPart = v.InferOutput<typeof ReportPartSchema>;

/** What curves are drawn over: updates, input tokens learned from, or computing time in milliseconds. */
export const COMPARISON_AXES = ['step', 'tokens', 'time'] as const;
export type ComparisonAxis = (typeof COMPARISON_AXES)[number];

export const RunsComparisonSchema = v.strictObject({
  /** All metrics that can be compared. */
  metrics: v.array(text),
  /** Those that were recorded, and the one of the panels. */
  axes: v.array(v.picklist(COMPARISON_AXES)),
  axis: v.picklist(COMPARISON_AXES),
  parts: v.array(ReportPartSchema),
  /** The names of the groups, in the order of the lines of each panel. */
  groups: v.array(text),
  panels: v.array(
    v.strictObject({
      metric: text,
      /** The figure with its intervals, as a file. */
      svg: text,
      /**
       * At each place on the axis the mean over the runs of a group, with its 95 % interval where there are several, and the
       * least and the most of them.
       */
      lines: v.array(
        v.array(v.strictObject({ at: finite, mean: finite, low: finite, high: finite, least: finite, most: finite })),
      ),
    }),
  ),
});
export type RunsComparison = v.InferOutput<typeof RunsComparisonSchema>;

/** What some runs completed, in the order that was asked for; runs without completions have no steps. */
export const ComparedCompletionsSchema = v.array(
  v.strictObject({ name: text, seed: v.pipe(v.number(), v.safeInteger()), steps: v.array(RunCompletionsSchema) }),
);
export type ComparedCompletions = v.InferOutput<typeof ComparedCompletionsSchema>;

/** At most this many runs are compared at once. */
export const MOST_COMPARED = 40;

/**
 * `zip` has a folder for each run, which `lab runs` and `lab compare` read; `report` has what `lab report` writes, in a
 * zip archive; `csv` has a row for each measurement; `html` is the comparison as a page; `tensorboard` are event files
 * for TensorBoard, in a zip archive; `bibtex` is how to cite the runs.
 */
export const RUN_EXPORTS = ['zip', 'report', 'csv', 'html', 'tensorboard', 'bibtex'] as const;
export type RunExport = (typeof RUN_EXPORTS)[number];

export const CompareRequestSchema = v.strictObject({
  ids: v.pipe(v.array(text), v.minLength(1), v.maxLength(MOST_COMPARED)),
  /** Those to show; by default the first that were measured. */
  metrics: v.optional(v.array(text)),
  /** Steps where it was not recorded. */
  axis: v.optional(v.picklist(COMPARISON_AXES), 'step'),
});
export type CompareRequest = v.InferInput<typeof CompareRequestSchema>;

export const ExportRequestSchema = v.strictObject({
  ids: v.pipe(v.array(text), v.minLength(1)),
  as: v.picklist(RUN_EXPORTS),
});
export type ExportRequest = v.InferOutput<typeof ExportRequestSchema>;

/** What an import has added. */
export const RunsImportedSchema = v.strictObject({
  added: v.array(text),
  /** Runs that were here already. */
  known: v.pipe(v.number(), v.integer(), v.minValue(0)),
  /** Folders that could not be read, with the reason. */
  problems: v.array(text),
});
export type RunsImported = v.InferOutput<typeof RunsImportedSchema>;

/** A sweep over settings of a run, as it is typed. */
export const SweepRequestSchema = v.strictObject({
  /** The run whose settings all others have. */
  baseId: text,
  /** `path=value,value`, such as `grpo.balance.lambda=0,0.3,1`. */
  set: v.array(text),
  /** `1-5`, `1,3,7` or both. */
  seeds: text,
  /** How the runs are watched; null if they are not. */
  watch: v.optional(v.nullable(RunWatchSchema), null),
});
export type SweepRequest = v.InferInput<typeof SweepRequestSchema>;

/** An experiment of the lab whose arms can be queued. */
const PresetSchema = v.strictObject({
  /** Such as `E1`. */
  id: text,
  title: text,
  question: text,
  /** The most important first. */
  arms: v.array(text),
  /** Where it is made, for one that the page cannot make; else null. */
  instead: v.nullable(text),
});
export type Preset = v.InferOutput<typeof PresetSchema>;
export const PresetsSchema = v.array(PresetSchema);

/** Arms of a preset to queue. */
export const PresetRequestSchema = v.strictObject({
  id: text,
  arms: v.pipe(v.array(text), v.minLength(1, 'Invalid arms: choose at least one')),
  /** As in a sweep. */
  seeds: text,
  /** In place of those of the arms, for a quick look; null for those of the arms. */
  steps: v.nullable(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1_000_000))),
  watch: v.optional(v.nullable(RunWatchSchema), null),
});
export type PresetRequest = v.InferInput<typeof PresetRequestSchema>;

/** The runs that a sweep would make. */
export const SweepPlanSchema = v.strictObject({
  names: v.array(text),
  /** How long the base has computed, in milliseconds; null if it has not finished, or nobody measured it. */
  baseMs: v.nullable(finite),
});
export type SweepPlan = v.InferOutput<typeof SweepPlanSchema>;

/** The paths of the settings of a run, with what each takes. */
export const SettingPathsSchema = v.array(v.strictObject({ path: text, label: text, takes: text, value: text }));
export type SettingPaths = v.InferOutput<typeof SettingPathsSchema>;

/** A run whose turn it is. */
export const QueuedRunSchema = v.strictObject({
  ...v.pick(TrackedRunSchema, ['id', 'kind', 'name', 'seed', 'experiment', 'startUrl']).entries,
  /** Of the weights of the model that it starts from or learns from; null where that is not known yet. */
  startHash: v.nullable(text),
  /** Its last checkpoint, to resume from; null to start over. */
  checkpointId: v.nullable(text),
});
export type QueuedRun = v.InferOutput<typeof QueuedRunSchema>;

/** The worker's API, by comlink. Each method rejects with a code of LabErrorCode as the error's name. */
export interface RunsApi {
  overview(): Promise<RunsOverview>;
  /** `not-found` if it was deleted; `bad-config` naming the field. */
  change(id: string, change: RunChange): Promise<void>;
  /** Deletes the records of runs and returns what {@link restore} brings back. */
  remove(ids: readonly string[]): Promise<Blob>;
  restore(removed: Blob): Promise<void>;
  /** `not-found` if a run was deleted. */
  compare(request: CompareRequest): Promise<RunsComparison>;
  /** `not-found` if a run was deleted. */
  completions(ids: readonly string[]): Promise<ComparedCompletions>;
  exportRuns(request: ExportRequest): Promise<ExportedFile>;
  /** Adds the runs of a `zip` of {@link exportRuns}, or of zipped run folders of the command line. `bad-file` */
  importRuns(file: Blob): Promise<RunsImported>;
  /** The settings that a sweep can vary. */
  settings(baseId: string): Promise<SettingPaths>;
  /** `bad-config` naming the setting that cannot be read. */
  planSweep(request: SweepRequest): Promise<SweepPlan>;
  /** Adds the runs of a sweep to the queue. */
  queueSweep(request: SweepRequest): Promise<void>;
  presets(): Promise<Preset[]>;
  /** `bad-config` naming what cannot be read. */
  planPreset(request: PresetRequest): Promise<SweepPlan>;
  /** Adds the runs of a preset to the queue. */
  queuePreset(request: PresetRequest): Promise<void>;
  /** The run of the queue whose turn it is; null if none is waiting. */
  nextQueued(): Promise<QueuedRun | null>;
  /** Ends the turn of a run that could not be begun. */
  fail(id: string): Promise<void>;
  /** The settings of a run, as JSON that a form or `--config` reads. */
  config(id: string): Promise<string>;
}
