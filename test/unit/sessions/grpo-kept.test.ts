/** Branches that outlive their page: what is stored of them, and that they resume as if nothing had happened. */
import { beforeAll, describe, expect, it } from 'vitest';
import { LabError } from '../../../src/common/errors.ts';
import { branchModelFiles, readKeptBranch, writeKeptBranch } from '../../../src/sessions/kept-branch.ts';
import { loadLabModel, disposeLabModel, MODEL_FILES } from '../../../src/infer/lab-model.ts';
import { BRANCH_KIND, type GrpoEvent } from '../../../src/protocol/grpo.ts';
import { demonstrationOffers } from '../../../src/ui/collapse/demonstration-offers.ts';
import { GrpoHarness, tinyBranch } from './grpo-harness.ts';
import { MemoryStore } from './memory-store.ts';

/** The events that the page shows, without times. */
function told(harness: GrpoHarness): unknown[] {
  return harness.events
    .filter((event) => event.kind === 'step' || event.kind === 'kept' || event.kind === 'measure')
    .map((event: GrpoEvent) => JSON.stringify({ ...event, times: null, tokensPerSec: null, elapsedMs: null }))
    .toSorted();
}

/** The records of a store as the page's overview gives them. */
function overviewOf(store: MemoryStore): Parameters<typeof demonstrationOffers>[0] {
  return {
    runs: store.runInputs.map((run) => {
      const mine = [...store.saved].filter(([, { info }]) => info.runId === run.id);
      const [id, { info }] = mine.at(-1) ?? ['', { info: { step: 0 } }];
      const lastCheckpoint = mine.length === 0 ? null : { id, step: info.step };
      return { ...run, kind: BRANCH_KIND, state: 'interrupted' as const, lastCheckpoint };
    }),
  };
}

describe('a demonstration that was cut short', () => {
  const plan = { first: tinyBranch(), second: tinyBranch({ balance: { kind: 'additive', lambda: 0 } }) };
  const whole = new GrpoHarness();
  const store = new MemoryStore();
  const cut = new GrpoHarness(store);
  beforeAll(async () => {
    await whole.runToEnd(plan);
    const over = cut.run(plan);
    // As if the worker had been killed: it sends nothing after step 3, and the store stays as it was then.
    await cut.next('step', ({ branch, step }) => branch === 1 && step === 3);
    const copy = new Map(store.saved);
    await cut.command({ kind: 'stop' });
    await over;
    store.saved.clear();
    for (const [id, saved] of copy) store.saved.set(id, saved);
  }, 120_000);

  it('is offered, resumes from its last checkpoints to the same bits, and repeats all its events', async () => {
    const [offer] = demonstrationOffers(overviewOf(store));
    expect(offer?.heading).toMatch(/kept up to step 2$/u);
    const resumed = new GrpoHarness(store);
    const over = resumed.ask(offer?.request ?? { branches: [] });
    await resumed.next('finished');
    await resumed.command({ kind: 'stop' });
    await over;
    expect([0, 1].map((branch) => resumed.hashOf(branch))).toEqual([0, 1].map((branch) => whole.hashOf(branch)));
    expect(told(resumed)).toEqual(told(whole));
    expect(store.runRecords.filter((record) => record === 'finish').length).toBeGreaterThan(1);
  }, 120_000);

  it('has the vectors of its start in its checkpoints, so that their models read the same prompts', () => {
    const [, kept] = [...store.saved].at(-1) ?? [];
    const branch = readKeptBranch(kept?.payload ?? new Uint8Array());
    expect(branch.vectors).toBeUndefined();
    const vectors = Uint8Array.of(1, 2, 3);
    const files = branchModelFiles(writeKeptBranch({ ...branch, vectors }), 0);
    expect(files['vectors.safetensors']).toEqual(vectors);
  });

  it('leaves checkpoints whose models can answer, and that name their origin', async () => {
    const [, kept] = [...store.saved].at(-1) ?? [];
    expect(kept?.info).toMatchObject({ kind: BRANCH_KIND, isAutomatic: true });
    expect(kept?.info.note).toMatch(/^Started from /u);
    const bytes = kept?.payload ?? new Uint8Array();
    const { name, checkpoint } = readKeptBranch(bytes);
    const files = branchModelFiles(bytes, 0);
    const model = await loadLabModel(new Map(MODEL_FILES.map((file) => [file, files[file]])));
    expect(model.card.name).toBe(name);
    expect(model.card.training.steps).toBe(checkpoint.state.step);
    disposeLabModel(model);
  });

  it('makes a move of the coefficient again that came after the last checkpoint, at the same step', async () => {
    const unbroken = new GrpoHarness();
    const moved = async (harness: GrpoHarness): Promise<void> => {
      await harness.next('step', ({ step }) => step === 3);
      await harness.command({ kind: 'coefficient', branch: 0, value: 0.9 });
    };
    const over = unbroken.run({ only: tinyBranch() });
    await moved(unbroken);
    await unbroken.next('finished');
    await unbroken.command({ kind: 'stop' });
    await over;

    const kept = new MemoryStore();
    const killed = new GrpoHarness(kept);
    const killedOver = killed.run({ only: tinyBranch() });
    await moved(killed);
    const copy = new Map(kept.saved);
    await killed.command({ kind: 'stop' });
    await killedOver;
    kept.saved.clear();
    for (const [id, saved] of copy) kept.saved.set(id, saved);
    const [offer] = demonstrationOffers(overviewOf(kept));
    expect(offer?.heading).toMatch(/kept up to step 2$/u);
    const broken = new GrpoHarness(kept);
    const again = broken.ask(offer?.request ?? { branches: [] });
    await broken.next('finished');
    await broken.command({ kind: 'stop' });
    await again;
    const coefficients = (harness: GrpoHarness): unknown[] =>
      harness.of('step').map(({ balance }) => balance.coefficient);
    expect(coefficients(unbroken)).toEqual([0.3, 0.3, 0.3, 0.9]);
    expect(coefficients(broken)).toEqual(coefficients(unbroken));
    expect(broken.hashOf(0)).toBe(unbroken.hashOf(0));
    expect(broken.hashOf(0)).not.toBe(whole.hashOf(0));
  }, 120_000);

  it('continues where nothing can be stored, and reports it', async () => {
    const full = new MemoryStore();
    full.failure = new LabError('storage-full', { message: 'There is no room.' });
    const harness = new GrpoHarness(full);
    await harness.runToEnd({ only: tinyBranch() });
    expect(harness.of('unsaved').map(({ code, step }) => [code, step])).toEqual([
      ['storage-full', 2],
      ['storage-full', 4],
    ]);
    expect(harness.hashOf(0)).toBe(whole.hashOf(0));
  }, 60_000);
});
