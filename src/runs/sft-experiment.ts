/**
 * Supervised fine-tuning, from a config to training data: the pairs of a rule world or of an imported file, a tokenizer,
 * examples. The command line and the page run the same experiment.
 */
import { LabError, throwIfAborted } from '../common/errors.ts';
import { Rng } from '../common/rng.ts';
import { yieldToMessages } from '../common/yield.ts';
import type { ModelConfig } from '../config/model-config.ts';
import { MODEL_PRESETS } from '../config/presets.ts';
import type { Example } from '../data/batches.ts';
import { type KeptQueries, keepQueries } from '../data/trained-queries.ts';
import { trainBpe } from '../data/tokenizer/bpe-trainer.ts';
import type { DataSet } from '../data/files/data-set.ts';
import { randomSplits } from '../data/tokenizer/subword-splits.ts';
import { LabTokenizer } from '../data/tokenizer/tokenizer.ts';
import type { ExperimentData, FileData, SftExperiment } from '../protocol/sft-experiment.ts';
import type { Rules } from '../relevance/rules/rules.ts';
import type { JudgedPair } from '../relevance/pair/pair.ts';
import { buildPrompt, type PromptConfig } from '../relevance/prompt/prompt.ts';
import { makeRuleWorld, type RuleWorld, type WorldPair } from '../relevance/world/rule-world.ts';
import type { Segment } from '../relevance/trace/segments.ts';
import { printTrace } from '../relevance/trace/trace.ts';
import type { SynthesisCounts } from '../relevance/rules/trace-synthesis.ts';
import { specialTokens } from '../relevance/pair/vocabulary.ts';
import { encodeFitting, type ExpertPair } from '../train/evaluate.ts';
import { checkBatch, expertsOf, rulesOfFile, splitFile, withStandingOf } from './file-data.ts';

type WorldData = Extract<ExperimentData, { kind: 'world' }>;

/** A run's data, ready to train on. */
export interface PreparedSft {
  /** The version of the data: of the rule world, or of the imported data set. */
  readonly dataHash: string;
  /** The rule world, where it is one. */
  readonly world: RuleWorld | undefined;
  /** None, where people have judged without giving reasons. */
  readonly rules: Rules;
  /** Of the pairs of a file that are learned from, those that its own rules give reasons for. */
  readonly traces: SynthesisCounts | undefined;
  readonly tokenizer: LabTokenizer;
  readonly model: ModelConfig;
  readonly examples: readonly Example[];
  readonly dev: readonly ExpertPair[];
  /** The queries of a file that are learned from. */
  readonly queries: KeptQueries | undefined;
  /** Training pairs of which some words did not fit into the prompt. */
  readonly shortened: number;
}

/** How many queries' worth of pairs the tokenizer learns from: words repeat, more pairs change little. */
const TOKENIZER_QUERIES = 3000;
/** The same for files, in pairs. */
const TOKENIZER_PAIRS = 18_000;

/** The stages of {@link prepareSft}, which can take seconds each. */
export type PrepareStage = 'world' | 'file' | 'tokenizer' | 'examples';

/** How to make the data of a run. */
export interface PrepareOptions {
  /** The run that it is made for again: its tokenizer is used, and its data must still be the same. */
  readonly saved?: { readonly tokenizer: LabTokenizer; readonly dataHash: string } | undefined;
  /** Finds an imported data set; needed for runs that learn from one. */
  readonly findData?: ((data: FileData) => Promise<DataSet>) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called as each stage begins. */
  readonly onStage?: (stage: PrepareStage) => void;
}

/** Pairs between two chances to stop. */
const PAIRS_PER_TURN = 500;

/** The pairs of a run, before they become tokens. */
interface Material extends Pick<PreparedSft, 'dataHash' | 'world' | 'rules' | 'traces' | 'dev' | 'queries'> {
  readonly train: () => Iterable<ExpertPair>;
  readonly makeTokenizer: (vocabSize: number) => LabTokenizer;
}

/**
 * Makes the data of a run. Nothing of the dev or test split is seen by the tokenizer.
 *
 * @throws {LabError} `bad-checkpoint` if the saved run learned from other data, `bad-file` or `bad-config` if an imported
 *   data set cannot be learned from, `aborted`
 */
export async function prepareSft(experiment: SftExperiment, options: PrepareOptions = {}): Promise<PreparedSft> {
  const { saved, signal, onStage } = options;
  const begin = async (stage: PrepareStage): Promise<void> => {
    onStage?.(stage);
    await yieldToMessages();
    throwIfAborted(signal);
  };
  const { data, prompt } = experiment;
  await begin(data.kind);
  const material =
    data.kind === 'world' ? worldMaterial(experiment, data) : await fileMaterial(experiment, data, options);
  if (saved !== undefined && saved.dataHash !== material.dataHash) throw otherWorld(saved.dataHash, material.dataHash);
  const model = MODEL_PRESETS[experiment.preset];
  await begin('tokenizer');
  const tokenizer = saved?.tokenizer ?? material.makeTokenizer(model.vocabSize);
  await begin('examples');
  const rng = new Rng(`word splits ${experiment.sft.seed}`);
  const transformer = { config: model };
  const examples: Example[] = [];
  let shortened = 0;
  for (const expert of material.train()) {
    const splitWord = randomSplits(rng, experiment.wordSplitShare);
    const { example, cutFields } = encodeFitting(tokenizer, prompt, expert, { splitWord, transformer });
    examples.push(example);
    if (cutFields.length > 0) shortened += 1;
    if (examples.length % PAIRS_PER_TURN !== 0) continue;
    await yieldToMessages();
    throwIfAborted(signal);
  }
  const { dataHash, world, rules, traces, queries } = material;
  return { dataHash, world, rules, traces, tokenizer, model, examples, dev: material.dev, queries, shortened };
}

function worldMaterial(experiment: SftExperiment, data: WorldData): Material {
  const { kind: _, ...settings } = data;
  const world = makeRuleWorld(settings);
  const { scaleSize } = experiment.prompt;
  if (scaleSize !== world.instruction.scaleSize) {
    throw new LabError('bad-config', {
      message: 'The prompt asks for labels that the rule world does not give.',
      expected: `${world.instruction.scaleSize} labels`,
      got: String(scaleSize),
    });
  }
  return {
    dataHash: world.versionHash,
    world,
    rules: rulesOfWorld(world),
    traces: undefined,
    queries: undefined,
    dev: Array.from(world.pairs('dev'), toExpert).slice(0, experiment.devPairs),
    train: function* () {
      for (const pair of world.pairs('train')) yield toExpert(pair);
    },
    makeTokenizer: (vocabSize) => trainWorldTokenizer(world, experiment, vocabSize),
  };
}

async function fileMaterial(
  experiment: SftExperiment,
  data: FileData,
  { findData }: PrepareOptions,
): Promise<Material> {
  if (findData === undefined) {
    throw new LabError('internal', { message: `Nobody was asked to find the data set "${data.name}".` });
  }
  const { prompt, devPairs } = experiment;
  const { scaleSize } = prompt;
  const dataSet = await findData(data);
  const { train, dev } = splitFile(data, scaleSize, dataSet);
  checkBatch(experiment, train.length);
  const rules = rulesOfFile(data, prompt);
  const { experts, counts } = expertsOf(rules, withLonePairs(withStandingOf(dataSet, train, prompt)));
  return {
    dataHash: data.sha256,
    world: undefined,
    rules,
    traces: counts,
    queries: keepQueries(train.map(({ query }) => query)),
    dev: expertsOf(rules, withStandingOf(dataSet, dev, prompt).slice(0, devPairs)).experts,
    train: () => experts,
    makeTokenizer: (vocabSize) => trainPairTokenizer(experts, prompt, vocabSize),
  };
}

/** Every so many pairs to learn from are told no standing, so that a pair by itself can be judged too. */
const LONE_PAIR_EVERY = 8;

function withLonePairs(pairs: readonly JudgedPair[]): JudgedPair[] {
  return pairs.map((pair, i) => {
    if (pair.standing === undefined || i % LONE_PAIR_EVERY !== 0) return pair;
    const { standing: _, ...lone } = pair;
    return lone;
  });
}

/** A tokenizer from the texts of judged pairs; of many, evenly from all of them. */
function trainPairTokenizer(experts: readonly ExpertPair[], prompt: PromptConfig, vocabSize: number): LabTokenizer {
  const every = Math.ceil(experts.length / TOKENIZER_PAIRS);
  const texts = function* (): Generator<string> {
    for (let i = 0; i < experts.length; i += every) {
      const expert = experts[i];
      if (expert !== undefined) yield* textsOf(buildPrompt(expert.pair, prompt).segments);
    }
  };
  return LabTokenizer.fromJson(trainBpe(texts(), { vocabSize, specialTokens: specialTokens(prompt) }));
}

function otherWorld(saved: string, now: string): LabError {
  return new LabError('bad-checkpoint', {
    message: 'The rule world has changed since this run was saved, so going on would not be the same run.',
    expected: `world ${saved}`,
    got: `world ${now}`,
    fix: 'Resume with the version of the lab that began the run, or start a new one.',
  });
}

/** A tokenizer from the texts of a world's training pairs. */
export function trainWorldTokenizer(
  world: RuleWorld,
  { prompt }: Pick<SftExperiment, 'prompt'>,
  vocabSize: number,
): LabTokenizer {
  const queries = Math.min(TOKENIZER_QUERIES, world.queryCount('train'));
  const texts = function* (): Generator<string> {
    for (const pair of world.pairs('train', 0, queries)) {
      yield* textsOf(buildPrompt(pair, prompt).segments);
      yield* textsOf(printTrace(pair.goldTrace));
    }
  };
  return LabTokenizer.fromJson(trainBpe(texts(), { vocabSize, specialTokens: specialTokens(prompt) }));
}

/** The rules of a world: all that its documents say stands in fields. */
export function rulesOfWorld({ instruction, lexicon, tailRules }: RuleWorld): Rules {
  return { instruction, lexicon, tailRules, readsTitles: false };
}

/** A pair of the world with its gold trace as the expert's. */
export function toExpert(pair: WorldPair): ExpertPair & { readonly pair: JudgedPair } {
  return { pair, trace: pair.goldTrace };
}

function textsOf(segments: readonly Segment[]): string[] {
  return segments.flatMap((segment) => (segment.kind === 'text' ? [segment.text] : []));
}
