/**
 * The description of the general model: its card with training data, terms and held-out measurements; the scales it can
 * be asked on; and example pairs, which come from no judgment.
 */
import type { LabFile } from '../../infer/lab-model.ts';
import type { Measure, ModelCard } from '../../infer/model-card.ts';
import { scaleOfSize } from '../../relevance/pair/labels.ts';
import { makeDocument } from '../../relevance/pair/pair.ts';
import { plainScale } from '../../runs/models/lab-file.ts';
import { GENERAL_SCALE, type GeneralPart } from './general-recipe.ts';
import type { Reasons } from './general-reasons.ts';
import { ENCODED_SYSTEMS, GENERAL_SYSTEMS, type SetResults } from './general-results.ts';

/** Adds to the card what the settings do not contain. */
export function describeGeneral(card: ModelCard, parts: readonly GeneralPart[]): ModelCard {
  return {
    ...card,
    description:
      'Orders and labels documents of any file by how near their meaning is to the query, by the words in common and by how ' +
      'BM25 places them, and gives reasons by rules on words in common.',
    training: { ...card.training, command: 'npm run lab -- recipe general FOLDER' },
    terms: [
      'Meanings are compared by static vectors (vectors.safetensors), distilled from sentence-transformers/all-MiniLM-L6-v2, ' +
        'Apache-2.0: one vector for each of 20,000 word pieces, of English for the most part.',
      'Only weights that were learned from these judgments are here, pieces of words of their titles in the tokenizer, and ' +
        '32-bit hashes of the queries: no query and no document of theirs.',
      ...parts.map(({ set }) => `${set.title}: ${set.terms}`),
    ],
    limits: [
      'Learned from judgments of product and film search in English: on other kinds of search it is extrapolation.',
      'Of words it reads only those of the query that a title lacks, to quote them: documents with the same overlaps, numbers and ' +
        'similarities are the same to it. A similarity is that of single words: order, negation and model numbers escape it. ' +
        'With all-MiniLM-L6-v2 in their place (lab score --encoder) titles are read as a whole.',
      'Its reasons are few: the title has the words of the query, or lacks some. They were learned where such a rule leads to the ' +
        'judged label, and BM25 and numbers weigh in its labels too. A label that no rule leads to has no reason: nearly all ' +
        'films that it finds relevant. Asked for two labels it gives none.',
      'A pair by itself has no standing among other documents; lists are ordered better than single pairs.',
      'It learned from the answers of a regression that may only think better of a document for more of a hint, so that what ' +
        'holds of its two sets alone does not turn its order around elsewhere; docs/results/general.md has how a model of one ' +
        'set does on the other.',
      'Four labels: those of product search. Relevant in film search was learned as the best of four.',
      'Measured here on the test queries of the first fold; docs/results/general.md has all folds.',
    ],
  };
}

/** Its other scales, and example pairs. */
export function generalLab(parts: readonly GeneralPart[]): Pick<LabFile, 'otherScales' | 'examples'> {
  const sizes = new Set(parts.map(({ set }) => set.scaleSize).filter((size) => size !== GENERAL_SCALE));
  return {
    otherScales: [...sizes].map((size) => plainScale(scaleOfSize(size))),
    examples: EXAMPLES.map(({ name, query, attributes = {}, ...texts }) => {
      const { docId, title, brand, type, text } = makeDocument(texts);
      return { name, pair: { query, document: { docId, title, brand, type, attributes, text } } };
    }),
  };
}

/** Searches as people make them; queries and documents are invented. */
const EXAMPLES: readonly {
  readonly name: string;
  readonly query: string;
  readonly title: string;
  readonly attributes?: Readonly<Record<string, string>>;
}[] = [
  {
    name: 'all words in the title',
    query: 'waterproof hiking boots',
    title: 'Waterproof hiking boots for women, brown',
  },
  {
    name: 'said otherwise',
    query: 'noise cancelling headphones',
    title: 'Over-ear headphones with active noise cancellation, black',
  },
  { name: 'what goes with it', query: 'noise cancelling headphones', title: 'Hanger for headphones, walnut' },
  {
    name: 'one word elsewhere',
    query: 'steel bread knife',
    title: 'Bread knife with wooden handle',
    attributes: { blade: 'steel' },
  },
  { name: 'a unit written apart', query: 'usb c charger 65w', title: '65 W USB-C power adapter, two ports' },
  { name: 'advice', query: 'how to remove rust from iron', title: 'Getting rid of rust on cast iron pans' },
  { name: 'the same word, another thing', query: 'how to remove rust from iron', title: 'Steam iron 2400 W' },
  { name: 'nothing in common', query: 'gluten free pasta', title: 'Linen tablecloth, white' },
  { name: 'another number, which it misses', query: 'iphone 15 case', title: 'Clear case for iPhone 13' },
];

/** The card with the measurements on each set. */
export function withMeasures(card: ModelCard, sets: readonly SetResults[]): ModelCard {
  const sum = (count: (set: SetResults) => number): number => sets.reduce((total, set) => total + count(set), 0);
  return {
    ...card,
    evaluation: {
      command: card.training.command,
      split: 'test',
      pairs: sum(({ pairs }) => pairs),
      queries: sum(({ queries }) => queries.tested),
      completions: sum(({ reasons }) => groundedReasons(reasons).reduce((total, each) => total + each.completions, 0)),
      measures: sets.flatMap(measuresOf),
    },
  };
}

/** Of pairs in the lists of their queries, held to the pair. */
function groundedReasons(reasons: Reasons): Reasons {
  return reasons.filter(({ asked, decoding }) => asked === 'in its list' && decoding === 'grounded');
}

function measuresOf({ id, systems, reasons }: SetResults): Measure[] {
  const { general, bm25, alone } = GENERAL_SYSTEMS;
  const find = (system: string): SetResults['systems'][number]['measures'] | undefined =>
    systems.find((each) => each.system === system)?.measures;
  const [own, baseline, withoutStanding] = [find(general), find(bm25), find(alone)];
  const encoded = find(ENCODED_SYSTEMS.general);
  if (own === undefined || baseline === undefined) return [];
  return [
    { name: `${id}: NDCG@10`, ...own.ndcg10 },
    { name: `${id}: NDCG@10 of BM25`, ...baseline.ndcg10 },
    { name: `${id}: pair accuracy`, ...own.pairAccuracy },
    { name: `${id}: pair accuracy of BM25`, ...baseline.pairAccuracy },
    ...(withoutStanding === undefined
      ? []
      : [{ name: `${id}: pair accuracy, each pair by itself`, ...withoutStanding.pairAccuracy }]),
    ...(encoded === undefined
      ? []
      : [
          { name: `${id}: NDCG@10 with an encoder`, ...encoded.ndcg10 },
          { name: `${id}: pair accuracy with an encoder`, ...encoded.pairAccuracy },
        ]),
    { name: `${id}: label accuracy`, ...own.accuracy },
    { name: `${id}: label accuracy of BM25 with fitted thresholds`, ...baseline.accuracy },
    { name: `${id}: quadratic weighted kappa`, ...own.qwk },
    ...groundedReasons(reasons).flatMap(({ completions, valid, withSteps, steps, verified, apt }) => [
      { name: `${id}: valid completions, held to the pair`, value: shareOf(valid, completions) },
      { name: `${id}: answers with a step`, value: shareOf(withSteps, completions) },
      { name: `${id}: steps verified, held to the pair`, value: shareOf(verified, steps) },
      { name: `${id}: steps verified and quoted aptly`, value: shareOf(apt, steps) },
    ]),
  ];
}

function shareOf(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}
