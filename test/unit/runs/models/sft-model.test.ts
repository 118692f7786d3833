/** Any checkpoint of a run contains a whole model: its files load, answer, and state their origin correctly. */
import * as tf from '@tensorflow/tfjs-core';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { readSftCheckpoint, writeSftCheckpoint } from '../../../../src/runs/sft-checkpoint.ts';
import { modelFilesOf } from '../../../../src/runs/models/sft-model.ts';
import { answerPair } from '../../../../src/infer/answer.ts';
import { disposeLabModel, loadLabModel, MODEL_FILES } from '../../../../src/infer/lab-model.ts';
import { type ScoringEvent, ScoringEventSchema } from '../../../../src/protocol/scoring.ts';
import { TrainingHarness, tinyExperiment } from '../../sessions/training-harness.ts';

const SAVED_AT = Date.UTC(2026, 10, 24);

async function checkpointBytes(world: Record<string, unknown> = {}): Promise<Uint8Array> {
  const harness = new TrainingHarness();
  const plain = tinyExperiment();
  const experiment = { ...plain, world: { ...(plain['world'] as Record<string, unknown>), ...world } };
  const last = await harness.train({ from: { kind: 'experiment', experiment }, backend: 'wasm' });
  expect(last.kind).toBe('finished');
  const kept = harness.store.saved.get('c1'); // of step 4 of 8
  if (kept === undefined) throw new Error('The run kept no checkpoint.');
  return kept.payload;
}

describe('the model in a checkpoint', () => {
  it('has the weights of the checkpoint, answers, and is marked unfinished', async () => {
    const bytes = await checkpointBytes();
    const files = modelFilesOf(bytes, SAVED_AT);
    expect(Object.keys(files).toSorted()).toEqual([...MODEL_FILES].toSorted());

    const model = await loadLabModel(new Map(MODEL_FILES.map((name) => [name, files[name]])));
    const saved = readSftCheckpoint(bytes);
    for (const [name, { data }] of saved.state.weights) {
      expect(await model.transformer.weights.get(name)?.data(), name).toEqual(data);
    }
    expect(model.card).toMatchObject({ name: 'tiny', data: { hash: saved.dataHash, trainPairs: 48 } });
    expect(model.card.training).toMatchObject({ steps: 4, date: '2026-11-24', tokens: saved.state.tokens });
    expect(model.card.limits[0]).toBe('Saved at step 4 of 8, before the end.');

    const events: ScoringEvent[] = [];
    const [example] = model.examples;
    if (example === undefined) throw new Error('The model has no example.');
    await answerPair(model, example.pair, { emit: (event) => events.push(v.parse(ScoringEventSchema, event)) });
    expect(events[0]?.kind).toBe('label');
    expect(events.at(-1)?.kind).toBe('done');
    disposeLabModel(model);
    expect(tf.memory().numTensors).toBe(0);
  });

  it('counts training pairs where the world leaves some out', async () => {
    const files = modelFilesOf(await checkpointBytes({ trainTailWeight: 0 }), SAVED_AT);
    const model = await loadLabModel(new Map(MODEL_FILES.map((name) => [name, files[name]])));
    expect(model.card.data.trainPairs).toBeGreaterThan(0);
    expect(model.card.data.trainPairs).toBeLessThan(48);
    disposeLabModel(model);
  });

  it('is rejected if its world has changed', async () => {
    const saved = readSftCheckpoint(await checkpointBytes());
    const bytes = writeSftCheckpoint({ ...saved, dataHash: 'another' });
    expect(() => modelFilesOf(bytes, SAVED_AT)).toThrow(/rule world has changed/u);
  });
});
