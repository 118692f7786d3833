/**
 * Students in a session: they learn from a bundled model, are stopped and resumed to the same bits by another worker,
 * and their checkpoints can answer, teach and be restarted.
 */
import * as tf from '@tensorflow/tfjs-core';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { disposeLabModel, loadLabModel, MODEL_FILES } from '../../../src/infer/lab-model.ts';
import { checkpointUrl } from '../../../src/protocol/grpo.ts';
import { TrainingEventSchema } from '../../../src/protocol/training.ts';
import { modelInCheckpoint } from '../../../src/sessions/model-in-checkpoint.ts';
import { smallModelFiles } from '../../reference/small-lab-model.ts';
import { TrainingHarness } from './training-harness.ts';

const TEACHER_URL = 'http://localhost/models/small/';
const FILES = smallModelFiles();
const getModel = () => Promise.resolve(FILES);

function student(distill: Record<string, unknown> = {}, teacherUrl = TEACHER_URL) {
  const experiment = {
    name: 'pupil',
    world: { trainQueries: 8, devQueries: 2, testQueries: 1 },
    queries: 4,
    devPairs: 2,
    distill: {
      steps: 4,
      batchSize: 4,
      warmupSteps: 1,
      logEvery: 1,
      evaluateEvery: 2,
      checkpointEvery: 2,
      sequencesPerPass: 8,
      maxTokens: 8,
      ...distill,
    },
  };
  return { from: { kind: 'student' as const, experiment, teacherUrl }, backend: 'wasm' as const };
}

describe('a student', () => {
  it('sends events that the page accepts, and frees what it allocates', async () => {
    const harness = new TrainingHarness(undefined, getModel);
    await harness.train(student({ steps: 1 }));
    const before = tf.memory().numTensors;
    const end = await harness.train(student());
    expect(end).toMatchObject({ kind: 'finished', step: 4 });
    expect(tf.memory().numTensors).toBe(before);
    for (const event of harness.events) expect(v.parse(TrainingEventSchema, event)).toEqual(event);
    expect(harness.of('prepared').at(-1)).toMatchObject({ step: 0, steps: 4, trainPairs: 24, devPairs: 2 });
    const steps = harness.of('log').map(({ step }) => step);
    expect(steps).toEqual([1, 1, 2, 3, 4]);
    expect(harness.of('evaluation').map(({ step }) => step)).toEqual([1, 2, 4]);
    expect(harness.store.runRecords).toEqual(['start 1', 'finish', 'start 4', 'finish']);
  });

  it.each([
    ['jsd', { method: { kind: 'jsd' }, expertWeight: 0.3 }],
    ['its own completions', { method: { kind: 'jsd', studentShare: 1, studentFrom: 0 } }],
  ])('by %s that was stopped resumes in another worker to the same bits', async (_, settings) => {
    const whole = new TrainingHarness(undefined, getModel);
    const finished = await whole.train(student({ ...settings, checkpointEvery: 100 }));

    const broken = new TrainingHarness(undefined, getModel);
    broken.onEvent((event) => {
      if (event.kind === 'log' && event.step === 2) void broken.service.command({ kind: 'stop' });
    });
    const stopped = await broken.train(student({ ...settings, checkpointEvery: 100 }));
    expect(stopped).toMatchObject({ kind: 'stopped', step: 2, checkpointId: 'c1' });

    const resumed = new TrainingHarness(broken.store, getModel);
    const end = await resumed.train({ from: { kind: 'checkpoint', id: 'c1' }, backend: 'wasm' });
    if (end.kind !== 'finished' || finished.kind !== 'finished') throw new Error('A run did not finish.');
    expect(end).toMatchObject({ weightsHash: finished.weightsHash, tokens: finished.tokens });
    expect(resumed.of('prepared')[0]).toMatchObject({ step: 2, runId: broken.of('prepared')[0]?.runId });
  });

  it('gives a model that answers, names its teacher, and can teach', async () => {
    const harness = new TrainingHarness(undefined, getModel);
    await harness.train(student({ steps: 2 }));
    const { manifest, payload } = await harness.store.load('c1');
    const files = await modelInCheckpoint(manifest, payload);
    const model = await loadLabModel(new Map(MODEL_FILES.map((name) => [name, files[name]])));
    expect(model.card).toMatchObject({ name: 'pupil', training: { steps: 2 }, data: { trainPairs: 24 } });
    expect(model.card.distillation?.method).toMatch(/^JSD/u);
    disposeLabModel(model);

    const next = new TrainingHarness(harness.store, () => Promise.reject(new Error('not asked for')));
    expect(await next.train(student({ steps: 1 }, checkpointUrl('c1')))).toMatchObject({ kind: 'finished' });
  });

  it('evaluates and saves during a pause, and continues', async () => {
    const harness = new TrainingHarness(undefined, getModel);
    harness.onEvent(({ kind }) => {
      if (kind === 'prepared') void harness.service.command({ kind: 'pause' });
    });
    const ended = harness.train(student({ evaluateEvery: 100, checkpointEvery: 100 }));
    expect((await harness.next('paused')).step).toBe(0);
    const evaluated = harness.next('evaluation');
    await harness.service.command({ kind: 'evaluate' });
    expect(await evaluated).toMatchObject({ step: 0, isScheduled: false });
    const saved = harness.next('checkpoint');
    await harness.service.command({ kind: 'save' });
    expect(await saved).toMatchObject({ step: 0 });
    await harness.service.command({ kind: 'resume' });
    expect((await ended).kind).toBe('finished');
  });

  it('whose teacher is missing, or has other rules, is a typed failure', async () => {
    const gone = new TrainingHarness();
    expect(await gone.train(student({}, checkpointUrl('none')))).toMatchObject({ kind: 'failed', code: 'not-found' });
    const lab = JSON.parse(new TextDecoder().decode(FILES.get('lab.json'))) as Record<string, unknown>;
    const without = new TextEncoder().encode(JSON.stringify({ ...lab, instruction: null, tailRules: [] }));
    const other = new TrainingHarness(undefined, () => Promise.resolve(new Map([...FILES, ['lab.json', without]])));
    const failed = await other.train(student());
    expect(failed).toMatchObject({ kind: 'failed', code: 'bad-config' });
    expect(tf.memory().numTensors).toBe(0);
  });
});
