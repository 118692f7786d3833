/**
 * Turns the settings of supervised fine-tuning into training data: pairs of a rule world or of an imported file, a
 * tokenizer, and examples. The command line and the page run the same experiment.
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
import type { ModelTokenizer } from '../data/tokenizer/model-tokenizer.ts';
import { LabTokenizer } from '../data/tokenizer/tokenizer.ts';
import type { FileData, SftExperiment, WorldData } from '../protocol/sft-experiment.ts';
import { instructionHash } from '../relevance/rules/instruction.ts';
import type { Rules } from '../relevance/rules/rules.ts';
import type { JudgedPair } from '../relevance/pair/pair.ts';
import { alone } from '../relevance/prompt/listed.ts';
import { buildPrompt, type PromptConfig } from '../relevance/prompt/prompt.ts';
import { makeRuleWorld, type RuleWorld, type WorldPair } from '../relevance/world/rule-world.ts';
import type { Segment } from '../relevance/trace/segments.ts';
import { printTrace } from '../relevance/trace/trace.ts';
import type { SynthesisCounts } from '../relevance/rules/trace-synthesis.ts';
import { specialTokens } from '../relevance/pair/vocabulary.ts';
import { encodeFitting, type ExpertPair } from '../train/evaluate.ts';
import {
  checkBatch,
  type Experts,
  expertsOf,
  labelsAlone,
  rulesOfFile,
  splitFile,
  withStandingOf,
} from './file-data.ts';
import { replayedPairs } from './sft-replay.ts';
import { checkStart, rulesOfStart, type SftStart, type WeighedStart } from './sft-start.ts';

/** The prepared data of a run. */
export interface PreparedSft {
  /** The version of the data: of the rule world, or of the imported data set. */
  readonly dataHash: string;
  /** The rule world; undefined for a file. */
  readonly world: RuleWorld | undefined;
  /** Empty where pairs were judged without reasons. */
  readonly rules: Rules;
  /** How many training pairs of a file its own rules explain. */
  readonly traces: SynthesisCounts | undefined;
  readonly tokenizer: ModelTokenizer;
  readonly model: ModelConfig;
  /** The model that the run continues; with its weights where the run begins. */
  readonly start: SftStart | WeighedStart | undefined;
  readonly examples: readonly Example[];
  /** How many of the examples repeat what the start has learned before. */
  readonly replayed: number;
  readonly dev: readonly ExpertPair[];
  /** The training queries of a file. */
  readonly queries: KeptQueries | undefined;
  /** Training pairs that lost words to the limits of the prompt. */
  readonly shortened: number;
}

/** Queries whose pairs train the tokenizer. More change little, because words repeat. */
const TOKENIZER_QUERIES = 3000;
/** The same limit for files, in pairs. */
const TOKENIZER_PAIRS = 18_000;

/** The stages of {@link prepareSft}, which can take seconds each. */
export type PrepareStage = 'world' | 'file' | 'tokenizer' | 'examples';

/** Options of {@link prepareSft}. */
export interface PrepareOptions {
  /** The run to resume: its tokenizer is used, and its data must be unchanged. */
  readonly saved?:
    | { readonly tokenizer: ModelTokenizer; readonly dataHash: string; readonly start?: SftStart | undefined }
    | undefined;
  /** The model that a new run continues. */
  readonly start?: WeighedStart | undefined;
  /** Finds an imported data set; required by runs on a file. */
  readonly findData?: ((data: FileData) => Promise<DataSet>) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called as each stage begins. */
  readonly onStage?: (stage: PrepareStage) => void;
}

/** Pairs between two chances to stop. */
const PAIRS_PER_TURN = 500;

/** The pairs of a run before tokenization. */
interface LoadedData extends Pick<PreparedSft, 'dataHash' | 'world' | 'rules' | 'traces' | 'dev' | 'queries'> {
  readonly train: () => Iterable<ExpertPair>;
  readonly makeTokenizer: (vocabSize: number) => ModelTokenizer;
}

/**
 * Prepares the data of a run. The tokenizer sees nothing of the dev and test splits.
 *
 * @throws {LabError} `bad-checkpoint` if the saved run learned from other data, `bad-file` or `bad-config` if an
 *   imported data set cannot be learned from, or the start is not that of the settings, `aborted`
 */
export async function prepareSft(experiment: SftExperiment, options: PrepareOptions = {}): Promise<PreparedSft> {
  const { saved, signal, onStage } = options;
  const begin = async (stage: PrepareStage): Promise<void> => {
    onStage?.(stage);
    await yieldToMessages();
    throwIfAborted(signal);
  };
  const { data, prompt, replay } = experiment;
  const start = saved?.start ?? options.start;
  checkStart(experiment, start);
  await begin(data.kind);
  const loaded =
    data.kind === 'world' ? loadWorld(experiment, data, start) : await loadFile(experiment, data, start, options);
  if (saved !== undefined && saved.dataHash !== loaded.dataHash) throw otherWorld(saved.dataHash, loaded.dataHash);
  const model = start?.config ?? MODEL_PRESETS[experiment.preset];
  await begin('tokenizer');
  const tokenizer = saved?.tokenizer ?? start?.tokenizer ?? loaded.makeTokenizer(model.vocabSize);
  await begin('examples');
  const rng = new Rng(`word splits ${experiment.sft.seed}`);
  const transformer = { config: model };
  const examples: Example[] = [];
  let shortened = 0;
  const encode = async (experts: Iterable<ExpertPair>, how: PromptConfig): Promise<void> => {
    for (const expert of experts) {
      const splitWord = randomSplits(rng, experiment.wordSplitShare);
      const { example, cutFields } = encodeFitting(tokenizer, how, expert, { splitWord, transformer });
      examples.push(example);
      if (cutFields.length > 0) shortened += 1;
      if (examples.length % PAIRS_PER_TURN !== 0) continue;
      await yieldToMessages();
      throwIfAborted(signal);
    }
  };
  await encode(loaded.train(), prompt);
  const own = examples.length;
  if (replay !== undefined && start !== undefined) {
    const count = Math.max(1, Math.round((own * replay.share) / (1 - replay.share)));
    const { seed } = experiment.sft;
    await encode(replayedPairs(replay.data, { count, seed }), start.lab.prompt);
  }
  const { dataHash, world, rules, traces, queries, dev } = loaded;
  const replayed = examples.length - own;
  return { dataHash, world, rules, traces, tokenizer, model, start, examples, replayed, dev, queries, shortened };
}

function loadWorld(experiment: SftExperiment, data: WorldData, start: SftStart | undefined): LoadedData {
  const { kind: _, ...settings } = data;
  const world = makeRuleWorld(settings);
  const { scaleSize } = experiment.prompt;
  if (scaleSize !== world.instruction.scaleSize) {
    throw new LabError('bad-config', {
      message: 'The prompt has another number of labels than the rule world.',
      expected: `${world.instruction.scaleSize} labels`,
      got: String(scaleSize),
    });
  }
  if (start !== undefined) checkRules(world, start);
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

function checkRules({ instruction }: RuleWorld, start: SftStart): void {
  const [expected, got] = [instruction, rulesOfStart(start, instruction.scaleSize).instruction].map(instructionHash);
  if (expected === got) return;
  throw new LabError('bad-config', {
    message: `${start.card.name} has learned other rules than those of this run's world.`,
    expected: `a model with the instruction ${expected ?? ''}`,
    got: got ?? '',
    fix: 'Continue a model that was trained on the rule world, or name a file of judged pairs.',
  });
}

async function loadFile(
  experiment: SftExperiment,
  data: FileData,
  start: SftStart | undefined,
  { findData }: PrepareOptions,
): Promise<LoadedData> {
  if (findData === undefined) {
    throw new LabError('internal', { message: `The data set "${data.name}" cannot be found without findData.` });
  }
  const { prompt, devPairs } = experiment;
  const { scaleSize } = prompt;
  const dataSet = await findData(data);
  const { train, dev } = splitFile(data, scaleSize, dataSet);
  checkBatch(experiment, train.length);
  const rules = rulesOfFile(data, prompt);
  const placed = (pairs: readonly JudgedPair[]): readonly JudgedPair[] =>
    withStandingOf(dataSet, pairs, prompt, start?.vectors);
  const expertsFor = (pairs: readonly JudgedPair[]): Experts =>
    start === undefined
      ? expertsOf(rules, pairs)
      : { experts: labelsAlone(rulesOfStart(start, scaleSize), pairs), counts: undefined };
  const { experts, counts } = expertsFor(withLonePairs(placed(train)));
  return {
    dataHash: data.sha256,
    world: undefined,
    rules,
    traces: counts,
    queries: keepQueries(train.map(({ query }) => query)),
    dev: expertsFor(placed(dev).slice(0, devPairs)).experts,
    train: () => experts,
    makeTokenizer: (vocabSize) => trainPairTokenizer(experts, prompt, vocabSize),
  };
}

/** One training pair in this many has no standing in its prompt, so that the model can also judge a single pair. */
const LONE_PAIR_EVERY = 8;

function withLonePairs(pairs: readonly JudgedPair[]): JudgedPair[] {
  return pairs.map((pair, i) => {
    if (pair.standing === undefined || i % LONE_PAIR_EVERY !== 0) return pair;
    return alone(pair);
  });
}

/** A tokenizer from the texts of judged pairs, sampled evenly if there are many. */
function trainPairTokenizer(experts: readonly ExpertPair[], prompt: PromptConfig, vocabSize: number): ModelTokenizer {
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
    message: 'The rule world has changed since this run was saved, so resuming would not continue the same run.',
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
): ModelTokenizer {
  const queries = Math.min(TOKENIZER_QUERIES, world.queryCount('train'));
  const texts = function* (): Generator<string> {
    for (const pair of world.pairs('train', 0, queries)) {
      yield* textsOf(buildPrompt(pair, prompt).segments);
      yield* textsOf(printTrace(pair.goldTrace));
    }
  };
  return LabTokenizer.fromJson(trainBpe(texts(), { vocabSize, specialTokens: specialTokens(prompt) }));
}

/** The rules of a world. Its documents state everything in fields, so titles are not read. */
export function rulesOfWorld({ instruction, lexicon, tailRules }: RuleWorld): Rules {
  return { instruction, lexicon, tailRules, readsTitles: false };
}

/** A pair of the world with its gold trace as the expert's trace. */
export function toExpert(pair: WorldPair): ExpertPair & { readonly pair: JudgedPair } {
  return { pair, trace: pair.goldTrace };
}

function textsOf(segments: readonly Segment[]): string[] {
  return segments.flatMap((segment) => (segment.kind === 'text' ? [segment.text] : []));
}
