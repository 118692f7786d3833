/**
 * Turns the settings of a distillation into training data: prompts from pairs of the train split, each with the
 * completion that the method learns from, and the expert's completion.
 *
 * Words of prompts are split the same way for every seed, so that the teacher completes them once instead of once per
 * run.
 */
import { LabError, throwIfAborted } from '../common/errors.ts';
import { hashHex, Rng } from '../common/rng.ts';
import { yieldToMessages } from '../common/yield.ts';
import { type DistillConfig, needsTeacherCompletions } from '../config/distill-config.ts';
import type { ModelConfig } from '../config/model-config.ts';
import { MODEL_PRESETS } from '../config/presets.ts';
import type { Example } from '../data/batches.ts';
import { keepQueries, type KeptQueries } from '../data/trained-queries.ts';
import { randomSplits } from '../data/tokenizer/subword-splits.ts';
import { automataOf } from '../infer/held/completion-holder.ts';
import { generateAll } from '../infer/generate.ts';
import type { LabModel } from '../infer/lab-model.ts';
import type { DistillExperiment } from '../protocol/distill-experiment.ts';
import { canonicalJson, instructionHash } from '../relevance/rules/instruction.ts';
import { DEFAULT_REWARD_CONFIG } from '../relevance/rules/reward.ts';
import type { Rules } from '../relevance/rules/rules.ts';
import { makeRuleWorld, type RuleWorld } from '../relevance/world/rule-world.ts';
import { EOS } from '../relevance/pair/vocabulary.ts';
import { encodeFitting, type ExpertPair } from '../train/evaluate.ts';
import { rewardCompletion, type RlPrompt, type RlTask } from '../train/rollouts.ts';
import { pairsOfFile, pairsOfWorld, type PrepareGrpoOptions } from './grpo-task.ts';

/** The model that a student learns from, on the current backend. */
export interface Teacher {
  readonly model: LabModel;
  /** Hash of its weights. */
  readonly hash: string;
}

/** The prepared data of a run. */
export interface PreparedDistill {
  /** The version of the data: of the rule world, or of the imported data set. */
  readonly dataHash: string;
  /** The rule world; undefined for a file. */
  readonly world: RuleWorld | undefined;
  /** Of the world, or of the teacher where the student learns from a file. */
  readonly rules: Rules;
  /** The training queries of a file. */
  readonly queries: KeptQueries | undefined;
  /** The prompts with the completions to learn from. */
  readonly examples: readonly Example[];
  /** The same prompts with the expert's completions. */
  readonly expert: readonly Example[];
  /** Training pairs before completions of the teacher were left out. */
  readonly pairs: number;
  readonly dev: readonly ExpertPair[];
}

/** The tokens of completions. */
export type CompletionIds = readonly (readonly number[])[];

/** Options of {@link prepareDistill}. */
export interface PrepareDistillOptions extends Pick<PrepareGrpoOptions, 'findData'> {
  /** Returns what is kept under a name, or makes and keeps it. By default nothing is kept. */
  readonly keep?: (name: string, make: () => Promise<CompletionIds>) => Promise<CompletionIds>;
  readonly signal?: AbortSignal | undefined;
  /** Called with the number of prompts that the teacher has completed. */
  readonly onCompleted?: (done: number, total: number) => void;
}

/** Queries, or pairs of a file, between two chances to stop. */
const PARTS_PER_TURN = 100;

/**
 * Prepares the data of a run.
 *
 * @param student - the student's shape, because prompts must fit into both models
 * @throws {LabError} `bad-config` if the teacher has learned other rules than the world's; what `pairsOfFile` throws;
 *   `aborted`
 */
export async function prepareDistill(
  experiment: DistillExperiment,
  teacher: Teacher,
  student: ModelConfig,
  options: PrepareDistillOptions = {},
): Promise<PreparedDistill> {
  const { signal } = options;
  const { model } = teacher;
  const loaded =
    experiment.file === undefined
      ? pairsOfWorld(experiment, worldFor(experiment, model))
      : await pairsOfFile(experiment, experiment.file, model, options);
  const { dataHash, world, rules, dev } = loaded;
  const rng = new Rng('word splits of distillation');
  const isStudentShorter = student.maxPositions < model.transformer.config.maxPositions;
  const transformer = isStudentShorter ? { config: student } : model.transformer;
  const prompts: RlPrompt[] = [];
  let parts = 0;
  for (const pairs of loaded.parts()) {
    for (const expert of pairs) {
      const splitWord = randomSplits(rng, experiment.wordSplitShare);
      const { example } = encodeFitting(model.tokenizer, model.prompt, expert, { splitWord, transformer });
      const isTail = expert.trace.steps.some(({ rule }) => rules.tailRules.has(rule));
      prompts.push({ example, pair: expert.pair, gold: expert.trace, isTail });
    }
    if (parts++ % PARTS_PER_TURN !== 0) continue;
    await yieldToMessages();
    throwIfAborted(signal);
  }

  const task: RlTask = {
    tokenizer: model.tokenizer,
    instruction: rules.instruction,
    folding: rules.lexicon.folding,
    tailRules: rules.tailRules,
    reward: DEFAULT_REWARD_CONFIG,
    prompts,
  };
  const { method } = experiment.distill;
  const written = needsTeacherCompletions(method) ? await teacherWrites(experiment, teacher, task, options) : [];
  const lessons = prompts.flatMap(({ example }, i) => {
    const completion = completionToLearn(experiment.distill, task, i, written[i] ?? []);
    return completion === undefined ? [] : [{ expert: example, example: { prompt: example.prompt, completion } }];
  });
  return {
    dataHash,
    world,
    rules,
    queries: world === undefined ? keepQueries(prompts.map(({ pair }) => pair.query)) : undefined,
    examples: lessons.map(({ example }) => example),
    expert: lessons.map(({ expert }) => expert),
    pairs: prompts.length,
    dev,
  };
}

/** The shape of a new student: that of a preset with the teacher's vocabulary and number of positions. */
export function newStudent(
  preset: keyof typeof MODEL_PRESETS,
  { config }: { readonly config: ModelConfig },
): ModelConfig {
  return { ...MODEL_PRESETS[preset], vocabSize: config.vocabSize, maxPositions: config.maxPositions };
}

/**
 * The completion that a student learns from for a prompt; undefined if the teacher's completion earns too little.
 *
 * @param written - the teacher's tokens, where the method needs them
 */
function completionToLearn(
  { method }: DistillConfig,
  task: RlTask,
  prompt: number,
  written: readonly number[],
): Int32Array | undefined {
  const gold = task.prompts[prompt]?.example.completion ?? new Int32Array();
  switch (method.kind) {
    case 'expert':
      return method.segment === 'label' ? gold.slice(0, 1) : gold;
    case 'hard-label':
      return Int32Array.from(written.slice(0, 1));
    case 'trace': {
      const isComplete = written.at(-1) === task.tokenizer.idOf(EOS);
      const { reward } = rewardCompletion(task, prompt, { ids: written, logProbs: [], isComplete });
      return reward.total >= method.minReward ? Int32Array.from(written) : undefined;
    }
    case 'label-kd':
      return gold.slice(0, 1); // only the position of the label is used
    case 'jsd':
      return method.completions === 'expert' ? gold : Int32Array.from(written);
    default:
      return method satisfies never;
  }
}

/** The teacher's greedy completion of every prompt. */
function teacherWrites(
  { world, file, queries, wordSplitShare, distill }: DistillExperiment,
  { model, hash }: Teacher,
  { prompts, tokenizer }: RlTask,
  { keep = (_, make) => make(), signal, onCompleted }: PrepareDistillOptions,
): Promise<CompletionIds> {
  const { maxTokens, sequencesPerPass: batchSize, decoding } = distill;
  const held = decoding === 'free' ? [] : [decoding];
  const name = hashHex(canonicalJson([hash, file ?? world, queries, wordSplitShare, maxTokens, batchSize, ...held]));
  return keep(`completions-${name}`, async () => {
    const completions = await generateAll(
      model.transformer,
      prompts.map(({ example }) => example.prompt),
      {
        eosId: tokenizer.idOf(EOS),
        maxTokens,
        batchSize,
        automata: automataOf(
          model,
          decoding,
          prompts.map(({ pair }) => pair),
        ),
        signal,
        onProgress: (done) => onCompleted?.(done, prompts.length),
      },
    );
    return completions.map(({ ids }) => ids);
  });
}

function worldFor(experiment: DistillExperiment, { instruction: learned, card }: LabModel): RuleWorld {
  const world = makeRuleWorld(experiment.world);
  const [expected, got] = [instructionHash(world.instruction), instructionHash(learned)];
  if (expected === got) return world;
  throw new LabError('bad-config', {
    message: `The teacher ${card.name} has learned other rules than those of this run's world.`,
    expected: `a model with the instruction ${expected}`,
    got,
    fix: 'Use a teacher that "npm run lab -- sft" has trained on the rule world with this version of the lab.',
  });
}
