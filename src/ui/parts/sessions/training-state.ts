/**
 * The state of a run, and how each event of the worker changes it. The functions are pure, so that every order of
 * events can be tested; the elements only draw the state.
 */
import type { Failure } from '../../../protocol/failure.ts';
import type { TrainingEvent, TrainingEventOf } from '../../../protocol/training.ts';
import { moduleNorms } from './module-tree.ts';
import { addPoint, type Curve, cutAfter, EMPTY_CURVE } from '../charts/curve.ts';

/**
 * `preparing` from the start until the data is ready, `recovering` while a lost GPU is replaced; `finished`, `stopped`
 * and `failed` are ends.
 */
export type TrainingPhase =
  'idle' | 'preparing' | 'running' | 'paused' | 'recovering' | 'finished' | 'stopped' | 'failed';

/** The curves of a run, in the order of steps. */
export interface RunCurves {
  /** On training pairs, nats. */
  readonly loss: Curve;
  /** On held-out pairs, nats. */
  readonly devLoss: Curve;
  /** On held-out pairs, a share. */
  readonly devAccuracy: Curve;
  /** The gradient norm of each module by its path (module-tree.ts). */
  readonly modules: ReadonlyMap<string, Curve>;
  /** The root mean square of what each module gives, by the same paths; some modules have none. */
  readonly activations: ReadonlyMap<string, Curve>;
}

export interface TrainingState {
  readonly phase: TrainingPhase;
  readonly backend: TrainingEventOf<'backend'> | undefined;
  readonly stage: TrainingEventOf<'preparing'>['stage'] | undefined;
  readonly prepared: TrainingEventOf<'prepared'> | undefined;
  /** Updates made, and total updates. */
  readonly step: number;
  readonly steps: number;
  readonly curves: RunCurves;
  readonly log: TrainingEventOf<'log'> | undefined;
  readonly evaluation: TrainingEventOf<'evaluation'> | undefined;
  readonly checkpoint: TrainingEventOf<'checkpoint'> | undefined;
  /** Why the last checkpoint could not be stored; cleared once one is. */
  readonly unsaved: TrainingEventOf<'unsaved'> | undefined;
  /** Why the GPU had to be opened again, if it was. */
  readonly recovery: TrainingEventOf<'recovering'> | undefined;
  /** Of all weights at the end. */
  readonly weightsHash: string | undefined;
  /** The last checkpoint of a run that has ended. */
  readonly lastCheckpointId: string | null;
  readonly failure: Failure | undefined;
}

const NO_CURVES: RunCurves = {
  loss: EMPTY_CURVE,
  devLoss: EMPTY_CURVE,
  devAccuracy: EMPTY_CURVE,
  modules: new Map(),
  activations: new Map(),
};

export const NO_RUN: TrainingState = {
  phase: 'idle',
  backend: undefined,
  stage: undefined,
  prepared: undefined,
  step: 0,
  steps: 0,
  curves: NO_CURVES,
  log: undefined,
  evaluation: undefined,
  checkpoint: undefined,
  unsaved: undefined,
  recovery: undefined,
  weightsHash: undefined,
  lastCheckpointId: null,
  failure: undefined,
};

/** A run that was just requested. */
export const STARTED_RUN: TrainingState = { ...NO_RUN, phase: 'preparing' };

/** Whether the worker still holds the run, even if idle. */
export function isUnderWay({ phase }: TrainingState): boolean {
  return phase === 'preparing' || phase === 'running' || phase === 'paused' || phase === 'recovering';
}

/** The state after one event. Events after the end, or without a run, are ignored. */
export function applyTrainingEvent(state: TrainingState, event: TrainingEvent): TrainingState {
  if (!isUnderWay(state)) return state;
  switch (event.kind) {
    case 'backend':
      return { ...state, backend: event };
    case 'preparing':
      return { ...state, stage: event.stage };
    case 'prepared':
      return begin(state, event);
    case 'log':
      return {
        ...state,
        step: event.step,
        log: event,
        curves: {
          ...state.curves,
          loss: addPoint(state.curves.loss, event.step, event.lossNats),
          modules: withValues(state.curves.modules, event.step, moduleNorms(event.gradNorms ?? {})),
          activations: withValues(
            state.curves.activations,
            event.step,
            new Map(Object.entries(event.activations ?? {})),
          ),
        },
      };
    case 'evaluation':
      return { ...state, evaluation: event, curves: withEvaluation(state.curves, event) };
    case 'checkpoint':
      return { ...state, step: event.step, checkpoint: event, unsaved: undefined };
    case 'unsaved':
      return { ...state, unsaved: event };
    case 'paused':
      return { ...state, phase: 'paused', step: event.step };
    case 'resumed':
      return { ...state, phase: 'running' };
    case 'refused':
      return state;
    case 'recovering':
      return { ...state, phase: 'recovering', stage: undefined, recovery: event };
    case 'finished':
      return {
        ...state,
        phase: 'finished',
        step: event.step,
        weightsHash: event.weightsHash,
        lastCheckpointId: event.checkpointId,
      };
    case 'stopped':
      return { ...state, phase: 'stopped', step: event.step, lastCheckpointId: event.checkpointId };
    case 'failed':
      return { ...state, phase: 'failed', failure: event, lastCheckpointId: event.checkpointId };
    default:
      return event satisfies never;
  }
}

/** A run that starts, resumes from a checkpoint, or restarts after its GPU was lost; later points are dropped. */
function begin(state: TrainingState, prepared: TrainingEventOf<'prepared'>): TrainingState {
  const { step, steps, curve } = prepared;
  const isSameRun = state.prepared?.runId === prepared.runId;
  const curves = isSameRun ? cutCurves(state.curves, step) : curve.reduce(withCurvePoint, NO_CURVES);
  return { ...state, phase: 'running', stage: undefined, prepared, step, steps, curves };
}

function cutCurves({ loss, devLoss, devAccuracy, modules, activations }: RunCurves, step: number): RunCurves {
  const cutAll = (curves: ReadonlyMap<string, Curve>): ReadonlyMap<string, Curve> =>
    new Map([...curves].map(([path, curve]) => [path, cutAfter(curve, step)]));
  return {
    loss: cutAfter(loss, step),
    devLoss: cutAfter(devLoss, step),
    devAccuracy: cutAfter(devAccuracy, step),
    modules: cutAll(modules),
    activations: cutAll(activations),
  };
}

/** Curves with one more point each; no values leave them as they are. */
function withValues(
  curves: ReadonlyMap<string, Curve>,
  step: number,
  values: ReadonlyMap<string, number>,
): ReadonlyMap<string, Curve> {
  if (values.size === 0) return curves;
  const next = new Map(curves);
  for (const [path, value] of values) next.set(path, addPoint(curves.get(path) ?? EMPTY_CURVE, step, value));
  return next;
}

function withCurvePoint(curves: RunCurves, point: TrainingEventOf<'prepared'>['curve'][number]): RunCurves {
  const { step, lossNats, devAccuracy = null, devLossNats = null } = point;
  return withEvaluation(
    { ...curves, loss: addPoint(curves.loss, step, lossNats) },
    { step, accuracy: devAccuracy, expertLossNats: devLossNats },
  );
}

function withEvaluation(
  curves: RunCurves,
  measured: Pick<TrainingEventOf<'evaluation'>, 'step' | 'accuracy' | 'expertLossNats'>,
): RunCurves {
  const { step, accuracy, expertLossNats } = measured;
  return {
    ...curves,
    devLoss: expertLossNats === null ? curves.devLoss : addPoint(curves.devLoss, step, expertLossNats),
    devAccuracy: accuracy === null ? curves.devAccuracy : addPoint(curves.devAccuracy, step, accuracy),
  };
}
