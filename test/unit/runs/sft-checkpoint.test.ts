/** Checkpoints of every version that was ever written can be read, exactly. */
import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { readSafetensors } from '../../../src/checkpoint/safetensors.ts';
import { readSftCheckpoint, writeSftCheckpoint } from '../../../src/runs/sft-checkpoint.ts';
import { parseSftExperiment, SftExperimentSchema } from '../../../src/protocol/sft-experiment.ts';

const V1 = readFileSync(new URL('../../fixtures/sft/checkpoint-v1.safetensors', import.meta.url));

describe('a checkpoint of version 1', () => {
  it('is read: a run on a rule world', () => {
    const { experiment, dataHash, trainPairs, state, curve, tokenizer } = readSftCheckpoint(V1);
    expect(experiment).toEqual(
      v.parse(SftExperimentSchema, {
        name: 'of version 1',
        preset: 'lab-nano',
        data: { kind: 'world', seed: 7, trainQueries: 300, labelNoise: 0.05 },
        devPairs: 120,
        sft: { steps: 40, batchSize: 8 },
      }),
    );
    expect({ dataHash, trainPairs }).toEqual({ dataHash: '3fa90c11', trainPairs: null });
    expect({ step: state.step, tokens: state.tokens }).toEqual({ step: 20, tokens: 900 });
    expect([...(state.weights.get('model.norm.weight')?.data ?? [])]).toEqual([1, -2, 0.5]);
    expect([...state.optimizer.firstMoment]).toEqual([0.25, 0, -1]);
    expect([...state.optimizer.secondMoment]).toEqual([0.5, 2, 4]);
    expect(curve).toEqual([{ step: 20, tokens: 900, lossNats: 1.25, devAccuracy: 0.5, devLossNats: 1.5 }]);
    expect(tokenizer.vocabSize).toBeGreaterThan(256);
  });

  it('is written as version 2 with the same contents', () => {
    const saved = readSftCheckpoint(V1);
    const bytes = writeSftCheckpoint(saved);
    const run = JSON.parse(readSafetensors(bytes).metadata.get('run') ?? '') as Record<string, unknown>;
    expect(run).toMatchObject({
      schemaVersion: 2,
      dataHash: '3fa90c11',
      experiment: { data: { kind: 'world', seed: 7 } },
    });
    const { tokenizer, ...again } = readSftCheckpoint(bytes);
    const { tokenizer: before, ...first } = saved;
    expect(again).toEqual(first);
    expect(tokenizer.toJson()).toEqual(before.toJson());
  });
});

describe('settings', () => {
  it('of the form that had only rule worlds are read', () => {
    const old = { preset: 'micro', world: { seed: 3, brandCount: 40 } };
    expect(parseSftExperiment('x', old).data).toMatchObject({ kind: 'world', seed: 3, brandCount: 40 });
    expect(parseSftExperiment('x', {}).data).toMatchObject({ kind: 'world', seed: 1 });
  });

  it.each([
    ['both forms at once', { world: {}, data: { kind: 'world' } }],
    ['an unknown kind of data', { data: { kind: 'folder' } }],
    ['a file without its contents', { data: { kind: 'file', name: 'a.tsv' } }],
    ['nearly everything held out', { data: { kind: 'file', name: 'a', sha256: 'a'.repeat(64), devShare: 0.9 } }],
    ['an old world with an unknown key', { world: { colour: 1 } }],
  ])('with %s are rejected', (_, settings) => {
    expect(() => parseSftExperiment('These settings', settings)).toThrow(/These settings/u);
  });
});
