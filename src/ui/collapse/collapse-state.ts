/**
 * The state of a demonstration, and how each event of the worker changes it. The functions are pure, so that every
 * order of events can be tested; the elements only draw the state.
 */
import type { Failure } from '../../protocol/failure.ts';
import type { GrpoEvent, GrpoEventOf, MeasuredPoint, SampledGroup } from '../../protocol/grpo.ts';
import type { PolicyAnswers } from '../../protocol/policy-answers.ts';
import { plainName } from './branch-names.ts';

/**
 * `preparing` until the first branch begins; `finished` stays open for forks; `failed` is an end; `past` is a
 * demonstration finished on an earlier visit.
 */
export type CollapsePhase = 'idle' | 'preparing' | 'running' | 'paused' | 'finished' | 'past' | 'failed';

/** The coefficient of a branch is `value` from `step` on. */
export interface CoefficientMove {
  readonly step: number;
  readonly value: number;
}

/** Completions kept after a step. */
export interface KeptSamples {
  readonly step: number;
  readonly groups: readonly SampledGroup[];
}

/** What a branch answered to the held-out pairs after a step. */
export interface KeptAnswers {
  readonly step: number;
  readonly answers: PolicyAnswers;
}

/** One branch. */
export interface BranchState {
  readonly id: number;
  /** In plain words. */
  readonly name: string;
  /** Its name as the worker has it, an arm of the experiments. */
  readonly arm: string;
  readonly parent: GrpoEventOf<'branch'>['parent'];
  readonly step: number;
  readonly steps: number;
  /** All steps, including those before its fork. */
  readonly history: readonly GrpoEventOf<'step'>[];
  readonly points: readonly MeasuredPoint[];
  /** What it answered at each of them, as far as that is known. */
  readonly answers: readonly KeptAnswers[];
  /** Its settings. */
  readonly experiment: unknown;
  readonly samples: readonly KeptSamples[];
  readonly coefficientMoves: readonly CoefficientMove[];
  /** Steps at which it can be forked. */
  readonly checkpoints: readonly number[];
  /** Time spent on measurements so far. */
  readonly measureMs: number;
  readonly ended: GrpoEventOf<'branch-ended'> | undefined;
}

export interface CollapseState {
  readonly phase: CollapsePhase;
  readonly stage: GrpoEventOf<'preparing'>['stage'] | undefined;
  readonly backend: GrpoEventOf<'backend'> | undefined;
  readonly prepared: GrpoEventOf<'prepared'> | undefined;
  readonly branches: readonly BranchState[];
  /** Why the last checkpoint of a branch could not be stored; undefined while all could. */
  readonly unsaved: Failure | undefined;
  /** Why another GPU is being opened. */
  readonly recovering: string | undefined;
  /** Why the last command was refused; cleared by the next event of a branch. */
  readonly refused: Failure | undefined;
  readonly failure: Failure | undefined;
}

export const NO_DEMONSTRATION: CollapseState = {
  phase: 'idle',
  stage: undefined,
  backend: undefined,
  prepared: undefined,
  branches: [],
  unsaved: undefined,
  recovering: undefined,
  refused: undefined,
  failure: undefined,
};

/** A demonstration that was just requested. */
export const STARTED_DEMONSTRATION: CollapseState = { ...NO_DEMONSTRATION, phase: 'preparing' };

/** Whether the worker holds the demonstration, even if idle. */
export function isOpen({ phase }: CollapseState): boolean {
  return phase === 'preparing' || phase === 'running' || phase === 'paused' || phase === 'finished';
}

/** The state after one event. Events after the end, or without a demonstration, are ignored. */
export function applyGrpoEvent(state: CollapseState, event: GrpoEvent): CollapseState {
  if (!isOpen(state)) return state;
  switch (event.kind) {
    case 'backend':
      return { ...state, backend: event, recovering: undefined };
    case 'preparing':
      return { ...state, stage: event.stage };
    case 'prepared':
      return { ...state, stage: undefined, prepared: event };
    case 'branch':
      return {
        ...state,
        phase: state.phase === 'paused' ? 'paused' : 'running',
        refused: undefined,
        branches: [...state.branches, beginBranch(state.branches, event)],
      };
    case 'step':
      return withBranch({ ...state, refused: undefined }, event.branch, (branch) => withStep(branch, event));
    case 'measure':
      return withBranch({ ...state, stage: undefined }, event.branch, (branch) => ({
        ...branch,
        points: [...branch.points, event.point],
        answers: withAnswers(branch.answers, event),
        measureMs: branch.measureMs + event.elapsedMs,
      }));
    case 'kept': {
      const { step, groups } = event;
      return withBranch(state, event.branch, (branch) => ({
        ...branch,
        samples: [...branch.samples, { step, groups }],
      }));
    }
    case 'checkpoint':
      return withBranch(state, event.branch, (branch) => ({
        ...branch,
        checkpoints: [...branch.checkpoints, event.step],
      }));
    case 'branch-ended':
      return withBranch(state, event.branch, (branch) => ({ ...branch, ended: event }));
    case 'unsaved':
      return { ...state, unsaved: event };
    case 'recovering':
      return { ...state, recovering: event.reason };
    case 'rewound':
      return withBranch(state, event.branch, (branch) => rewind(branch, event.step));
    case 'paused':
      return { ...state, phase: 'paused' };
    case 'resumed':
      return { ...state, phase: 'running' };
    case 'refused':
      return { ...state, refused: event };
    case 'finished':
      return { ...state, phase: 'finished' };
    // Only a reset stops a demonstration.
    case 'stopped':
      return NO_DEMONSTRATION;
    case 'failed':
      return { ...state, phase: 'failed', failure: event };
    default:
      return event satisfies never;
  }
}

/** A fork begins with its parent's state at that step. */
function beginBranch(branches: readonly BranchState[], event: GrpoEventOf<'branch'>): BranchState {
  const { branch: id, name: arm, parent, step, steps, curve } = event;
  const before = parent === null ? undefined : branches[parent.branch];
  return {
    id,
    name: plainName(
      arm,
      branches.map(({ name }) => name),
    ),
    arm,
    parent,
    step,
    steps,
    history: before?.history.filter((each) => each.step <= step) ?? [],
    points: curve,
    answers: before?.answers.filter((each) => each.step <= step) ?? [],
    experiment: event.experiment,
    samples: before?.samples.filter((each) => each.step <= step) ?? [],
    coefficientMoves: before?.coefficientMoves.filter((each) => each.step < step) ?? [],
    checkpoints: [],
    measureMs: 0,
    ended: undefined,
  };
}

/** Drops events of later steps, which come again. */
function rewind(branch: BranchState, step: number): BranchState {
  return {
    ...branch,
    step: Math.max(0, step),
    history: branch.history.filter((each) => each.step <= step),
    points: branch.points.filter((each) => each.step <= step),
    answers: branch.answers.filter((each) => each.step <= step),
    samples: branch.samples.filter((each) => each.step <= step),
    coefficientMoves: branch.coefficientMoves.filter((each) => each.step < step),
  };
}

function withAnswers(kept: readonly KeptAnswers[], { point, answers }: GrpoEventOf<'measure'>): readonly KeptAnswers[] {
  return answers === null ? kept : [...kept, { step: point.step, answers }];
}

function withStep(branch: BranchState, event: GrpoEventOf<'step'>): BranchState {
  const { coefficient } = event.balance;
  const isMoved = coefficient !== null && coefficient !== branch.coefficientMoves.at(-1)?.value;
  return {
    ...branch,
    step: event.step,
    history: [...branch.history, event],
    coefficientMoves: isMoved
      ? [...branch.coefficientMoves, { step: event.step - 1, value: coefficient }]
      : branch.coefficientMoves,
  };
}

function withBranch(state: CollapseState, id: number, change: (branch: BranchState) => BranchState): CollapseState {
  return { ...state, branches: state.branches.map((branch) => (branch.id === id ? change(branch) : branch)) };
}
