/**
 * E11: what is left to learn when evidence cannot be false? Models from several training methods answer held-out pairs
 * freely, held to the grammar, and held to the pair; differences between decodings of one model, and between models,
 * become findings.
 */
import * as v from 'valibot';
import { type DecodingKind, DECODINGS } from '../config/decoding.ts';
import { ExperimentResultsSchema, SEEDS_FOR_A_CLAIM } from '../protocol/experiment-results.ts';
import { decide, DecisionSchema, findingSentence, meanText, signedInterval, threeDecimals } from './findings.ts';
import { DecodingMeasuresSchema, HELD_MEASURES, type HeldMeasure } from './held-measure.ts';
import type { Dot, Plot } from './plot.ts';
import { columns, heading, list, paragraph, type Report, type ReportBlock, table } from './report.ts';
import { type MeanInterval, meanInterval, signed } from '../common/student-t.ts';

/** The name of the rule world in `data`; other names are those of judged sets. */
export const RULE_WORLD = 'rule world';
/** Training methods. */
export const LEARNED = ['supervised', 'GRPO', 'MBO', 'student'] as const;

const decoding = v.picklist(DECODINGS);

/** Models of one kind, over seeds. */
const ArmSchema = v.strictObject({
  data: v.string(),
  learned: v.picklist(LEARNED),
  /** The decoding of the completions it was trained on; null for the expert's completions. */
  trained: v.nullable(decoding),
  seeds: v.array(v.strictObject({ seed: v.number(), ...DecodingMeasuresSchema.entries })),
});
export type HeldArm = v.InferOutput<typeof ArmSchema>;

const FindingSchema = v.strictObject({
  claim: v.string(),
  measure: v.picklist(HELD_MEASURES),
  ...DecisionSchema.entries,
});

/** A model that comes with the lab. */
export const BundledModelSchema = v.strictObject({
  name: v.string(),
  folder: v.string(),
  ...DecodingMeasuresSchema.entries,
});

/** The schema of `docs/results/E11.json`. */
export const E11ResultsSchema = v.strictObject({
  ...ExperimentResultsSchema.entries,
  id: v.literal('E11'),
  arms: v.array(ArmSchema),
  /** Models that come with the lab, one training run each. */
  bundled: v.array(BundledModelSchema),
  /** What was not run, and why. */
  missing: v.array(v.string()),
  findings: v.array(FindingSchema),
});
export type E11Results = v.InferOutput<typeof E11ResultsSchema>;

/** The models of an arm under one decoding. */
interface DecodedArm {
  readonly arm: HeldArm;
  readonly decoding: DecodingKind;
}

/** The results of some models. */
export function e11Results(
  measured: Pick<E11Results, 'arms' | 'bundled' | 'missing'>,
  made: Pick<E11Results, 'device' | 'commit' | 'config'>,
): E11Results {
  const findings = findingsOf(measured.arms);
  return {
    id: 'E11',
    title: 'What is left to learn when evidence cannot be false',
    question:
      'Held to their pair, completions cannot misquote it. How much of their reasoning then holds, does it take learning to ' +
      'be held, and what do labels do?',
    ...made,
    ...measured,
    findings,
    verdict: findings.map((finding) => findingSentence(finding.claim, finding, `${finding.measure} `)).join(' '),
  };
}

/** The name of an arm. */
function armName({ data, learned, trained }: HeldArm): string {
  const how = trained === null || trained === 'free' ? learned : `${learned}, trained ${trained}`;
  return data === RULE_WORLD ? how : `${how}, ${data}`;
}

function valuesOf({ arm, decoding: kind }: DecodedArm, measure: HeldMeasure): ReadonlyMap<number, number> {
  return new Map(
    arm.seeds.flatMap((each): [number, number][] => {
      const value = each[kind][measure];
      return value === null ? [] : [[each.seed, value]];
    }),
  );
}

function findingsOf(arms: readonly HeldArm[]): E11Results['findings'] {
  const compare = (claim: string, measure: HeldMeasure, one: DecodedArm, other: DecodedArm): E11Results['findings'] => {
    const base = valuesOf(other, measure);
    const differences = [...valuesOf(one, measure)].flatMap(([seed, value]) => {
      const against = base.get(seed);
      return against === undefined ? [] : [value - against];
    });
    return differences.length === 0 ? [] : [{ claim, measure, ...decide(differences) }];
  };
  const unheld = arms.filter(({ trained }) => trained === null || trained === 'free');
  const supervised = arms.find(({ data, learned }) => data === RULE_WORLD && learned === 'supervised');
  return [
    ...unheld.flatMap((arm) => {
      const [free, grammar, grounded] = DECODINGS.map((kind): DecodedArm => ({ arm, decoding: kind }));
      if (free === undefined || grammar === undefined || grounded === undefined) return [];
      const name = armName(arm);
      return [
        ...compare(`More steps verify when held to the pair (${name})`, 'verifiedSteps', grounded, free),
        ...compare(`More steps verify when held to the grammar (${name})`, 'verifiedSteps', grammar, free),
        ...compare(`More completions are valid when held to the pair (${name})`, 'valid', grounded, free),
      ];
    }),
    ...arms.flatMap((arm) => {
      const { trained, data, learned } = arm;
      const twin = unheld.find((each) => each.data === data && each.learned === learned && each !== arm);
      if (trained === null || trained === 'free' || twin === undefined) return [];
      return (['verifiedSteps', 'headRecall', 'tailRecall'] as const).flatMap((measure) =>
        compare(
          `Trained ${trained} beats trained free, both held to the pair (${learned})`,
          measure,
          { arm, decoding: 'grounded' },
          { arm: twin, decoding: 'grounded' },
        ),
      );
    }),
    ...arms.flatMap((arm) => {
      if (supervised === undefined || arm.data !== RULE_WORLD || !['GRPO', 'MBO'].includes(arm.learned)) return [];
      return (['verifiedSteps', 'tailRecall'] as const).flatMap((measure) =>
        compare(
          `Reinforcement adds to a supervised model that is held to the pair (${armName(arm)})`,
          measure,
          { arm, decoding: 'grounded' },
          { arm: supervised, decoding: 'grounded' },
        ),
      );
    }),
  ];
}

/** The largest difference in label accuracy between the decodings of one model. */
function largestLabelDifference({ arms, bundled }: E11Results): number {
  const models = [...arms.flatMap(({ seeds }) => seeds), ...bundled];
  return Math.max(
    0,
    ...models.map(({ free, grammar, grounded }) => {
      const all = [free, grammar, grounded].map(({ accuracy }) => accuracy ?? 0);
      return Math.max(...all) - Math.min(...all);
    }),
  );
}

const MEANINGS: Readonly<Record<HeldMeasure, string>> = {
  valid: 'completions that follow the grammar to the end and restate their label',
  verifiedSteps: 'steps that live execution verifies, of all written',
  withSteps: 'completions with at least one step',
  headRecall: 'gold rules of the head that are cited',
  tailRecall: 'gold rules of the tail that are cited',
  accuracy: 'labels right, of those that completions begin with',
  tokens: 'tokens of a completion, its label and end token included',
  passes: 'forward passes that a completion takes by itself where forced tokens need none; on WebGPU as many as tokens',
};

/** The report. */
export function e11Report(results: E11Results): Report {
  const { id, title, question, device, commit, arms, bundled, missing, findings } = results;
  const seeds = Math.max(0, ...arms.map((arm) => arm.seeds.length));
  const moved = largestLabelDifference(results);
  return {
    title: `${id}: ${title}`,
    blocks: [
      paragraph(question),
      paragraph(
        `${seeds} seeds per arm${seeds < SEEDS_FOR_A_CLAIM ? ' (preliminary: too few to claim anything)' : ''}, test splits, ` +
          `${device}, commit ${commit}. Mean and 95 % interval over seeds (Student's t). Made by `,
        { code: commandOf(results, seeds) },
        '; settings are in the results file.',
      ),
      heading('What the runs say'),
      paragraph(
        moved === 0
          ? 'The label accuracy of every model is the same in the three decodings, since the label comes first.'
          : 'The label that the lab answers with is the likeliest of the label tokens, the same in the three decodings. Read off ' +
              `completions, as here, accuracy differs by ${moved.toFixed(3)} at most: a free completion may begin with something ` +
              'that is no label, which then counts as wrong.',
      ),
      table(
        ['Claim', 'Outcome', 'Difference', '95 %', 'n'],
        findings.map(({ claim, measure, n, mean, low, high, outcome }) => {
          return [claim, outcome, `${measure} ${signed(mean)}`, signedInterval(low, high), n];
        }),
      ),
      heading('All arms'),
      ...[...new Set(arms.map(({ data }) => data))].flatMap((data) => [
        heading(data, 3),
        armsTable(arms.filter((arm) => arm.data === data)),
      ]),
      list(HELD_MEASURES.map((name) => [{ term: name }, `: ${MEANINGS[name]}`])),
      ...(bundled.length === 0 ? [] : bundledBlocks(bundled)),
      ...(missing.length === 0 ? [] : [heading('Missing'), list(missing.map((line) => [line]))]),
      { kind: 'plot', file: `${id}.svg`, caption: 'Steps that verify, by decoding', plot: plotOf(results) },
    ],
  };
}

/** The command that makes the results; FOLDER is the reader's own path to judged sets. */
function commandOf({ id, arms, missing }: E11Results, seeds: number): string {
  const sets = [...new Set(arms.map(({ data }) => data))].filter((data) => data !== RULE_WORLD);
  const isShortened = missing.some((line) => line.includes('not run'));
  return [
    `npm run lab -- experiment ${id} --seeds ${seeds}`,
    ...(isShortened ? [`--arms ${arms.length}`] : []),
    ...(sets.length === 0 ? [] : [`--sets ${sets.map((set) => `FOLDER/${set}`).join(' ')}`]),
  ].join(' ');
}

function armsTable(arms: readonly HeldArm[]): ReportBlock {
  return table(
    ['Arm', 'answered', 'n', ...HELD_MEASURES],
    arms.flatMap((arm) =>
      DECODINGS.map((kind) => [
        armName(arm),
        kind,
        arm.seeds.length,
        ...HELD_MEASURES.map((measure) => meanText(intervalOf({ arm, decoding: kind }, measure))),
      ]),
    ),
  );
}

function bundledBlocks(bundled: E11Results['bundled']): ReportBlock[] {
  const rows = bundled.flatMap((model) =>
    DECODINGS.map((kind) => ({ ...model[kind], model: model.name, kind, completions: model.completions })),
  );
  return [
    heading('Models that come with the lab'),
    paragraph('One training run each, on the rule world: nothing is said about other seeds.'),
    columns(rows, {
      Model: ({ model }) => model,
      answered: ({ kind }) => kind,
      completions: ({ completions }) => completions,
      ...Object.fromEntries(
        HELD_MEASURES.map((measure) => [measure, (row: (typeof rows)[number]) => threeDecimals(row[measure])]),
      ),
    }),
  ];
}

function intervalOf(asked: DecodedArm, measure: HeldMeasure): MeanInterval | undefined {
  const values = [...valuesOf(asked, measure).values()];
  return values.length === 0 ? undefined : meanInterval(values);
}

function plotOf({ title, arms }: E11Results): Plot {
  return {
    kind: 'dots',
    title,
    panels: DECODINGS.map((kind) => ({
      heading: `Answered ${kind}`,
      dots: arms.map((arm): Dot => {
        const interval = intervalOf({ arm, decoding: kind }, 'verifiedSteps');
        const isKnown = interval !== undefined && Number.isFinite(interval.low);
        return {
          name: armName(arm),
          value: interval?.mean ?? null,
          ...(isKnown ? { low: Math.max(0, interval.low), high: Math.min(1, interval.high) } : {}),
        };
      }),
    })),
  };
}
