/**
 * Mining: a trained model answers judged pairs several times, and the hard ones are selected (train/hard-samples.ts).
 */
import { encodePrompt } from '../data/tokenizer/encode-prompt.ts';
import { type LabModel, promptRoom } from '../infer/lab-model.ts';
import { scorePrompts } from '../infer/score.ts';
import { normalisedRelevance } from '../relevance/pair/labels.ts';
import { attemptAll } from '../train/attempts.ts';
import type { ExpertPair } from '../train/evaluate.ts';
import {
  HARD_REASONS,
  HARD_THRESHOLDS,
  type HardNegative,
  hardNegatives,
  type HardReason,
  type HardSample,
  hardSamples,
  type HardThresholds,
  type Tried,
} from '../train/hard-samples.ts';

/** Counts of the mined pairs. */
export interface MinedCounts {
  readonly pairs: number;
  readonly completions: number;
  /** The share of completions with the right label, and with the full reward; null where no gold trace is known. */
  readonly rightShare: number;
  readonly fullShare: number | null;
  /** Pairs by the number of completions with the right label, from none to all. */
  readonly byPasses: readonly number[];
  readonly hard: number;
  /** A pair can be hard for several reasons. */
  readonly byReason: Readonly<Record<HardReason, number>>;
  readonly hardNegatives: number;
}

/** The mined pairs, the hardest first. */
export interface Mined {
  readonly samples: readonly HardSample[];
  readonly negatives: readonly HardNegative[];
  readonly counts: MinedCounts;
}

/** Options of {@link minePairs}. */
export interface MineOptions {
  /** Completions of each pair, at temperature 1. */
  readonly samples: number;
  readonly maxTokens: number;
  readonly seed: number;
  readonly thresholds?: Partial<HardThresholds>;
  /** The distance in relevance below a better document at which a worse one counts as close. */
  readonly near?: number;
  readonly signal?: AbortSignal | undefined;
  /** Called with the completions done and to do. */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Mines pairs with a model. Hard negatives are searched among the given pairs of a query, so all its pairs should be
 * given.
 *
 * @throws {LabError} `aborted`
 */
export async function minePairs(
  model: LabModel,
  experts: readonly ExpertPair[],
  { samples, maxTokens, seed, thresholds, near, signal, onProgress }: MineOptions,
): Promise<Mined> {
  const { transformer, tokenizer, prompt, instruction } = model;
  const prompts = experts.map(({ pair }) => encodePrompt(tokenizer, pair, prompt, promptRoom(model)).ids);
  const scores = await scorePrompts(transformer, tokenizer.labelIds(prompt.scaleSize), prompts, { signal });
  // A label without reasons is not a gold trace for a model that gives reasons.
  const isKnown = ({ trace }: ExpertPair): boolean => instruction.rules.length === 0 || trace.steps.length > 0;
  const tasks = experts.map((expert, i) => ({
    prompt: prompts[i] ?? new Int32Array(),
    pair: expert.pair,
    gold: isKnown(expert) ? expert.trace : undefined,
  }));
  const attempts = await attemptAll(transformer, tokenizer, tasks, {
    samples,
    scaleSize: prompt.scaleSize,
    folding: model.lexicon.folding,
    seed,
    maxTokens,
    signal,
    onProgress: (done) => onProgress?.(done, tasks.length * samples),
  });
  const tried = experts.map(({ pair }, i): Tried => {
    return { pair, attempts: attempts[i] ?? [], probabilities: scores[i]?.probabilities ?? [] };
  });
  const hard = hardSamples(tried, (rule) => instruction.rules[rule]?.cap, { ...HARD_THRESHOLDS, ...thresholds });
  const negatives = hardNegatives(
    experts.map(({ pair }) => pair),
    tried.map(({ probabilities }) => normalisedRelevance(probabilities)),
    near,
  );
  return { samples: hard, negatives, counts: countMined(tried, hard, negatives) };
}

/** Counts the results over all pairs tried. */
export function countMined(
  tried: readonly Tried[],
  samples: readonly HardSample[],
  negatives: readonly HardNegative[],
): MinedCounts {
  const attempts = tried.flatMap((each) => each.attempts);
  const known = attempts.flatMap(({ isFull }) => isFull ?? []);
  const passes = tried.map((each) => each.attempts.filter(({ isRight }) => isRight).length);
  const most = Math.max(0, ...tried.map((each) => each.attempts.length));
  const withReason = (reason: HardReason): number => samples.filter(({ reasons }) => reasons.includes(reason)).length;
  return {
    pairs: tried.length,
    completions: attempts.length,
    rightShare: attempts.filter(({ isRight }) => isRight).length / attempts.length,
    fullShare: known.length === 0 ? null : known.filter(Boolean).length / known.length,
    byPasses: Array.from({ length: most + 1 }, (_, count) => passes.filter((each) => each === count).length),
    hard: samples.length,
    byReason: Object.fromEntries(HARD_REASONS.map((reason) => [reason, withReason(reason)])) as MinedCounts['byReason'],
    hardNegatives: negatives.length,
  };
}
