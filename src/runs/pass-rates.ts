/**
 * Pass rates: how often samples of the start model have the right label, for each prompt of a run. They are measured
 * once, on the start. Prompts that always pass are dropped, those that never pass are left to the expert's samples, and
 * a curriculum (train/curriculum.ts) orders the rest. Only the first prompts are measured, and a run with pass rates
 * draws from these alone in any order, so arms that differ in their order share their prompts.
 */
import * as v from 'valibot';
import { hashHex } from '../common/rng.ts';
import { disposeWeights, loadWeights } from '../model/weights.ts';
import type { GrpoExperiment } from '../protocol/grpo-experiment.ts';
import { canonicalJson } from '../relevance/rules/instruction.ts';
import { type Attempt, attemptAll } from '../train/attempts.ts';
import { classOf, type PromptClass } from '../train/curriculum.ts';
import { promptPool, type RlPrompt } from '../train/rollouts.ts';
import type { PassSummary, PreparedGrpo, StartModel } from './grpo-task.ts';
import { hashWeights } from './weights-hash.ts';

const counts = v.array(v.pipe(v.number(), v.integer(), v.minValue(0)));

/** Counts over `samples` completions of each prompt: those with the right label, and those with a full reward. */
export const PassCountsSchema = v.strictObject({
  samples: v.pipe(v.number(), v.integer(), v.minValue(1)),
  right: counts,
  full: counts,
});
export type PassCounts = v.InferOutput<typeof PassCountsSchema>;

/** Options of {@link withPassRates}. */
export interface PassRateOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called with the completions done and to do. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  /** Keeps a measurement under a name that identifies it; by default it is repeated each time. */
  readonly keep?: ((name: string, measure: () => Promise<PassCounts>) => Promise<PassCounts>) | undefined;
}

/**
 * The data of a run with the pass rates that its settings ask for; unchanged where they ask for none.
 *
 * @throws {LabError} `aborted`
 */
export async function withPassRates(
  experiment: GrpoExperiment,
  prepared: PreparedGrpo,
  start: StartModel,
  { signal, onProgress, keep = (_, measure) => measure() }: PassRateOptions = {},
): Promise<PreparedGrpo> {
  const { passRates: settings, grpo } = experiment;
  if (settings === null) return prepared;
  const measured = prepared.task.prompts.slice(0, settings.prompts);
  const { maxTokens, seed } = grpo;
  const { dataHash } = prepared;
  const decisive = [
    dataHash,
    experiment.data,
    experiment.queries,
    hashWeights(start.weights),
    measured.length,
    settings.samples,
    maxTokens,
    seed,
  ];
  const passes = await keep(`passes-${hashHex(canonicalJson(decisive))}`, () =>
    measurePasses(experiment, measured, start, settings.samples, { signal, onProgress }),
  );
  return applyPasses(experiment, settings, prepared, passes);
}

async function measurePasses(
  { grpo }: GrpoExperiment,
  prompts: readonly RlPrompt[],
  start: StartModel,
  samples: number,
  { signal, onProgress }: PassRateOptions,
): Promise<PassCounts> {
  const model = { config: start.config, weights: loadWeights(start.config, start.weights) };
  try {
    const tasks = prompts.map(({ example, pair, gold }) => ({ prompt: example.prompt, pair, gold }));
    const attempts = await attemptAll(model, start.tokenizer, tasks, {
      samples,
      scaleSize: start.prompt.scaleSize,
      folding: start.lexicon.folding,
      seed: grpo.seed,
      maxTokens: grpo.maxTokens,
      batchSize: grpo.sequencesPerPass,
      signal,
      onProgress: (done) => onProgress?.(done, prompts.length * samples),
    });
    const count = (holds: (attempt: Attempt) => boolean): number[] => attempts.map((each) => each.filter(holds).length);
    return { samples, right: count(({ isRight }) => isRight), full: count(({ isFull }) => isFull === true) };
  } finally {
    disposeWeights(model.weights);
  }
}

/** Assigns pass rates to prompts, drops those that always pass and leaves those that never pass to the expert. */
export function applyPasses(
  { grpo, probePrompts }: Pick<GrpoExperiment, 'grpo' | 'probePrompts'>,
  { keep, hardWeight }: NonNullable<GrpoExperiment['passRates']>,
  prepared: PreparedGrpo,
  passes: PassCounts,
): PreparedGrpo {
  const measured = prepared.task.prompts.slice(0, passes.right.length).map((prompt, i): RlPrompt => {
    return { ...prompt, passRate: (passes.right[i] ?? 0) / passes.samples };
  });
  const classes = measured.map(({ passRate = 0 }) => classOf(passRate));
  const inClass = (wanted: PromptClass): RlPrompt[] => measured.filter((_, i) => classes[i] === wanted);
  const prompts = measured.filter((_, i) => keep === 'all' || classes[i] === 'stage 1' || classes[i] === 'stage 2');
  // Samples that the settings withhold from the expert, such as those of the tail, are not added here either.
  const allowed = new Set(prepared.expert);
  const hard = inClass('expert').filter(({ example }) => allowed.has(example));
  const again = Array.from({ length: hardWeight - 1 }, () => hard.map(({ example }) => example)).flat();
  const isTail = prompts.map((prompt) => prompt.isTail);
  return {
    ...prepared,
    task: { ...prepared.task, prompts },
    expert: [...prepared.expert, ...again],
    probe: promptPool(isTail, grpo.tailPromptWeight, grpo.seed).slice(0, probePrompts),
    passes: {
      measured: measured.length,
      classes: {
        dropped: inClass('dropped').length,
        'stage 1': inClass('stage 1').length,
        'stage 2': inClass('stage 2').length,
        expert: inClass('expert').length,
      },
      rightShare: shareOf(passes.right, passes.samples),
      fullShare: shareOf(passes.full, passes.samples),
    },
  };
}

/** The summary as a sentence. */
export function describePasses({ measured, classes, rightShare, fullShare }: PassSummary): string {
  return (
    `Pass rates of ${measured.toLocaleString('en')} prompts: ${classes['stage 1']} in stage 1, ${classes['stage 2']} in ` +
    `stage 2, ${classes.dropped} always right and dropped, ${classes.expert} never right and left to the expert's samples. ` +
    `Of all completions ${(100 * rightShare).toFixed(1)} % have the right label, ${(100 * fullShare).toFixed(1)} % the full reward.`
  );
}

function shareOf(passed: readonly number[], samples: number): number {
  return passed.reduce((sum, count) => sum + count, 0) / (passed.length * samples);
}
