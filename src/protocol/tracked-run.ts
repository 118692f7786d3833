/**
 * The record of a run, one form for all kinds of runs, in the page and on the command line: what it is, the settings
 * that it was made with, how far it came, and what was measured. Its folder has `run.json` (all but the following),
 * `config.json` (the experiment) and `metrics.jsonl` (a measurement a line).
 */
import * as v from 'valibot';

/** The kinds of runs, by the command that makes them. */
export const RUN_KINDS = ['sft', 'grpo', 'distill'] as const;
export type RunKind = (typeof RUN_KINDS)[number];

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
/** Milliseconds since 1970, up to the latest date of JavaScript. */
const time = v.pipe(count, v.maxValue(8.64e15));
/** The most characters of a run's name. */
export const MAX_RUN_NAME_LENGTH = 200;
const shortText = v.pipe(v.string(), v.maxLength(MAX_RUN_NAME_LENGTH));
/** JSON has no other numbers, and a record must survive as a file. */
const finite = v.pipe(v.number(), v.finite());
const id = v.pipe(v.string(), v.regex(/^[\w-]{1,64}$/u, 'Invalid id: 1 to 64 letters, digits, "-" or "_"'));

const SettingSchema = v.nullable(v.union([v.string(), finite, v.boolean()]));
/** The value of a setting. */
export type Setting = v.InferOutput<typeof SettingSchema>;

/** Measurements after a step, by name; null where there was nothing to measure. */
export const RunPointSchema = v.strictObject({
  step: count,
  measures: v.record(v.string(), v.nullable(finite)),
  /** Input tokens learned from by then; missing where nobody counted. */
  tokens: v.optional(count),
  /** Milliseconds of computing by then, without pauses and waiting; missing where nobody measured. */
  activeMs: v.optional(count),
});
export type RunPoint = v.InferOutput<typeof RunPointSchema>;

/** What a run has come to, as read from its checkpoint. */
export const RunSummarySchema = v.strictObject({
  kind: v.picklist(RUN_KINDS),
  name: shortText,
  seed: count,
  /** Steps made, and total steps. */
  step: count,
  steps: count,
  /** By path, such as `grpo.balance.lambda`, with the hashes of data and start; without name and seed. */
  settings: v.record(v.string(), SettingSchema),
  curve: v.array(RunPointSchema),
});
export type RunSummary = v.InferOutput<typeof RunSummarySchema>;

/** A run with the settings that its kind's own parser reads. */
export interface RunDescription extends RunSummary {
  readonly experiment: object;
  /** The model that it starts from or learns from, where a page can find it again; null elsewhere. */
  readonly startUrl?: string | null;
}

/**
 * `queued` until it begins, `running` until it ends. A page or a process that was closed leaves it so; whether a run is
 * still alive is known to its lock alone.
 */
export const RUN_STATES = ['queued', 'running', 'finished', 'stopped', 'failed'] as const;
export type RunState = (typeof RUN_STATES)[number];

/** What a person adds to a run. */
const RemarksSchema = v.strictObject({
  note: v.pipe(v.string(), v.maxLength(10_000)),
  tags: v.pipe(v.array(v.pipe(v.string(), v.trim(), v.nonEmpty(), v.maxLength(40))), v.maxLength(20)),
  isPinned: v.boolean(),
  isArchived: v.boolean(),
});
export type RunRemarks = v.InferOutput<typeof RemarksSchema>;

/** The remarks of a new run. */
export const NO_REMARKS: RunRemarks = { note: '', tags: [], isPinned: false, isArchived: false };

/** What a run of a sweep is watched by: its best checkpoint is kept, and it ends where it does not improve any more. */
export const RunWatchSchema = v.strictObject({
  /** A measure; the lower one is better of a loss, the higher one of any other. */
  metric: v.pipe(v.string(), v.nonEmpty(), v.maxLength(60)),
  /**
   * The run ends at a checkpoint if this many measurements in a row were no better than the best before them; 0: never.
   */
  patience: v.pipe(count, v.maxValue(10_000)),
});
export type RunWatch = v.InferOutput<typeof RunWatchSchema>;

/** Whether a lower value of a metric is the better one, as of a loss. */
export function isLowerBetter(metric: string): boolean {
  return /loss/iu.test(metric);
}

/** The best checkpoint so far by the metric of the watch; its id is null where it is a file beside the record. */
const BestSchema = v.strictObject({ step: count, value: finite, checkpointId: v.nullable(id) });
export type RunBest = v.InferOutput<typeof BestSchema>;

export const TrackedRunSchema = v.strictObject({
  schemaVersion: v.literal(1),
  id,
  ...RunSummarySchema.entries,
  state: v.picklist(RUN_STATES),
  /** The run that it was forked from. */
  parentId: v.nullable(id),
  startedAt: time,
  updatedAt: time,
  /** Its place in the queue of this browser, the least first, until it has ended; null outside of it. */
  queuedAt: v.nullable(finite),
  /** Milliseconds of computing so far, without pauses and waiting; null where nobody measured. */
  activeMs: v.optional(v.nullable(count), null),
  watch: v.optional(v.nullable(RunWatchSchema), null),
  best: v.optional(v.nullable(BestSchema), null),
  startUrl: v.nullable(v.string()),
  /** The settings as the kind's own parser reads them. */
  experiment: v.pipe(v.unknown(), v.check(hasFiniteNumbers, 'Invalid settings: a number that is not finite')),
  ...RemarksSchema.entries,
});
export type TrackedRun = v.InferOutput<typeof TrackedRunSchema>;

/** The most pairs whose completions are recorded at a step. */
export const MAX_RECORDED_COMPLETIONS = 20;
/** The most characters of each of its texts. */
export const MAX_COMPLETION_LENGTH = 10_000;
const text = v.pipe(v.string(), v.maxLength(MAX_COMPLETION_LENGTH));

/** What a run completed for some held-out pairs, the same at every step. */
export const RunCompletionsSchema = v.strictObject({
  step: count,
  answers: v.pipe(
    v.array(
      v.strictObject({
        query: text,
        title: text,
        /** The given label and the run's, from 0. */
        gold: count,
        label: count,
        /** The greedy completion as it was written, with its special tokens. */
        completion: text,
      }),
    ),
    v.maxLength(100),
  ),
});
export type RunCompletions = v.InferOutput<typeof RunCompletionsSchema>;

/** Changes by a person. */
export const RunChangeSchema = v.partial(
  v.strictObject({
    name: v.pipe(shortText, v.trim(), v.nonEmpty()),
    ...RemarksSchema.entries,
    queuedAt: v.nullable(finite),
  }),
);
export type RunChange = v.InferOutput<typeof RunChangeSchema>;

/** Whether no number in a value is infinite or not a number. */
function hasFiniteNumbers(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  return typeof value !== 'object' || value === null || Object.values(value).every(hasFiniteNumbers);
}
