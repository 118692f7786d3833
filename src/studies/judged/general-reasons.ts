/**
 * What the reasons of the general model are worth on held-out pairs: counts, so that folds can be pooled.
 */
import * as v from 'valibot';
import { encodePrompt } from '../../data/tokenizer/encode-prompt.ts';
import { type LabModel, promptRoom } from '../../infer/lab-model.ts';
import type { JudgedPair } from '../../relevance/pair/pair.ts';
import { PairChecker } from '../../relevance/rules/verify.ts';
import { expertsOf } from '../../runs/file-data.ts';
import { writeReasons } from '../../train/evaluate.ts';
import { count, threeDecimals } from '../findings.ts';
import { columns, type ReportBlock } from '../report.ts';
import { isApt } from './apt-quotation.ts';

/** The ways in which the model is asked for reasons. */
export const REASON_DECODINGS = ['free', 'grounded'] as const;

/** Counts over completions. */
export const ReasonCountsSchema = v.strictObject({
  completions: count,
  /** Those that follow the grammar to the end and restate their label. */
  valid: count,
  withSteps: count,
  /** Those whose label is not the worst, and how many of these have a step. */
  relevant: count,
  relevantWithSteps: count,
  /** Those whose verified steps lead to their label. */
  agreeing: count,
  steps: count,
  verified: count,
  /** Verified steps whose every quotation shows what the rule claims. */
  apt: count,
  tokens: count,
});
export type ReasonCounts = v.InferOutput<typeof ReasonCountsSchema>;

/** By decoding, for pairs in the list of their query and for the same pairs by themselves. */
export const ReasonsSchema = v.array(
  v.strictObject({
    asked: v.picklist(['in its list', 'by itself']),
    decoding: v.picklist(REASON_DECODINGS),
    ...ReasonCountsSchema.entries,
  }),
);
export type Reasons = v.InferOutput<typeof ReasonsSchema>;

/** Counts of the greedy completions of pairs. @throws {LabError} `aborted` */
export async function countReasons(
  model: LabModel,
  pairs: readonly JudgedPair[],
  decoding: (typeof REASON_DECODINGS)[number],
  signal: AbortSignal,
): Promise<ReasonCounts> {
  const { experts } = expertsOf(model, pairs);
  const prompts = experts.map(({ pair }) => encodePrompt(model.tokenizer, pair, model.prompt, promptRoom(model)).ids);
  const written = await writeReasons(model, experts, prompts, { decoding, signal });
  return sumOf(
    written.map(({ parsed, tokens }, i): ReasonCounts => {
      const { pair } = experts[i] ?? {};
      if (pair === undefined) return NOTHING;
      const steps = parsed.ok ? parsed.trace.steps : parsed.steps;
      const checker = new PairChecker(model, pair);
      const verified = steps.filter((step) => checker.checkStep(step).status === 'verified');
      const isRelevant = (parsed.answer ?? 0) > 0;
      return {
        completions: 1,
        valid: Number(parsed.ok && parsed.trace.label === parsed.trace.restated),
        withSteps: Number(steps.length > 0),
        relevant: Number(isRelevant),
        relevantWithSteps: Number(isRelevant && steps.length > 0),
        agreeing: Number(parsed.ok && checker.checkTrace(parsed.trace).status === 'agree'),
        steps: steps.length,
        verified: verified.length,
        apt: verified.filter((step) => isApt(model, pair, step)).length,
        tokens,
      };
    }),
  );
}

const NOTHING: ReasonCounts = {
  completions: 0,
  valid: 0,
  withSteps: 0,
  relevant: 0,
  relevantWithSteps: 0,
  agreeing: 0,
  steps: 0,
  verified: 0,
  apt: 0,
  tokens: 0,
};

function sumOf(counts: readonly ReasonCounts[]): ReasonCounts {
  const sum = { ...NOTHING };
  for (const each of counts) for (const name of Object.keys(NOTHING) as (keyof ReasonCounts)[]) sum[name] += each[name];
  return sum;
}

/** The reasons of some folds together. */
export function pooledReasons(folds: readonly Reasons[]): Reasons {
  const kinds = folds[0] ?? [];
  return kinds.map(({ asked, decoding }) => {
    const of = folds.flatMap((fold) => fold.filter((each) => each.asked === asked && each.decoding === decoding));
    return { asked, decoding, ...sumOf(of) };
  });
}

/** Shares, one row for each way of asking. */
export function reasonsTable(reasons: Reasons): ReportBlock {
  const share = (part: number, whole: number): string => threeDecimals(whole === 0 ? null : part / whole);
  return columns(reasons, {
    asked: ({ asked }) => asked,
    decoding: ({ decoding }) => decoding,
    completions: ({ completions }) => completions,
    valid: ({ valid, completions }) => share(valid, completions),
    'with a step': ({ withSteps, completions }) => share(withSteps, completions),
    'with a step, of those above the worst label': ({ relevantWithSteps, relevant }) =>
      share(relevantWithSteps, relevant),
    'steps verified': ({ verified, steps }) => share(verified, steps),
    'verified, and quoted aptly': ({ apt, steps }) => share(apt, steps),
    'steps lead to the label': ({ agreeing, withSteps }) => share(agreeing, withSteps),
    tokens: ({ tokens, completions }) => (completions === 0 ? '' : (tokens / completions).toFixed(1)),
  });
}
