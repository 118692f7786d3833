/**
 * Whole runs of the session service in this process: their events and order, the effect of commands, and that a run
 * stopped and resumed ends in the bits of an uninterrupted one.
 */
import * as tf from '@tensorflow/tfjs-core';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { LabError } from '../../../src/common/errors.ts';
import {
  type TrainingCommand,
  type TrainingEvent,
  TrainingEventSchema,
  type TrainingPlan,
} from '../../../src/protocol/training.ts';
import { RESUMED_ON } from '../../reference/backends.ts';
import { TrainingHarness, tinyExperiment } from './training-harness.ts';

const WASM = { backend: 'wasm' } as const;
const fromSettings = (sft: Record<string, unknown> = {}) => ({
  from: { kind: 'experiment' as const, experiment: tinyExperiment(sft) },
  ...WASM,
});

function expectFinished(event: TrainingEvent): Extract<TrainingEvent, { kind: 'finished' }> {
  if (event.kind !== 'finished') expect.fail(`expected a finished run, got ${JSON.stringify(event)}`);
  return event;
}

describe('a run', () => {
  it('sends its events in order, in a form that the page accepts', async () => {
    const harness = new TrainingHarness();
    const finished = expectFinished(await harness.train(fromSettings()));

    expect(harness.events.map(({ kind }) => kind).join(' ')).toBe(
      'backend preparing preparing preparing prepared log checkpoint log evaluation checkpoint finished',
    );
    for (const event of harness.events) expect(v.parse(TrainingEventSchema, event)).toEqual(event);
    expect(harness.of('backend')[0]).toMatchObject({ backend: 'wasm', problems: [] });
    expect(harness.of('prepared')[0]).toMatchObject({ step: 0, steps: 8, trainPairs: 48, devPairs: 2, curve: [] });
    expect(harness.of('log').map(({ step }) => step)).toEqual([4, 8]);
    expect(harness.of('log')[1]?.secondsLeft).toBe(0);
    expect(harness.of('evaluation')[0]).toMatchObject({ step: 8, isScheduled: true, pairs: 2, completions: 2 });
    expect(harness.of('checkpoint').map(({ step, id }) => [step, id])).toEqual([
      [4, 'c1'],
      [8, 'c2'],
    ]);
    expect(finished).toMatchObject({ step: 8, checkpointId: 'c2', tokens: harness.of('log')[1]?.tokens });
    expect(harness.store.runRecords).toEqual(['start 8', 'finish']);
    expect(harness.store.saved.get('c2')?.info).toMatchObject({
      name: 'tiny, step 8',
      kind: 'sft',
      isAutomatic: true,
      parentId: 'c1',
      runId: harness.of('prepared')[0]?.runId,
      worldHash: harness.of('prepared')[0]?.dataHash,
    });
  });

  it('frees what it allocates, however it ends', async () => {
    const harness = new TrainingHarness();
    await harness.service.plan({ experiment: tinyExperiment(), ...WASM });
    const before = tf.memory().numTensors;
    expectFinished(await harness.train(fromSettings({ steps: 2, batchSize: 2 })));
    expect(tf.memory().numTensors).toBe(before);
    harness.onEvent(({ kind }) => {
      if (kind === 'prepared') void harness.service.command({ kind: 'stop' });
    });
    expect((await harness.train(fromSettings())).kind).toBe('stopped');
    expect(tf.memory().numTensors).toBe(before);
  });

  it('predicts its cost beforehand', async () => {
    const plan = await new TrainingHarness().service.plan({ experiment: tinyExperiment(), ...WASM });
    expect(plan).toMatchObject({ backend: 'wasm', reason: 'chosen by name', problems: [], tooLarge: null });
    expect(plan.predicted.runMs).toBeGreaterThan(8 * plan.predicted.stepMs); // data and evaluations too
  });

  it('is planned on the open backend, which is timed once', async () => {
    const { service } = new TrainingHarness();
    const first = await service.plan({ experiment: tinyExperiment(), ...WASM });
    expect(await service.plan({ experiment: tinyExperiment(), ...WASM })).toEqual(first);
  });

  it('keeps its backend while others are planned', async () => {
    const harness = new TrainingHarness();
    const plans: Promise<TrainingPlan>[] = [];
    harness.onEvent(({ kind }) => {
      if (kind === 'prepared') plans.push(harness.service.plan({ experiment: tinyExperiment(), backend: 'cpu' }));
    });
    expectFinished(await harness.train(fromSettings({ steps: 2, batchSize: 2 })));
    expect(await Promise.all(plans)).toMatchObject([{ backend: 'wasm' }]);
    expect(tf.getBackend()).toBe('wasm');
  });

  it('that does not fit into memory is rejected, as its plan says', async () => {
    const harness = new TrainingHarness();
    const experiment = { ...tinyExperiment(), preset: 'base', sft: { batchSize: 100_000 } };
    expect((await harness.service.plan({ experiment, ...WASM })).tooLarge).toMatch(/MiB/);
  });
});

describe('a run that was interrupted', () => {
  it.each(RESUMED_ON)('and resumed ends in the same bits on %s', async (backend) => {
    const steps = backend === 'cpu' ? 2 : 4; // seconds each
    const sft = { steps, batchSize: 2, checkpointEvery: 100, logEvery: 1 };
    const unbroken = new TrainingHarness();
    const whole = expectFinished(await unbroken.train({ ...fromSettings(sft), backend }));

    const broken = new TrainingHarness();
    broken.onEvent((event) => {
      if (event.kind === 'log' && event.step === steps / 2) void broken.service.command({ kind: 'stop' });
    });
    const stopped = await broken.train({ ...fromSettings(sft), backend });
    expect(stopped).toMatchObject({ kind: 'stopped', step: steps / 2, checkpointId: 'c1' });

    const resumed = new TrainingHarness(broken.store);
    const end = expectFinished(await resumed.train({ from: { kind: 'checkpoint', id: 'c1' }, backend }));
    expect(end).toMatchObject({ weightsHash: whole.weightsHash, tokens: whole.tokens });
    expect(resumed.of('prepared')[0]).toMatchObject({ step: steps / 2, runId: broken.of('prepared')[0]?.runId });
    expect([...broken.of('log'), ...resumed.of('log')].map(({ lossNats }) => lossNats)).toEqual(
      unbroken.of('log').map(({ lossNats }) => lossNats),
    );

    if (backend === 'cpu') return; // which the file does not name
    const bytes = broken.store.saved.get('c1')?.payload ?? new Uint8Array();
    const fromFile = expectFinished(await new TrainingHarness().train({ from: { kind: 'bytes', bytes }, backend }));
    expect(fromFile.weightsHash).toBe(whole.weightsHash);
  });

  it('by pauses, single steps, evaluations and saves ends in the same bits', async () => {
    const sft = { steps: 4, batchSize: 2, logEvery: 100 };
    const whole = expectFinished(await new TrainingHarness().train(fromSettings(sft)));

    const harness = new TrainingHarness();
    const { service } = harness;
    await service.command({ kind: 'pause' }); // there is nothing to pause yet
    harness.onEvent(({ kind }) => {
      if (kind === 'prepared') void service.command({ kind: 'pause' });
    });
    const ended = harness.train(fromSettings(sft));
    expect((await harness.next('paused')).step).toBe(0);

    const pausedAgain = harness.next('paused');
    await service.command({ kind: 'step' });
    expect((await pausedAgain).step).toBe(1);
    expect(harness.of('log').map(({ step }) => step)).toEqual([1]); // a single step shows its loss

    const evaluated = harness.next('evaluation');
    await service.command({ kind: 'evaluate' });
    expect(await evaluated).toMatchObject({ step: 1, isScheduled: false });

    const saved = harness.next('checkpoint');
    await service.command({ kind: 'save' });
    expect(await saved).toMatchObject({ step: 1, id: 'c1' });
    expect(harness.store.saved.get('c1')?.info.isAutomatic).toBe(false);

    await service.command({ kind: 'resume' });
    expect(expectFinished(await ended).weightsHash).toBe(whole.weightsHash);
    expect(harness.of('resumed')).toEqual([{ kind: 'resumed', step: 1 }]);
  });

  it('while its data was prepared has no checkpoint to resume from', async () => {
    const harness = new TrainingHarness();
    harness.onEvent(({ kind }) => {
      if (kind === 'preparing') void harness.service.command({ kind: 'stop' });
    });
    expect(await harness.train(fromSettings())).toEqual({ kind: 'stopped', step: 0, checkpointId: null });
    expect(harness.of('prepared')).toEqual([]);
    expect(harness.store.runRecords).toEqual([]);
  });
});

describe('a failure', () => {
  it.each([
    ['a malformed request', { from: { kind: 'nowhere' } }, 'bad-config'],
    ['settings that do not exist', { from: { kind: 'experiment', experiment: { presett: 'nano' } } }, 'bad-config'],
    ['settings out of range', { from: { kind: 'experiment', experiment: { sft: { steps: 0 } } } }, 'bad-config'],
    ['an unknown checkpoint', { from: { kind: 'checkpoint', id: 'c9' } }, 'not-found'],
    ['bytes that are no checkpoint', { from: { kind: 'bytes', bytes: new Uint8Array(9) } }, 'bad-file'],
    ['a backend that does not start', { ...fromSettings(), backend: 'webgpu' }, 'no-backend'],
    ['a batch larger than the data', fromSettings({ batchSize: 1000 }), 'bad-config'],
  ])('%s is a typed failure', async (_, request, code) => {
    const harness = new TrainingHarness();
    const last = await harness.train(request as Parameters<TrainingHarness['train']>[0]);
    expect(last).toMatchObject({ kind: 'failed', code, checkpointId: null });
    expect(v.safeParse(TrainingEventSchema, last).success).toBe(true);
  });

  it('a malformed command is rejected, and the run continues', async () => {
    const harness = new TrainingHarness();
    const refused: unknown[] = [];
    harness.onEvent(({ kind }) => {
      if (kind !== 'prepared') return;
      harness.service
        .command({ kind: 'rewind' } as unknown as TrainingCommand)
        .catch((error: unknown) => refused.push(error));
    });
    expectFinished(await harness.train(fromSettings({ steps: 2, batchSize: 2 })));
    expect(refused).toMatchObject([{ name: 'bad-config' }]);
  });

  it('a second run fails while the first is under way', async () => {
    const harness = new TrainingHarness();
    const second: TrainingEvent[] = [];
    harness.onEvent(({ kind }) => {
      if (kind === 'prepared') void harness.service.run(fromSettings(), (event) => second.push(event));
    });
    expectFinished(await harness.train(fromSettings({ steps: 2, batchSize: 2 })));
    expect(second).toMatchObject([{ kind: 'failed', code: 'bad-config' }]);
  });

  it('a loss that is not finite ends the run, which can be resumed from an earlier checkpoint', async () => {
    const harness = new TrainingHarness();
    const last = await harness.train(
      fromSettings({ learningRate: 1e30, maxGradNorm: 1e30, warmupSteps: 0, logEvery: 1, checkpointEvery: 1 }),
    );
    expect(last).toMatchObject({ kind: 'failed', code: 'not-finite', checkpointId: 'c1' });
    expect(harness.store.runRecords).toEqual(['start 8', 'release']);
  });

  it('a checkpoint that cannot be stored is reported, and the run continues', async () => {
    const harness = new TrainingHarness();
    harness.store.failure = new LabError('out-of-memory', { message: 'The storage is full.' });
    const finished = expectFinished(await harness.train(fromSettings({ steps: 2, batchSize: 2 })));
    expect(harness.of('unsaved')).toMatchObject([{ step: 2, code: 'out-of-memory' }]);
    expect(finished.checkpointId).toBeNull();
  });
});
