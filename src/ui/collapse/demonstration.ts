/**
 * The demonstration as a plan: which branches run, with which settings. Two things vary around the method: prompts are
 * *matched* (rules as frequent as in the expert's data) or *head-heavy* (prompts of rare rules ten times as rare); the
 * reward is *full*, *plausible* or *lenient* (relevance/rules/reward.ts). A test holds the settings to those of the experiments.
 * Start and data are the bundled model and its rule world, or a checkpoint and a file of one's own.
 */
import { checkpointUrl, type GrpoRequest, MAX_BRANCHES } from '../../protocol/grpo.ts';
import type { GrpoExperimentInput } from '../../protocol/grpo-experiment.ts';

export const PROMPT_MIXES = ['head-heavy', 'matched'] as const;
export type PromptMix = (typeof PROMPT_MIXES)[number];
export const REWARDS = ['plausible', 'full', 'lenient'] as const;
export type RewardName = (typeof REWARDS)[number];
/** Orders of prompts; all but random by how often the start answers them rightly (train/curriculum.ts). */
export const ORDERS = ['random', 'staged', 'adaptive'] as const;
export type PromptOrder = (typeof ORDERS)[number];

/** What a branch does besides the regime. */
export interface Method {
  readonly name: string;
  readonly help: string;
  readonly grpo: NonNullable<GrpoExperimentInput['grpo']>;
  /** What its dial weighs. */
  readonly dialName: 'lambda' | 'mu';
}

const lambda = (value: number): Method['grpo'] => ({ balance: { kind: 'additive', lambda: value } });

/** The methods that can be chosen, the two of the demonstration first. */
export const METHODS = [
  { name: 'GRPO', help: 'Reinforcement alone: lambda 0.', grpo: lambda(0), dialName: 'lambda' },
  { name: 'MBO 0.3', help: 'Mode balance: 0.3 of the expert loss beside it.', grpo: lambda(0.3), dialName: 'lambda' },
  { name: 'MBO 0.03', help: 'A hint of the expert loss: lambda 0.03.', grpo: lambda(0.03), dialName: 'lambda' },
  { name: 'MBO 0.1', help: 'Less of it: lambda 0.1.', grpo: lambda(0.1), dialName: 'lambda' },
  { name: 'MBO 1', help: 'As much of it as of the reward: lambda 1.', grpo: lambda(1), dialName: 'lambda' },
  {
    name: 'GRPO + k3 0.3',
    help: 'Held near the start on its own answers (KL, beta 0.3).',
    grpo: { ...lambda(0), kl: { kind: 'k3', beta: 0.3 } },
    dialName: 'lambda',
  },
  {
    name: 'SFT continued',
    help: 'The same updates on expert samples alone: mu 1.',
    grpo: { balance: { kind: 'convex', mu: 1 } },
    dialName: 'mu',
  },
] as const satisfies readonly Method[];
export type MethodName = (typeof METHODS)[number]['name'];

/** The data of a demonstration, as settings hold it. */
export type DemonstrationData = NonNullable<GrpoExperimentInput['data']>;

/** What the branches start from and learn from. */
export interface DemonstrationSource {
  /** The checkpoint to start from; empty for the bundled start. */
  readonly startId: string;
  readonly data: DemonstrationData;
}

export const BUNDLED_SOURCE: DemonstrationSource = { startId: '', data: { kind: 'world' } };

/** What the reader chooses besides. */
export interface DemonstrationChoice {
  readonly order: PromptOrder;
  readonly prompts: PromptMix;
  readonly reward: RewardName;
  readonly methods: readonly MethodName[];
  readonly steps: number;
  readonly measureEvery: number;
  readonly promptsPerStep: number;
  readonly heldOutPairs: number;
  readonly seed: number;
}

/** At 3e-4 and 128 completions a step GRPO has met the definition of collapse by step 120 with each of three seeds (docs/log.md). */
export const DEFAULT_CHOICE: DemonstrationChoice = {
  order: 'random',
  prompts: 'head-heavy',
  reward: 'plausible',
  methods: ['GRPO', 'MBO 0.3'],
  steps: 140,
  measureEvery: 20,
  promptsPerStep: 16,
  heldOutPairs: 240,
  seed: 1,
};

/** The numbers of a choice, with what they may be. */
export const CHOICE_NUMBERS = [
  { key: 'steps', label: 'Steps', help: 'Of each branch.', least: 1, most: 1000 },
  { key: 'measureEvery', label: 'Measure every', help: 'Steps between measurements.', least: 1, most: 1000 },
  { key: 'promptsPerStep', label: 'Prompts per step', help: 'Each answered eight times.', least: 1, most: 64 },
  { key: 'heldOutPairs', label: 'Held-out pairs', help: 'That a measurement looks at.', least: 6, most: 2000 },
  { key: 'seed', label: 'Seed', help: 'Of prompts and samples; the same for all.', least: 0, most: 1_000_000 },
] as const;

/** Pass rates of so many prompts, in place of the experiments' 1,500: enough for all stages, measured in a fraction of the time. */
const MEASURED_PROMPTS = 480;
/** Methods that can run side by side with the control. */
export const MOST_METHODS = MAX_BRANCHES - 1;

const TAIL_WEIGHTS: Readonly<Record<PromptMix, number>> = { 'head-heavy': 0.1, matched: 1 };
const REWARD_KINDS = { full: 'strict', plausible: 'plausible', lenient: 'lenient' } as const;
/** The regime in which nothing is left out and nothing can be hacked. */
const CONTROL = { prompts: 'matched', reward: 'full' } as const;

/** What to ask of the worker: the chosen branches, and GRPO on matched prompts with the full reward beside them. */
export function planDemonstration(
  choice: DemonstrationChoice,
  { startId, data }: DemonstrationSource,
  bundledUrl: string,
): Omit<GrpoRequest, 'backend'> {
  const modelUrl = startId === '' ? bundledUrl : checkpointUrl(startId);
  const chosen = METHODS.filter(({ name }) => choice.methods.includes(name));
  const branches = chosen.map((method) => branchOf(method, choice, choice, data));
  const isControl = choice.prompts === CONTROL.prompts && choice.reward === CONTROL.reward;
  const hasControl = isControl && choice.methods.includes('GRPO');
  if (!hasControl) branches.push(branchOf(METHODS[0], CONTROL, choice, data));
  return { modelUrl, branches };
}

function branchOf(
  method: Method,
  { prompts, reward }: Pick<DemonstrationChoice, 'prompts' | 'reward'>,
  { order, steps, measureEvery, promptsPerStep, heldOutPairs, seed }: DemonstrationChoice,
  data: DemonstrationData,
): { name: string; experiment: GrpoExperimentInput } {
  const every = { evaluateEvery: measureEvery, checkpointEvery: measureEvery, keepEvery: measureEvery };
  return {
    name: `${method.name} (${prompts}, ${reward})`,
    experiment: {
      name: method.name,
      data,
      ...(order === 'random' ? {} : { passRates: { prompts: MEASURED_PROMPTS } }),
      reward: { kind: REWARD_KINDS[reward] },
      devPairs: heldOutPairs,
      grpo: {
        steps,
        maxTokens: 32,
        ...every,
        prompts: promptsPerStep,
        tailPromptWeight: TAIL_WEIGHTS[prompts],
        seed,
        curriculum: { kind: order },
        ...method.grpo,
      },
    },
  };
}
