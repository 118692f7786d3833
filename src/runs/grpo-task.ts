/**
 * Turns the settings of a GRPO run into prompts, expert samples and held-out pairs, from a rule world or from a file of
 * judged pairs. Prompts and expert samples are pairs of the train split, as in the supervised run of the start.
 */
import { LabError, throwIfAborted } from '../common/errors.ts';
import { hashHex } from '../common/rng.ts';
import { yieldToMessages } from '../common/yield.ts';
import type { ModelConfig } from '../config/model-config.ts';
import type { TensorData } from '../model/weights.ts';
import type { Example } from '../data/batches.ts';
import type { DataSet } from '../data/files/data-set.ts';
import { sampleQueries } from '../data/splits.ts';
import { holderOf } from '../infer/held/completion-holder.ts';
import type { LabModel } from '../infer/lab-model.ts';
import type { GrpoExperiment } from '../protocol/grpo-experiment.ts';
import type { FileData, WorldData } from '../protocol/sft-experiment.ts';
import { canonicalJson, instructionHash } from '../relevance/rules/instruction.ts';
import { ruleBonusesOf } from '../relevance/rules/own-reward.ts';
import type { Rules } from '../relevance/rules/rules.ts';
import type { JudgedPair } from '../relevance/pair/pair.ts';
import { makeRuleWorld, type RuleWorld } from '../relevance/world/rule-world.ts';
import type { SynthesisCounts } from '../relevance/rules/trace-synthesis.ts';
import type { ExpertPair } from '../train/evaluate.ts';
import type { PromptClass } from '../train/curriculum.ts';
import { makeRlPrompts, promptPool, type RewardJudge, type RlPrompt, type RlTask } from '../train/rollouts.ts';
import { checkScale, expertsOf, rulesOfFile, splitFile, withStandingOf } from './file-data.ts';
import { rulesOfWorld, toExpert } from './sft-experiment.ts';

/** The parts of the start model that prompts and rewards depend on. */
export interface GrpoStart extends Pick<LabModel, 'tokenizer' | 'prompt' | 'scale' | 'vectors'>, Rules {
  readonly config: ModelConfig;
}

/** The model that a run starts from, which is also the reference of its KL term. */
export interface StartModel extends GrpoStart {
  readonly weights: ReadonlyMap<string, TensorData>;
}

/** Pass rates of the measured prompts in summary. */
export interface PassSummary {
  readonly measured: number;
  readonly classes: Readonly<Record<PromptClass, number>>;
  /** Of all completions. */
  readonly rightShare: number;
  readonly fullShare: number;
}

/** The prepared data of a run. */
export interface PreparedGrpo {
  /** The version of the data: of the rule world, or of the imported data set with its rules. */
  readonly dataHash: string;
  /** The rule world; undefined for a file. */
  readonly world: RuleWorld | undefined;
  /** The rules for rewards, verification and recall. */
  readonly rules: Rules;
  /** How many training pairs of a file the rules explain. */
  readonly traces: SynthesisCounts | undefined;
  readonly task: RlTask;
  readonly expert: readonly Example[];
  /** Indices of the prompts that measurements use: a sample of the run's mix, the same every time. */
  readonly probe: readonly number[];
  readonly dev: readonly ExpertPair[];
  /** The summary of pass rates (`withPassRates`); undefined where none were measured. */
  readonly passes?: PassSummary | undefined;
}

/** Options of {@link prepareGrpo}. */
export interface PrepareGrpoOptions {
  /** Finds an imported data set; required by runs on a file. */
  readonly findData?: ((data: FileData) => Promise<DataSet>) | undefined;
  /** Runs the module of the run's reward; required by runs that have one. */
  readonly judge?: RewardJudge | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The pairs of a run before tokenization. */
export interface LoadedPairs extends Pick<PreparedGrpo, 'dataHash' | 'world' | 'rules' | 'traces' | 'dev'> {
  /** Training pairs in small parts. */
  readonly parts: () => Iterable<readonly ExpertPair[]>;
}

/** Parts between two chances to stop. */
const PARTS_PER_TURN = 100;

/**
 * Prepares the data of a run.
 *
 * @throws {LabError} `bad-config` if the start has learned other rules than the world's, or has another scale than the
 *   rules of a file; what `splitFile` throws; `aborted`
 */
export async function prepareGrpo(
  experiment: GrpoExperiment,
  start: GrpoStart,
  options: PrepareGrpoOptions = {},
): Promise<PreparedGrpo> {
  const { data, reward } = experiment;
  if (reward.moduleHash !== undefined && options.judge === undefined) {
    throw new LabError('bad-config', {
      message: 'The reward of this run is a module.',
      expected: `the module with the SHA-256 ${reward.moduleHash}`,
      fix: 'Make the run on the command line, with "npm run lab -- grpo --reward-module".',
    });
  }
  const loaded =
    data.kind === 'world'
      ? pairsOfWorld(experiment, worldFor(data, start))
      : await pairsOfFile(experiment, data, start, options);
  const { dataHash, world, rules, traces, dev } = loaded;
  const prompts: RlPrompt[] = [];
  let parts = 0;
  for (const pairs of loaded.parts()) {
    prompts.push(...makeRlPrompts({ ...start, transformer: start }, pairs, rules.tailRules));
    if (parts++ % PARTS_PER_TURN !== 0) continue;
    await yieldToMessages();
    throwIfAborted(options.signal);
  }
  const expert = prompts.filter(({ isTail }) => experiment.expertCoverage === 'all' || !isTail);
  const { tailPromptWeight, seed } = experiment.grpo;
  const isTail = prompts.map((prompt) => prompt.isTail);
  const { instruction, lexicon, tailRules } = rules;
  return {
    dataHash,
    world,
    rules,
    traces,
    task: {
      tokenizer: start.tokenizer,
      instruction,
      folding: lexicon.folding,
      tailRules,
      reward,
      ruleBonuses: reward.own === null ? undefined : ruleBonusesOf(reward.own, instruction),
      judge: options.judge,
      prompts,
      holder: holderOf({ tokenizer: start.tokenizer, instruction, folding: lexicon.folding }, experiment.grpo.decoding),
    },
    expert: expert.map(({ example }) => example),
    probe: promptPool(isTail, tailPromptWeight, seed).slice(0, experiment.probePrompts),
    dev,
  };
}

/** The parts of a model that prompts and rewards depend on. */
export function startOf(model: LabModel): GrpoStart {
  const { tokenizer, prompt, scale, instruction, lexicon, tailRules, readsTitles, transformer, vectors } = model;
  return {
    tokenizer,
    prompt,
    scale,
    instruction,
    lexicon,
    tailRules,
    readsTitles,
    config: transformer.config,
    vectors,
  };
}

/** The first pairs of a held-out split. */
export function heldOutPairs(world: RuleWorld, split: 'dev' | 'test', count: number): ExpertPair[] {
  const pairs: ExpertPair[] = [];
  for (const pair of world.pairs(split)) {
    if (pairs.length === count) break;
    pairs.push(toExpert(pair));
  }
  return pairs;
}

/** How many pairs a run looks at: training queries, and held-out pairs. */
type PairCounts = Pick<GrpoExperiment, 'queries' | 'devPairs'>;

/** The pairs of a world, a query at a time. */
export function pairsOfWorld({ queries, devPairs }: PairCounts, world: RuleWorld): LoadedPairs {
  const count = Math.min(queries, world.queryCount('train'));
  return {
    dataHash: world.versionHash,
    world,
    rules: rulesOfWorld(world),
    traces: undefined,
    dev: heldOutPairs(world, 'dev', devPairs),
    parts: function* () {
      for (let query = 0; query < count; query++) yield world.queryPairs('train', query).map(toExpert);
    },
  };
}

/** A model whose prompts state its rules in words cannot be asked for others. */
function checkStatedRules(start: Pick<GrpoStart, 'tokenizer' | 'instruction'>, { instruction }: Rules): void {
  const [expected, got] = [start.instruction, instruction].map(instructionHash);
  if (!start.tokenizer.hasLines || expected === got) return;
  throw new LabError('bad-config', {
    message: 'The prompts of this start state its own rules in words, and the run has others.',
    expected: `the instruction ${expected ?? ''}`,
    got: got ?? '',
    fix: 'Leave out the rules, or write them into lab.json of the start, in its instruction and in its wording.',
  });
}

/**
 * The pairs of a file, with reasons by its rules or those of the model.
 *
 * @throws {LabError} `bad-config` if the model has another scale than the rules; what `splitFile` throws
 */
export async function pairsOfFile(
  { queries, devPairs }: PairCounts,
  data: FileData,
  model: Pick<GrpoStart, 'prompt' | 'tokenizer' | 'vectors'> & Rules,
  { findData }: Pick<PrepareGrpoOptions, 'findData'>,
): Promise<LoadedPairs> {
  if (findData === undefined) {
    throw new LabError('internal', { message: `The data set "${data.name}" cannot be found without findData.` });
  }
  const { scaleSize } = model.prompt;
  const rules = data.rules === undefined ? model : rulesOfFile(data, model.prompt);
  checkStatedRules(model, rules);
  checkScale(rules.instruction, scaleSize);
  const dataSet = await findData(data);
  const { train, dev } = splitFile(data, scaleSize, dataSet);
  const placed = (pairs: readonly JudgedPair[]): readonly JudgedPair[] =>
    withStandingOf(dataSet, pairs, model.prompt, model.vectors);
  const { experts, counts } = expertsOf(rules, placed(sampleQueries(train, queries, data.splitSeed)));
  return {
    // The rules of a model need no hash here, because the hash of its weights identifies them.
    dataHash: data.rules === undefined ? data.sha256 : hashHex(canonicalJson([data.sha256, data.rules])),
    world: undefined,
    rules,
    traces: counts,
    dev: expertsOf(rules, placed(dev).slice(0, devPairs)).experts,
    parts: () => experts.map((expert) => [expert]),
  };
}

/** @throws {LabError} `bad-config` if the start has learned other rules than the world's */
function worldFor(data: WorldData, start: GrpoStart): RuleWorld {
  const { kind: _, ...settings } = data;
  const world = makeRuleWorld(settings);
  const [expected, got] = [instructionHash(world.instruction), instructionHash(start.instruction)];
  if (expected === got) return world;
  throw new LabError('bad-config', {
    message: "The model to start from has learned other rules than those of this run's world.",
    expected: `a model with the instruction ${expected}`,
    got,
    fix: 'Start from a model that "npm run lab -- sft" has trained with this version of the lab.',
  });
}
