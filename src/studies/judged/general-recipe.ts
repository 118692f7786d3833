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
import { documentKey } from '../../relevance/pair/document-text.ts';
import { type JudgedPair, makeDocument } from '../../relevance/pair/pair.ts';
import { expectedLabel } from '../../relevance/pair/labels.ts';
import type { Example } from '../../data/batches.ts';
import { contentWords, CURRENT_FOLDING, currentFolding } from '../../relevance/pair/text-folding.ts';
import {
  bucketsOf,
  HINT_BUCKETS,
  labelToken,
  meaningBucketsOf,
  NUMBER_HINTS,
  specialTokens,
} from '../../relevance/pair/vocabulary.ts';
import { type VectorSource, withMeaning } from '../../relevance/prompt/meaning.ts';
import { printPrompt, promptContent, type PromptContent } from '../../relevance/prompt/prompt.ts';
import { encodeFitting, type ExpertPair } from '../../train/evaluate.ts';
import { CURRENT_STANDING } from '../../relevance/prompt/standing.ts';
import { expertsOf, judgedPairs, splitFile, withStandingOf } from '../../runs/file-data.ts';
import { type JudgedHints, MonotoneJudge } from './monotone-judge.ts';
import { DEV_SHARE, foldsOf, REAL_RECIPES, type RealRecipe, SEED } from './real-data.ts';
import type { PreparedSft } from '../../runs/sft-experiment.ts';
import { alone } from '../../relevance/prompt/listed.ts';

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
/** The share of pairs without similarities of meaning, for where there are no vectors. */
const WITHOUT_VECTORS_SHARE = 1 / 8;
/** The share of prompts with other hints than their pair has. */
const SCRAMBLED_SHARE = 1 / 2;
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

/** The folds of a set, each in three parts without common queries. @param vectors - to compare meanings with */
export async function generalParts(
  set: RealRecipe,
  whole: DataSet,
  vectors?: { readonly source: VectorSource },
): Promise<GeneralPart[]> {
  const { documents } = whole;
  const folds = await foldsOf(set, whole);
  const labelled = (pairs: readonly GradedPair[]): JudgedPair[] => judgedPairs(whole.name, set.scaleSize, pairs);
  // What a pair is shown with depends on its whole list and on no fold, so that it is found once.
  const drawn = folds.slice(0, 1).flatMap(({ learn, test }) => labelled([...learn.pairs, ...test]));
  const listed = withStandingOf(whole, drawn, { standing: true, folding: CURRENT_FOLDING }, vectors);
  const shown = new Map(listed.map((pair) => [placeKey(pair), pair]));
  const withStanding = (pairs: readonly JudgedPair[]): readonly JudgedPair[] =>
    pairs.map((pair) => {
      const { standing, meaning } = shown.get(placeKey(pair)) ?? {};
      return { ...pair, ...(standing && { standing }), ...(meaning && { meaning }) };
    });
  return folds.map(({ learn, test }) => {
    const { name, sha256 } = learn;
    const data = {
      kind: 'file',
      name,
      sha256,
      devShare: DEV_SHARE,
      testShare: 0,
      splitSeed: SEED,
      grades: '',
      labels: '',
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

/** A pair in its list. */
function placeKey({ queryId, document }: JudgedPair): string {
  return JSON.stringify([queryId, document.docId, documentKey(document)]);
}

/**
 * Pairs with the similarities that another source finds.
 *
 * @param found - all pairs of their queries, among which the best title is found
 */
export function rereadBy(
  source: VectorSource,
  found: readonly JudgedPair[],
): (pairs: readonly JudgedPair[]) => JudgedPair[] {
  const meanings = new Map(withMeaning(found, source).map((pair) => [placeKey(pair), pair.meaning]));
  return (pairs) =>
    pairs.map((pair) => {
      const meaning = meanings.get(placeKey(pair));
      return meaning === undefined ? pair : { ...pair, meaning };
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
    labels: '',
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
      meaning: true,
      missing: true,
      maxWordsPerField: { query: MOST_WORDS, title: 0, brand: 0, type: 0, attributes: 0, text: 0 },
    },
    sft: {
      steps: 800,
      batchSize: 32,
      warmupSteps: 40,
      // The label has two thirds of the loss of an example with reasons, the share that a weight of 4 gives it without.
      labelWeight: 12,
      evaluateEvery: 800,
      checkpointEvery: 100,
      logEvery: 50,
      seed: SEED,
    },
    wordSplitShare: 0,
    devPairs: 600,
  });
}

/** A pair as it is shown, and the scale that it is asked on. */
interface Asked {
  readonly pair: JudgedPair;
  readonly scaleSize: number;
}

/**
 * The data of a run: the same number of examples of each set, and some held-out pairs of each for evaluation.
 *
 * @param rules - on the scale of the model's answers
 * @param judge - whose answers are learned; default: fitted to the same parts
 */
export function prepareGeneral(
  experiment: SftExperiment,
  parts: readonly GeneralPart[],
  rules: Rules,
  judge = judgeOf(parts, experiment),
): PreparedSft {
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
  const asked = parts.flatMap((part) => askedOf(part, new Rng(`${part.set.id} ${sft.seed}`)));
  const rng = new Rng(`other words ${sft.seed}`);
  const shown = asked.map((each) => ({
    ...each,
    content: scrambled(promptContent(each.pair, prompt), asked, prompt, rng),
  }));
  const labels = evenlyDrawn(shown.map(({ content, scaleSize }) => judge.judge(content, scaleSize)));
  const examples = shown.map(({ pair, scaleSize, content }, i): Example => {
    const splitWord = replacedWords(rng, words);
    const label = labels[i] ?? 0;
    if (content.isScrambled) {
      const ids = tokenizer.encode(printPrompt({ ...content, scaleSize }), splitWord);
      return { prompt: Int32Array.from(ids), completion: Int32Array.of(tokenizer.idOf(labelToken(scaleSize, label))) };
    }
    const config = { ...prompt, scaleSize };
    const expert = expertOn({ ...pair, label }, scaleSize, rules);
    return encodeFitting(tokenizer, config, expert, { transformer: { config: model }, splitWord }).example;
  });
  const dev = parts.flatMap(({ dev: held, set }) =>
    held.slice(0, devPairs).map((pair) => {
      const { scaleSize } = prompt;
      return expertOn({ ...pair, label: mapLabel(pair.label, set.scaleSize, scaleSize) }, scaleSize, rules);
    }),
  );
  return {
    dataHash: data.kind === 'file' ? data.sha256 : '',
    world: undefined,
    rules,
    traces: undefined,
    tokenizer,
    model,
    start: undefined,
    examples,
    replayed: 0,
    dev,
    queries: keepQueries(parts.flatMap(({ train }) => train.map(({ query }) => query))),
    shortened: 0,
  };
}

/** The judge whose answers a model learns, fitted to the same number of pairs of each set. */
export function judgeOf(
  parts: readonly GeneralPart[],
  { prompt, sft: { seed } }: Pick<SftExperiment, 'prompt' | 'sft'>,
): MonotoneJudge {
  const judged = ({ id, scaleSize }: RealRecipe, pairs: readonly JudgedPair[], count: number): JudgedHints[] => {
    const hints = pairs.flatMap((pair) => {
      const shown = promptContent(pair, prompt);
      const own = { shown, label: pair.label, scaleSize };
      const mapped = { shown, label: mapLabel(pair.label, scaleSize, GENERAL_SCALE), scaleSize: GENERAL_SCALE };
      return scaleSize === GENERAL_SCALE ? [own] : [own, mapped];
    });
    return drawn(hints, count, new Rng(`judge ${id} ${seed}`));
  };
  const held = parts.flatMap(({ set, dev }) => judged(set, dev, Math.ceil(EXAMPLES_PER_SET * DEV_SHARE)));
  return new MonotoneJudge(parts.flatMap(({ set, train }) => judged(set, train, EXAMPLES_PER_SET)), held, seed); // prettier-ignore
}

/** Items drawn in rounds, each as often as the others but for the last round. @param count - how many are drawn */
function drawn<T>(items: readonly T[], count: number, rng: Rng): T[] {
  const rounds = Array.from({ length: Math.ceil(count / Math.max(items.length, 1)) }, () => rng.shuffle(items));
  return rounds.flat().slice(0, count);
}

type Scrambled = PromptContent & { readonly isScrambled: boolean };

/**
 * Half of the prompts with some hints of other prompts or at random, because a third kind of search combines them in
 * ways that these sets do not have.
 */
function scrambled(
  content: PromptContent,
  asked: readonly Asked[],
  prompt: SftExperiment['prompt'],
  rng: Rng,
): Scrambled {
  if (!rng.chance(SCRAMBLED_SHARE)) return { ...content, isScrambled: false };
  const other = promptContent(asked[rng.int(asked.length)]?.pair ?? BLANK, prompt);
  const mix = <T extends object>(own: T, others: T | undefined, sizeOf: (name: keyof T) => number): T => {
    const mixed = { ...own };
    for (const name of Object.keys(own) as (keyof T)[]) {
      if (typeof own[name] !== 'number' || !rng.chance(1 / 2)) continue;
      const random = rng.int(sizeOf(name)) as T[keyof T];
      const taken = others?.[name];
      mixed[name] = typeof taken === 'number' && rng.chance(1 / 2) ? taken : random;
    }
    return mixed;
  };
  const { hints, standing, meaning } = content;
  const otherStanding = other.standing === 'absent' ? undefined : (other.standing ?? undefined);
  const otherMeaning = other.meaning === 'absent' ? undefined : (other.meaning ?? undefined);
  return {
    ...content,
    hints: hints && {
      ...mix(hints, other.hints ?? undefined, () => HINT_BUCKETS),
      overlap: mix(hints.overlap, other.hints?.overlap, () => HINT_BUCKETS),
      number: rng.chance(1 / 4) ? rng.pick(NUMBER_HINTS) : hints.number,
    },
    standing: typeof standing === 'object' && standing ? mix(standing, otherStanding, bucketsOf) : standing,
    meaning: typeof meaning === 'object' && meaning ? mix(meaning, otherMeaning, meaningBucketsOf) : meaning,
    isScrambled: true,
  };
}

const BLANK = { query: '', document: makeDocument({ title: '' }) };

/**
 * Labels drawn from distributions so that among prompts of nearly equal height each label is as frequent as it is
 * probable: a draw of its own for each prompt would be noise that a small model has to average away.
 */
function evenlyDrawn(distributions: readonly (readonly number[])[]): number[] {
  const heights = distributions.map((probabilities) => expectedLabel(probabilities) / (probabilities.length - 1));
  const labels = Array<number>(distributions.length).fill(0);
  const order = [...heights.keys()].toSorted((a, b) => (heights[a] ?? 0) - (heights[b] ?? 0));
  for (const [n, i] of order.entries()) {
    let left = (n * GOLDEN_RATIO) % 1;
    const probabilities = distributions[i] ?? [];
    let label = 0;
    while (label < probabilities.length - 1 && left >= (probabilities[label] ?? 0)) left -= probabilities[label++] ?? 0;
    labels[i] = label;
  }
  return labels;
}

/** Its multiples modulo 1 are spread most evenly. */
const GOLDEN_RATIO = (Math.sqrt(5) - 1) / 2;

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

function askedOf({ set, train }: GeneralPart, rng: Rng): Asked[] {
  return drawn(train, EXAMPLES_PER_SET, rng).map((pair, i) => {
    const placed = rng.chance(WITHOUT_STANDING_SHARE) ? alone(pair) : pair;
    const shown = rng.chance(WITHOUT_VECTORS_SHARE) ? withoutVectors(placed) : placed;
    return { pair: shown, scaleSize: i % 2 === 0 ? set.scaleSize : GENERAL_SCALE };
  });
}

/** A pair as it is where there are no vectors. */
function withoutVectors(pair: JudgedPair): JudgedPair {
  const { meaning: _, ...others } = pair;
  return others;
}

/** A pair with the expert's completion on a scale; on that of the rules it has reasons where they lead to its label. */
function expertOn(pair: JudgedPair, scaleSize: number, rules: Rules): ExpertPair {
  const known = rules.instruction.scaleSize === scaleSize ? rules : noRules(scaleSize, currentFolding());
  const [expert] = expertsOf(known, [pair]).experts;
  if (expert === undefined) throw new RangeError('expertOn: no expert for one pair');
  return expert;
}
