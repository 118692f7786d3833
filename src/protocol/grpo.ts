/**
 * The boundary between the page and the worker that runs reinforcement, as training.ts is for supervised runs: plain
 * values with a schema, parsed on arrival on either side.
 *
 * A demonstration is several *branches* of one start, which learn in turn, one step of each after another. Its events:
 * `preparing`, `backend`, `prepared`; a `branch` for each, and for each fork later on; then `step`, `measure`, `kept`,
 * `checkpoint`, `paused`, `resumed` and `refused` as it goes, with one `branch-ended` per branch; at last exactly one of
 * `finished`, `stopped` and `failed`. Commands take effect between two steps. A lost GPU is told by `recovering`, and by a
 * `rewound` for each branch that repeats steps on the next one.
 */
import * as v from 'valibot';
import { CRITERIA } from '../relevance/pair/vocabulary.ts';
import { FailureSchema } from './failure.ts';
import { PolicyMeasuresSchema } from './policy-measures.ts';
import { BACKEND_CHOICES, PairSchema } from './scoring.ts';
import { type DataApi, STEERING_COMMANDS, STEERING_EVENTS } from './session.ts';

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const notNegative = v.pipe(v.number(), v.minValue(0));
const measured = v.nullable(v.number());
const branchName = v.pipe(v.string(), v.nonEmpty(), v.maxLength(80));
/** Of a branch: its place in the order of their beginnings, from 0. */
const branchId = count;

/** The most branches that one demonstration can hold, forks included. */
export const MAX_BRANCHES = 6;
/** The highest position of a branch's dial. */
export const MAX_DIAL = 5;

/** Where a branch was forked from; null if it begins at the start. */
const ParentSchema = v.nullable(v.strictObject({ branch: branchId, step: count }));
const DialSchema = v.pipe(v.number(), v.minValue(0), v.maxValue(MAX_DIAL));

/** The settings of the run by which a branch is remembered, as JSON in the store: all that is needed to begin it again. */
export const BranchRecordSchema = v.strictObject({
  /** The demonstration that the branch belongs to. */
  demonstration: v.pipe(v.string(), v.nonEmpty()),
  /** Its number there, as in its parent's. */
  branch: branchId,
  modelUrl: v.pipe(v.string(), v.url()),
  name: branchName,
  experiment: v.unknown(),
  parent: ParentSchema,
  /** Where its dial was put at its beginning; null if it was not. */
  dial: v.nullable(DialSchema),
});
export type BranchRecord = v.InferOutput<typeof BranchRecordSchema>;

/** The address of the model in a checkpoint of this browser, where that of a model's folder is asked for. */
const CHECKPOINT_SCHEME = 'checkpoint:';

export function checkpointUrl(id: string): string {
  return `${CHECKPOINT_SCHEME}${id}/`;
}

/** The checkpoint that an address names; undefined if it is that of a folder. */
export function checkpointIdIn(modelUrl: string): string | undefined {
  return modelUrl.startsWith(CHECKPOINT_SCHEME) ? modelUrl.slice(CHECKPOINT_SCHEME.length, -1) : undefined;
}

/** Which kind of runs and checkpoints branches are kept as. */
export const BRANCH_KIND = 'grpo';

/** What to run. */
export const GrpoRequestSchema = v.strictObject({
  /** The model that all branches start from: its folder as an absolute URL with a trailing slash, or {@link checkpointUrl}. */
  modelUrl: v.pipe(v.string(), v.url(), v.endsWith('/')),
  backend: v.optional(v.picklist(BACKEND_CHOICES), 'auto'),
  /** Whether somebody looks at the page. */
  isVisible: v.optional(v.boolean(), true),
  /** The demonstration to go on with; null for a new one. */
  demonstration: v.optional(v.nullable(v.pipe(v.string(), v.nonEmpty())), null),
  /** The experiment's own schema checks the settings of each. */
  branches: v.pipe(
    v.array(
      v.strictObject({
        name: branchName,
        experiment: v.unknown(),
        /** What is kept of the branch; null for a new one. A parent comes before its forks. */
        kept: v.optional(
          v.nullable(
            v.strictObject({
              runId: v.string(),
              /** To go on from; null to begin again. */
              checkpointId: v.nullable(v.string()),
              parent: ParentSchema,
              dial: v.nullable(DialSchema),
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

/** What can be asked of the demonstration under way. */
export const GrpoCommandSchema = v.variant('kind', [
  ...STEERING_COMMANDS,
  /** Puts the dial of a branch (lambda or mu of its mode balance) to a value, from its next step on. */
  v.strictObject({
    kind: v.literal('dial'),
    branch: branchId,
    value: DialSchema,
  }),
  /** Begins a new branch at a checkpoint of another; with `dial` null it goes on exactly as that one did. */
  v.strictObject({
    kind: v.literal('fork'),
    branch: branchId,
    step: count,
    name: branchName,
    dial: v.nullable(DialSchema),
  }),
]);
export type GrpoCommand = v.InferOutput<typeof GrpoCommandSchema>;

/** A rule as the page shows it. */
export const RuleInfoSchema = v.strictObject({
  id: v.string(),
  text: v.string(),
  criterion: v.picklist(CRITERIA),
  /** The label it leads to when it decides. */
  cap: count,
  isTail: v.boolean(),
});
export type RuleInfo = v.InferOutput<typeof RuleInfoSchema>;

/** How far a policy has gone towards collapse since its start, and whether it is there. */
export const CollapseReportSchema = v.strictObject({
  isCollapsed: v.boolean(),
  rewardGain: v.number(),
  tailRecallLoss: measured,
  distinctRulesLoss: v.number(),
});

const MeasureSchema = v.strictObject({ step: count, measures: PolicyMeasuresSchema, collapse: CollapseReportSchema });
export type MeasuredPoint = v.InferOutput<typeof MeasureSchema>;

/** A reward with its reasons, as relevance/rules/reward.ts explains it; `rejected` is null where the form was kept. */
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

const GroupSchema = v.strictObject({
  pair: PairSchema,
  isTail: v.boolean(),
  /** As the model reads the prompt, and as the expert completes it. */
  promptTokens: v.array(v.string()),
  goldTokens: v.array(v.string()),
  completions: v.array(CompletionSchema),
});
export type SampledGroup = v.InferOutput<typeof GroupSchema>;

const BranchEventSchema = v.strictObject({
  kind: v.literal('branch'),
  branch: branchId,
  name: v.string(),
  parent: ParentSchema,
  /** Its settings with all defaults. */
  experiment: v.unknown(),
  step: count,
  steps: count,
  /** What was measured before the fork. */
  curve: v.array(MeasureSchema),
});

const StepEventSchema = v.strictObject({
  kind: v.literal('step'),
  branch: branchId,
  step: count,
  /** Of the curriculum, where the prompts came from; null in random order, and not known of steps from before it was told. */
  stage: v.optional(v.nullable(v.picklist([1, 2, 3])), null),
  /** Means over the rollouts of the step. */
  reward: v.number(),
  labelEntropyNats: v.number(),
  reasoningEntropyNats: v.number(),
  /** To the start; null where it is not measured. */
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
  /** The coefficients of the step; `dial` is null where the balance has none. */
  balance: v.strictObject({ rl: v.number(), expert: v.number(), dial: measured }),
  loss: v.strictObject({ policy: measured, expert: measured }),
  tokens: v.strictObject({ generated: count, learned: count, expert: count }),
  times: v.strictObject({ rolloutMs: notNegative, scoreMs: notNegative, updateMs: notNegative }),
  tokensPerSec: notNegative,
});

const MeasureEventSchema = v.strictObject({
  kind: v.literal('measure'),
  branch: branchId,
  point: MeasureSchema,
  elapsedMs: notNegative,
});

const KeptEventSchema = v.strictObject({
  kind: v.literal('kept'),
  branch: branchId,
  step: count,
  groups: v.array(GroupSchema),
});

/** What a branch tells of its way; kept with its checkpoints, so that it can be told again. */
export const BranchTaleSchema = v.variant('kind', [StepEventSchema, MeasureEventSchema, KeptEventSchema]);
export type BranchTale = v.InferOutput<typeof BranchTaleSchema>;

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
    /** The definition of collapse: the least rise, fall and lost share that together make one. */
    bounds: v.strictObject({ rewardGain: v.number(), tailRecallLoss: v.number(), distinctRulesLoss: v.number() }),
  }),
  BranchEventSchema,
  StepEventSchema,
  MeasureEventSchema,
  KeptEventSchema,
  /** From here the branch can be forked. */
  v.strictObject({ kind: v.literal('checkpoint'), branch: branchId, step: count }),
  /** A branch is at its last step, or cannot go on; the others do. */
  v.strictObject({
    kind: v.literal('branch-ended'),
    branch: branchId,
    step: count,
    /** Of all weights, bit by bit; null for one that failed. */
    weightsHash: v.nullable(v.string()),
    failure: v.nullable(FailureSchema),
  }),
  /** A branch could not be written to the browser's storage; it goes on all the same. */
  v.strictObject({ kind: v.literal('unsaved'), branch: branchId, step: count, ...FailureSchema.entries }),
  /** A branch goes on from this step, -1 before all; what it told of later ones is void, and comes again. */
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

/** What the worker offers, by comlink. Arguments are unknown until parsed with the schemas above. */
export interface GrpoApi extends DataApi {
  /** Runs a demonstration; resolves after the last event. While one is under way, another fails at once. */
  run(request: GrpoRequest, emit: (event: GrpoEvent) => void): Promise<void>;
  /** Steers the demonstration under way; without one it does nothing. Rejects if the command is malformed. */
  command(command: GrpoCommand): Promise<void>;
}
