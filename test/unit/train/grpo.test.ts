import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import * as v from 'valibot';
import { LabError } from '../../../src/common/errors.ts';
import { Rng } from '../../../src/common/rng.ts';
import { GrpoConfigSchema } from '../../../src/config/grpo-config.ts';
import { disposeWeights, initialWeights, type TensorData } from '../../../src/model/weights.ts';
import { type GrpoState, trainGrpo } from '../../../src/train/grpo.ts';
import { anchorPass } from '../../../src/train/grpo-passes.ts';
import type { GrpoStep } from '../../../src/train/grpo-telemetry.ts';
import { RESUMED_ON, useBackend } from '../../reference/backends.ts';
import { expectClose } from '../../reference/expect-close.ts';
import { expectSameWeights } from '../../reference/expect-same-weights.ts';
import { at } from '../../reference/tensor64.ts';
import { type GrpoSettings, loadModel, makeTask, pretrain, type RunOutcome, runGrpo, TINY } from './grpo-runs.ts';

const task = makeTask();
let start: ReadonlyMap<string, TensorData>;

beforeAll(async () => {
  await useBackend('wasm');
  start = await pretrain(task);
}, 120_000);

/** Every kind of state and term at once: dynamic sampling, several inner updates, a moved coefficient, a reference. */
const EVERYTHING: GrpoSettings = {
  innerEpochs: 2,
  minibatches: 2,
  dropSilentGroups: true,
  extraRounds: 1,
  entropyBonus: 0.01,
  kl: { kind: 'k3', beta: 0.05 },
  balance: { kind: 'additive', lambda: 0.2, finalLambda: 1, rampSteps: 3 },
};

/** Stages that end by what rollouts earn, before the run is interrupted or after. */
const STAGES: GrpoSettings = {
  dropSilentGroups: true,
  extraRounds: 1,
  curriculum: { kind: 'adaptive', window: 1, promoteAt: [0.4, 0.9], ends: [0.5, 0.75] },
};

describe.each(RESUMED_ON)('GRPO on %s', (backend) => {
  const [N, maxTokens] = backend === 'cpu' ? [1, 8] : [2, 20];
  beforeAll(() => useBackend(backend));

  it.each([
    ['the defaults', {} satisfies GrpoSettings],
    ['every term', EVERYTHING],
    ['a curriculum', STAGES],
    ['mixed precision', { ...EVERYTHING, precision: 'mixed' } satisfies GrpoSettings],
  ])(
    'goes on bit for bit from a saved state, with %s',
    async (_, more) => {
      const settings: GrpoSettings = { ...more, steps: 2 * N, maxTokens };
      const reference = loadModel(start);
      const coefficientFrom = (first: number) => {
        let step = first;
        return { reference, coefficient: () => (step++ < N ? 0.2 : 0.7) };
      };
      const whole = await runGrpo(task, start, settings, 2 * N, undefined, coefficientFrom(0));
      const first = await runGrpo(task, start, settings, N, undefined, coefficientFrom(0));
      const second = await runGrpo(task, start, settings, 2 * N, saveAndLoad(first.state), coefficientFrom(N));
      disposeWeights(reference.weights);

      expect([...first.records, ...second.records].map(withoutTimes)).toEqual(whole.records.map(withoutTimes));
      expect(second.state.optimizer).toEqual(whole.state.optimizer);
      expect(second.state.curriculum).toEqual(whole.state.curriculum);
      expect(second.state.coefficientMoves).toEqual([
        { step: 0, value: 0.2 },
        { step: N, value: 0.7 },
      ]);
      expectSameWeights(second.state.weights, whole.state.weights);
      expect([...first.kept, ...second.kept]).toEqual(whole.kept);
      // Something was learned; otherwise equal bits would prove nothing.
      expect(whole.records.some(({ gradient }) => (gradient.policyNorm ?? 0) > 1e-3)).toBe(true);
    },
    180_000,
  );
});

describe('a GRPO run', () => {
  beforeAll(() => useBackend('wasm'));

  it('frees all it allocates', async () => {
    const reference = loadModel(start);
    const before = tf.memory().numTensors;
    await runGrpo(task, start, { ...EVERYTHING, steps: 1 }, 1, undefined, { reference });
    const onExpert: GrpoSettings = { ...EVERYTHING, steps: 1, kl: { kind: 'k2', beta: 1, on: 'expert' } };
    await runGrpo(task, start, onExpert, 1, undefined, { reference });
    expect(tf.memory().numTensors).toBe(before);
    disposeWeights(reference.weights);
  });

  it('samples from the policy that learns', async () => {
    const { records } = await runGrpo(task, start, { steps: 3 }, 3);
    expect(records).toHaveLength(3);
    for (const { samplerGapNats } of records) expect(samplerGapNats).toBeLessThan(1e-4);
  });

  it('computes the same in mixed precision, up to rounding', async () => {
    const [exact, mixed] = [
      await runGrpo(task, start, { steps: 1 }, 1),
      await runGrpo(task, start, { steps: 1, precision: 'mixed' }, 1),
    ].map(({ records }) => records[0]);
    expect(exact?.lossScale).toBeUndefined();
    expect(mixed?.lossScale).toEqual({ scale: 2 ** 16, good: 1, skipped: 0 });
    const numbersOf = (record: typeof exact): number[] => {
      const { norm, policyNorm, expertNorm, cosine } = record?.gradient ?? {};
      return [norm ?? NaN, policyNorm ?? NaN, expertNorm ?? NaN, cosine ?? NaN];
    };
    expectClose(numbersOf(mixed), numbersOf(exact), { absolute: 0.003, relative: 0.01 }, 'norms and cosine');
    expect(mixed?.gradient.norm).not.toBe(exact?.gradient.norm);
  });

  it('has ratio 1 in its first update, so that nothing is clipped', async () => {
    const { records } = await runGrpo(task, start, { steps: 2 }, 2);
    expect(records.map(({ clipFraction }) => clipFraction)).toEqual([0, 0]);
    const several = await runGrpo(task, start, { steps: 2, innerEpochs: 4, learningRate: 0.01 }, 2);
    expect(several.records[0]?.clipFraction).toBeGreaterThan(0);
  });

  it('changes only rounding when a batch is computed in several passes', async () => {
    const numbersOf = ({ records }: RunOutcome) =>
      records.flatMap(({ gradient, entropy }) => [gradient.norm ?? NaN, entropy.labelNats, entropy.reasoningNats]);
    const whole = numbersOf(await runGrpo(task, start, { steps: 1, sequencesPerPass: 64 }, 1));
    const inParts = numbersOf(await runGrpo(task, start, { steps: 1, sequencesPerPass: 5 }, 1));
    expectClose(inParts, whole, { absolute: 0, relative: 1e-3 }, 'norm and entropies');
  });

  it('scores rollouts in its update, bit for bit as a pass before it would', async () => {
    // A second update needs the pass; the first is the same.
    const inUpdate = await runGrpo(task, start, { steps: 1, keepEvery: 1 }, 1);
    const before = await runGrpo(task, start, { steps: 1, keepEvery: 1, innerEpochs: 2 }, 1);
    const [seen, scored] = [inUpdate.records[0], before.records[0]];
    expect(seen?.entropy).toEqual(scored?.entropy);
    expect(seen?.samplerGapNats).toBe(scored?.samplerGapNats);
    expect(seen?.gradient.policyNorm).toBe(scored?.gradient.policyNorm);
  });

  it('does not depend on the expert for its rollouts: forks see the same prompts and samples', async () => {
    const plain = await runGrpo(task, start, { steps: 1, keepEvery: 1, balance: { kind: 'additive', lambda: 0 } }, 1);
    const balanced = await runGrpo(task, start, { steps: 1, keepEvery: 1, balance: { kind: 'convex', mu: 0.5 } }, 1);
    const idsOf = ({ kept }: RunOutcome) =>
      kept.flatMap(({ groups }) => groups.flatMap(({ completions }) => completions.map(({ ids }) => ids)));
    expect(idsOf(plain)).toEqual(idsOf(balanced));
    expect(idsOf(plain).length).toBe(8);
  });

  it('measures the expert gradient at intervals where it has no weight', async () => {
    const settings: GrpoSettings = { steps: 3, probeExpertEvery: 2, balance: { kind: 'additive', lambda: 0 } };
    const { records } = await runGrpo(task, start, settings, 3);
    expect(records.map(({ gradient }) => gradient.expertNorm !== null)).toEqual([true, false, true]);
    expect(records.map(({ tokens }) => tokens.expert)).toEqual([0, 0, 0]);
    expect(records.map(({ gradient }) => gradient.cosine !== null)).toEqual([true, false, true]);
    for (const { gradient } of records) expect(Math.abs(gradient.cosine ?? 0)).toBeLessThanOrEqual(1);
  });

  it('applies a change of the coefficient at the next step', async () => {
    let position: number | undefined;
    const { records, state } = await runGrpo(task, start, { steps: 3 }, 3, undefined, {
      coefficient: () => position,
      beforeStep: async (step) => {
        if (step === 1) position = 0;
        await Promise.resolve();
      },
    });
    expect(records.map(({ balance }) => balance.expert)).toEqual([0.3, 0, 0]);
    const expertTokens = records.map(({ tokens }) => tokens.expert);
    expect(expertTokens[0]).toBeGreaterThan(0);
    expect(expertTokens[2]).toBe(expertTokens[0]);
    expect(state.coefficientMoves).toEqual([{ step: 1, value: 0 }]);
  });

  it('waits before every step, where its state can be read', async () => {
    const seen: number[] = [];
    let read: GrpoState | undefined;
    const { state } = await runGrpo(task, start, { steps: 2 }, 2, undefined, {
      beforeStep: async (step, readState) => {
        seen.push(step);
        if (step === 1) read = await readState();
      },
    });
    expect(seen).toEqual([0, 1]);
    expect(read?.step).toBe(1);
    expect(read?.optimizer.step).toBe(1);
    expect(state.step).toBe(2);
  });

  it('measures the divergence from a reference, which starts at 0 and grows', async () => {
    const reference = loadModel(start);
    const { records } = await runGrpo(task, start, { steps: 3, learningRate: 0.01 }, 3, undefined, { reference });
    disposeWeights(reference.weights);
    const divergences = records.map(({ klNats }) => klNats ?? NaN);
    expect(divergences[0]).toBeLessThan(1e-6);
    expect(divergences[2]).toBeGreaterThan(1e-4);
    const without = await runGrpo(task, start, { steps: 1 }, 1);
    expect(without.records[0]?.klNats).toBeNull();
  });

  it('rejects a KL term without a reference, and a balance without expert samples', async () => {
    await expect(runGrpo(task, start, { steps: 1, kl: { kind: 'k3', beta: 1 } }, 1)).rejects.toThrow(/reference/);
    await expect(runGrpo(task, start, { steps: 1 }, 1, undefined, { expert: [] })).rejects.toThrow(/expert sample/);
    const plain: GrpoSettings = {
      steps: 1,
      prompts: 1,
      samples: 2,
      maxTokens: 1,
      balance: { kind: 'additive', lambda: 0 },
    };
    await runGrpo(task, start, plain, 1, undefined, { expert: [] });
    const moved = runGrpo(task, start, plain, 1, undefined, { expert: [], coefficient: () => 0.5 });
    await expect(moved).rejects.toThrow(/expert sample/);
    await runGrpo(task, start, { ...plain, balance: { kind: 'hpt' } }, 1, undefined, { expert: [] });
    const reference = loadModel(start);
    for (const kind of ['k2', 'k3'] as const) {
      const without = { expert: [], reference };
      await runGrpo(task, start, { ...plain, kl: { kind, beta: 1 } }, 1, undefined, without);
      const anchored = runGrpo(task, start, { ...plain, kl: { kind, beta: 1, on: 'expert' } }, 1, undefined, without);
      await expect(anchored).rejects.toThrow(/expert sample/);
    }
    disposeWeights(reference.weights);
    const convex = runGrpo(task, start, { ...plain, balance: { kind: 'convex', mu: 0 } }, 1, undefined, { expert: [] });
    await expect(convex).rejects.toThrow(/expert sample/);
  });

  it('stops on request', async () => {
    const signal = AbortSignal.abort();
    await expect(runGrpo(task, start, { steps: 1 }, 1, undefined, { signal })).rejects.toMatchObject({
      code: 'aborted',
    });
  });

  it('evaluates, keeps groups and saves when its settings say, and at the end', async () => {
    const small = { prompts: 1, samples: 2, maxTokens: 2, balance: { kind: 'additive', lambda: 0 } } as const;
    const schedule = { steps: 5, evaluateEvery: 3, keepEvery: 4, checkpointEvery: 2 };
    const calls: string[] = [];
    const called = (name: string, step: number): Promise<void> => Promise.resolve(void calls.push(`${name} ${step}`));
    const steps: GrpoStep[] = [];
    const model = loadModel(start);
    await trainGrpo(v.parse(GrpoConfigSchema, { ...small, ...schedule }), {
      model,
      task,
      expert: [],
      onStep: (record) => void steps.push(record),
      onKeep: (step) => void called('keep', step),
      onEvaluate: (step) => called('evaluate', step),
      onCheckpoint: ({ step }) => called('save', step),
      onStop: ({ step }) => called('stop', step),
    });
    disposeWeights(model.weights);
    expect(calls).toEqual(['save 2', 'evaluate 3', 'keep 4', 'save 4', 'evaluate 5', 'save 5']);
    expect(steps.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5]);
    // However long a step takes, its speed is that of its parts.
    for (const [i, { times, tokens, tokensPerSec }] of steps.entries()) {
      const before = steps[i - 1]?.tokens ?? { generated: 0, learned: 0, expert: 0 };
      const made = tokens.generated - before.generated + tokens.learned - before.learned;
      const ms = times.rolloutMs + times.scoreMs + times.updateMs;
      expectClose([tokensPerSec], [(1000 * made) / ms], { absolute: 0, relative: 1e-9 }, 'tokens per second');
    }
  });

  it('gives its state where it is stopped, and none where it fails', async () => {
    const stopped: number[] = [];
    const end = async (reason: LabError): Promise<void> => {
      const failing = runGrpo(task, start, { steps: 3, prompts: 1, samples: 2, maxTokens: 1 }, 3, undefined, {
        beforeStep: async (step) => {
          await Promise.resolve();
          if (step === 2) throw reason;
        },
        onStop: async ({ step }) => {
          stopped.push(step);
          await Promise.resolve();
        },
      });
      await expect(failing).rejects.toBe(reason);
    };
    await end(new LabError('bad-config', { message: 'no' }));
    expect(stopped).toEqual([]);
    await end(new LabError('aborted', { message: 'stop' }));
    expect(stopped).toEqual([2]);
  });

  it('draws more prompts until enough have a signal, and no more than it may', async () => {
    const settings = { steps: 6, prompts: 2, samples: 3, maxTokens: 1, dropSilentGroups: true, extraRounds: 3 };
    const { records } = await runGrpo(task, start, settings, 6);
    const seen = records.map(({ groups: { drawn, used, silentShare } }) => {
      return { rounds: drawn / 2, used, loud: Math.round(drawn * (1 - silentShare)) };
    });
    for (const { rounds, used, loud } of seen) {
      expect(Number.isInteger(rounds) && rounds <= 4).toBe(true);
      expect(used).toBe(Math.min(2, loud));
      // The last round was needed: without it fewer than two groups had a signal.
      expect(rounds === 4 || loud >= 2).toBe(true);
      expect(loud - (rounds > 1 ? 2 : 0)).toBeLessThan(rounds > 1 ? 2 : 3);
    }
    expect(new Set(seen.map(({ rounds }) => rounds)).size).toBeGreaterThan(1);
  });

  it('keeps each group with the ratios of its own completions', async () => {
    const still: GrpoSettings = { steps: 1, keepEvery: 1, keepGroups: 3, learningRate: 1e-9 };
    const { kept } = await runGrpo(task, start, still, 1);
    const completions = kept.flatMap(({ groups }) => groups.flatMap((group) => group.completions));
    expect(completions).toHaveLength(12);
    for (const { ids, ratios } of completions)
      expectClose(
        ratios,
        ids.map(() => 1),
        { absolute: 1e-4 },
        'ratios',
      );
  });

  it('learns from the expert where no sample is right, under hpt', async () => {
    const settings: GrpoSettings = { steps: 4, samples: 2, maxTokens: 12, balance: { kind: 'hpt' }, keepEvery: 1 };
    const { records, kept } = await runGrpo(task, start, { ...settings, keepGroups: 3 }, 4);
    const gated = kept.map(({ groups }) =>
      groups.filter(({ completions }) =>
        completions.every(({ reward }) => reward.rejected !== undefined || reward.label.value < 1),
      ),
    );
    expect(records.map(({ groups }) => groups.gatedShare)).toEqual(gated.map(({ length }) => length / 3));
    expect(gated.flat().length).toBeGreaterThan(0);
    let tokens = 0;
    const learned = gated.map((groups) => {
      for (const { prompt } of groups) {
        const { example } = at(task.prompts, prompt);
        tokens += example.prompt.length + example.completion.length - 1;
      }
      return tokens;
    });
    expect(records.map((record) => record.tokens.expert)).toEqual(learned);
  });

  it('makes an update for each epoch and minibatch', async () => {
    const many: GrpoSettings = { steps: 2, innerEpochs: 2, minibatches: 3, maxTokens: 1 };
    expect((await runGrpo(task, start, many, 2)).state.optimizer.step).toBe(12);
  });

  it.each([
    ['k2', 'reverse'],
    ['k3', 'forward'],
  ] as const)('measures %s on the expert as the %s KL', async (kind, direction) => {
    const [model, reference] = [loadModel(start), loadModel(initialWeights(TINY, new Rng(9)))];
    const { example } = at(task.prompts, 2);
    const kl = { kind, on: 'expert', beta: 0.1 } as const;
    const { records } = await runGrpo(task, start, { steps: 1, maxTokens: 1, kl }, 1, undefined, {
      reference,
      expert: [example],
    });
    const expected = tf.tidy(() =>
      anchorPass(model, { reference, direction, temperature: 1 }, [example]).loss.dataSync(),
    );
    expectClose([records[0]?.expertKlNats ?? NaN], expected, { absolute: 1e-5 }, 'KL');
    for (const { weights } of [model, reference]) disposeWeights(weights);
  });

  it('adds the gradient of a KL term on the expert by its weight', async () => {
    const reference = loadModel(initialWeights(TINY, new Rng(9)));
    const squared = async (beta: number): Promise<number> => {
      const kl = { kind: 'k3', on: 'expert', beta } as const;
      const { records } = await runGrpo(task, start, { steps: 1, kl }, 1, undefined, { reference });
      return (records[0]?.gradient.norm ?? NaN) ** 2;
    };
    // |g + beta a|^2 is quadratic in beta, so that its third differences are 0.
    const [one, two, three, four] = [await squared(1), await squared(2), await squared(3), await squared(4)];
    disposeWeights(reference.weights);
    expect(four).toBeGreaterThan(2 * one);
    expectClose([four + 3 * two], [3 * three + one], { absolute: 0, relative: 1e-3 }, 'differences');
  });

  it('learns: sampled labels get better', async () => {
    const settings: GrpoSettings = {
      steps: 30,
      prompts: 9,
      samples: 8,
      maxTokens: 1, // the label alone, which stepwise advantages reward by itself
      learningRate: 3e-3,
      probeExpertEvery: 0,
      balance: { kind: 'additive', lambda: 0 },
    };
    const { records } = await runGrpo(task, start, settings, 30);
    const mean = (part: readonly GrpoStep[]) => part.reduce((sum, { reward }) => sum + reward.label, 0) / part.length;
    expect(mean(records.slice(-4))).toBeGreaterThan(mean(records.slice(0, 4)) + 0.1);
  });
});

/** The state as a file would return it: the same numbers, nothing shared. */
function saveAndLoad(state: GrpoState): GrpoState {
  return structuredClone(state);
}

function withoutTimes(record: GrpoStep) {
  return { ...record, times: undefined, tokensPerSec: undefined };
}
