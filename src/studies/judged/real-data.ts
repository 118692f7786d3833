/**
 * The recipes on real judgments: the plan for `chorus` (products, four labels) and `msrd` (films, two labels), decided
 * before anything was run, and never by a test fold.
 *
 * Folds are over queries. Of each fold's remaining queries some are held out for model selection (dev); PIAR refines an
 * instruction on the others, and every model learns from the same pairs. Systems are compared on the pooled test
 * queries of all folds.
 */
import { makeDataSet, type DataSet, type GradedPair } from '../../data/files/data-set.ts';
import { kFoldByQuery, normaliseQuery, sampleQueries } from '../../data/splits.ts';
import type { GrpoExperimentInput } from '../../protocol/grpo-experiment.ts';
import type { SftExperiment, SftExperimentInput } from '../../protocol/sft-experiment.ts';

/** The files of a set of judgments in its folder. */
export const SET_FILES = { pairs: 'pairs.jsonl.gz', documents: 'docs.jsonl.gz' } as const;

/** A recipe on one set of judgments. */
export interface RealRecipe {
  readonly id: string;
  readonly title: string;
  /** The origin of judgments and texts, and their terms. */
  readonly terms: string;
  readonly scaleSize: number;
  /** The number of parts that the queries are split into, and how many of them serve as test part. */
  readonly folds: number;
  readonly run: number;
  /** The maximum number of queries; from a larger file this many are drawn. */
  readonly queries: number;
  readonly words: SftExperiment['prompt']['maxWordsPerField'];
  readonly sft: SftExperimentInput['sft'];
  readonly grpo: Omit<GrpoExperimentInput, 'data' | 'name'>;
  readonly mining: MiningSettings;
  /** The same reinforcement with prompts in stages, by how often the start labels them right. */
  readonly staged: Omit<GrpoExperimentInput, 'data' | 'name'>;
}

/** The mining after supervised learning, and the use of mined pairs. */
export interface MiningSettings {
  /** Completions of each training pair. */
  readonly samples: number;
  readonly maxTokens: number;
  /** The limit of hard pairs and hard negatives together, as a share of all pairs; the hardest of each come first. */
  readonly share: number;
  /** How often a mined pair is repeated among the next model's examples, where other pairs occur once. */
  readonly times: number;
}

/** The share of a fold's training queries that is used for model selection. */
export const DEV_SHARE = 0.15;
/** The seed of folds, splits, weights and rollouts. */
export const SEED = 1;

/**
 * How models of a recipe learn. The label token weighs as much as a short trace, because it would be outweighed
 * otherwise.
 */
const SFT: RealRecipe['sft'] = {
  steps: 240,
  batchSize: 32,
  warmupSteps: 24,
  labelWeight: 4,
  evaluateEvery: 240,
  checkpointEvery: 60,
  logEvery: 20,
  seed: SEED,
};

/** Reinforcement from the supervised model, with the expert loss. */
const GRPO: RealRecipe['grpo'] = {
  reward: { labelCredit: 'ordinal', labelShare: 0.7 },
  probePrompts: 16,
  probeSamples: 2,
  devPairs: 60,
  grpo: {
    steps: 20,
    prompts: 8,
    samples: 8,
    maxTokens: 40,
    expertBatch: 16,
    learningRate: 2e-4,
    balance: { kind: 'additive', lambda: 0.3 },
    evaluateEvery: 20,
    checkpointEvery: 5,
    seed: SEED,
  },
};

const MINING: MiningSettings = { samples: 4, maxTokens: 32, share: 0.3, times: 3 };

const STAGED: RealRecipe['staged'] = {
  ...GRPO,
  passRates: { prompts: 400, samples: 4, hardWeight: 4 },
  grpo: { ...GRPO.grpo, curriculum: { kind: 'staged' } },
};

const LEARNING = { sft: SFT, grpo: GRPO, mining: MINING, staged: STAGED } as const;

const CHORUS: RealRecipe = {
  id: 'chorus',
  title: 'Product search, judged on four labels',
  terms: 'Judgments: Apache-2.0 (querqy/chorus). Product text: Icecat Open Content License.',
  scaleSize: 4,
  folds: 5,
  run: 5,
  queries: 10_000,
  words: { query: 12, title: 14, brand: 2, type: 3, attributes: 10, text: 8 },
  ...LEARNING,
};
const MSRD: RealRecipe = {
  id: 'msrd',
  title: 'Film search, judged on two labels',
  terms: 'Movie Search Ranking Dataset, Metarank Labs, CC BY-SA 4.0.',
  scaleSize: 2,
  folds: 3,
  run: 3,
  queries: 450,
  words: { query: 12, title: 12, brand: 0, type: 0, attributes: 12, text: 8 },
  ...LEARNING,
};
export const REAL_RECIPES: readonly RealRecipe[] = [CHORUS, MSRD];

/** The models of a recipe, by what their prompts contain besides the words. */
export const MODEL_ARMS = [
  { id: 'words', name: 'SFT, words only', prompt: { hints: false, standing: false } },
  { id: 'hints', name: 'SFT, with hints', prompt: { hints: true, standing: true } },
] as const;
export type ModelArm = (typeof MODEL_ARMS)[number];

/** The models made from the arm with hints by mining and reinforcement, by folder name and by name in reports. */
export const LATER_ARMS = {
  mbo: { id: 'hints-grpo', name: 'MBO-GRPO, with hints' },
  /** The same number of updates from new weights, with the first model's hard pairs repeated. */
  mined: { id: 'hints-mined', name: 'SFT, with hints, hard pairs again' },
  /** Reinforcement of the mined model. */
  staged: { id: 'hints-mined-grpo', name: 'MBO-GRPO by curriculum, after mining' },
} as const;

/** The models of a recipe, as `--models` names them. */
export const MODEL_IDS = ['words', 'hints', 'mbo', 'mined', 'staged'] as const;
export type ModelId = (typeof MODEL_IDS)[number];

/** A fold: a data set without its test queries, and the pairs of those. */
export interface RealFold {
  readonly index: number;
  readonly learn: DataSet;
  readonly test: readonly GradedPair[];
}

/** The folds of a data set, in order. The drawn queries and their folds depend on the recipe only. */
export async function foldsOf({ folds, run, queries }: RealRecipe, dataSet: DataSet): Promise<RealFold[]> {
  const drawn = sampleQueries(dataSet.pairs, queries, SEED);
  const rounds = kFoldByQuery(drawn, SEED, folds).slice(0, run);
  return Promise.all(
    rounds.map(async ({ train, test }, index) => ({
      index,
      learn: await makeDataSet(`${dataSet.name}, without fold ${index + 1} of ${folds}`, train),
      test,
    })),
  );
}

/** The number of distinct queries of a data set, whatever their spelling. */
export function countQueries({ pairs }: DataSet): number {
  return new Set(pairs.map(({ query }) => normaliseQuery(query))).size;
}

/** That many items, spread over all places. */
export function evenly<T>(items: readonly T[], count: number): T[] {
  const every = Math.max(1, Math.floor(items.length / count));
  return items.filter((_, i) => i % every === 0).slice(0, count);
}
