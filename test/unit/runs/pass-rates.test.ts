import * as v from 'valibot';
import { beforeAll, describe, expect, it } from 'vitest';
import { type GrpoCheckpoint, readGrpoCheckpoint, writeGrpoCheckpoint } from '../../../src/runs/grpo-checkpoint.ts';
import { type GrpoHooks, runGrpo } from '../../../src/runs/grpo-run.ts';
import { type PreparedGrpo, prepareGrpo, startOf, type StartModel } from '../../../src/runs/grpo-task.ts';
import { applyPasses, type PassCounts, withPassRates } from '../../../src/runs/pass-rates.ts';
import { disposeLabModel, loadLabModel } from '../../../src/infer/lab-model.ts';
import { readWeights } from '../../../src/model/weights.ts';
import { type GrpoExperimentInput, GrpoExperimentSchema } from '../../../src/protocol/grpo-experiment.ts';
import { useBackend } from '../../reference/backends.ts';
import { expectSameWeights } from '../../reference/expect-same-weights.ts';
import { smallModelFiles } from '../../reference/small-lab-model.ts';

function settings(passRates: GrpoExperimentInput['passRates'], grpo: GrpoExperimentInput['grpo'] = {}) {
  return v.parse(GrpoExperimentSchema, {
    data: { kind: 'world', trainQueries: 60, devQueries: 30, testQueries: 30 },
    queries: 2,
    probePrompts: 2,
    probeSamples: 2,
    devPairs: 4,
    passRates,
    grpo: { steps: 2, prompts: 2, samples: 2, maxTokens: 6, expertBatch: 2, ...grpo },
  });
}

let start: StartModel;
let prepared: PreparedGrpo;

beforeAll(async () => {
  await useBackend('wasm');
  const lab = await loadLabModel(smallModelFiles());
  start = { ...startOf(lab), weights: await readWeights(lab.transformer.weights) };
  disposeLabModel(lab);
  prepared = await prepareGrpo(settings(null), start);
});

/** Passes of eight: always, easy, easy, hard, never, never; the last six of the twelve prompts are not measured. */
const PASSES: PassCounts = { samples: 8, right: [8, 7, 4, 3, 0, 0], full: [8, 2, 0, 0, 0, 0] };

describe('pass rates', () => {
  it('classify the measured prompts, and no other prompt is drawn', () => {
    const experiment = settings({ prompts: 6, hardWeight: 3 });
    const { task, expert, passes } = applyPasses(experiment, experiment.passRates ?? never(), prepared, PASSES);
    expect(task.prompts.map(({ passRate }) => passRate)).toEqual([7 / 8, 4 / 8, 3 / 8]);
    expect(task.prompts.map(({ pair }) => pair)).toEqual(prepared.task.prompts.slice(1, 4).map(({ pair }) => pair));
    expect(passes).toEqual({
      measured: 6,
      classes: { dropped: 1, 'stage 1': 2, 'stage 2': 1, expert: 2 },
      rightShare: 22 / 48,
      fullShare: 10 / 48,
    });
    // Every pair of the run is an expert sample once; those that are never right are repeated three times.
    const hard = prepared.task.prompts.slice(4, 6).map(({ example }) => example);
    expect(expert).toEqual([...prepared.expert, ...hard, ...hard]);
  });

  it('can keep every measured prompt', () => {
    const experiment = settings({ prompts: 6, keep: 'all', hardWeight: 1 });
    const { task, expert } = applyPasses(experiment, experiment.passRates ?? never(), prepared, PASSES);
    expect(task.prompts.map(({ passRate }) => passRate)).toEqual(PASSES.right.map((count) => count / 8));
    expect(expert).toEqual(prepared.expert);
  });

  it('add no sample that the settings withhold from the expert', () => {
    const experiment = settings({ prompts: 6 });
    const withoutHard = { ...prepared, expert: prepared.expert.slice(0, 4) };
    const { expert } = applyPasses(experiment, experiment.passRates ?? never(), withoutHard, PASSES);
    expect(expert).toEqual(withoutHard.expert);
  });

  it('are the same every time, depend on the start only, and can be stored', async () => {
    const experiment = settings({ prompts: 4, samples: 3, keep: 'all' });
    const rates = async (options = {}) =>
      (await withPassRates(experiment, prepared, start, options)).task.prompts.map(({ passRate }) => passRate);
    const names: string[] = [];
    let kept: PassCounts | undefined;
    const first = await rates({
      keep: async (name: string, measure: () => Promise<PassCounts>) => {
        names.push(name);
        return (kept ??= await measure());
      },
    });
    expect(first.length).toBe(4);
    expect(kept?.samples).toBe(3);
    expect(await rates()).toEqual(first);
    const controller = new AbortController();
    controller.abort(); // measuring would throw
    const keep = (name: string): Promise<PassCounts> => {
      names.push(name);
      return kept === undefined ? Promise.reject(new Error('nothing kept')) : Promise.resolve(kept);
    };
    expect(await rates({ signal: controller.signal, keep })).toEqual(first);
    expect(names[0]).toBe(names[1]);
    await expect(rates({ signal: controller.signal })).rejects.toMatchObject({ code: 'aborted' });
  });

  it('do not change a run without them, and are required by a run that asks for them', async () => {
    expect(await withPassRates(settings(null), prepared, start)).toBe(prepared);
    const hooks: GrpoHooks = {};
    await expect(runGrpo(settings({}), prepared, start, undefined, hooks)).rejects.toThrow(/pass rates/u);
  });

  it('give a run its stages', async () => {
    const experiment = settings({ prompts: 12 }, { steps: 3, curriculum: { kind: 'staged', rehearsalShare: 0 } });
    const right = Array.from({ length: 12 }, (_, i) => (i % 2 === 0 ? 6 : 2));
    const keep = () => Promise.resolve({ samples: 8, right, full: right.map(() => 0) });
    const stages: (number | null)[] = [];
    await runGrpo(experiment, await withPassRates(experiment, prepared, start, { keep }), start, undefined, {
      onStep: ({ stage }) => stages.push(stage),
    });
    expect(stages).toEqual([1, 2, 3]);
  });

  it('saves the progress of a curriculum, and can be forked into another order', async () => {
    type Order = NonNullable<GrpoExperimentInput['grpo']>['curriculum'];
    const stages: Order = { kind: 'adaptive', window: 3, promoteAt: [1, 1], ends: [0.75, 1], rehearsalShare: 0 };
    const grpo = { steps: 4, checkpointEvery: 1, evaluateEvery: 4 };
    const right = Array.from({ length: 12 }, (_, i) => (i % 2 === 0 ? 6 : 2));
    const keep = () => Promise.resolve({ samples: 8, right, full: right.map(() => 0) });
    const train = async (curriculum: Order, from?: GrpoCheckpoint) => {
      const experiment = settings({ prompts: 12 }, { ...grpo, curriculum });
      const seen: (number | null)[] = [];
      const saved: Uint8Array[] = [];
      const { weights } = await runGrpo(
        experiment,
        await withPassRates(experiment, prepared, start, { keep }),
        start,
        from,
        {
          onStep: ({ stage }) => seen.push(stage),
          onCheckpoint: (checkpoint) => Promise.resolve(void saved.push(writeGrpoCheckpoint(checkpoint))),
        },
      );
      return { seen, saved: saved.map(readGrpoCheckpoint), weights };
    };
    const whole = await train(stages);
    expect(whole.seen).toEqual([1, 1, 1, 2]);
    const second = whole.saved[1];
    expect(second?.state.curriculum).toMatchObject({ phase: 0, since: 0 });
    expect(second?.state.curriculum.recent.length).toBe(2);
    const resumed = await train(stages, second);
    expect(resumed.seen).toEqual(whole.seen.slice(2));
    expectSameWeights(resumed.weights, whole.weights);
    const fork = await train({ kind: 'reversed', ends: [0.5, 0.75], rehearsalShare: 0 }, second);
    expect(fork.seen).toEqual([2, 1]);
  });
});

function never(): never {
  throw new Error('unreachable');
}
