/**
 * Curriculum: prompts ordered by difficulty, measured as how often samples of the start model have the right label (the
 * pass rate). Our definition:
 *
 *     stage 1   pass rate in [0.5, 1)
 *     stage 2   pass rate in (0, 0.5)
 *     stage 3   all of these, plus a share of prompts whose gold trace cites a rare rule
 *
 * Prompts that the start always labels right are dropped, because they teach nothing. Prompts that it never labels
 * right are left to the expert's samples, because their groups have no advantage. A share of every step rehearses
 * prompts of earlier stages that the present stage lacks.
 *
 * The prompts of a step are a function of the seed, the step and {@link CurriculumState}. The state is saved with the
 * run, because stages can end depending on the rewards of rollouts.
 */
import { LabError } from '../common/errors.ts';
import { hash32 } from '../common/rng.ts';
import type { CurriculumConfig, GrpoConfig } from '../config/grpo-config.ts';
import { BatchOrder } from '../data/batches.ts';
import { PromptOrder, promptPool, type RlPrompt } from './rollouts.ts';

/** The stages, in order of difficulty. */
export const STAGES = [1, 2, 3] as const;
export type Stage = (typeof STAGES)[number];

/** The class of a prompt by its pass rate; {@link STAGES} 1 and 2 together form stage 3. */
export type PromptClass = 'dropped' | 'stage 1' | 'stage 2' | 'expert';

/** The progress of a run through the stages. */
export interface CurriculumState {
  /** Completed stages. */
  readonly phase: number;
  /** Steps made when the present stage began. */
  readonly since: number;
  /** Mean label rewards on the stage's own prompts in its last steps, oldest first; recorded for `adaptive` only. */
  readonly recent: readonly number[];
}

export const CURRICULUM_START: CurriculumState = { phase: 0, since: 0, recent: [] };

/** The part of a rollout that a curriculum reads. */
export interface JudgedRollout {
  readonly prompt: number;
  readonly reward: { readonly label: { readonly value: number } };
}

/** Which prompts a run draws at each step. */
export interface Curriculum {
  /** The state at the beginning of a run, or at the step where it resumes. */
  begin(saved: CurriculumState | undefined, step: number): CurriculumState;
  /** The stage of a state; null in random order, which has none. */
  stageOf(state: CurriculumState): Stage | null;
  /** The indices of P prompts for a round of a step, both counted from 0. */
  at(step: number, round: number, state: CurriculumState): number[];
  /** The state after a step with these rollouts; `steps` counts it. */
  after(state: CurriculumState, steps: number, rollouts: readonly JudgedRollout[]): CurriculumState;
}

type CurriculumSettings = Pick<
  GrpoConfig,
  'steps' | 'prompts' | 'tailPromptWeight' | 'extraRounds' | 'seed' | 'curriculum'
>;
type StagedConfig = Exclude<CurriculumConfig, { kind: 'random' }>;

/**
 * The curriculum of a run.
 *
 * @throws {LabError} `bad-config` if a stage has fewer prompts than a step needs, or prompts have no pass rate
 */
export function makeCurriculum(prompts: readonly RlPrompt[], settings: CurriculumSettings): Curriculum {
  const { curriculum } = settings;
  if (curriculum.kind !== 'random') return new StagedCurriculum(prompts, settings, curriculum);
  const order = new PromptOrder(prompts, settings);
  return {
    begin: () => CURRICULUM_START,
    stageOf: () => null,
    at: (step, round) => order.at(step, round),
    after: (state) => state,
  };
}

/** The class of a prompt, by the share of samples with the right label. */
export function classOf(passRate: number): PromptClass {
  if (passRate >= 1) return 'dropped';
  if (passRate >= 0.5) return 'stage 1';
  return passRate > 0 ? 'stage 2' : 'expert';
}

/** The order of the stages. */
export function stageOrder(kind: StagedConfig['kind']): readonly Stage[] {
  return kind === 'reversed' ? [3, 2, 1] : STAGES;
}

class StagedCurriculum implements Curriculum {
  readonly #config: StagedConfig;
  readonly #stages: readonly Stage[];
  /** The steps at which stages 1 and 2 end; for `adaptive`, at the latest. */
  readonly #ends: readonly [number, number];
  /** By phase. */
  readonly #draws: readonly PhaseDraw[];
  readonly #own: readonly ReadonlySet<number>[];

  constructor(prompts: readonly RlPrompt[], settings: CurriculumSettings, config: StagedConfig) {
    const { steps, tailPromptWeight, seed } = settings;
    this.#config = config;
    this.#stages = stageOrder(config.kind);
    this.#ends = [Math.round(config.ends[0] * steps), Math.round(config.ends[1] * steps)];
    const isTail = prompts.map((prompt) => prompt.isTail);
    const pool = promptPool(isTail, tailPromptWeight, seed);
    const own = this.#stages.map((stage) => pool.filter((index) => isInStage(prompts[index], stage)));
    this.#own = own.map((indices) => new Set(indices));
    this.#draws = this.#stages.map((stage, phase) => {
      const isOwn = this.#own[phase] ?? new Set();
      const earlier = new Set(own.slice(0, phase).flat());
      const parts: PhaseParts = {
        own: own[phase] ?? [],
        rehearsed: [...earlier].filter((index) => !isOwn.has(index)),
        rare: stage === 3 ? [...isOwn].filter((index) => isTail[index] === true) : [],
      };
      return new PhaseDraw(prompts, stage, parts, config, settings);
    });
  }

  begin(saved: CurriculumState | undefined, step: number): CurriculumState {
    // A resumed run may be a fork with another schedule, so a scheduled state is computed anew from the step.
    return this.#config.kind === 'adaptive' ? (saved ?? CURRICULUM_START) : this.#scheduled(step);
  }

  stageOf({ phase }: CurriculumState): Stage | null {
    return this.#stages[phase] ?? null;
  }

  at(step: number, round: number, { phase, since }: CurriculumState): number[] {
    return this.#draws[phase]?.at(step - since, round) ?? [];
  }

  after(state: CurriculumState, steps: number, rollouts: readonly JudgedRollout[]): CurriculumState {
    const config = this.#config;
    if (config.kind !== 'adaptive') return this.#scheduled(steps);
    const { phase } = state;
    const end = this.#ends[phase];
    if (end === undefined) return state; // the last stage has no end
    const own = rollouts.filter(({ prompt }) => this.#own[phase]?.has(prompt));
    const recent = [...state.recent, meanOf(own.map(({ reward }) => reward.label.value))].slice(-config.window);
    const isGood = recent.length === config.window && meanOf(recent) >= (config.promoteAt[phase] ?? Infinity);
    return isGood || steps >= end ? { phase: phase + 1, since: steps, recent: [] } : { ...state, recent };
  }

  #scheduled(steps: number): CurriculumState {
    const phase = this.#ends.filter((end) => steps >= end).length;
    return { phase, since: this.#ends[phase - 1] ?? 0, recent: [] };
  }
}

function isInStage(prompt: RlPrompt | undefined, stage: Stage): boolean {
  if (prompt === undefined) return false;
  if (prompt.passRate === undefined) {
    throw new LabError('bad-config', {
      message: 'The curriculum orders prompts by pass rate, but these prompts have none.',
      expected: 'a pass rate for every prompt',
      got: `none for the query "${prompt.pair.query}"`,
      fix: 'Measure pass rates (passRates of the experiment), or set curriculum to random.',
    });
  }
  const belongs = classOf(prompt.passRate);
  if (stage === 3) return belongs === 'stage 1' || belongs === 'stage 2';
  return belongs === `stage ${stage}`;
}

/** The indices of the prompts that a stage draws from. */
interface PhaseParts {
  readonly own: readonly number[];
  readonly rehearsed: readonly number[];
  readonly rare: readonly number[];
}

/** Draws the prompts of one stage: its own, a rehearsed share and a share with rare rules. */
class PhaseDraw {
  readonly #parts: readonly PartDraw[];

  constructor(
    prompts: readonly RlPrompt[],
    stage: Stage,
    { own, rehearsed, rare }: PhaseParts,
    { rehearsalShare, rareShare }: StagedConfig,
    { prompts: P, extraRounds, seed }: CurriculumSettings,
  ) {
    const rehearsals = Math.min(Math.round(rehearsalShare * P), rehearsed.length);
    const rares = Math.min(Math.round(rareShare * P), rare.length, P - rehearsals);
    const owns = P - rehearsals - rares;
    if (own.length < owns) throw tooFew(stage, owns, own.length);
    const partOf = (name: string, indices: readonly number[], size: number): PartDraw[] =>
      size === 0 ? [] : [new PartDraw(prompts, indices, size, extraRounds, `stage ${stage} ${name} ${seed}`)];
    this.#parts = [
      ...partOf('own', own, owns),
      ...partOf('rehearsed', rehearsed, rehearsals),
      ...partOf('rare', rare, rares),
    ];
  }

  /** @param step - within the stage, from 0 */
  at(step: number, round: number): number[] {
    return this.#parts.flatMap((part) => part.at(step, round));
  }
}

/** Draws a fixed number of prompts; each is drawn once before any is drawn again. */
class PartDraw {
  readonly #indices: readonly number[];
  readonly #first: BatchOrder;
  readonly #extra: BatchOrder;
  readonly #extraRounds: number;

  constructor(
    prompts: readonly RlPrompt[],
    indices: readonly number[],
    size: number,
    extraRounds: number,
    name: string,
  ) {
    const lengths = indices.map((index) => prompts[index]?.example.prompt.length ?? 0);
    this.#indices = indices;
    this.#first = new BatchOrder(lengths, size, hash32(name));
    this.#extra = new BatchOrder(lengths, size, hash32(`extra ${name}`));
    this.#extraRounds = extraRounds;
  }

  at(step: number, round: number): number[] {
    const drawn = round === 0 ? this.#first.at(step) : this.#extra.at(step * this.#extraRounds + round - 1);
    return drawn.flatMap((i) => this.#indices[i] ?? []);
  }
}

function tooFew(stage: Stage, expected: number, got: number): LabError {
  return new LabError('bad-config', {
    message: `Stage ${stage} of the curriculum has too few prompts for one step.`,
    expected: `at least ${expected}`,
    got: `${got}`,
    fix: 'Measure the pass rates of more prompts, or draw fewer prompts per step.',
  });
}

function meanOf(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
