/**
 * E10: do labels depend on the evidence cited for them? The answers of models after the words they cite were deleted
 * from the document, compared with the deletion of as many other words, become shares with intervals over queries, and
 * a report.
 *
 * The models are the bundled ones, one training run each, so intervals describe these models and say nothing about
 * models of other seeds.
 */
import * as v from 'valibot';
import { DECODINGS } from '../config/decoding.ts';
import { ExperimentResultsSchema } from '../protocol/experiment-results.ts';
import { Rng } from '../common/rng.ts';
import { bootstrapInterval } from '../relevance/metrics/bootstrap.ts';
import { ratioOverQueries } from '../relevance/metrics/label-report.ts';
import { groupByQuery } from '../relevance/metrics/metrics-ranking.ts';
import { type AnsweredCase, deletionsOf } from '../train/faithfulness.ts';
import { count, findingSentence, fourDecimals, measuredText, outcomeOf, rounded, signedInterval } from './findings.ts';
import { columns, heading, paragraph, type Report, table } from './report.ts';
import { signed } from '../common/student-t.ts';

const measured = v.strictObject({
  value: v.nullable(v.number()),
  low: v.nullable(v.number()),
  high: v.nullable(v.number()),
});

/** Label changes after deletions. */
const DeletionsSchema = v.strictObject({
  pairs: count,
  /** Pairs whose label the rules then change, and the shares of labels that moved to it, or moved at all. */
  shouldMove: count,
  movedAsRuled: measured,
  moved: measured,
  /** Pairs whose label the rules then keep, and the share of the model's labels that stayed. */
  shouldStay: count,
  stayed: measured,
  /** The share of labels that agree with the rules now, over all pairs. */
  asRuled: measured,
});

const FindingSchema = v.strictObject({
  claim: v.string(),
  arm: v.string(),
  /** The share of labels that move without the cited words, minus the share that move without other words. */
  mean: v.number(),
  low: v.nullable(v.number()),
  high: v.nullable(v.number()),
  outcome: v.picklist(['supported', 'refuted', 'undecided']),
});

/** The schema of `docs/results/E10.json`. */
export const E10ResultsSchema = v.strictObject({
  ...ExperimentResultsSchema.entries,
  id: v.literal('E10'),
  config: v.strictObject({ split: v.string(), pairs: count, queries: count }),
  arms: v.array(
    v.strictObject({
      name: v.string(),
      /** The model's folder; its card describes its training. */
      folder: v.string(),
      /** What its answers were held to; those of older results were free. */
      decoding: v.optional(v.picklist(DECODINGS), 'free'),
      /** Answers examined, and those of them that were right and cite words of the document. */
      completions: count,
      usable: count,
      cited: DeletionsSchema,
      control: DeletionsSchema,
    }),
  ),
  findings: v.array(FindingSchema),
});
export type E10Results = v.InferOutput<typeof E10ResultsSchema>;
type E10Arm = E10Results['arms'][number];
type E10Finding = E10Results['findings'][number];

const CasesSchema = v.array(v.strictObject({ queryId: v.string(), before: count, after: count, now: count }));
/** The answers of a model (`AnsweredDeletions`), and its name. */
export const AskedModelSchema = v.strictObject({
  name: v.string(),
  folder: v.string(),
  decoding: v.picklist(DECODINGS),
  answers: v.strictObject({ completions: count, usable: count, cited: CasesSchema, control: CasesSchema }),
});
export type AskedModel = v.InferOutput<typeof AskedModelSchema>;

/** The results of some models on the same pairs. */
export function e10Results(
  models: readonly AskedModel[],
  made: Pick<E10Results, 'device' | 'commit' | 'config'>,
): E10Results {
  const findings = models.flatMap(evidenceMatters);
  return {
    id: 'E10',
    title: 'Labels and the evidence that is cited for them',
    question:
      'When the words that an answer cites are taken out of the document, does the label move as the rules say?',
    ...made,
    arms: models.map(armOf),
    findings,
    verdict: findings.map((finding) => findingSentence(`${finding.arm}: ${finding.claim}`, finding)).join(' '),
  };
}

function armOf({ name, folder, decoding, answers }: AskedModel): E10Arm {
  const { completions, usable, cited, control } = answers;
  return { name, folder, decoding, completions, usable, cited: sharesOf(cited), control: sharesOf(control) };
}

function sharesOf(cases: readonly AnsweredCase[]): E10Arm['cited'] {
  const moving = cases.filter(({ before, after }) => before !== after);
  const staying = cases.filter(({ before, after }) => before === after);
  const { pairs, shouldMove, shouldStay } = deletionsOf(cases);
  const isAsRuled = ({ now, after }: AnsweredCase): boolean => now === after;
  return {
    pairs,
    shouldMove,
    movedAsRuled: shareWith(moving, isAsRuled),
    moved: shareWith(moving, hasMoved),
    shouldStay,
    stayed: shareWith(staying, isAsRuled),
    asRuled: shareWith(cases, isAsRuled),
  };
}

function hasMoved({ before, now }: AnsweredCase): boolean {
  return now !== before;
}

/** A share of cases, with its interval over queries. */
function shareWith(
  cases: readonly AnsweredCase[],
  holds: (each: AnsweredCase) => boolean,
): v.InferOutput<typeof measured> {
  const { value, low, high } = ratioOverQueries(
    groupByQuery(cases).map((each) => ({ part: each.filter(holds).length, whole: each.length })),
  );
  return { value: rounded(value), low: rounded(low), high: rounded(high) };
}

/** A model, and how it was asked unless freely. */
function armName({ name, decoding }: Pick<E10Arm, 'name' | 'decoding'>): string {
  return decoding === 'free' ? name : `${name}, ${decoding}`;
}

/** Whether labels move more often without the cited words than without other words; empty without answers. */
function evidenceMatters(model: AskedModel): E10Finding[] {
  const { cited, control } = model.answers;
  const queries = groupByQuery([
    ...cited.map((each) => ({ ...each, isCited: true })),
    ...control.map((each) => ({ ...each, isCited: false })),
  ]);
  const difference = (sample: readonly (readonly (typeof queries)[number][number][])[]): number | null => {
    const [without, other] = [true, false].map((isCited) => {
      const cases = sample.flatMap((query) => query.filter((each) => each.isCited === isCited));
      return cases.length === 0 ? undefined : cases.filter(hasMoved).length / cases.length;
    });
    return without === undefined || other === undefined ? null : without - other;
  };
  const mean = difference(queries);
  if (mean === null) return [];
  const { low, high } = bootstrapInterval(queries, difference, new Rng('evidence'));
  const claim = 'Labels move more often without the cited words than without as many others';
  const outcome = outcomeOf(low, high);
  return [{ claim, arm: armName(model), mean: fourDecimals(mean), low: rounded(low), high: rounded(high), outcome }];
}

/** The report. */
export function e10Report({ id, title, question, device, commit, config, arms, findings }: E10Results): Report {
  const looked = arms.map((arm) => `${armName(arm)} ${arm.usable} of ${arm.completions}`).join(', ');
  return {
    title: `${id}: ${title}`,
    blocks: [
      paragraph(question),
      paragraph(
        `${config.pairs} pairs of ${config.queries} queries, ${config.split} split, ${device}, commit ${commit}. ` +
          'Intervals: 95 %, bootstrap over queries. One model of each kind: nothing is said about other seeds. Made by ',
        { code: `npm run lab -- experiment ${id}` },
        '.',
      ),
      heading('What the models do'),
      table(
        ['Model', 'Difference', '95 %', 'Outcome'],
        findings.map(({ arm, mean, low, high, outcome }) => [arm, signed(mean), signedInterval(low, high), outcome]),
      ),
      paragraph(
        'The claim: labels move more often without the cited words than without as many others. Of all labels, the ' +
          'share that moves, less the same where other words are gone.',
      ),
      heading('Shares'),
      columns(
        arms.flatMap((arm) => [
          { name: armName(arm), without: 'cited words', ...arm.cited },
          { name: armName(arm), without: 'other words', ...arm.control },
        ]),
        {
          Model: ({ name }) => name,
          'Taken out': ({ without }) => without,
          pairs: ({ pairs }) => pairs,
          'should move': ({ shouldMove }) => shouldMove,
          'moved as ruled': ({ movedAsRuled }) => measuredText(movedAsRuled),
          moved: ({ moved }) => measuredText(moved),
          'should stay': ({ shouldStay }) => shouldStay,
          stayed: ({ stayed }) => measuredText(stayed),
          'as ruled, all': ({ asRuled }) => measuredText(asRuled),
        },
      ),
      paragraph(
        `Looked at are answers that were right and cite words of the document: ${looked}. Each model is asked about ` +
          'its own citations, so that the pairs differ; held to its pair ("grounded") it cites words of the document more often. ',
        { term: 'should move' },
        ', ',
        { term: 'should stay' },
        ': what the rules say of the pair without these words.',
      ),
    ],
  };
}
