/**
 * What the page knows about a demonstration, and how each event of the worker changes it. Pure, so that every order of
 * events can be tested; the elements only draw this state.
 */
import type { Failure } from '../../protocol/failure.ts';
import type { GrpoEvent, GrpoEventOf, MeasuredPoint, SampledGroup } from '../../protocol/grpo.ts';

/**
 * `preparing` until the first branch begins; a `finished` one stays open for forks; `failed` is an end, and `past` is one
 * that was finished on an earlier visit.
 */
export type CollapsePhase = 'idle' | 'preparing' | 'running' | 'paused' | 'finished' | 'past' | 'failed';

/** From `step` on, the dial of a branch stands at `value`. */
export interface DialPosition {
  readonly step: number;
  readonly value: number;
}

/** Completions kept after a step. */
export interface KeptSamples {
  readonly step: number;
  readonly groups: readonly SampledGroup[];
}

/** One branch. */
export interface BranchState {
  readonly id: number;
  readonly name: string;
  readonly parent: GrpoEventOf<'branch'>['parent'];
  readonly step: number;
  readonly steps: number;
  /** Every step, those before its fork included. */
  readonly history: readonly GrpoEventOf<'step'>[];
  readonly points: readonly MeasuredPoint[];
  readonly samples: readonly KeptSamples[];
  readonly dials: readonly DialPosition[];
  /** Steps it can be forked at. */
  readonly checkpoints: readonly number[];
  /** Spent on measurements so far. */
  readonly measureMs: number;
  readonly ended: GrpoEventOf<'branch-ended'> | undefined;
}

export interface CollapseState {
  readonly phase: CollapsePhase;
  readonly stage: GrpoEventOf<'preparing'>['stage'] | undefined;
  readonly backend: GrpoEventOf<'backend'> | undefined;
  readonly prepared: GrpoEventOf<'prepared'> | undefined;
  readonly branches: readonly BranchState[];
  /** Why the last checkpoint of a branch could not be kept; undefined while all could. */
  readonly unsaved: Failure | undefined;
  /** Why another GPU is being opened. */
  readonly recovering: string | undefined;
  /** Why the last command was not followed; gone with the next event of a branch. */
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

/** One that was just asked for. */
export const STARTED_DEMONSTRATION: CollapseState = { ...NO_DEMONSTRATION, phase: 'preparing' };

/** Whether the worker holds the demonstration, if only waiting. */
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

/** A fork begins with what its parent was at that step. */
function beginBranch(branches: readonly BranchState[], event: GrpoEventOf<'branch'>): BranchState {
  const { branch: id, name, parent, step, steps, curve } = event;
  const before = parent === null ? undefined : branches[parent.branch];
  return {
    id,
    name,
    parent,
    step,
    steps,
    history: before?.history.filter((each) => each.step <= step) ?? [],
    points: curve,
    samples: before?.samples.filter((each) => each.step <= step) ?? [],
    dials: before?.dials.filter((each) => each.step < step) ?? [],
    checkpoints: [],
    measureMs: 0,
    ended: undefined,
  };
}

/** What was told of later steps comes again. */
function rewind(branch: BranchState, step: number): BranchState {
  return {
    ...branch,
    step: Math.max(0, step),
    history: branch.history.filter((each) => each.step <= step),
    points: branch.points.filter((each) => each.step <= step),
    samples: branch.samples.filter((each) => each.step <= step),
    dials: branch.dials.filter((each) => each.step < step),
  };
}

function withStep(branch: BranchState, event: GrpoEventOf<'step'>): BranchState {
  const { dial } = event.balance;
  const isMoved = dial !== null && dial !== branch.dials.at(-1)?.value;
  return {
    ...branch,
    step: event.step,
    history: [...branch.history, event],
    dials: isMoved ? [...branch.dials, { step: event.step - 1, value: dial }] : branch.dials,
  };
}

function withBranch(state: CollapseState, id: number, change: (branch: BranchState) => BranchState): CollapseState {
  return { ...state, branches: state.branches.map((branch) => (branch.id === id ? change(branch) : branch)) };
}
