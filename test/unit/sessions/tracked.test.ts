/** What sessions write among the records of all runs: how far a run came, its time, and what it completed. */
import { describe, expect, it } from 'vitest';
import { LabError } from '../../../src/common/errors.ts';
import { readKeptBranch } from '../../../src/sessions/kept-branch.ts';
import { hashWeights } from '../../../src/runs/weights-hash.ts';
import { GrpoHarness, tinyBranch } from './grpo-harness.ts';
import { MemoryStore } from './memory-store.ts';

describe('the record of a run', () => {
  it('has tokens, time and completions at the steps that were measured, and goes on with them', async () => {
    const store = new MemoryStore();
    // A clock by which every look at it takes a millisecond.
    let ms = 0;
    const harness = new GrpoHarness(store, () => ms++);
    await harness.runToEnd({ one: tinyBranch() });
    const [run] = [...store.progressOf.values()];
    expect(run).toMatchObject({ state: 'finished', name: 'one', step: 4 });
    expect(run?.curve.map(({ step }) => step)).toEqual([0, 2, 4]);
    const times = run?.curve.map(({ activeMs }) => activeMs ?? -1) ?? [];
    expect(times.toSorted((a, b) => a - b)).toEqual(times);
    expect(run?.activeMs).toBeGreaterThanOrEqual(times.at(-1) ?? Infinity);
    const tokens = run?.curve.map((point) => point.tokens ?? -1) ?? [];
    expect(tokens[0]).toBe(0);
    expect(new Set(tokens).size).toBe(3);
    const completions = [...(store.completionsOf.get(run?.id ?? '')?.values() ?? [])];
    expect(completions.map(({ step }) => step)).toEqual([0, 2, 4]);
    expect(completions[0]?.answers.length).toBeGreaterThan(0);
    const pairsAt = completions.map(({ answers }) => answers.map(({ query, title }) => [query, title]));
    expect(pairsAt[2]).toEqual(pairsAt[0]);
  });

  it('does not count the time of a pause', async () => {
    const store = new MemoryStore();
    let ms = 0;
    const harness = new GrpoHarness(store, () => ms);
    harness.onEvent((event) => {
      if (event.kind === 'step' && event.step === 1) void harness.command({ kind: 'pause' });
      if (event.kind !== 'paused') return;
      ms += 1_000_000;
      void harness.command({ kind: 'resume' });
    });
    await harness.runToEnd({ one: tinyBranch() });
    expect(harness.of('paused')).toHaveLength(1);
    expect([...store.progressOf.values()][0]?.activeMs).toBe(0);
  });

  it('ends at the checkpoint at which its rule is met, with the weights of that checkpoint', async () => {
    const store = new MemoryStore();
    store.watch = { metric: 'accuracy', patience: 1 };
    const harness = new GrpoHarness(store);
    // Nothing is learned, so nothing improves.
    await harness.runToEnd({ one: tinyBranch({ learningRate: 1e-12, steps: 8 }) });
    expect([...store.progressOf.values()][0]).toMatchObject({
      state: 'finished',
      step: 2,
      steps: 8,
      best: { step: 2 },
    });
    expect([...store.saved.values()].map(({ info }) => info.step)).toEqual([2]);
    const [saved] = [...store.saved.values()];
    const { checkpoint } = readKeptBranch(saved?.payload ?? new Uint8Array());
    expect(harness.of('branch-ended')).toMatchObject([{ step: 2, weightsHash: hashWeights(checkpoint.state.weights) }]);
  });

  it('names its best checkpoint, which the store is asked to keep', async () => {
    const store = new MemoryStore();
    store.watch = { metric: 'expertLossNats', patience: 0 };
    const harness = new GrpoHarness(store);
    const balance = { kind: 'additive', lambda: 1 };
    await harness.runToEnd({ one: tinyBranch({ balance, steps: 8 }) });
    const [run] = [...store.progressOf.values()];
    const losses =
      run?.curve.map(({ step, measures }) => ({ step, value: measures['expertLossNats'] ?? Infinity })) ?? [];
    const best = losses.reduce((a, b) => (b.value < a.value ? b : a));
    expect(best.step).toBeGreaterThan(0);
    const savedAt = [...store.saved].find(([, { info }]) => info.step === best.step)?.[0];
    expect(run?.best).toEqual({ ...best, checkpointId: savedAt });
    expect(store.keptIds.every((id) => id === null || store.saved.has(id))).toBe(true);
    expect(store.keptIds).toHaveLength(4);
  });

  it('says failed of a run whose own settings are at fault', async () => {
    const store = new MemoryStore();
    const harness = new GrpoHarness(store);
    const broken = tinyBranch({ learningRate: 1e30, maxGradNorm: 1e30 });
    await harness.runToEnd({ broken });
    expect(harness.of('branch-ended')[0]?.failure?.code).toBe('not-finite');
    expect([...store.progressOf.values()][0]?.state).toBe('failed');
  });

  it('refuses a start that is not the recorded one, before anything is recorded', async () => {
    const store = new MemoryStore();
    const harness = new GrpoHarness(store);
    const last = await harness.run({ one: tinyBranch() }, { startHash: 'another' });
    expect(last).toMatchObject({ kind: 'failed', code: 'bad-config' });
    expect(store.progressOf.size).toBe(0);
  });

  it('is left out where there is no room, and the run goes on', async () => {
    const store = new MemoryStore();
    store.failure = new LabError('storage-full', { message: 'full' });
    const harness = new GrpoHarness(store);
    await harness.runToEnd({ one: tinyBranch() });
    expect(harness.hashOf(0)).toMatch(/^[0-9a-f]{16}$/u);
    expect(harness.of('unsaved').every(({ code }) => code === 'storage-full')).toBe(true);
  });
});
