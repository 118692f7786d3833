/**
 * Attempts: several sampled completions per prompt and their rewards, which measure how hard a prompt is for a model.
 *
 * An attempt *passes* if its first token is the gold label. The full strict reward is reported separately, because a
 * label can be right for wrong reasons.
 */
import { hash32 } from '../common/rng.ts';
import type { ModelTokenizer } from '../data/tokenizer/model-tokenizer.ts';
import { type Completion, generateAll } from '../infer/generate.ts';
import type { Transformer } from '../model/transformer.ts';
import type { TextFolding } from '../relevance/pair/folding.ts';
import type { JudgedPair } from '../relevance/pair/pair.ts';
import { explainReward } from '../relevance/rules/reward.ts';
import { type ParsedTrace, parseTrace, type Trace } from '../relevance/trace/trace.ts';
import { EOS } from '../relevance/pair/vocabulary.ts';

/** A judged pair to try; `gold` is undefined where no expert's trace is known. */
export interface Task {
  readonly prompt: Int32Array;
  readonly pair: JudgedPair;
  readonly gold: Trace | undefined;
}

/** One sampled completion. */
export interface Attempt {
  readonly parsed: ParsedTrace;
  /** Whether it begins with the gold label. */
  readonly isRight: boolean;
  /** Whether its strict reward is full; null where no gold trace is known. */
  readonly isFull: boolean | null;
}

/** How to sample. */
export interface AttemptOptions {
  /** Completions per prompt, default 8. */
  readonly samples?: number;
  /** Labels of the model's scale. */
  readonly scaleSize: number;
  /** How evidence is matched in pairs, as in the model's rules. */
  readonly folding: TextFolding;
  /** Default 1. */
  readonly seed?: number;
  /** The most tokens of one completion, default 48. */
  readonly maxTokens?: number | undefined;
  /** Rows per forward pass, default 64. */
  readonly batchSize?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called with the number of completions done. */
  readonly onProgress?: ((done: number) => void) | undefined;
}

/**
 * Samples completions at temperature 1 for each task.
 *
 * @returns the attempts of each task, in the order of the tasks; a function of the seed and of the list of tasks
 * @throws {LabError} `aborted`
 */
export async function attemptAll(
  model: Transformer,
  tokenizer: ModelTokenizer,
  tasks: readonly Task[],
  { samples = 8, scaleSize, folding, seed = 1, maxTokens = 48, batchSize = 64, signal, onProgress }: AttemptOptions,
): Promise<Attempt[][]> {
  const prompts = tasks.flatMap(({ prompt }) => Array<Int32Array>(samples).fill(prompt));
  const completions = await generateAll(model, prompts, {
    eosId: tokenizer.idOf(EOS),
    maxTokens,
    // The sampler distinguishes rows by their number.
    sampler: { temperature: 1, seed: hash32(`attempts ${seed}`) },
    batchSize,
    signal,
    ...(onProgress === undefined ? {} : { onProgress }),
  });
  return tasks.map((task, i) =>
    completions
      .slice(i * samples, (i + 1) * samples)
      .map(({ ids }: Completion) => judgeAttempt(task, parseTrace(tokenizer.decode(ids), scaleSize), folding)),
  );
}

/** Judges a completion of a task. */
export function judgeAttempt(
  { pair, gold }: Pick<Task, 'pair' | 'gold'>,
  parsed: ParsedTrace,
  folding: TextFolding,
): Attempt {
  const isFull =
    gold === undefined ? null : explainReward(parsed, { pair, folding, gold, impliedLabel: noRule }).total === 1;
  return { parsed, isRight: parsed.answer === pair.label, isFull };
}

/** The strict reward ignores what rules imply. */
function noRule(): undefined {
  return undefined;
}
