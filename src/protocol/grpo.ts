/**
 * The boundary between the page and the worker that runs GRPO, as training.ts is for single runs: plain values with a
 * schema, parsed on arrival on either side.
 *
 * A demonstration is several *branches* of one start, which learn in turn, one step at a time. Its events: `preparing`,
 * `backend`, `prepared`; a `branch` for each branch and for each later fork; then `step`, `measure`, `kept`,
 * `checkpoint`, `paused`, `resumed` and `refused`, with one `branch-ended` per branch; finally exactly one of
 * `finished`, `stopped` and `failed`. Commands take effect between two steps. After the loss of a GPU, `recovering` is
 * sent, and a `rewound` for each branch that repeats steps.
 */
import * as v from 'valibot';
import { CRITERIA } from '../relevance/pair/vocabulary.ts';
import { FailureSchema } from './failure.ts';
import { PolicyAnswersSchema, RecordedPairSchema } from './policy-answers.ts';
import { PolicyMeasuresSchema } from './policy-measures.ts';
import { BACKEND_CHOICES, PairSchema } from './scoring.ts';
import { type DataApi, STEERING_COMMANDS, STEERING_EVENTS } from './session.ts';

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const notNegative = v.pipe(v.number(), v.minValue(0));
const measured = v.nullable(v.number());
const byPath = v.optional(v.nullable(v.record(v.string(), v.number())), null);
const branchName = v.pipe(v.string(), v.nonEmpty(), v.maxLength(80));
/** A branch's index in the order of their beginnings, from 0. */
const branchId = count;

/** The maximum number of branches in a demonstration, including forks. */
export const MAX_BRANCHES = 6;
/** The upper bound of a branch's coefficient (lambda or mu). */
export const MAX_COEFFICIENT = 5;

/** Where a branch was forked; null if it begins at the start. */
const ParentSchema = v.nullable(v.strictObject({ branch: branchId, step: count }));
const CoefficientSchema = v.pipe(v.number(), v.minValue(0), v.maxValue(MAX_COEFFICIENT));
/** What a person has set: the coefficient is `value` from `step` on. Records of earlier versions have no moves. */
const MovesSchema = v.optional(v.array(v.strictObject({ step: count, value: CoefficientSchema })), []);

/** A branch as the store records it, as JSON: all that is needed to restart it. */
export const BranchRecordSchema = v.strictObject({
  /** The demonstration that the branch belongs to. */
  demonstration: v.pipe(v.string(), v.nonEmpty()),
  /** Its index there, as in its parent's reference. */
  branch: branchId,
  modelUrl: v.pipe(v.string(), v.url()),
  name: branchName,
  experiment: v.unknown(),
  parent: ParentSchema,
  /** The coefficient set at its beginning; null for that of its settings. */
  coefficient: v.nullable(CoefficientSchema),
  moves: MovesSchema,
});
export type BranchRecord = v.InferOutput<typeof BranchRecordSchema>;

/** The scheme of addresses that name a checkpoint of this browser in place of a model folder. */
const CHECKPOINT_SCHEME = 'checkpoint:';

export function checkpointUrl(id: string): string {
  return `${CHECKPOINT_SCHEME}${id}/`;
}

/** The id of the checkpoint that an address names; undefined if it names a folder. */
export function checkpointIdIn(modelUrl: string): string | undefined {
  return modelUrl.startsWith(CHECKPOINT_SCHEME) ? modelUrl.slice(CHECKPOINT_SCHEME.length, -1) : undefined;
}

/** The kind under which runs and checkpoints of branches are stored. */
export const BRANCH_KIND = 'grpo';

/** How much faster than another a branch can go. */
const MOST_PACE = 8;

/** A demonstration to run. */
export const GrpoRequestSchema = v.strictObject({
  /**
   * The model that all branches start from: its folder as an absolute URL with a trailing slash, or {@link
   * checkpointUrl}.
   */
  modelUrl: v.pipe(v.string(), v.url(), v.endsWith('/')),
  backend: v.optional(v.picklist(BACKEND_CHOICES), 'auto'),
  /** Of the weights that must be there; null for whichever are. */
  startHash: v.optional(v.nullable(v.string()), null),
  /** Whether the page is visible. */
  isVisible: v.optional(v.boolean(), true),
  /** Whether the Collapse view shows the demonstration after a reload. */
  isRecorded: v.optional(v.boolean(), true),
  /** The demonstration to resume; null for a new one. */
  demonstration: v.optional(v.nullable(v.pipe(v.string(), v.nonEmpty())), null),
  /** The experiment's own schema checks the settings of each. */
  branches: v.pipe(
    v.array(
      v.strictObject({
        name: branchName,
        experiment: v.unknown(),
        /** Steps that it makes in the time of one step of a branch of pace 1. */
        pace: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MOST_PACE)), 1),
        /** The branch's stored state; null for a new one. A parent comes before its forks. */
        kept: v.optional(
          v.nullable(
            v.strictObject({
              runId: v.string(),
              /** The checkpoint to resume from; null to start over. */
              checkpointId: v.nullable(v.string()),
              parent: ParentSchema,
              coefficient: v.nullable(CoefficientSchema),
              moves: MovesSchema,
            }),
          ),
          null,
        ),
      }),
    ),
    v.minLength(1),
    v.maxLength(MAX_BRANCHES),
  ),
});
export type GrpoRequest = v.InferInput<typeof GrpoRequestSchema>;

/** Commands for the present demonstration. */
export const GrpoCommandSchema = v.variant('kind', [
  ...STEERING_COMMANDS,
  /** Sets the coefficient of a branch (lambda or mu of its mode balance) from its next step on. */
  v.strictObject({
    kind: v.literal('coefficient'),
    branch: branchId,
    value: CoefficientSchema,
  }),
  /** Begins a branch at a checkpoint of another; with `coefficient` null it continues exactly as its parent did. */
  v.strictObject({
    kind: v.literal('fork'),
    branch: branchId,
    step: count,
    name: branchName,
    coefficient: v.nullable(CoefficientSchema),
  }),
]);
export type GrpoCommand = v.InferOutput<typeof GrpoCommandSchema>;

/** A rule as the page shows it. */
export const RuleInfoSchema = v.strictObject({
  id: v.string(),
  text: v.string(),
  criterion: v.picklist(CRITERIA),
  /** The label that it implies where it decides. */
  cap: count,
  isTail: v.boolean(),
});
export type RuleInfo = v.InferOutput<typeof RuleInfoSchema>;

/** A policy's changes since its start, and whether they amount to a collapse. */
export const CollapseReportSchema = v.strictObject({
  isCollapsed: v.boolean(),
  rewardGain: v.number(),
  tailRecallLoss: measured,
  distinctRulesLoss: v.number(),
});

const MeasureSchema = v.strictObject({ step: count, measures: PolicyMeasuresSchema, collapse: CollapseReportSchema });
export type MeasuredPoint = v.InferOutput<typeof MeasureSchema>;

/** A reward with its explanation, as in relevance/rules/reward.ts; `rejected` is null where the form is valid. */
const RewardSchema = v.strictObject({
  kind: v.string(),
  total: v.number(),
  rejected: v.nullable(v.string()),
  label: v.strictObject({ value: v.number(), earned: v.number() }),
  reasoning: v.strictObject({ value: v.number(), earned: v.number() }),
  steps: v.array(
    v.strictObject({ rule: count, value: v.number(), earned: v.number(), cost: v.number(), reason: v.string() }),
  ),
  missed: v.array(v.strictObject({ rule: count, cost: v.number() })),
});

/** A completion, token by token; the three lists are equally long. */
const CompletionSchema = v.strictObject({
  tokens: v.array(v.string()),
  advantages: v.array(v.number()),
  /** p after the updates of the step / p before them. */
  ratios: v.array(v.number()),
  reward: RewardSchema,
});
export type CompletionSample = v.InferOutput<typeof CompletionSchema>;

export const SampledGroupSchema = v.strictObject({
  pair: PairSchema,
  isTail: v.boolean(),
  /** The prompt as the model reads it, and the expert's completion. */
  promptTokens: v.array(v.string()),
  goldTokens: v.array(v.string()),
  completions: v.array(CompletionSchema),
});
export type SampledGroup = v.InferOutput<typeof SampledGroupSchema>;

const BranchBegunSchema = v.strictObject({
  kind: v.literal('branch'),
  branch: branchId,
  name: v.string(),
  parent: ParentSchema,
  /** Its settings with all defaults. */
  experiment: v.unknown(),
  step: count,
  steps: count,
  /** Measurements before the fork. */
  curve: v.array(MeasureSchema),
});

const StepEventSchema = v.strictObject({
  kind: v.literal('step'),
  branch: branchId,
  step: count,
  /** The curriculum stage of the prompts; null in random order, and for steps recorded before stages were reported. */
  stage: v.optional(v.nullable(v.picklist([1, 2, 3])), null),
  /** Means over the rollouts of the step. */
  reward: v.number(),
  labelEntropyNats: v.number(),
  reasoningEntropyNats: v.number(),
  /** Divergence from the start; null where it is not measured. */
  klNats: measured,
  zeroVarianceShare: v.number(),
  rollouts: count,
  rules: v.strictObject({
    /** Citations in rollouts, one entry per rule. */
    cited: v.array(count),
    /** Drawn prompts whose gold cites the rule. */
    gold: v.array(count),
    /** Of the steps that cite the rule; null where none does. */
    meanAdvantage: v.array(measured),
  }),
  /** The weights of the two losses; `coefficient` is lambda or mu, null where the balance has neither. */
  balance: v.strictObject({ rl: v.number(), expert: v.number(), coefficient: measured }),
  loss: v.strictObject({ policy: measured, expert: measured }),
  /**
   * The gradient norm of each weight, and the root mean square of what each module gave, by their paths; null where one
   * is not finite, and for steps of earlier versions.
   */
  gradNorms: byPath,
  activations: byPath,
  tokens: v.strictObject({ generated: count, learned: count, expert: count }),
  times: v.strictObject({ rolloutMs: notNegative, scoreMs: notNegative, updateMs: notNegative }),
  tokensPerSec: notNegative,
});

const MeasureEventSchema = v.strictObject({
  kind: v.literal('measure'),
  branch: branchId,
  point: MeasureSchema,
  /** To the pairs of `prepared`; null for measurements of earlier versions. */
  answers: v.optional(v.nullable(PolicyAnswersSchema), null),
  elapsedMs: notNegative,
});

const KeptEventSchema = v.strictObject({
  kind: v.literal('kept'),
  branch: branchId,
  step: count,
  groups: v.array(SampledGroupSchema),
});

/** The events in the history of a branch; stored with its checkpoints, so that they can be sent again. */
export const BranchEventSchema = v.variant('kind', [StepEventSchema, MeasureEventSchema, KeptEventSchema]);
export type BranchEvent = v.InferOutput<typeof BranchEventSchema>;

/** One event of a demonstration. */
export const GrpoEventSchema = v.variant('kind', [
  ...STEERING_EVENTS,
  v.strictObject({ kind: v.literal('preparing'), stage: v.picklist(['model', 'speed', 'data', 'pass-rates']) }),
  v.strictObject({
    kind: v.literal('prepared'),
    modelName: v.string(),
    parameters: count,
    worldHash: v.string(),
    rules: v.array(RuleInfoSchema),
    labelNames: v.array(v.string()),
    /** The held-out pairs that measurements follow, and the hash of the start's weights; empty in earlier versions. */
    pairs: v.optional(v.array(RecordedPairSchema), []),
    startHash: v.optional(v.string(), ''),
    /** The definition of collapse: the minimum gain in reward and losses of recall and rules that together make one. */
    bounds: v.strictObject({ rewardGain: v.number(), tailRecallLoss: v.number(), distinctRulesLoss: v.number() }),
  }),
  BranchBegunSchema,
  StepEventSchema,
  MeasureEventSchema,
  KeptEventSchema,
  /** From here the branch can be forked. */
  v.strictObject({ kind: v.literal('checkpoint'), branch: branchId, step: count }),
  /** A branch has made its last step, or has failed; the others continue. */
  v.strictObject({
    kind: v.literal('branch-ended'),
    branch: branchId,
    step: count,
    /** Of the bits of all weights; null for a branch that failed. */
    weightsHash: v.nullable(v.string()),
    failure: v.nullable(FailureSchema),
  }),
  /** A branch could not be stored; it continues. */
  v.strictObject({ kind: v.literal('unsaved'), branch: branchId, step: count, ...FailureSchema.entries }),
  /**
   * A branch restarts from this step, or -1 to repeat everything; its events of later steps are void and come again.
   */
  v.strictObject({
    kind: v.literal('rewound'),
    branch: branchId,
    step: v.pipe(v.number(), v.integer(), v.minValue(-1)),
  }),
  v.strictObject({ kind: v.literal('finished') }),
  v.strictObject({ kind: v.literal('stopped') }),
  v.strictObject({ kind: v.literal('failed'), ...FailureSchema.entries }),
]);
export type GrpoEvent = v.InferOutput<typeof GrpoEventSchema>;
export type GrpoEventOf<Kind extends GrpoEvent['kind']> = Extract<GrpoEvent, { kind: Kind }>;

/** The worker's API, by comlink. Arguments are unknown until parsed with the schemas above. */
export interface GrpoApi extends DataApi {
  /** Runs a demonstration; resolves after the last event. Fails at once while another is under way. */
  run(request: GrpoRequest, emit: (event: GrpoEvent) => void): Promise<void>;
  /** Steers the present demonstration; without one it does nothing. Rejects if the command is malformed. */
  command(command: GrpoCommand): Promise<void>;
}
