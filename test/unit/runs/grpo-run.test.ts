/**
 * GRPO runs from settings to weights, on an untrained model: a run is a function of its settings, however often it is
 * interrupted.
 */
import * as v from 'valibot';
import { beforeAll, describe, expect, it } from 'vitest';
import { LabError } from '../../../src/common/errors.ts';
import { type GrpoCheckpoint, readGrpoCheckpoint, writeGrpoCheckpoint } from '../../../src/runs/grpo-checkpoint.ts';
import { type FinishedGrpo, type GrpoHooks, runGrpo } from '../../../src/runs/grpo-run.ts';
import { prepareGrpo, startOf, type StartModel } from '../../../src/runs/grpo-task.ts';
import { disposeLabModel, loadLabModel } from '../../../src/infer/lab-model.ts';
import { readWeights } from '../../../src/model/weights.ts';
import { GrpoExperimentSchema, type GrpoExperimentInput } from '../../../src/protocol/grpo-experiment.ts';
import { useBackend } from '../../reference/backends.ts';
import { expectSameWeights } from '../../reference/expect-same-weights.ts';
import { smallModelFiles } from '../../reference/small-lab-model.ts';

const STEPS = 4;

function settings(more: GrpoExperimentInput['grpo'] = {}, rest: GrpoExperimentInput = {}) {
  return v.parse(GrpoExperimentSchema, {
    data: { kind: 'world', trainQueries: 60, devQueries: 30, testQueries: 30 },
    queries: 4,
    probePrompts: 2,
    probeSamples: 2,
    devPairs: 4,
    ...rest,
    grpo: {
      steps: STEPS,
      prompts: 2,
      samples: 2,
      maxTokens: 6,
      expertBatch: 2,
      evaluateEvery: 2,
      checkpointEvery: 2,
      learningRate: 1e-3,
      ...more,
    },
  });
}

let start: StartModel;

beforeAll(async () => {
  await useBackend('wasm');
  const lab = await loadLabModel(smallModelFiles());
  start = { ...startOf(lab), weights: await readWeights(lab.transformer.weights) };
  disposeLabModel(lab);
});

async function run(
  experiment: ReturnType<typeof settings>,
  saved?: GrpoCheckpoint,
  hooks: GrpoHooks = {},
): Promise<FinishedGrpo> {
  return runGrpo(experiment, await prepareGrpo(experiment, start), start, saved, hooks);
}

/** A checkpoint of a run that is killed right after it was written, read back from its bytes. */
async function killedAt(step: number, experiment: ReturnType<typeof settings>): Promise<GrpoCheckpoint> {
  const controller = new AbortController();
  let bytes: Uint8Array | undefined;
  await run(experiment, undefined, {
    signal: controller.signal,
    onCheckpoint: async (checkpoint) => {
      if (checkpoint.state.step !== step) return;
      bytes = writeGrpoCheckpoint(checkpoint);
      controller.abort();
      await Promise.resolve();
    },
  }).catch((error: unknown) => {
    if (!(error instanceof LabError) || error.code !== 'aborted') throw error;
  });
  if (bytes === undefined) throw new Error(`killedAt: no checkpoint at step ${step}`);
  return readGrpoCheckpoint(bytes);
}

describe('a reinforcement run', () => {
  it('is measured at its start, at intervals and at its end', async () => {
    const { curve, tokens } = await run(settings());
    expect(curve.map(({ step }) => step)).toEqual([0, 2, STEPS]);
    expect(curve[0]?.measures.heldOut.pairs).toBe(4);
    expect(tokens.generated).toBeGreaterThan(0);
  });

  it('resumes from a checkpoint to the bits and the curve of an uninterrupted run', async () => {
    const experiment = settings({ balance: { kind: 'additive', lambda: 0.3 }, kl: { kind: 'k3', beta: 0.1 } });
    const whole = await run(experiment);
    const resumed = await run(experiment, await killedAt(2, experiment));
    expect(resumed.curve).toEqual(whole.curve);
    expect(resumed.tokens).toEqual(whole.tokens);
    expectSameWeights(resumed.weights, whole.weights);
  });

  it('can be forked: other settings continue from the same checkpoint', async () => {
    const parent = await killedAt(2, settings({ balance: { kind: 'additive', lambda: 0 } }));
    const same = await run(settings({ balance: { kind: 'additive', lambda: 0 } }), parent);
    const fork = await run(settings({ balance: { kind: 'additive', lambda: 1 } }), parent);
    expect(fork.curve.slice(0, 2)).toEqual(same.curve.slice(0, 2));
    const name = 'model.embed_tokens.weight';
    expect(fork.weights.get(name)?.data).not.toEqual(same.weights.get(name)?.data);
    expect(fork.tokens.expert).toBeGreaterThan(same.tokens.expert);
  });

  it('rejects a checkpoint of another start', async () => {
    const checkpoint = await killedAt(2, settings());
    await expect(run(settings(), { ...checkpoint, startHash: '0123456789abcdef' })).rejects.toThrow(
      /another start or other data/u,
    );
  });
});

describe('prepareGrpo', () => {
  it('leaves the tail out of the expert samples if asked to, and only out of these', async () => {
    const all = await prepareGrpo(settings({}, { queries: 40 }), start);
    const headOnly = await prepareGrpo(settings({}, { queries: 40, expertCoverage: 'head-only' }), start);
    expect(headOnly.task.prompts).toEqual(all.task.prompts);
    const tail = all.task.prompts.filter(({ isTail }) => isTail).length;
    expect(tail).toBeGreaterThan(0);
    expect(headOnly.expert).toHaveLength(all.expert.length - tail);
  });

  it("probes the run's own mix of prompts", async () => {
    const tailShare = async (tailPromptWeight: number): Promise<number> => {
      const experiment = settings({ tailPromptWeight }, { queries: 60, probePrompts: 200 });
      const { probe, task } = await prepareGrpo(experiment, start);
      return probe.filter((index) => task.prompts[index]?.isTail === true).length / probe.length;
    };
    expect(await tailShare(0.1)).toBeLessThan((await tailShare(1)) / 3);
  });

  it('rejects a start that has learned other rules', async () => {
    const { instruction } = start;
    const other = { ...instruction, rules: instruction.rules.slice(1) };
    await expect(prepareGrpo(settings(), { ...start, instruction: other })).rejects.toThrow(/has learned other rules/u);
  });
});

describe('readGrpoCheckpoint', () => {
  it.each([
    ['no safetensors file', new Uint8Array([1, 2, 3])],
    ['nothing', new Uint8Array()],
  ])('rejects %s', (_, bytes) => {
    expect(() => readGrpoCheckpoint(bytes)).toThrow(LabError);
  });

  it('names the problem where the settings were changed', async () => {
    const bytes = writeGrpoCheckpoint(await killedAt(2, settings()));
    const changed = Buffer.from(
      Buffer.from(bytes).toString('latin1').replace('afrl-lab-grpo', 'afrl-lab-grpp'),
      'latin1',
    );
    expect(() => readGrpoCheckpoint(changed)).toThrow(/format/u);
  });
});
