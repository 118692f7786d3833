/**
 * The plan of a demonstration: which branches run, with which settings. Besides the method, two things vary: prompts
 * are *matched* (rules as frequent as in the expert's data) or *head-heavy* (prompts of rare rules ten times rarer),
 * and the reward is *full*, *plausible* or *lenient* (relevance/rules/reward.ts). A test compares the settings with
 * those of the experiments. Start and data are the bundled model and its rule world, or a checkpoint and the user's own
 * file.
 */
import type { SettingField } from '../../config/setting-fields.ts';
import { type GrpoExperiment, type GrpoExperimentInput, GrpoExperimentSchema } from '../../protocol/grpo-experiment.ts';
import { checkDraft, type CheckedDraft, draftOf, formOf, type SettingsDraft } from '../parts/forms/settings-draft.ts';
import { checkpointUrl, type GrpoRequest, MAX_BRANCHES } from '../../protocol/grpo.ts';

export const PROMPT_MIXES = ['head-heavy', 'matched'] as const;
export type PromptMix = (typeof PROMPT_MIXES)[number];
export const REWARDS = ['plausible', 'full', 'lenient'] as const;
export type RewardName = (typeof REWARDS)[number];
/** Orders of prompts; all except random follow how often the start answers them right (train/curriculum.ts). */
export const ORDERS = ['random', 'staged', 'adaptive'] as const;
export type PromptOrder = (typeof ORDERS)[number];

/** The settings of a branch besides the regime. */
export interface Method {
  readonly name: string;
  readonly help: string;
  readonly grpo: NonNullable<GrpoExperimentInput['grpo']>;
}

const lambda = (value: number): Method['grpo'] => ({ balance: { kind: 'additive', lambda: value } });

/** The available methods, the two of the demonstration first. */
export const METHODS = [
  { name: 'GRPO', help: 'Reinforcement alone: lambda 0.', grpo: lambda(0) },
  { name: 'MBO 0.3', help: 'Mode balance: 0.3 of the expert loss beside it.', grpo: lambda(0.3) },
  { name: 'MBO 0.03', help: 'A hint of the expert loss: lambda 0.03.', grpo: lambda(0.03) },
  { name: 'MBO 0.1', help: 'Less of it: lambda 0.1.', grpo: lambda(0.1) },
  { name: 'MBO 1', help: 'As much of it as of the reward: lambda 1.', grpo: lambda(1) },
  {
    name: 'GRPO + k3 0.3',
    help: 'Kept near the start on its own answers (KL, beta 0.3).',
    grpo: { ...lambda(0), kl: { kind: 'k3', beta: 0.3 } },
  },
  {
    name: 'SFT continued',
    help: 'The same updates on expert samples alone: mu 1.',
    grpo: { balance: { kind: 'convex', mu: 1 } },
  },
  { name: 'Own balance', help: 'The mode balance that is chosen under "More settings".', grpo: {} },
] as const satisfies readonly Method[];
export type MethodName = (typeof METHODS)[number]['name'];

/** The data of a demonstration, in the form of settings. */
export type DemonstrationData = NonNullable<GrpoExperimentInput['data']>;

/** The start of all branches, and their data. */
export interface DemonstrationSource {
  /** The checkpoint to start from; empty for the bundled start. */
  readonly startId: string;
  readonly data: DemonstrationData;
}

export const BUNDLED_SOURCE: DemonstrationSource = { startId: '', data: { kind: 'world' } };

/** The reader's choices besides the start and data. */
export interface DemonstrationChoice {
  readonly order: PromptOrder;
  readonly prompts: PromptMix;
  readonly reward: RewardName;
  readonly methods: readonly MethodName[];
  /** Whether GRPO on matched prompts with the full reward runs beside them. */
  readonly control: boolean;
  /** Steps of the first branch for one of each other: a reader who waits for one curve has it sooner. */
  readonly lead: number;
  /** All other settings, by {@link DEMONSTRATION_FORM}. */
  readonly draft: SettingsDraft;
}

const EXPERIMENT_FORM = formOf(GrpoExperimentSchema);
/** Settings that the demonstration decides: by its regime, its methods, its source, or by how often it measures. */
const DECIDED =
  /^(name|data\..*|reward\.kind|passRates|grpo\.(tailPromptWeight|curriculum\.kind|checkpointEvery|keepEvery))$/u;

/** What is set of the run goes before what is set around it. */
const byPart = (a: SettingField, b: SettingField): number =>
  Number(b.path.startsWith('grpo.')) - Number(a.path.startsWith('grpo.'));

/** The settings that every branch has. */
export const DEMONSTRATION_FORM: typeof EXPERIMENT_FORM = {
  schema: GrpoExperimentSchema,
  fields: EXPERIMENT_FORM.fields.toSorted(byPart).map((field) => {
    if (DECIDED.test(field.path)) return { ...field, level: 'fixed' };
    return field.level === 'basic' ? { ...field, group: 'Numbers' } : field;
  }),
};

/**
 * At 3e-4 and 128 completions a step GRPO has met the definition of collapse by step 120 with each of three seeds
 * (docs/log.md). Pass rates are those of 480 prompts, in place of the experiments' 1,500: enough for all stages,
 * measured in a fraction of the time.
 */
export const DEFAULT_CHOICE: DemonstrationChoice = {
  order: 'random',
  prompts: 'head-heavy',
  reward: 'plausible',
  methods: ['GRPO', 'MBO 0.3'],
  control: true,
  lead: 1,
  draft: new Map([
    ...draftOf(EXPERIMENT_FORM, { grpo: { steps: 140, evaluateEvery: 20, maxTokens: 32 } }),
    ['passRates.prompts', '480'],
  ]),
};

/**
 * The two runs that the lesson has recorded. So that a collapse is seen sooner the one that collapses makes two steps
 * for one of the other, no control runs beside them, and they have fewer held-out pairs, probe completions and
 * measurements, at every second step of those recorded (docs/log.md).
 */
export const LESSON_CHOICE: DemonstrationChoice = {
  ...DEFAULT_CHOICE,
  control: false,
  lead: 2,
  draft: new Map([
    ...DEFAULT_CHOICE.draft,
    ['grpo.steps', '120'],
    ['grpo.evaluateEvery', '16'],
    ['grpo.prompts', '8'],
    ['devPairs', '96'],
    ['probeSamples', '2'],
    ['grpo.seed', '4'],
    ['grpo.innerEpochs', '2'],
    ['grpo.loss.clipLow', '0.2'],
    ['grpo.loss.clipHigh', '0.28'],
  ]),
};

/** The choice with a weight of the examples in place of its own; as it is where no method has that weight. */
export function withLambda(choice: DemonstrationChoice, weight: string): DemonstrationChoice {
  const found = METHODS.find(({ name }) => name === `MBO ${weight}`)?.name;
  return found === undefined
    ? choice
    : { ...choice, methods: [...choice.methods.filter((name) => !name.startsWith('MBO')), found] };
}

/** The draft of a choice, with what the order of prompts decides. */
export function draftFor({ order, draft }: Pick<DemonstrationChoice, 'order' | 'draft'>): SettingsDraft {
  return new Map(draft).set('grpo.curriculum.kind', order).set('passRates', order !== 'random');
}

export function checkChoice(choice: Pick<DemonstrationChoice, 'order' | 'draft'>): CheckedDraft<GrpoExperiment> {
  return checkDraft(DEMONSTRATION_FORM, draftFor(choice));
}

/** Methods that can run side by side with the control. */
export const MOST_METHODS = MAX_BRANCHES - 1;

const TAIL_WEIGHTS: Readonly<Record<PromptMix, number>> = { 'head-heavy': 0.1, matched: 1 };
const REWARD_KINDS = { full: 'strict', plausible: 'plausible', lenient: 'lenient' } as const;
/** The regime in which prompts and reward leave nothing out. */
const CONTROL = { prompts: 'matched', reward: 'full' } as const;

/**
 * What to ask of the worker: the chosen branches, and unless it is switched off GRPO on matched prompts with the full
 * reward beside them; nothing where a setting is wrong.
 */
export function planDemonstration(
  choice: DemonstrationChoice,
  { startId, data }: DemonstrationSource,
  bundledUrl: string,
): Omit<GrpoRequest, 'backend'> | undefined {
  const { settings } = checkChoice(choice);
  if (settings === undefined) return undefined;
  const modelUrl = startId === '' ? bundledUrl : checkpointUrl(startId);
  const shared = { ...settings, data };
  const chosen = METHODS.filter(({ name }) => choice.methods.includes(name));
  const branches = chosen.map((method) => branchOf(method, choice, shared));
  const isControl = choice.prompts === CONTROL.prompts && choice.reward === CONTROL.reward;
  const hasControl = isControl && choice.methods.includes('GRPO');
  if (choice.control && !hasControl) branches.push(branchOf(METHODS[0], CONTROL, shared));
  return { modelUrl, branches: branches.map((branch, i) => ({ ...branch, pace: i === 0 ? choice.lead : 1 })) };
}

function branchOf(
  method: Method,
  { prompts, reward }: Pick<DemonstrationChoice, 'prompts' | 'reward'>,
  shared: Omit<GrpoExperiment, 'data'> & { readonly data: DemonstrationData },
): { name: string; experiment: GrpoExperimentInput } {
  const { evaluateEvery } = shared.grpo;
  return {
    name: `${method.name} (${prompts}, ${reward})`,
    experiment: {
      ...shared,
      name: method.name,
      reward: { ...shared.reward, kind: REWARD_KINDS[reward] },
      grpo: {
        ...shared.grpo,
        checkpointEvery: evaluateEvery,
        keepEvery: evaluateEvery,
        tailPromptWeight: TAIL_WEIGHTS[prompts],
        ...method.grpo,
      },
    },
  };
}
