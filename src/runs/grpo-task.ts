/**
 * Reinforcement from its settings to prompts, expert samples and held-out pairs: on a rule world, or on a file of judged
 * pairs. Prompts and expert samples are pairs of the train split, as in the supervised run that the start comes from.
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
import type { ExperimentData, FileData } from '../protocol/sft-experiment.ts';
import { canonicalJson, instructionHash } from '../relevance/rules/instruction.ts';
import type { Rules } from '../relevance/rules/rules.ts';
import type { JudgedPair } from '../relevance/pair/pair.ts';
import { makeRuleWorld, type RuleWorld } from '../relevance/world/rule-world.ts';
import type { SynthesisCounts } from '../relevance/rules/trace-synthesis.ts';
import type { ExpertPair } from '../train/evaluate.ts';
import type { PromptClass } from '../train/curriculum.ts';
import { makeRlPrompts, promptPool, type RlPrompt, type RlTask } from '../train/rollouts.ts';
import { checkScale, expertsOf, rulesOfFile, splitFile, withStandingOf } from './file-data.ts';
import { rulesOfWorld, toExpert } from './sft-experiment.ts';

/** What is needed of the model that a run starts from. */
export interface GrpoStart extends Pick<LabModel, 'tokenizer' | 'prompt'>, Rules {
  readonly config: ModelConfig;
}

/** The model that a run starts from, and stays near if it has a KL term. */
export interface StartModel extends GrpoStart {
  readonly weights: ReadonlyMap<string, TensorData>;
}

/** What became of the measured prompts. */
export interface PassSummary {
  readonly measured: number;
  readonly classes: Readonly<Record<PromptClass, number>>;
  /** Of all completions. */
  readonly rightShare: number;
  readonly fullShare: number;
}

/** A run's data, ready to learn from. */
export interface PreparedGrpo {
  /** The version of the data: of the rule world, or of the imported data set and the rules beside it. */
  readonly dataHash: string;
  /** The rule world, where it is one. */
  readonly world: RuleWorld | undefined;
  /** What rewards, verification and recall go by. */
  readonly rules: Rules;
  /** Of the pairs of a file that are learned from, those that the rules give reasons for. */
  readonly traces: SynthesisCounts | undefined;
  readonly task: RlTask;
  readonly expert: readonly Example[];
  /** Indices of the task's prompts that evaluations answer: the run's own mix, the same ones every time. */
  readonly probe: readonly number[];
  readonly dev: readonly ExpertPair[];
  /** What became of the prompts by their pass rates (`withPassRates`); undefined where none were measured. */
  readonly passes?: PassSummary | undefined;
}

/** How to make the data of a run. */
export interface PrepareGrpoOptions {
  /** Finds an imported data set; needed for runs that learn from one. */
  readonly findData?: ((data: FileData) => Promise<DataSet>) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The pairs of a run, before they become tokens. */
interface Material extends Pick<PreparedGrpo, 'dataHash' | 'world' | 'rules' | 'traces' | 'dev'> {
  /** Pairs to learn from, in small parts. */
  readonly parts: () => Iterable<readonly ExpertPair[]>;
}

/** Parts between two chances to stop. */
const PARTS_PER_TURN = 100;

/**
 * Makes the data of a run.
 *
 * @throws {LabError} `bad-config` if the start has learned other rules than the world has, or another scale than the rules
 *   of a file are for; what `splitFile` throws; `aborted`
 */
export async function prepareGrpo(
  experiment: GrpoExperiment,
  start: GrpoStart,
  options: PrepareGrpoOptions = {},
): Promise<PreparedGrpo> {
  const { data } = experiment;
  const material =
    data.kind === 'world'
      ? worldMaterial(experiment, data, start)
      : await fileMaterial(experiment, data, start, options);
  const { dataHash, world, rules, traces, dev } = material;
  const prompts: RlPrompt[] = [];
  let parts = 0;
  for (const pairs of material.parts()) {
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
      reward: experiment.reward,
      prompts,
      holder: holderOf({ tokenizer: start.tokenizer, instruction, folding: lexicon.folding }, experiment.grpo.decoding),
    },
    expert: expert.map(({ example }) => example),
    probe: promptPool(isTail, tailPromptWeight, seed).slice(0, experiment.probePrompts),
    dev,
  };
}

/** What is needed of a model, apart from its weights. */
export function startOf(model: LabModel): GrpoStart {
  const { tokenizer, prompt, instruction, lexicon, tailRules, readsTitles, transformer } = model;
  return { tokenizer, prompt, instruction, lexicon, tailRules, readsTitles, config: transformer.config };
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

function worldMaterial(
  experiment: GrpoExperiment,
  data: Extract<ExperimentData, { kind: 'world' }>,
  start: GrpoStart,
): Material {
  const { kind: _, ...settings } = data;
  const world = makeRuleWorld(settings);
  checkRules(world, start);
  const count = Math.min(experiment.queries, world.queryCount('train'));
  return {
    dataHash: world.versionHash,
    world,
    rules: rulesOfWorld(world),
    traces: undefined,
    dev: heldOutPairs(world, 'dev', experiment.devPairs),
    parts: function* () {
      for (let query = 0; query < count; query++) yield world.queryPairs('train', query).map(toExpert);
    },
  };
}

async function fileMaterial(
  experiment: GrpoExperiment,
  data: FileData,
  start: GrpoStart,
  { findData }: PrepareGrpoOptions,
): Promise<Material> {
  if (findData === undefined) {
    throw new LabError('internal', { message: `Nobody was asked to find the data set "${data.name}".` });
  }
  const { scaleSize } = start.prompt;
  const rules = data.rules === undefined ? start : rulesOfFile(data, start.prompt);
  checkScale(rules.instruction, scaleSize);
  const dataSet = await findData(data);
  const { train, dev } = splitFile(data, scaleSize, dataSet);
  const told = (pairs: readonly JudgedPair[]): readonly JudgedPair[] => withStandingOf(dataSet, pairs, start.prompt);
  const { experts, counts } = expertsOf(rules, told(sampleQueries(train, experiment.queries, data.splitSeed)));
  return {
    // The rules of a start are known by the hash of its weights.
    dataHash: data.rules === undefined ? data.sha256 : hashHex(canonicalJson([data.sha256, data.rules])),
    world: undefined,
    rules,
    traces: counts,
    dev: expertsOf(rules, told(dev).slice(0, experiment.devPairs)).experts,
    parts: () => experts.map((expert) => [expert]),
  };
}

function checkRules({ instruction }: RuleWorld, start: GrpoStart): void {
  const [expected, got] = [instructionHash(instruction), instructionHash(start.instruction)];
  if (expected === got) return;
  throw new LabError('bad-config', {
    message: 'The model to start from has learned other rules than the world of this run has.',
    expected: `a model of the instruction ${expected}`,
    got,
    fix: 'Start from a model that "npm run lab -- sft" has trained with this version of the lab.',
  });
}
