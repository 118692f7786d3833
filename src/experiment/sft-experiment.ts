/**
 * Supervised fine-tuning on a rule world, from a config to training data: world, tokenizer, examples. The command line
 * and the page run the same experiment.
 */
import { LabError, throwIfAborted } from '../common/errors.ts';
import { Rng } from '../common/rng.ts';
import { yieldToMessages } from '../common/yield.ts';
import type { ModelConfig } from '../config/model-config.ts';
import { MODEL_PRESETS } from '../config/presets.ts';
import type { Example } from '../data/batches.ts';
import { trainBpe } from '../data/bpe-trainer.ts';
import { randomSplits } from '../data/subword-splits.ts';
import { LabTokenizer } from '../data/tokenizer.ts';
import type { SftExperiment } from '../protocol/sft-experiment.ts';
import type { JudgedPair } from '../relevance/pair.ts';
import { buildPrompt } from '../relevance/prompt.ts';
import { makeRuleWorld, type RuleWorld, type WorldPair } from '../relevance/rule-world.ts';
import type { Segment } from '../relevance/segments.ts';
import { printTrace } from '../relevance/trace.ts';
import { SPECIAL_TOKENS } from '../relevance/vocabulary.ts';
import { encodeExample, type ExpertPair } from '../train/evaluate.ts';

/** A run's data, ready to train on. */
export interface PreparedSft {
  readonly world: RuleWorld;
  readonly tokenizer: LabTokenizer;
  readonly model: ModelConfig;
  readonly examples: readonly Example[];
  readonly dev: readonly ExpertPair[];
}

/** How many queries' worth of pairs the tokenizer learns from: words repeat, more pairs change little. */
const TOKENIZER_QUERIES = 3000;

/** The stages of {@link prepareSft}, which can take seconds each. */
export type PrepareStage = 'world' | 'tokenizer' | 'examples';

/** How to make the data of a run. */
export interface PrepareOptions {
  /** The run that it is made for again: its tokenizer is used, and its world must still be the same. */
  readonly saved?: { readonly tokenizer: LabTokenizer; readonly worldHash: string } | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called as each stage begins. */
  readonly onStage?: (stage: PrepareStage) => void;
}

/** Pairs between two chances to stop. */
const PAIRS_PER_TURN = 500;

/**
 * Makes the data of a run. Nothing of the dev or test split is seen by the tokenizer.
 *
 * @throws {LabError} `bad-checkpoint` if the saved run learned from another world, `aborted`
 */
export async function prepareSft(
  experiment: SftExperiment,
  { saved, signal, onStage }: PrepareOptions = {},
): Promise<PreparedSft> {
  const begin = async (stage: PrepareStage): Promise<void> => {
    onStage?.(stage);
    await yieldToMessages();
    throwIfAborted(signal);
  };
  await begin('world');
  const world = makeRuleWorld(experiment.world);
  if (saved !== undefined && saved.worldHash !== world.versionHash)
    throw otherWorld(saved.worldHash, world.versionHash);
  const model = MODEL_PRESETS[experiment.preset];
  await begin('tokenizer');
  const tokenizer = saved?.tokenizer ?? trainWorldTokenizer(world, experiment, model.vocabSize);
  await begin('examples');
  const rng = new Rng(`word splits ${experiment.sft.seed}`);
  const examples: Example[] = [];
  for (const pair of world.pairs('train')) {
    const splitWord = randomSplits(rng, experiment.wordSplitShare);
    examples.push(encodeExample(tokenizer, experiment.prompt, toExpert(pair), splitWord));
    if (examples.length % PAIRS_PER_TURN !== 0) continue;
    await yieldToMessages();
    throwIfAborted(signal);
  }
  const dev = Array.from(world.pairs('dev'), toExpert).slice(0, experiment.devPairs);
  return { world, tokenizer, model, examples, dev };
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
  return LabTokenizer.fromJson(trainBpe(texts(), { vocabSize, specialTokens: SPECIAL_TOKENS }));
}

/** A pair of the world with its gold trace as the expert's. */
export function toExpert(pair: WorldPair): ExpertPair & { readonly pair: JudgedPair } {
  return { pair, trace: pair.goldTrace };
}

function textsOf(segments: readonly Segment[]): string[] {
  return segments.flatMap((segment) => (segment.kind === 'text' ? [segment.text] : []));
}
