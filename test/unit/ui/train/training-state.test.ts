/** The state of a run after any order of events, and its description. */
import { describe, expect, it } from 'vitest';
import type { TrainingEvent } from '../../../../src/protocol/training.ts';
import { announcement, progressText } from '../../../../src/ui/parts/sessions/training-text.ts';
import {
  applyTrainingEvent,
  isUnderWay,
  NO_RUN,
  STARTED_RUN,
  type TrainingState,
} from '../../../../src/ui/parts/sessions/training-state.ts';
import { evaluationEvent, logEvent, preparedEvent } from './run-events.ts';

const after = (...events: TrainingEvent[]): TrainingState => events.reduce(applyTrainingEvent, STARTED_RUN);
const stepsOf = ({ curves }: TrainingState): number[] => curves.loss.points.map(({ step }) => step);

describe('a run', () => {
  it('prepares, runs, and finishes with its hash and its checkpoint', () => {
    expect(after({ kind: 'preparing', stage: 'tokenizer' })).toMatchObject({ phase: 'preparing', stage: 'tokenizer' });
    const running = after(preparedEvent(), logEvent(10), evaluationEvent(10, 0.5), logEvent(20, 0.5));
    expect(running).toMatchObject({ phase: 'running', step: 20, steps: 100 });
    expect(stepsOf(running)).toEqual([10, 20]);
    expect(running.curves.devAccuracy.points).toEqual([{ step: 10, value: 0.5, count: 1 }]);
    const done = applyTrainingEvent(running, {
      kind: 'finished',
      step: 100,
      tokens: 1,
      weightsHash: 'abc',
      checkpointId: 'c',
    });
    expect(done).toMatchObject({ phase: 'finished', step: 100, weightsHash: 'abc', lastCheckpointId: 'c' });
    expect(isUnderWay(done)).toBe(false);
  });

  it('has the gradient norm of each module and what it gives, cut where steps are repeated', () => {
    const overflowed = { ...logEvent(15), gradNorms: null, activations: null };
    const state = after(preparedEvent(), logEvent(10, 0.8), overflowed, logEvent(20, 0.25));
    expect([...state.curves.modules.keys()]).toEqual([
      '',
      'model.embed_tokens',
      'model.layers.0',
      'model.layers.0.mlp',
      'model.layers.0.mlp.up_proj',
    ]);
    const whole = state.curves.modules.get('')?.points ?? [];
    expect(whole.map(({ step, value }) => [step, Number(value.toFixed(6))])).toEqual([
      [10, 1],
      [20, 0.65],
    ]);
    const lost = applyTrainingEvent(state, { kind: 'recovering', step: 10, reason: 'reset' });
    const back = applyTrainingEvent(lost, preparedEvent({ step: 10 }));
    expect(back.curves.modules.get('model.layers.0')?.points.map(({ step }) => step)).toEqual([10]);
    const given = (curves: typeof state.curves): unknown =>
      curves.activations.get('model.layers.0.mlp')?.points.map(({ step, value }) => [step, value]);
    expect([given(state.curves), given(back.curves)]).toEqual([
      [
        [10, 1.6],
        [20, 0.5],
      ],
      [[10, 1.6]],
    ]);
  });

  it('stays paused while it makes single steps', () => {
    const state = after(preparedEvent(), { kind: 'paused', step: 5 }, logEvent(6), { kind: 'paused', step: 6 });
    expect(state).toMatchObject({ phase: 'paused', step: 6 });
    expect(applyTrainingEvent(state, { kind: 'resumed', step: 6 }).phase).toBe('running');
  });

  it('that resumes from a checkpoint shows its earlier curve', () => {
    const curve = [{ step: 50, tokens: 1, lossNats: 2, devAccuracy: 0.4, devLossNats: 2.2 }];
    const state = after(preparedEvent({ step: 60, curve }));
    expect(state).toMatchObject({ step: 60, phase: 'running' });
    expect(stepsOf(state)).toEqual([50]);
    expect(state.curves.devLoss.points).toEqual([{ step: 50, value: 2.2, count: 1 }]);
  });

  it('that lost its GPU drops the steps it will repeat, and keeps the others', () => {
    const lost = after(preparedEvent(), logEvent(10), logEvent(20), logEvent(30), {
      kind: 'recovering',
      step: 20,
      reason: 'reset',
    });
    expect(lost.phase).toBe('recovering');
    const back = applyTrainingEvent(lost, preparedEvent({ step: 20 }));
    expect(back).toMatchObject({ phase: 'running', step: 20 });
    expect(stepsOf(back)).toEqual([10, 20]);
  });

  it('continues when a checkpoint could not be stored, and clears the failure once one is', () => {
    const unsaved = after(preparedEvent(), { kind: 'unsaved', step: 5, code: 'out-of-memory', message: 'full' });
    expect(unsaved).toMatchObject({ phase: 'running', unsaved: { message: 'full' } });
    const saved = applyTrainingEvent(unsaved, { kind: 'checkpoint', step: 10, id: 'c', sizeBytes: 1 });
    expect(saved.unsaved).toBeUndefined();
  });

  it('ignores events after its end, or without a run', () => {
    const failed = after({ kind: 'failed', code: 'no-backend', message: 'none', checkpointId: null });
    expect(applyTrainingEvent(failed, logEvent(5))).toBe(failed);
    expect(applyTrainingEvent(NO_RUN, logEvent(5))).toBe(NO_RUN);
  });

  it('has no point where nothing could be measured', () => {
    expect(after(preparedEvent(), evaluationEvent(10, null)).curves.devAccuracy.points).toEqual([]);
  });
});

describe('the announcement', () => {
  it('changes with phases and evaluations, not with steps', () => {
    const told = new Set<string>();
    let state = STARTED_RUN;
    const events: TrainingEvent[] = [
      preparedEvent(),
      ...[5, 10, 15, 20].map((step) => logEvent(step)),
      evaluationEvent(20, 0.61),
    ];
    for (const event of [...events, logEvent(25), { kind: 'paused', step: 25 } as const]) {
      state = applyTrainingEvent(state, event);
      told.add(announcement(state));
    }
    expect([...told]).toEqual(['Training.', 'Step 20: 61 % of held-out labels right.', 'Paused at step 25.']);
  });

  it('leaves a failure to its own notice', () => {
    expect(announcement(after({ kind: 'failed', code: 'internal', message: 'x', checkpointId: null }))).toBe('');
  });
});

describe('the progress', () => {
  const running = after(preparedEvent({ steps: 1200 }), logEvent(10));
  it.each([
    [running, undefined, 'of 1,200, 1 s left'],
    [running, 'pause', 'of 1,200, pausing'],
    [running, 'stop', 'of 1,200, saving and stopping'],
    [{ ...running, phase: 'paused' } as const, undefined, 'of 1,200, paused'],
    [{ ...running, phase: 'stopped' } as const, undefined, 'of 1,200, stopped'],
    [{ ...running, log: undefined }, undefined, 'of 1,200'],
  ] as const)('is shown beside the step (%#)', (state, pending, text) => {
    expect(progressText(state, pending)).toBe(text);
  });
});
