/**
 * The general model: one model trained on several sets of judgments, for files without judgments.
 *
 * Its labels depend on no words. Its prompts hold the overlaps between query and document, the BM25 standing of the
 * document, and the words of the query that the title lacks, which reasons quote. In training these words are replaced
 * by others drawn at random, in prompt and completion alike: what remains to be learned of them is copying. Words do
 * not transfer to another shop's catalogue, and leaving them out cost nothing on the dev queries of both sets
 * (docs/log.md). So whatever it learns applies to any file.
 *
 * Its reasons are the traces of rules that were refined on both sets (general-rules.ts).
 *
 * The sets are judged on different scales. Each has its own label tokens and is learned on them. For a set with fewer
 * labels than the model answers with, every second pair is also learned on the model's scale at the same relative
 * height (`mapLabel`): relevant on two labels counts as the best of four. Orders are compared by s / (R - 1).
 */
import { sha256Hex } from '../../checkpoint/sha256.ts';
import { Rng } from '../../common/rng.ts';
import { MODEL_PRESETS } from '../../config/presets.ts';
import { parseConfig } from '../../config/parse.ts';
import { trainBpe } from '../../data/tokenizer/bpe-trainer.ts';
import type { DataSet, GradedPair } from '../../data/files/data-set.ts';
import { keepQueries } from '../../data/trained-queries.ts';
import type { WordSplitter } from '../../data/tokenizer/subword-splits.ts';
import { LabTokenizer } from '../../data/tokenizer/tokenizer.ts';
import { type FileData, type SftExperiment, SftExperimentSchema } from '../../protocol/sft-experiment.ts';
import { canonicalJson } from '../../relevance/rules/instruction.ts';
import { mapLabel } from '../../relevance/metrics/label-report.ts';
import { noRules, type Rules } from '../../relevance/rules/rules.ts';
import type { JudgedPair } from '../../relevance/pair/pair.ts';
import { contentWords, CURRENT_FOLDING, currentFolding } from '../../relevance/pair/text-folding.ts';
import { specialTokens } from '../../relevance/pair/vocabulary.ts';
import { encodeFitting, type ExpertPair } from '../../train/evaluate.ts';
import { CURRENT_STANDING } from '../../relevance/prompt/standing.ts';
import { expertsOf, judgedPairs, splitFile, withStandingOf } from '../../runs/file-data.ts';
import { DEV_SHARE, foldsOf, REAL_RECIPES, type RealRecipe, SEED } from './real-data.ts';
import type { PreparedSft } from '../../runs/sft-experiment.ts';

/** The number of parts that the queries of each set are split into; each part is the test part once. */
const FOLDS = 5;

/** The sets, by the recipes that name their origin. */
export const GENERAL_SETS: readonly RealRecipe[] = REAL_RECIPES.map((recipe) => {
  return { ...recipe, folds: FOLDS, run: FOLDS };
});

/** The number of labels that the model answers with by default. */
export const GENERAL_SCALE = 4;
/** Examples of each set: a smaller set is repeated, a larger one is sampled. */
const EXAMPLES_PER_SET = 8000;
/** The share of pairs without standing, so that a single pair can be judged as well. */
const WITHOUT_STANDING_SHARE = 1 / 8;
/** Words of a query that a prompt shows. */
const MOST_WORDS = 12;

/** One set in one fold. */
export interface GeneralPart {
  readonly set: RealRecipe;
  /** All documents of the set, judged or not, for BM25's statistics. */
  readonly documents: DataSet['documents'];
  readonly sha256: string;
  readonly train: readonly JudgedPair[];
  /** Queries for model selection. */
  readonly dev: readonly JudgedPair[];
  readonly test: readonly JudgedPair[];
}

/** The folds of a set, each in three parts without common queries. */
export async function generalParts(set: RealRecipe, whole: DataSet): Promise<GeneralPart[]> {
  const { documents } = whole;
  const withStanding = (pairs: readonly JudgedPair[]): readonly JudgedPair[] =>
    withStandingOf(whole, pairs, { standing: true, folding: CURRENT_FOLDING });
  const labelled = (pairs: readonly GradedPair[]): JudgedPair[] => judgedPairs(whole.name, set.scaleSize, pairs);
  return (await foldsOf(set, whole)).map(({ learn, test }) => {
    const { name, sha256 } = learn;
    const data = {
      kind: 'file',
      name,
      sha256,
      devShare: DEV_SHARE,
      testShare: 0,
      splitSeed: SEED,
      grades: '',
    } as const;
    const { train, dev } = splitFile(data, set.scaleSize, learn);
    return {
      set,
      documents,
      sha256,
      train: withStanding(train),
      dev: withStanding(dev),
      test: withStanding(labelled(test)),
    };
  });
}

/** The settings of a run on some sets. */
export async function generalExperiment(name: string, parts: readonly GeneralPart[]): Promise<SftExperiment> {
  const hashes = parts.map(({ sha256 }) => sha256);
  const data: Omit<FileData, 'rules'> = {
    kind: 'file',
    name: parts.map(({ set }) => set.id).join(' and '),
    sha256: await sha256Hex(new TextEncoder().encode(canonicalJson(hashes))),
    devShare: DEV_SHARE,
    testShare: 1 / FOLDS,
    splitSeed: SEED,
    grades: '',
  };
  return parseConfig('The general model', SftExperimentSchema, {
    name,
    preset: 'lab-nano',
    data,
    prompt: {
      scaleSize: GENERAL_SCALE,
      folding: CURRENT_FOLDING,
      hints: true,
      standing: true,
      standingVersion: CURRENT_STANDING,
      missing: true,
      maxWordsPerField: { query: MOST_WORDS, title: 0, brand: 0, type: 0, attributes: 0, text: 0 },
    },
    sft: {
      steps: 1000,
      batchSize: 32,
      warmupSteps: 40,
      // The label has two thirds of the loss of an example with reasons, the share that a weight of 4 gives it without.
      labelWeight: 12,
      evaluateEvery: 500,
      checkpointEvery: 100,
      logEvery: 50,
      seed: SEED,
    },
    wordSplitShare: 0,
    devPairs: 600,
  });
}

/** An example before tokenization: a pair, and the scale that it is asked on. */
interface Asked {
  readonly expert: ExpertPair;
  readonly scaleSize: number;
}

/**
 * The data of a run: the same number of examples of each set, and some held-out pairs of each for evaluation.
 *
 * @param rules - on the scale of the model's answers
 */
export function prepareGeneral(experiment: SftExperiment, parts: readonly GeneralPart[], rules: Rules): PreparedSft {
  const { prompt, devPairs, data, sft } = experiment;
  const model = MODEL_PRESETS[experiment.preset];
  const titles = parts.flatMap(({ documents }) => [...documents].map(({ title }) => title));
  const words = [...new Set(titles.flatMap((title) => currentFolding().words(title)))].filter(isReplaceable);
  const tokenizer = LabTokenizer.fromJson(
    trainBpe(
      words.map((word) => ` ${word}`),
      { vocabSize: model.vocabSize, specialTokens: specialTokens(prompt) },
    ),
  );
  const asked = parts.flatMap((part) => askedOf(part, rules, new Rng(`${part.set.id} ${sft.seed}`)));
  const rng = new Rng(`other words ${sft.seed}`);
  const examples = asked.map(({ expert, scaleSize }) => {
    const config = { ...prompt, scaleSize };
    const splitWord = replacedWords(rng, words);
    return encodeFitting(tokenizer, config, expert, { transformer: { config: model }, splitWord }).example;
  });
  const dev = parts.flatMap(({ dev: held, set }) =>
    held.slice(0, devPairs).map((pair) => onScale(pair, set.scaleSize, prompt.scaleSize, rules).expert),
  );
  return {
    dataHash: data.kind === 'file' ? data.sha256 : '',
    world: undefined,
    rules,
    traces: undefined,
    tokenizer,
    model,
    examples,
    dev,
    queries: keepQueries(parts.flatMap(({ train }) => train.map(({ query }) => query))),
    shortened: 0,
  };
}

/** Puts other words for the words of one example, the same ones for all forms of a word; numbers stay. */
function replacedWords(rng: Rng, words: readonly string[]): WordSplitter {
  const drawn = new Map<string, string>();
  return (token) => {
    const word = token.trim();
    if (!isReplaceable(word)) return [token];
    const [stem = word] = contentWords(currentFolding(), word);
    const other = drawn.get(stem) ?? rng.pick(words);
    drawn.set(stem, other);
    return [token.replace(word, () => other)];
  };
}

function isReplaceable(word: string): boolean {
  return /^\p{L}{2,}$/u.test(word);
}

function askedOf({ set, train }: GeneralPart, rules: Rules, rng: Rng): Asked[] {
  const rounds = Array.from({ length: Math.ceil(EXAMPLES_PER_SET / train.length) }, () => rng.shuffle(train));
  return rounds
    .flat()
    .slice(0, EXAMPLES_PER_SET)
    .map((pair, i) => {
      const shown = rng.chance(WITHOUT_STANDING_SHARE) ? alone(pair) : pair;
      return onScale(shown, set.scaleSize, i % 2 === 0 ? set.scaleSize : GENERAL_SCALE, rules);
    });
}

/** A pair without its standing, as in the Score view. */
export function alone(pair: JudgedPair): JudgedPair {
  const { standing: _, ...others } = pair;
  return others;
}

/** A pair as it is asked on a scale; on that of the rules it has reasons where they lead to its label. */
function onScale(pair: JudgedPair, from: number, to: number, rules: Rules): Asked {
  const known = rules.instruction.scaleSize === to ? rules : noRules(to, currentFolding());
  const { experts } = expertsOf(known, [{ ...pair, label: mapLabel(pair.label, from, to) }]);
  const [expert] = experts;
  if (expert === undefined) throw new RangeError('onScale: no expert for one pair');
  return { expert, scaleSize: to };
}
