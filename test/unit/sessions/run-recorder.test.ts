/** The recording of a session for a reloaded page, and when it is dropped. */
import { describe, expect, it } from 'vitest';
import { LabError } from '../../../src/common/errors.ts';
import type { GrpoEvent } from '../../../src/protocol/grpo.ts';
import type { TrainingEvent } from '../../../src/protocol/training.ts';
import { RunRecorder } from '../../../src/sessions/run-recorder.ts';
import { applyGrpoEvent, STARTED_DEMONSTRATION } from '../../../src/ui/collapse/collapse-state.ts';
import { applyTrainingEvent, STARTED_RUN } from '../../../src/ui/parts/sessions/training-state.ts';
import { GrpoHarness, tinyBranch } from './grpo-harness.ts';
import { MemoryStore } from './memory-store.ts';
import { TrainingHarness, tinyExperiment } from './training-harness.ts';

describe('a run that has ended', () => {
  it('shows the same after a reload as before, however often it was paused', async () => {
    const harness = new TrainingHarness();
    let isPaused = false;
    harness.onEvent((event) => {
      if (event.kind === 'log' && event.step === 1 && !isPaused) void harness.service.command({ kind: 'pause' });
      if (event.kind !== 'paused') return;
      isPaused = true;
      void harness.service.command({ kind: 'evaluate' });
      void harness.service.command({ kind: 'resume' });
    });
    const experiment = tinyExperiment({ steps: 4, logEvery: 1 });
    await harness.train({ from: { kind: 'experiment', experiment }, backend: 'wasm' });
    const record = harness.store.recorded.get('train');
    const shown = harness.events.reduce(applyTrainingEvent, STARTED_RUN);
    const again = ((record?.events ?? []) as TrainingEvent[]).reduce(applyTrainingEvent, STARTED_RUN);
    expect(again).toEqual({ ...shown, stage: undefined });
    expect(again.phase).toBe('finished');
    expect(again.curves.loss.points).toHaveLength(4);
  });

  it('is dropped when another begins, and a run that never began leaves nothing', async () => {
    const harness = new TrainingHarness();
    const short = {
      from: { kind: 'experiment' as const, experiment: tinyExperiment({ steps: 1 }) },
      backend: 'wasm' as const,
    };
    await harness.train(short);
    expect(harness.store.recorded.has('train')).toBe(true);
    harness.onEvent(({ kind }) => {
      if (kind === 'preparing') void harness.service.command({ kind: 'stop' });
    });
    expect((await harness.train(short)).kind).toBe('stopped');
    expect(harness.store.recorded.has('train')).toBe(false);
  });

  it('is not affected by a full store', async () => {
    const harness = new TrainingHarness();
    harness.store.failure = new LabError('storage-full', { message: 'There is no room.' });
    const experiment = tinyExperiment({ steps: 1 });
    const end = await harness.train({ from: { kind: 'experiment', experiment }, backend: 'wasm' });
    expect(end.kind).toBe('finished');
    expect(harness.store.recorded.size).toBe(0);
  });

  it('keeps a log of bounded length, evenly from all of it, and all measurements', async () => {
    const store = new MemoryStore();
    const recorder = new RunRecorder<{ readonly kind: string; readonly step?: number }>('train', () =>
      Promise.resolve(store),
    );
    recorder.note({ kind: 'prepared' });
    for (let step = 1; step <= 20_000; step++) {
      recorder.note({ kind: 'log', step });
      if (step % 1000 === 0) recorder.note({ kind: 'evaluation', step });
    }
    await recorder.keep({ kind: 'finished' });
    const events = (store.recorded.get('train')?.events ?? []) as { kind: string; step: number }[];
    const steps = events.filter(({ kind }) => kind === 'log').map(({ step }) => step);
    expect(events.filter(({ kind }) => kind === 'evaluation')).toHaveLength(20);
    expect(steps.length).toBeGreaterThan(500);
    expect(steps.length).toBeLessThanOrEqual(1000);
    const gaps = new Set(steps.slice(1).map((step, i) => step - (steps[i] ?? 0)));
    expect(gaps.size).toBe(1);
    expect(steps.at(-1)).toBeGreaterThan(19_900);
  });
});

describe('a demonstration', () => {
  it('that is finished can be shown again with curves, strips and completions; a reset drops it', async () => {
    const store = new MemoryStore();
    const harness = new GrpoHarness(store);
    const over = harness.run({ MBO: tinyBranch({ steps: 2 }) });
    await harness.next('finished');
    const shown = harness.events.reduce(applyGrpoEvent, STARTED_DEMONSTRATION);
    const events = store.recorded.get('collapse')?.events as GrpoEvent[];
    const again = events.reduce(applyGrpoEvent, STARTED_DEMONSTRATION);
    expect(again.branches).toEqual(shown.branches);
    expect(again.branches[0]?.samples).not.toEqual([]);
    await harness.command({ kind: 'stop' });
    expect(await over).toEqual({ kind: 'stopped' });
    expect(store.recorded.size).toBe(0);
  });
});
