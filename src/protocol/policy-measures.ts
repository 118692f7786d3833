/**
 * The measurements of a policy during a GRPO run, as checkpoints, results and messages hold them.
 */
import * as v from 'valibot';

const share = v.nullable(v.number());

/** Shares in [0, 1], null where there was nothing to measure. */
export const PolicyMeasuresSchema = v.strictObject({
  /** Sampled at temperature 1 on the run's own mix of prompts, under the run's own reward. */
  probe: v.strictObject({
    reward: v.number(),
    labelEntropyNats: v.number(),
    reasoningEntropyNats: v.number(),
    distinctRules: v.number(),
    zeroVarianceShare: v.number(),
    invalidShare: v.number(),
    meanLength: v.number(),
  }),
  /** Greedy answers to held-out pairs in the world's own distribution, whatever the mix of the run's prompts. */
  heldOut: v.strictObject({
    pairs: v.number(),
    accuracy: share,
    macroF1: share,
    pairAccuracy: share,
    headRecall: share,
    tailRecall: share,
    distinctRules: v.number(),
    validTraces: v.number(),
    strictReward: v.number(),
    verifiedSteps: share,
    labelTraceAgreement: share,
    labelEntropyNats: share,
    /** Negative log-likelihood per token of the expert's completions: the forward divergence up to a constant. */
    expertLossNats: v.number(),
  }),
});
export type PolicyMeasures = v.InferOutput<typeof PolicyMeasuresSchema>;
