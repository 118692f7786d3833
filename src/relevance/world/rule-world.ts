/**
 * The rule world: a seeded, endless source of judged pairs whose labels follow from a readable instruction.
 *
 * A query is drawn as a shape (brand and colour, size, something without something, ...) and filled with words. For
 * each of its documents a label is drawn uniformly, then a rule with that cap by Zipf's law, and a document is written
 * on which that rule should decide. The executor checks it, and a document that misses its target is written again.
 * Half of the brands and types of the test split never occur in training, and no query text occurs in two splits.
 *
 * Every query depends only on the seed, its split and its number, so that pairs can be streamed in any order.
 *
 * This room holds the rule world: its rules, vocabulary, queries and documents.
 */
import * as v from 'valibot';
import { LabError } from '../../common/errors.ts';
import { hash32, hashHex, Rng } from '../../common/rng.ts';
import { fraction, numberFrom, pairs, seedFromZero, setting, wholeNumber } from '../../config/settings.ts';
import { documentValues } from '../pair/document-text.ts';
import { execute, traceOf } from '../rules/execute.ts';
import { canonicalJson, type Instruction, instructionHash, type Rule, ruleIndex } from '../rules/instruction.ts';
import { type Lexicon, makeLexicon } from '../pair/lexicon.ts';
import type { JudgedPair, LabDocument } from '../pair/pair.ts';
import { currentFolding } from '../pair/text-folding.ts';
import type { Trace } from '../trace/trace.ts';
import { planDocument, writeDocument } from './world-document.ts';
import { planQuery, QUERY_SHAPES, type QueryPlan, type QueryShape, queryText } from './world-query.ts';
import { FREQUENCY_RANKS, WORLD_INSTRUCTION } from './world-rules.ts';
import { citedShares, fitWeights, type ShapeTrials, type Trial, zipfShares } from './world-shares.ts';
import { inventBrands, makePools, MAX_BRANDS, type Split, worldLexicon, type WordPool } from './world-vocabulary.ts';

/** The settings of a rule world. */
export const ruleWorldConfigSchema = v.strictObject({
  seed: setting(seedFromZero, 1, 'Seed of the world', 'Another seed gives other brands, queries and documents.'),
  /** 10,000 training queries are 60,000 pairs. */
  trainQueries: setting(pairs, 10_000, 'Training queries', 'Of the rule world, with several judged documents each.', {
    unit: 'queries',
    level: 'basic',
  }),
  devQueries: setting(pairs, 400, 'Held-out queries', 'Queries that held-out pairs are taken from.', {
    unit: 'queries',
  }),
  testQueries: setting(pairs, 400, 'Test queries', 'Never looked at while training.', { unit: 'queries' }),
  /** At least one per label, so that every query can be ranked. */
  documentsPerQuery: setting(wholeNumber(4, 1000), 6, 'Documents per query', 'At least one for each label.'),
  /** Within each label, the share of the rule at rank r is proportional to r^-zipfExponent. */
  zipfExponent: setting(numberFrom(0, 3), 1.3, 'Zipf exponent', 'The higher, the rarer the rare rules.'),
  /** Applied by omitting pairs; 0.1 makes training head-heavy. */
  trainTailWeight: setting(
    numberFrom(0, 20),
    1,
    'Weight of rare rules',
    'Below 1, pairs that cite rare rules are left out of training.',
    { level: 'basic' },
  ),
  labelNoise: setting(
    fraction,
    0,
    'Label noise',
    'Share of training pairs with a wrong label; held-out pairs stay clean.',
    { level: 'basic' },
  ),
  hardNegativeShare: setting(fraction, 0.7, 'Hard negatives', 'Share of documents that fit in all respects but one.'),
  brandCount: setting(
    wholeNumber(12, MAX_BRANDS),
    120,
    'Brands',
    'Invented brand names; half of those in the test split are new.',
  ),
});
export type RuleWorldConfig = v.InferOutput<typeof ruleWorldConfigSchema>;

/** A pair of the rule world. `label` contradicts the steps of `goldTrace` only where label noise was applied. */
export interface WorldPair extends JudgedPair {
  /** The first binding rules, at most two; its label is {@link JudgedPair.label}. */
  readonly goldTrace: Trace;
  /** The rules that decide the label, in instruction order. */
  readonly binding: readonly number[];
  /** The label before noise. */
  readonly trueLabel: number;
}

/** A rule is in the tail if fewer than this share of gold traces cite it, before training is skewed. */
export const TAIL_SHARE = 0.025;
/** Words of query, title, fields and attributes together, which fit a prompt of 48 tokens. */
export const MAX_PAIR_WORDS = 20;

/**
 * Makes a world from its settings; absent ones take their defaults. Takes about half a second.
 *
 * @throws {LabError} `bad-config`
 */
export function makeRuleWorld(settings: v.InferInput<typeof ruleWorldConfigSchema> = {}): RuleWorld {
  const parsed = v.safeParse(ruleWorldConfigSchema, settings);
  if (parsed.success) return new RuleWorld(parsed.output);
  const [issue] = parsed.issues;
  throw new LabError('bad-config', { message: `Rule world, ${v.getDotPath(issue) ?? 'settings'}: ${issue.message}.` });
}

/** A rule world; made by {@link makeRuleWorld}. */
export class RuleWorld {
  readonly config: RuleWorldConfig;
  readonly instruction: Instruction = WORLD_INSTRUCTION;
  readonly lexicon: Lexicon;
  /** Changes with the settings (not the query counts), the rules and the generator's words. Every model card has it. */
  readonly versionHash: string;
  /** Expected share of pairs whose gold trace cites each rule, by rule index, without skew. */
  readonly ruleShares: readonly number[];
  readonly headRules: ReadonlySet<number>;
  readonly tailRules: ReadonlySet<number>;
  readonly #pools: Readonly<Record<Split, WordPool>>;
  readonly #shapes: readonly ShapeTrials[];
  readonly #weights: ReadonlyMap<number, number>;

  constructor(config: RuleWorldConfig) {
    const brands = inventBrands(config.brandCount, config.seed);
    this.config = config;
    this.lexicon = makeLexicon(worldLexicon(brands), currentFolding());
    this.#pools = makePools(brands, config.seed);
    this.#shapes = this.#tryShapes();

    const ranks = FREQUENCY_RANKS.map((ids) => ids.map((id) => ruleIndex(this.instruction, id)));
    this.#weights = fitWeights(this.#shapes, zipfShares(ranks, config.zipfExponent));
    const shares = citedShares(this.#shapes, this.#weights);
    this.ruleShares = this.instruction.rules.map((_, rule) => shares.get(rule) ?? 0);
    const isTail = (rule: number): boolean => (this.ruleShares[rule] ?? 0) < TAIL_SHARE;
    const rules = [...this.instruction.rules.keys()];
    this.headRules = new Set(rules.filter((rule) => !isTail(rule)));
    this.tailRules = new Set(rules.filter(isTail));
    // The numbers of queries are left out, because they do not change any query.
    const { trainQueries: _train, devQueries: _dev, testQueries: _test, ...generator } = config;
    this.versionHash = hashHex(
      canonicalJson([generator, instructionHash(this.instruction), this.lexicon.data, GENERATOR_VERSION]),
    );
  }

  /** The number of queries in a split. */
  queryCount(split: Split): number {
    const { trainQueries, devQueries, testQueries } = this.config;
    return { train: trainQueries, dev: devQueries, test: testQueries }[split];
  }

  /** The pairs of a split in order, of queries `from` (inclusive) to `to` (exclusive), generated lazily. */
  *pairs(split: Split, from = 0, to = this.queryCount(split)): Generator<WorldPair, void> {
    for (let query = from; query < to; query++) yield* this.queryPairs(split, query);
  }

  /** Whether the gold trace of a pair cites a rule of the tail. */
  citesTail({ goldTrace }: WorldPair): boolean {
    return goldTrace.steps.some(({ rule }) => this.tailRules.has(rule));
  }

  /** The judged documents of one query. Some are omitted from training if `trainTailWeight` is not 1. */
  queryPairs(split: Split, index: number): WorldPair[] {
    const pairs = this.#allQueryPairs(split, index);
    const weight = this.config.trainTailWeight;
    if (split !== 'train' || weight === 1) return pairs;
    const rng = new Rng(`tail weight/${this.config.seed}/${index}`);
    return pairs.filter((pair) => rng.chance(this.citesTail(pair) ? weight : 1 / weight));
  }

  #allQueryPairs(split: Split, index: number): WorldPair[] {
    const rng = new Rng(`rule world/${this.config.seed}/${split}/${index}`);
    const { shapeTrials, plan, query } = this.#drawQuery(split, rng);
    const queryId = `${split}-${index}`;
    const labels = drawLabels(this.config.documentsPerQuery, this.instruction.scaleSize, rng);
    const written = new Set<string>();
    return labels.map((label, i) => {
      const aim = { plan, query, pool: this.#pools[split], docId: `${queryId}-${i}`, written };
      const trials = shapeTrials.trials.filter((trial) => trial.label === label);
      const pair = this.#aimByWeight(trials, aim, rng);
      if (pair === undefined) {
        throw new LabError('internal', { message: `No document with label ${label} can be written for "${query}".` });
      }
      written.add(contentKey(pair.document));
      const noisy = split === 'train' && rng.chance(this.config.labelNoise);
      return { ...(noisy ? mislabel(pair, this.instruction.scaleSize, rng) : pair), queryId };
    });
  }

  /** Draws a query of the split. The hash of its text determines the split, so that no two splits share one. */
  #drawQuery(split: Split, rng: Rng): { shapeTrials: ShapeTrials; plan: QueryPlan; query: string } {
    const weights = this.#shapes.map((shape) => shape.share);
    for (;;) {
      const shapeTrials = this.#shapes[rng.weighted(weights)];
      if (shapeTrials === undefined) continue;
      const plan = planQuery(shapeTrials.shape, this.#pools[split], rng);
      const query = queryText(plan, rng);
      if (splitOf(query) === split) return { shapeTrials, plan, query };
    }
  }

  /** A pair for one of the rules, drawn by weight; a rule that fails on this query is replaced by another. */
  #aimByWeight(trials: readonly Trial[], aim: Aim, rng: Rng): UngroupedPair | undefined {
    const left = [...trials];
    while (left.length > 0) {
      const [trial] = left.splice(rng.weighted(left.map(({ rule }) => this.#weights.get(rule) ?? 0)), 1);
      const pair = trial === undefined ? undefined : this.#aim(trial.rule, aim, rng);
      if (pair !== undefined) return pair;
    }
    return undefined;
  }

  /** A pair on which a rule decides; undefined if none results in a few attempts. */
  #aim(rule: number, { plan, query, pool, docId, written }: Aim, rng: Rng): UngroupedPair | undefined {
    const target = this.instruction.rules[rule];
    if (target === undefined) return undefined;
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const isHard = rng.chance(this.config.hardNegativeShare);
      const document = writeDocument(docId, planDocument(target, isHard, rng), plan, pool, rng);
      const isRepeated = attempt < MAX_ATTEMPTS / 2 && written.has(contentKey(document));
      if (isRepeated || wordCount(query, document) > MAX_PAIR_WORDS) continue;
      const execution = execute(this.instruction, this.lexicon, { query, document });
      const goldTrace = traceOf(this.instruction, execution);
      if (goldTrace?.label !== target.cap) continue;
      const binding = execution.binding.map((finding) => finding.rule);
      if (!binding.includes(rule)) continue;
      return { query, document, label: target.cap, trueLabel: target.cap, goldTrace, binding };
    }
    return undefined;
  }

  /** Finds by trial which rules each shape of query can target. */
  #tryShapes(): ShapeTrials[] {
    const aimed = FREQUENCY_RANKS.flat().map((id) => ruleIndex(this.instruction, id));
    const total = QUERY_SHAPES.reduce((sum, { weight }) => sum + weight, 0);
    return QUERY_SHAPES.map((shape, i) => {
      const rng = new Rng(this.config.seed).fork(`trials ${i}`);
      const trials = aimed.flatMap((rule) => this.#tryRule(rule, shape, rng));
      return { shape, share: shape.weight / total, trials };
    });
  }

  #tryRule(rule: number, shape: QueryShape, rng: Rng): Trial[] {
    const target = this.instruction.rules[rule];
    if (target === undefined || !hasRoom(target, shape)) return [];
    const cited: number[][] = [];
    for (let trial = 0; trial < TRIALS; trial++) {
      const plan = planQuery(shape, this.#pools.train, rng);
      const aim = { plan, query: queryText(plan, rng), pool: this.#pools.train, docId: '', written: NOTHING };
      const pair = this.#aim(rule, aim, rng);
      if (pair !== undefined) cited.push(pair.goldTrace.steps.map((step) => step.rule));
      // An exception replaces this rule in the vertical.
      else if (cited.length === 0 && trial > 0) return [];
    }
    return cited.length === 0 ? [] : [{ rule, label: target.cap, cited }];
  }
}

type UngroupedPair = Omit<WorldPair, 'queryId'>;

/** The target of a document. */
interface Aim {
  readonly plan: QueryPlan;
  readonly query: string;
  readonly pool: WordPool;
  readonly docId: string;
  /** {@link contentKey} of the documents that the query already has. Repeats are avoided where possible. */
  readonly written: ReadonlySet<string>;
}

const NOTHING: ReadonlySet<string> = new Set();

/** Incremented whenever equal settings start to give different pairs. */
const GENERATOR_VERSION = 1;
const MAX_ATTEMPTS = 24;
const TRIALS = 4;

/**
 * Every label once per block of R, with the last block truncated, so that labels are even and each query has them all.
 */
function drawLabels(documents: number, scaleSize: number, rng: Rng): number[] {
  const labels: number[] = [];
  while (labels.length < documents) labels.push(...rng.shuffle([...Array(scaleSize).keys()]));
  return rng.shuffle(labels.slice(0, documents));
}

function splitOf(query: string): Split {
  const bucket = hash32(query) % 8;
  if (bucket === 0) return 'test';
  return bucket === 1 ? 'dev' : 'train';
}

/** Equal for documents that differ only in their id. */
function contentKey({ title, brand, type, attributes }: LabDocument): string {
  return JSON.stringify([title, brand, type, Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1))]);
}

function wordCount(query: string, document: LabDocument): number {
  const names = Object.keys(document.attributes);
  return [query, ...documentValues(document), ...names].reduce(
    (sum, text) => sum + currentFolding().words(text).length,
    0,
  );
}

/** The pair with another label, also restated. The steps remain those of the true label. */
function mislabel(pair: UngroupedPair, scaleSize: number, rng: Rng): UngroupedPair {
  const label = (pair.trueLabel + 1 + rng.int(scaleSize - 1)) % scaleSize;
  return { ...pair, label, goldTrace: { ...pair.goldTrace, label, restated: label } };
}

/** Whether queries of a shape can satisfy a rule at all; trials decide the rest. */
function hasRoom({ scope, when }: Rule, { vertical, wishes }: QueryShape): boolean {
  if (scope !== undefined && scope !== vertical) return false;
  switch (when.kind) {
    case 'type':
    case 'unasked':
    case 'overlap':
    case 'phrase':
    case 'query-length':
    case 'unasked-word':
      return true;
    case 'brand':
    case 'audience':
      return wishes.includes(when.kind);
    case 'attribute':
      return wishes.some((wish) =>
        when.of === undefined ? ['colour', 'material', 'feature'].includes(wish) : wish === when.of,
      );
    case 'quantity':
      return wishes.includes('size');
    case 'negation':
      return wishes.includes('without');
    case 'accessory':
      return wishes.includes('target') !== when.is.includes('only');
    default:
      return when satisfies never;
  }
}
