/**
 * Room `studies/`: what the lab asks about its own methods, as arms, comparisons and reports. A recipe defines runs and
 * the differences that decide; `findings.ts` decides; results are reported as blocks (`report.ts`, `plot.ts`). The
 * command line runs and stores studies (`cli/studies/`); studies of real judgments are in `judged/`.
 */

/**
 * The recipes of the experiments on reinforcement: the runs, on the same prompts and seeds, and which of their
 * differences answer the question. A recipe contains no number that a run has produced.
 *
 * Two things vary besides the method. Prompts are *matched* (rules as frequent as in the expert's data) or *head-heavy*
 * (prompts of rare rules ten times rarer); the reward is *full* (compared with the gold trace) or *plausible* (the
 * cited rule implies the stated label and its evidence is in the pair; gold is not consulted). Head-heavy prompts with
 * expert samples that cover the tail favour mode balance by construction, so the matched case is always run as well.
 */
import type { CurriculumConfig } from '../config/grpo-config.ts';
import type { DistillExperimentInput } from '../protocol/distill-experiment.ts';
import type { MetricName } from '../protocol/experiment-results.ts';
import type { GrpoExperimentInput } from '../protocol/grpo-experiment.ts';
import type { OrderExperimentInput } from '../protocol/order-experiment.ts';
import type { SftExperiment } from '../protocol/sft-experiment.ts';
import type { Gap } from './gap-closed.ts';

/** The settings of one arm, without the seed. */
export type ArmSettings = Omit<GrpoExperimentInput, 'name'>;

/** The settings of a distillation arm, without the seed. */
export type StudentSettings = Omit<DistillExperimentInput, 'name'>;

/** The settings of an arm with another order of completions, without the seed. */
export type OrderSettings = Omit<OrderExperimentInput, 'name'>;

/** What an arm runs for a seed. */
export type ArmRun =
  /** Nothing: the unchanged start of the reinforced arms. */
  | { readonly kind: 'start' }
  | { readonly kind: 'grpo'; readonly settings: ArmSettings }
  /** Nothing: the unchanged teacher. */
  | { readonly kind: 'teacher' }
  | { readonly kind: 'distill'; readonly settings: StudentSettings }
  | { readonly kind: 'order'; readonly settings: OrderSettings };

/** One way to train, run with every seed. */
export interface Arm {
  readonly name: string;
  readonly run: ArmRun;
}

/** A claim about two arms: a metric of `arm` is higher, or lower, than that of `against`. */
export interface Comparison {
  readonly claim: string;
  readonly metric: MetricName;
  readonly arm: string;
  /** The other arm; null where the metric is itself a change, which is compared with 0. */
  readonly against: string | null;
  readonly expected: 'higher' | 'lower';
}

/** An experiment. */
export interface Recipe {
  readonly id: 'E1' | 'E2' | 'E3' | 'E4' | 'E5' | 'E6' | 'E7' | 'E8';
  readonly title: string;
  readonly question: string;
  /** The most important first, so that a recipe that is cut short has the arms that matter. */
  readonly arms: readonly Arm[];
  readonly comparisons: readonly Comparison[];
  /** The arms that define the accuracy gap of which every run closes a share, where that is measured. */
  readonly gap?: Gap;
}

/** One comparison per metric. */
export function claim(
  metrics: MetricName | readonly MetricName[],
  text: string,
  arm: Arm,
  against: Arm | null,
  expected: Comparison['expected'] = 'higher',
): Comparison[] {
  return [metrics].flat().map((metric) => ({
    claim: text,
    metric,
    arm: arm.name,
    against: against?.name ?? null,
    expected,
  }));
}

/** The supervised run that every arm of a seed starts from, stopped early so that something is left to learn. */
export const START_SETTINGS = {
  name: 'lab-nano-start',
  preset: 'lab-nano',
  sft: { steps: 450, batchSize: 128, warmupSteps: 45 },
} as const satisfies Omit<Partial<SftExperiment>, 'sft'> & { readonly sft: Partial<SftExperiment['sft']> };

type Grpo = NonNullable<ArmSettings['grpo']>;

const STEPS = 200;
/** 64 rollouts per step. */
const COMMON: Grpo = { steps: STEPS, prompts: 8, maxTokens: 32, evaluateEvery: 40, checkpointEvery: 40, keepEvery: 40 };
/** About a fifth of these cite a tail rule. */
const DEV_PAIRS = 400;

/** The four regimes: the mix of prompts and the reward. */
const REGIMES = {
  'head-heavy, plausible': { tailPromptWeight: 0.1, reward: { kind: 'plausible' } },
  'matched, full': { tailPromptWeight: 1, reward: { kind: 'strict' } },
  'matched, plausible': { tailPromptWeight: 1, reward: { kind: 'plausible' } },
  'head-heavy, full': { tailPromptWeight: 0.1, reward: { kind: 'strict' } },
  'matched, lenient': { tailPromptWeight: 1, reward: { kind: 'lenient' } },
} as const;
type Regime = keyof typeof REGIMES;

function arm(regime: Regime, method: string, grpo: Grpo, more: Omit<ArmSettings, 'grpo' | 'reward'> = {}): Arm {
  const { tailPromptWeight, reward } = REGIMES[regime];
  return {
    name: `${method} (${regime})`,
    run: {
      kind: 'grpo',
      settings: { ...more, devPairs: DEV_PAIRS, reward, grpo: { ...COMMON, tailPromptWeight, ...grpo } },
    },
  };
}

const lambda = (value: number): Grpo => ({ balance: { kind: 'additive', lambda: value } });
const grpoArm = (regime: Regime): Arm => arm(regime, 'GRPO', lambda(0));
const mboArm = (regime: Regime, value = 0.3): Arm => arm(regime, `MBO ${value}`, lambda(value));

const START: Arm = { name: 'SFT', run: { kind: 'start' } };
const WORST: Regime = 'head-heavy, plausible';
const [GRPO, MBO] = [grpoArm(WORST), mboArm(WORST)];
/** The same updates on expert samples alone; rollouts are drawn for measurement only. */
const SFT_CONTINUED = arm(WORST, 'SFT continued', { balance: { kind: 'convex', mu: 1 } });
/** The weight of the expert loss in the arms that this one is compared with. */
const BETA = 0.3;
/** Kept near the start by a KL term. */
const klArm = (method: string, kl: NonNullable<Grpo['kl']>): Arm =>
  arm(WORST, `GRPO + ${method}`, { ...lambda(0), kl });
const K3 = klArm('k3 0.3', { kind: 'k3', beta: BETA });
const K3_STRONG = klArm('k3 1', { kind: 'k3', beta: 1 });
const K2 = klArm('k2 0.3', { kind: 'k2', beta: BETA });
/** The fairest control: the same expert prompts, with the start's own answers as target in place of the expert's. */
const K2_EXPERT = klArm('k2 0.3 on expert prompts', { kind: 'k2', beta: BETA, on: 'expert' });
const K3_EXPERT = klArm('k3 0.3 on expert prompts', { kind: 'k3', beta: BETA, on: 'expert' });
const TAIL_FREE = arm(WORST, 'MBO 0.3, expert without tail', lambda(0.3), { expertCoverage: 'head-only' });

/**
 * E5: orders of the same prompts. Every arm has pass rates of the same start, and therefore the same prompts (the first
 * 1,500 without those that are always or never right) and the same expert samples. Only the order differs, and with it
 * how often a prompt is drawn.
 */
const ordered = (regime: Regime, method: string, kind: CurriculumConfig['kind'], grpo: Grpo = lambda(0.3)): Arm =>
  arm(regime, method, { ...grpo, curriculum: { kind } }, { passRates: {} });
const ordersOf = (regime: Regime): [random: Arm, staged: Arm, reversed: Arm, adaptive: Arm] => [
  ordered(regime, 'Random order', 'random'),
  ordered(regime, 'Staged', 'staged'),
  ordered(regime, 'Reversed', 'reversed'),
  ordered(regime, 'Adaptive', 'adaptive'),
];
const [RANDOM, STAGED, ...OTHER_ORDERS] = ordersOf('matched, full');
/** All measured prompts, also among the expert's samples. */
const UNSORTED = arm('matched, full', 'Random order, nothing left out', lambda(0.3), {
  passRates: { keep: 'all', hardWeight: 1 },
});
/**
 * Prompts of rare rules as often as in the staged arm overall, but from the beginning, by leaving out other prompts.
 */
const RARE_ALL_ALONG = arm(
  'matched, full',
  'Random order, rare rules more often',
  { ...lambda(0.3), tailPromptWeight: 1.4 },
  { passRates: {} },
);
const PLAIN_RANDOM = ordered('matched, full', 'GRPO, random order', 'random', lambda(0));
const PLAIN_STAGED = ordered('matched, full', 'GRPO, staged', 'staged', lambda(0));

/** E3: other methods that are claimed to keep a policy from collapsing. */
const REMEDIES = [
  arm(WORST, 'Entropy bonus', { ...lambda(0), entropyBonus: 0.01 }),
  arm(WORST, 'Clip-higher, two inner updates', {
    ...lambda(0),
    innerEpochs: 2,
    loss: { kind: 'grpo', clipLow: 0.2, clipHigh: 0.28 },
  }),
  arm(WORST, 'Dynamic sampling', { ...lambda(0), dropSilentGroups: true, extraRounds: 1 }),
  arm(WORST, 'Convex 0.3', { balance: { kind: 'convex', mu: 0.3 } }),
  arm(WORST, 'CHORD', { balance: { kind: 'chord', decaySteps: STEPS } }),
  arm(WORST, 'HPT gate', { balance: { kind: 'hpt' } }),
  arm(WORST, 'SRFT weight', { balance: { kind: 'srft' } }),
  K3,
  K2,
];
/** E4: the same advantage for all tokens of an answer. */
const outcomeArm = (regime: Regime): Arm =>
  arm(regime, 'GRPO, outcome advantages', { ...lambda(0), advantages: { kind: 'outcome' } });

export const RECIPES: readonly Recipe[] = [
  {
    id: 'E1',
    title: 'Mode collapse and mode balance',
    question: 'Does GRPO forget rare rules while its reward climbs, and does an expert loss beside it prevent that?',
    arms: [
      START,
      GRPO,
      MBO,
      grpoArm('matched, full'),
      mboArm('matched, full'),
      SFT_CONTINUED,
      TAIL_FREE,
      K2_EXPERT,
      K3,
      grpoArm('matched, plausible'),
      mboArm('matched, plausible'),
      grpoArm('head-heavy, full'),
      mboArm('head-heavy, full'),
      mboArm(WORST, 1),
      mboArm(WORST, 0.1),
      K3_STRONG,
      mboArm(WORST, 0.03),
      K2,
      K3_EXPERT,
    ],
    comparisons: [
      ...(['head-heavy, plausible', 'matched, plausible', 'head-heavy, full', 'matched, full'] as const).flatMap(
        (regime) => [
          ...claim('tailRecall', `GRPO loses tail recall (${regime})`, grpoArm(regime), START, 'lower'),
          ...claim('tailRecall', `MBO keeps more tail recall than GRPO (${regime})`, mboArm(regime), grpoArm(regime)),
          ...claim('rewardGain', `GRPO raises the reward (${regime})`, grpoArm(regime), null),
        ],
      ),
      ...claim('tailRecall', 'MBO keeps more tail recall than a k3 term of the same weight', MBO, K3),
      ...claim('tailRecall', 'MBO keeps more tail recall than a strong k3 term', MBO, K3_STRONG),
      ...claim('tailRecall', 'MBO keeps more tail recall than a k2 term on the same expert prompts', MBO, K2_EXPERT),
      ...claim('tailRecall', 'Expert samples of the tail matter, not any expert samples', MBO, TAIL_FREE),
      ...claim('tailRecall', 'MBO keeps more tail recall than SFT continued', MBO, SFT_CONTINUED),
      ...claim('macroF1', 'MBO answers better than SFT continued', MBO, SFT_CONTINUED),
    ],
  },
  {
    id: 'E2',
    title: 'Entropy of the label and of the reasoning',
    question: 'Does mode balance keep the entropy of the policy from falling as it does under GRPO alone?',
    arms: [START, GRPO, MBO, grpoArm('matched, full'), mboArm('matched, full')],
    comparisons: ([WORST, 'matched, full'] as const).flatMap((regime) => {
      const [mbo, grpo] = [mboArm(regime), grpoArm(regime)];
      return [
        ...claim('labelEntropy', `MBO keeps more label entropy than GRPO (${regime})`, mbo, grpo),
        ...claim('reasoningEntropy', `MBO keeps more reasoning entropy than GRPO (${regime})`, mbo, grpo),
      ];
    }),
  },
  {
    id: 'E3',
    title: 'Other remedies against collapse',
    question: 'Does anything else keep tail recall as well as an expert loss does?',
    arms: [START, GRPO, MBO, ...REMEDIES],
    comparisons: REMEDIES.flatMap((remedy) =>
      claim(
        'tailRecall',
        `MBO 0.3 keeps more tail recall than: ${remedy.name.replace(` (${WORST})`, '')}`,
        MBO,
        remedy,
      ),
    ),
  },
  {
    id: 'E4',
    title: 'Advantages per step or per outcome',
    question: 'Do stepwise advantages soften the collapse, or change anything?',
    arms: [START, GRPO, outcomeArm(WORST), grpoArm('matched, full'), outcomeArm('matched, full')],
    comparisons: ([WORST, 'matched, full'] as const).flatMap((regime) =>
      (['tailRecall', 'strictReward', 'accuracy'] as const).flatMap((metric) =>
        claim(
          metric,
          `Stepwise advantages give a higher ${metric} than outcome advantages (${regime})`,
          grpoArm(regime),
          outcomeArm(regime),
        ),
      ),
    ),
  },
  {
    id: 'E5',
    title: 'The order of prompts',
    question:
      'Do stages by pass rate, from prompts that the start often labels rightly to hard ones and rare rules, beat ' +
      'random order?',
    arms: [
      START,
      RANDOM,
      STAGED,
      ...OTHER_ORDERS,
      RARE_ALL_ALONG,
      ...ordersOf(WORST),
      UNSORTED,
      PLAIN_RANDOM,
      PLAIN_STAGED,
    ],
    // Refuted where random order, or the reversed order, is better.
    comparisons: [
      ...(['matched, full', WORST] as const).flatMap((regime) => {
        const [random, staged, reversed, adaptive] = ordersOf(regime);
        return (['macroF1', 'tailRecall', 'strictReward'] as const).flatMap((metric) => [
          ...claim(metric, `Stages beat random order (${regime})`, staged, random),
          ...claim(metric, `Adaptive stages beat random order (${regime})`, adaptive, random),
          ...claim(metric, `Stages beat the reversed order (${regime})`, staged, reversed),
        ]);
      }),
      ...(['macroF1', 'tailRecall'] as const).flatMap((metric) => [
        ...claim(metric, 'Leaving out prompts that are always or never right helps', RANDOM, UNSORTED),
        ...claim(metric, 'Stages beat rare rules more often all along', STAGED, RARE_ALL_ALONG),
        ...claim(metric, 'Stages beat random order without an expert loss', PLAIN_STAGED, PLAIN_RANDOM),
      ]),
    ],
  },
  {
    id: 'E8',
    title: 'A reward that can be hacked',
    question: 'What does a reward that looks at label and format only lose against one that checks the reasoning?',
    arms: [START, grpoArm('matched, full'), grpoArm('matched, lenient'), grpoArm('matched, plausible')],
    comparisons: (['matched, lenient', 'matched, plausible'] as const).flatMap((regime) => {
      const [full, other] = [grpoArm('matched, full'), grpoArm(regime)];
      return [
        ...claim('strictReward', `The full reward gives better reasoning (against ${regime})`, full, other),
        ...claim(
          'labelTraceAgreement',
          `The full reward keeps label and trace together (against ${regime})`,
          full,
          other,
        ),
        ...claim('tailRecall', `The full reward keeps the tail (against ${regime})`, full, other),
      ];
    }),
  },
];
