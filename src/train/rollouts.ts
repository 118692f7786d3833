/**
 * Rollouts: G sampled completions for each of P prompts, parsed, rewarded and explained.
 *
 * The prompts of a step and every sampled token are a function of the seed, the step and the round, so that an
 * interrupted run repeats its rollouts exactly and forks of one run see the same prompts.
 */
import { LabError } from '../common/errors.ts';
import { hash32, Rng } from '../common/rng.ts';
import type { GrpoConfig } from '../config/grpo-config.ts';
import { BatchOrder, type Example } from '../data/batches.ts';
import type { ModelTokenizer } from '../data/tokenizer/model-tokenizer.ts';
import { type Completion, generateAll } from '../infer/generate.ts';
import type { CompletionAutomaton } from '../infer/held/completion-automaton.ts';
import type { CompletionHolder } from '../infer/held/completion-holder.ts';
import type { LabModel, promptRoom } from '../infer/lab-model.ts';
import type { Transformer } from '../model/transformer.ts';
import type { Instruction } from '../relevance/rules/instruction.ts';
import type { TextFolding } from '../relevance/pair/folding.ts';
import type { JudgedPair } from '../relevance/pair/pair.ts';
import { type ExplainedReward, explainReward, type RewardConfig } from '../relevance/rules/reward.ts';
import type { ParsedTrace, Trace, TraceStep } from '../relevance/trace/trace.ts';
import { EOS } from '../relevance/pair/vocabulary.ts';
import type { SegmentRewards } from './advantages.ts';
import { readCompletion, type TokenSpan } from './completion-reader.ts';
import { encodeFitting, type ExpertPair } from './evaluate.ts';

/** A prompt for reinforcement. */
export interface RlPrompt {
  /** The prompt's tokens and, for mode balance, the expert's completion. */
  readonly example: Example;
  readonly pair: JudgedPair;
  readonly gold: Trace;
  /** Whether its gold trace cites a tail rule. */
  readonly isTail: boolean;
  /** The share of the start's samples with the right label, where measured; read by a curriculum. */
  readonly passRate?: number | undefined;
}

/** The meaning of completions and their reward. */
export interface RlTask {
  readonly tokenizer: ModelTokenizer;
  readonly instruction: Instruction;
  /** How evidence is matched in pairs. */
  readonly folding: TextFolding;
  readonly tailRules: ReadonlySet<number>;
  readonly reward: RewardConfig;
  /** The bonuses by rule of an own reward. */
  readonly ruleBonuses?: ReadonlyMap<number, number> | undefined;
  /** Rewards the reasoning of completions in place of {@link reward}, in their order, each from 0 to 1. */
  readonly judge?: RewardJudge | undefined;
  readonly prompts: readonly RlPrompt[];
  /** Constrains the decoding of rollouts; undefined where it is free. */
  readonly holder?: CompletionHolder | undefined;
}

/** A completion as a module that rewards it sees it: plain values, which survive any way into another process. */
export interface JudgedCompletion {
  readonly pair: JudgedPair;
  /** The completion as text, with its special tokens, and its number of tokens. */
  readonly text: string;
  readonly tokens: number;
  /** Whether it follows the grammar; otherwise its reward is 0 whatever is given. */
  readonly isValid: boolean;
  /** The label of the completion, from 0; null where it has none. */
  readonly label: number | null;
  readonly steps: readonly (Pick<TraceStep, 'criterion' | 'evidence' | 'verdict'> & { readonly rule: string })[];
  /** What the expert has cited. */
  readonly goldRules: readonly string[];
}
export type RewardJudge = (completions: readonly JudgedCompletion[]) => Promise<readonly number[]>;

/** One sampled completion with its reward. */
export interface Rollout {
  /** Index among the task's prompts. */
  readonly prompt: number;
  readonly completion: Completion;
  readonly parsed: ParsedTrace;
  readonly steps: readonly TokenSpan[];
  readonly reward: ExplainedReward;
  /** Whether it follows the grammar and answers with the gold label. */
  readonly isRight: boolean;
}

/** Prompts from expert pairs, truncated to fit into a model. */
export function makeRlPrompts(
  { tokenizer, prompt, transformer }: Pick<LabModel, 'tokenizer' | 'prompt'> & Parameters<typeof promptRoom>[0],
  pairs: readonly ExpertPair[],
  tailRules: ReadonlySet<number>,
): RlPrompt[] {
  return pairs.map((item) => ({
    example: encodeFitting(tokenizer, prompt, item, { transformer }).example,
    pair: item.pair,
    gold: item.trace,
    isTail: item.trace.steps.some(({ rule }) => tailRules.has(rule)),
  }));
}

/** Which prompts each step draws. */
export class PromptOrder {
  readonly #pool: readonly number[];
  readonly #first: BatchOrder;
  readonly #extra: BatchOrder;
  readonly #extraRounds: number;

  /**
   * @throws {LabError} `bad-config` if there are fewer prompts than a step needs.
   */
  constructor(
    prompts: readonly RlPrompt[],
    {
      prompts: P,
      tailPromptWeight,
      extraRounds,
      seed,
    }: Pick<GrpoConfig, 'prompts' | 'tailPromptWeight' | 'extraRounds' | 'seed'>,
  ) {
    const isTail = prompts.map((prompt) => prompt.isTail);
    this.#pool = promptPool(isTail, tailPromptWeight, seed);
    const lengths = this.#pool.map((index) => prompts[index]?.example.prompt.length ?? 0);
    this.#first = new BatchOrder(lengths, P, hash32(`prompts ${seed}`));
    // Extra prompts have their own order, so that runs with and without dynamic sampling draw the same prompts first.
    this.#extra = new BatchOrder(lengths, P, hash32(`extra prompts ${seed}`));
    this.#extraRounds = extraRounds;
  }

  /** The indices of P prompts for a round of a step, both counted from 0. */
  at(step: number, round: number): number[] {
    const drawn = round === 0 ? this.#first.at(step) : this.#extra.at(step * this.#extraRounds + round - 1);
    return drawn.flatMap((index) => this.#pool[index] ?? []);
  }
}

/** The indices of the prompts in use: some are left out so that tail prompts are `tailWeight` times as frequent. */
export function promptPool(isTail: readonly boolean[], tailWeight: number, seed: number): number[] {
  const rng = new Rng(`prompt pool ${seed}`);
  const [keepTail, keepHead] = [Math.min(1, tailWeight), Math.min(1, 1 / tailWeight)];
  return isTail.flatMap((tail, index) => (rng.chance(tail ? keepTail : keepHead) ? [index] : []));
}

/** Which rollouts to draw. */
export interface RolloutRequest {
  readonly config: Pick<GrpoConfig, 'samples' | 'maxTokens' | 'temperature' | 'sequencesPerPass' | 'seed'>;
  /** Indices of prompts; a group of rollouts for each. */
  readonly prompts: readonly number[];
  readonly step: number;
  readonly round: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Samples, parses and rewards G completions for each prompt.
 *
 * @returns one group of G rollouts per prompt, in the order of the prompts
 * @throws {LabError} `aborted`
 */
export async function drawRollouts(model: Transformer, task: RlTask, request: RolloutRequest): Promise<Rollout[][]> {
  const { config, step, round, signal } = request;
  const { samples: G } = config;
  const prompts = request.prompts.map((index) => promptAt(task, index).example.prompt);
  const completions = await generateAll(
    model,
    prompts.flatMap((prompt) => Array<Int32Array>(G).fill(prompt)),
    {
      eosId: task.tokenizer.idOf(EOS),
      maxTokens: config.maxTokens,
      // The sampler distinguishes rows by their number, steps and rounds by the seed.
      sampler: { temperature: config.temperature, seed: hash32(`rollouts ${config.seed}/${step}/${round}`) },
      batchSize: config.sequencesPerPass,
      automata: automataOf(task, request.prompts, G),
      signal,
    },
  );
  const promptOf = (i: number): number => request.prompts[Math.floor(i / G)] ?? 0;
  const given = await task.judge?.(completions.map((completion, i) => judgedCompletion(task, promptOf(i), completion)));
  const rollouts = completions.map((completion, i) => rewardCompletion(task, promptOf(i), completion, given?.[i]));
  return request.prompts.map((_, p) => rollouts.slice(p * G, (p + 1) * G));
}

/** The grammar automata of constrained completions, G for each prompt. */
function automataOf(task: RlTask, prompts: readonly number[], G: number): CompletionAutomaton[] | undefined {
  const { holder } = task;
  if (holder === undefined) return undefined;
  return prompts.flatMap((index) => Array<CompletionAutomaton>(G).fill(holder.automatonOf(promptAt(task, index).pair)));
}

function judgedCompletion(task: RlTask, prompt: number, { ids }: Completion): JudgedCompletion {
  const { pair, gold } = promptAt(task, prompt);
  const { parsed } = readCompletion(task.tokenizer, ids, gold.scaleSize);
  const idOf = ({ rule }: TraceStep): string => task.instruction.rules[rule]?.id ?? `rule ${rule}`;
  const steps = parsed.ok ? parsed.trace.steps : parsed.steps;
  return {
    pair,
    text: task.tokenizer.tokenTexts(ids).join(''),
    tokens: ids.length,
    isValid: parsed.ok && parsed.trace.label === parsed.trace.restated,
    label: parsed.answer ?? null,
    steps: steps.map(({ criterion, evidence, verdict, ...step }) => ({ rule: idOf({ criterion, evidence, verdict, ...step }), criterion, evidence, verdict })), // prettier-ignore
    goldRules: gold.steps.map(idOf),
  };
}

const NO_BONUSES: ReadonlyMap<number, number> = new Map();

/** Parses and rewards a completion of a prompt. @param given - the reward of its reasoning, by the task's judge */
export function rewardCompletion(task: RlTask, prompt: number, completion: Completion, given?: number): Rollout {
  const { pair, gold } = promptAt(task, prompt);
  const { parsed, steps } = readCompletion(task.tokenizer, completion.ids, gold.scaleSize);
  const impliedLabel = (rule: number): number | undefined => task.instruction.rules[rule]?.cap;
  const { ruleBonuses = NO_BONUSES } = task;
  const bonus = { tokens: completion.ids.length, ruleBonuses };
  const reward = explainReward(parsed, { pair, folding: task.folding, gold, impliedLabel, bonus, given }, task.reward);
  const isRight = reward.rejected === undefined && parsed.answer === gold.label;
  return { prompt, completion, parsed, steps, reward, isRight };
}

/**
 * The rewards of a rollout's segments. The reward of the reasoning is the total assuming a right label: 0 for a
 * completion rejected for its form, which the reasoning broke, and otherwise r_reasoning weighted as in the total.
 *
 * @param penalty - subtracted from the rewards of label and reasoning, and its sum from the total (k1 in the reward)
 */
export function segmentRewards(
  { reward }: Rollout,
  penalty: { readonly label: number; readonly reasoning: number } = { label: 0, reasoning: 0 },
): SegmentRewards {
  const { labelShare } = reward;
  const reasoning = reward.rejected === undefined ? labelShare + (1 - labelShare) * reward.reasoning.value : 0;
  return {
    total: reward.total - penalty.label - penalty.reasoning,
    label: reward.label.value - penalty.label,
    reasoning: reasoning - penalty.reasoning,
    steps: reward.steps.map(({ rule, value }) => ({ rule, value })),
  };
}

/** @throws {LabError} `internal` */
function promptAt(task: RlTask, index: number): RlPrompt {
  const prompt = task.prompts[index];
  if (prompt !== undefined) return prompt;
  throw new LabError('internal', {
    message: 'A rollout refers to a prompt that does not exist.',
    expected: `an index from 0 to ${task.prompts.length - 1}`,
    got: `${index}`,
  });
}
