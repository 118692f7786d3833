/**
 * The results of E9: the schema of `docs/results/E9.json`, the sentences that its numbers support, and its report. It
 * has numbers only, and no query or document of the data.
 */
import * as v from 'valibot';
import type { JudgedPair } from '../../relevance/pair/pair.ts';
import { greedyRefiner } from '../../relevance/piar/piar-greedy.ts';
import {
  decide,
  DecisionSchema,
  findingSentence,
  meanText,
  metricBySeed,
  metricMean,
  pairedDifferences,
  signedInterval,
} from '../findings.ts';
import { ExperimentResultsSchema } from '../../protocol/experiment-results.ts';
import { PIAR_FRACTIONS } from '../../runs/piar-split.ts';
import { heading, paragraph, type Report, table } from '../report.ts';
import { signed } from '../../common/student-t.ts';

/** Judged pairs for E9. */
export interface E9Data {
  readonly name: string;
  readonly scaleSize: number;
  readonly pairs: readonly JudgedPair[];
  /** The grades of several annotators for a pair, where known. */
  readonly annotations?: (queryId: string, docId: string) => readonly number[] | undefined;
}

/** The number of queries drawn from a larger data set, anew for each seed; the maximum number of rounds. */
export interface E9Settings {
  readonly queries: number;
  readonly rounds: number;
}

/** The measures of an arm on the test split. */
const MetricsSchema = v.record(v.string(), v.nullable(v.number()));
export type E9Metrics = v.InferOutput<typeof MetricsSchema>;

const SeedSchema = v.strictObject({
  seed: v.number(),
  metrics: MetricsSchema,
  /** For the refined arm, the accuracy of the instruction at the start of each round; the last entry is the end. */
  curve: v.array(v.strictObject({ round: v.number(), rules: v.number(), train: v.number(), dev: v.number() })),
});

/** The result of one split of one data set, by arm. */
export const E9SplitSchema = v.strictObject({
  first: SeedSchema,
  last: SeedSchema,
  majority: SeedSchema,
  bm25: SeedSchema,
  human: v.optional(SeedSchema),
});
export type E9SplitResult = v.InferOutput<typeof E9SplitSchema>;

const FindingSchema = v.strictObject({ data: v.string(), claim: v.string(), ...DecisionSchema.entries });
type E9Finding = v.InferOutput<typeof FindingSchema>;

/** The schema of the results file. */
export const E9ResultsSchema = v.strictObject({
  ...ExperimentResultsSchema.entries,
  id: v.literal('E9'),
  arms: v.array(v.strictObject({ name: v.string(), seeds: v.array(SeedSchema) })),
  findings: v.array(FindingSchema),
});
export type E9Results = v.InferOutput<typeof E9ResultsSchema>;

/** The arms of one data set, as named after it. */
const ARMS = {
  first: 'first instruction',
  last: 'last instruction',
  majority: 'most frequent label',
  bm25: 'BM25, thresholds fitted on train',
  human: 'one annotator against another',
} as const satisfies Record<keyof E9SplitResult, string>;

/** The results of some data sets, each split by some seeds. */
export function e9Results(
  sets: readonly { readonly data: Omit<E9Data, 'annotations'>; readonly splits: readonly E9SplitResult[] }[],
  { queries, rounds }: E9Settings,
  made: Pick<E9Results, 'device' | 'commit'>,
): E9Results {
  const arms = sets.flatMap(({ data, splits }) =>
    (['first', 'last', 'majority', 'bm25', 'human'] as const).flatMap((arm) => {
      const seeds = splits.flatMap((split) => split[arm] ?? []);
      return seeds.length === 0 ? [] : [{ name: `${data.name}: ${ARMS[arm]}`, seeds }];
    }),
  );
  const findings = sets.flatMap(({ data }) => findingsFor(data.name, arms));
  return {
    id: 'E9',
    title: 'PIAR: refining an instruction by its errors',
    question: 'Does test accuracy rise from the first to the last round, on queries that nothing was chosen by?',
    ...made,
    config: {
      seeds: sets[0]?.splits.map(({ first }) => first.seed) ?? [],
      rounds,
      fractions: PIAR_FRACTIONS,
      refiner: greedyRefiner().name,
      data: sets.map(({ data: { name, scaleSize, pairs } }) => {
        const all = new Set(pairs.map(({ queryId }) => queryId)).size;
        return { name, scaleSize, pairs: pairs.length, queries: all, queriesPerSeed: Math.min(all, queries) };
      }),
    },
    arms,
    findings,
    // Does test accuracy fall, or does only train accuracy rise?
    verdict: [...findings.map((each) => findingSentence(`${each.data}: ${each.claim}`, each)), CAUTION].join(' '),
  };
}

/** The differences that decide E9, for one data set. */
export function findingsFor(data: string, arms: E9Results['arms']): E9Finding[] {
  const values = (arm: keyof typeof ARMS, metric = 'accuracy'): ReadonlyMap<number, number> =>
    metricBySeed(arms, `${data}: ${ARMS[arm]}`, metric);
  const last = values('last');
  const compared = [
    ['test accuracy, last round above first', last, values('first')],
    ['test accuracy, last round above the most frequent label', last, values('majority')],
    ['test accuracy, last round above BM25 with fitted thresholds', last, values('bm25')],
    ['test pair accuracy, last round above first', values('last', 'pairAccuracy'), values('first', 'pairAccuracy')],
    ['test accuracy below train accuracy after the last round (overfitting)', values('last', 'trainAccuracy'), last],
    ['test accuracy below dev accuracy after the last round (overfitting)', values('last', 'devAccuracy'), last],
    [
      'agreement with an annotator, last instruction above another annotator',
      values('last', 'annotatorAccuracy'),
      values('human'),
    ],
  ] as const;
  return compared.flatMap(([claim, better, other]) => {
    const differences = pairedDifferences(better, other);
    return differences.length === 0 ? [] : [{ data, claim, ...decide(differences) }];
  });
}

const CAUTION =
  'Seeds split the same judgments anew, so intervals tell the spread over splits of this data, not over other data.';

/** The metrics of the table. */
const COLUMNS = {
  accuracy: 'accuracy',
  coverage: 'coverage',
  macroF1: 'macro-F1',
  quadraticWeightedKappa: 'QWK',
  pairAccuracy: 'pair accuracy',
  ndcg10: 'NDCG@10',
  trainAccuracy: 'accuracy on train',
  devAccuracy: 'accuracy on dev',
  annotatorAccuracy: 'agreement with an annotator',
  rules: 'rules',
  rounds: 'rounds',
} as const;

/** The report. */
export function e9Report({ id, title, question, device, commit, arms, findings }: E9Results): Report {
  const seeds = Math.max(0, ...arms.map((arm) => arm.seeds.length));
  return {
    title: `${id}: ${title}`,
    blocks: [
      paragraph(question),
      paragraph(
        `${seeds} splits of each data set, ${device}, commit ${commit}. Mean and 95 % interval over splits ` +
          "(Student's t). Made by ",
        { code: 'npm run lab -- piar-experiment FOLDERS' },
        `. ${CAUTION}`,
      ),
      heading('What the splits say'),
      table(
        ['Data', 'Claim', 'Outcome', 'Difference', '95 %', 'n'],
        findings.map(({ data, claim, outcome, mean, low, high, n }) => {
          return [data, claim, outcome, signed(mean), signedInterval(low, high), n];
        }),
      ),
      heading('On the test queries'),
      table(
        ['Arm', 'n', ...Object.values(COLUMNS)],
        arms.map((arm) => [
          arm.name,
          arm.seeds.length,
          ...Object.keys(COLUMNS).map((name) => meanText(metricMean(arm, name))),
        ]),
      ),
    ],
  };
}
