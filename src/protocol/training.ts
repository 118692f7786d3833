/**
 * The boundary between the page and the worker that trains. As in scoring.ts, everything that crosses it is a plain
 * value with a schema, parsed on arrival on either side.
 *
 * A run is a stream of events: `backend`, `preparing` (once per stage), `prepared`; then `log`, `evaluation`,
 * `checkpoint`, `paused` and `resumed`; finally exactly one of `finished`, `stopped` and `failed`. A run that loses its
 * GPU sends `recovering` and starts again at `backend`. Commands steer it between two updates.
 */
import * as v from 'valibot';
import { FailureSchema } from './failure.ts';
import { DataPlanSchema } from './imported-data.ts';
import { BACKEND_CHOICES } from './scoring.ts';
import { backendEntries, type DataApi, STEERING_COMMANDS, STEERING_EVENTS } from './session.ts';

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const positive = v.pipe(v.number(), v.minValue(0));
const measured = v.nullable(v.number());
const checkpointId = v.pipe(v.string(), v.nonEmpty());
const backend = v.optional(v.picklist(BACKEND_CHOICES), 'auto');

/** A run to plan. The experiment's own schema checks its settings. */
export const PlanRequestSchema = v.strictObject({ experiment: v.unknown(), backend });
export type PlanRequest = v.InferInput<typeof PlanRequestSchema>;

/** What to train: a new run from its settings, or a saved run with the settings saved in it. */
export const TrainRequestSchema = v.strictObject({
  from: v.variant('kind', [
    v.strictObject({
      kind: v.literal('experiment'),
      experiment: v.unknown(),
      /** The id of the run that this one restarts, if it was cut short before its first checkpoint. */
      runId: v.optional(checkpointId),
    }),
    /** A new model that learns from a teacher. */
    v.strictObject({
      kind: v.literal('student'),
      /** Checked by its own schema, `DistillExperimentSchema`. */
      experiment: v.unknown(),
      /** The folder of the teacher as an absolute URL with a trailing slash, or `checkpointUrl`. */
      teacherUrl: v.pipe(v.string(), v.url(), v.endsWith('/')),
      /** Of the teacher's weights that must be there; null for whichever are. */
      teacherHash: v.optional(v.nullable(v.string()), null),
      runId: v.optional(checkpointId),
    }),
    /** A run that continues a model on a file of judged pairs. */
    v.strictObject({
      kind: v.literal('continuation'),
      /**
       * The settings of the run; where they name no start, what was asked for, and the rest has defaults for continuing a
       * model (runs/sft-continuation.ts).
       */
      experiment: v.unknown(),
      /** The folder of the model as an absolute URL with a trailing slash, or `checkpointUrl`. */
      startUrl: v.pipe(v.string(), v.url(), v.endsWith('/')),
      runId: v.optional(checkpointId),
    }),
    /** A checkpoint of the store, from any kind of run. */
    v.strictObject({ kind: v.literal('checkpoint'), id: checkpointId }),
    /** The bytes of a checkpoint file, as the command line writes it. */
    v.strictObject({ kind: v.literal('bytes'), bytes: v.instance(Uint8Array<ArrayBuffer>) }),
  ]),
  backend,
  /** Whether the page is visible; see the `visibility` command. */
  isVisible: v.optional(v.boolean(), true),
  /** Whether the Train view shows the run after a reload. */
  isRecorded: v.optional(v.boolean(), true),
});
export type TrainRequest = v.InferInput<typeof TrainRequestSchema>;
export type ParsedTrainRequest = v.InferOutput<typeof TrainRequestSchema>;

/** Commands for a run. A stop saves a checkpoint first. */
export const TrainingCommandSchema = v.variant('kind', [
  ...STEERING_COMMANDS,
  v.strictObject({ kind: v.literal('evaluate') }),
  v.strictObject({ kind: v.literal('save') }),
]);
export type TrainingCommand = v.InferOutput<typeof TrainingCommandSchema>;

/** The expected cost of a run. Times are right within a factor of about two. */
const CostSchema = v.strictObject({
  stepMs: positive,
  /** Until the last update, including preparation and evaluations. */
  runMs: positive,
  /** The most memory held at once, weights and optimizer included. */
  memoryBytes: count,
});
export type PredictedCost = v.InferOutput<typeof CostSchema>;

/** The plan of a run before it begins. */
export const TrainingPlanSchema = v.strictObject({
  ...backendEntries,
  parameters: count,
  predicted: CostSchema,
  /** Why the run would run out of memory; null if it would not. */
  tooLarge: v.nullable(v.string()),
  /** The imported data set under these settings; null for a rule world. */
  data: v.nullable(DataPlanSchema),
});
export type TrainingPlan = v.InferOutput<typeof TrainingPlanSchema>;

/** The stages before the first update. */
export const PREPARE_STAGES = ['world', 'file', 'start', 'teacher', 'tokenizer', 'examples', 'speed'] as const;

const PreparedEventSchema = v.strictObject({
  kind: v.literal('prepared'),
  /** The run's settings with all defaults, as in its checkpoints. */
  experiment: v.unknown(),
  runId: v.string(),
  /** The version of the training data: of a rule world, or the SHA-256 of an imported data set. */
  dataHash: v.string(),
  parameters: count,
  vocabSize: count,
  trainPairs: count,
  devPairs: count,
  /** Training pairs that lost words to the limits of the prompt. */
  shortened: count,
  /** Updates made so far: 0, or those of the checkpoint. */
  step: count,
  steps: count,
  /** The learning curve so far. */
  curve: v.array(
    v.strictObject({
      step: count,
      tokens: count,
      lossNats: v.number(),
      devAccuracy: v.optional(v.number()),
      devLossNats: v.optional(v.number()),
    }),
  ),
  predicted: CostSchema,
});

const LogEventSchema = v.strictObject({
  kind: v.literal('log'),
  step: count,
  steps: count,
  lossNats: v.number(),
  /** Before clipping; null where the update was skipped because the gradient overflowed float16. */
  gradNorm: v.nullable(v.number()),
  /** The same of each weight by its name; null where the global one is, or nobody measured. */
  gradNorms: v.optional(v.nullable(v.record(v.string(), v.number())), null),
  /** The root mean square of what each module gave, by its path; null where one is not finite, or nobody measured. */
  activations: v.optional(v.nullable(v.record(v.string(), v.number())), null),
  /** In mixed precision: the factor of the loss, and the updates skipped so far. */
  lossScale: v.optional(v.strictObject({ scale: positive, skipped: count })),
  learningRate: positive,
  /** Input tokens learned from since the run began, without padding. */
  tokens: count,
  /** Of training alone, excluding pauses, evaluations and saves. Null before the first measurement. */
  tokensPerSec: v.nullable(positive),
  stepMs: v.nullable(positive),
  /** Until the last update, at the recent speed. */
  secondsLeft: v.nullable(positive),
  memory: v.strictObject({ tensors: count, bytes: count }),
});

const EvaluationEventSchema = v.strictObject({
  kind: v.literal('evaluation'),
  step: count,
  /** Whether the settings asked for it, as opposed to a command. */
  isScheduled: v.boolean(),
  pairs: count,
  accuracy: measured,
  macroF1: measured,
  pairAccuracy: measured,
  /** Over queries that have a relevant document. */
  ndcg10: measured,
  /** Which queries the two ranking metrics leave out, a sentence each; empty in events of earlier versions. */
  leftOut: v.optional(v.array(v.string()), []),
  /** Mean negative log-likelihood per token of the expert's completions. */
  expertLossNats: measured,
  /** Of greedy completions of the first pairs; null without completions. */
  completions: count,
  validTraces: measured,
  strictReward: measured,
  headAccuracy: measured,
  tailAccuracy: measured,
});

const atStep = { step: count };

/** One event of a run. */
export const TrainingEventSchema = v.variant('kind', [
  ...STEERING_EVENTS,
  v.strictObject({ kind: v.literal('preparing'), stage: v.picklist(PREPARE_STAGES) }),
  PreparedEventSchema,
  LogEventSchema,
  EvaluationEventSchema,
  v.strictObject({ kind: v.literal('checkpoint'), ...atStep, id: checkpointId, sizeBytes: count }),
  /** A checkpoint could not be stored; the run continues. */
  v.strictObject({ kind: v.literal('unsaved'), ...atStep, ...FailureSchema.entries }),
  v.strictObject({
    kind: v.literal('finished'),
    ...atStep,
    tokens: count,
    /** Of the bits of all weights. */
    weightsHash: v.string(),
    checkpointId: v.nullable(checkpointId),
  }),
  v.strictObject({ kind: v.literal('stopped'), ...atStep, checkpointId: v.nullable(checkpointId) }),
  v.strictObject({ kind: v.literal('failed'), ...FailureSchema.entries, checkpointId: v.nullable(checkpointId) }),
]);
export type TrainingEvent = v.InferOutput<typeof TrainingEventSchema>;
export type TrainingEventOf<Kind extends TrainingEvent['kind']> = Extract<TrainingEvent, { kind: Kind }>;

/** The worker's API, by comlink. Arguments are unknown until parsed with the schemas above. */
export interface TrainingApi extends DataApi {
  /**
   * Checks the data of a run, opens a backend and predicts the cost. Rejects with a code of LabErrorCode as the error's
   * name.
   */
  plan(request: PlanRequest): Promise<TrainingPlan>;
  /** Trains; resolves after the last event. Fails at once while another run is under way. */
  run(request: TrainRequest, emit: (event: TrainingEvent) => void): Promise<void>;
  /** Steers the present run; without one it does nothing. Rejects if the command is malformed. */
  command(command: TrainingCommand): Promise<void>;
}
