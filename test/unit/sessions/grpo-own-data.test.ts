/**
 * Demonstrations on judged pairs, from a checkpoint of this browser: what is read, that the user's own rules decide
 * rewards and recall, and that the data is stored with the branches, so that another worker can resume without the
 * file.
 */
import { describe, expect, it } from 'vitest';
import { startInstruction } from '../../../src/relevance/rules/start-instruction.ts';
import { checkpointUrl } from '../../../src/protocol/grpo.ts';
import { GrpoHarness, tinyBranch } from './grpo-harness.ts';
import type { MemoryStore } from './memory-store.ts';
import { pairsTsv } from '../runs/own-pairs.ts';
import { TrainingHarness, tinyExperiment } from './training-harness.ts';

const PAIRS = [{ name: 'mine.tsv', blob: new Blob([pairsTsv(20)]) }];
const RULES = [{ name: 'mine.json', blob: new Blob([JSON.stringify(startInstruction(3))]) }];
const SCALE = { prompt: { scaleSize: 3 } };

/** A model that has learned four batches of the file, kept in a store; the data as its settings name it. */
async function trained(): Promise<{ store: MemoryStore; data: Record<string, unknown> }> {
  const harness = new TrainingHarness();
  const { name, sha256 } = await harness.service.readData({ files: PAIRS });
  const bare = { kind: 'file', name, sha256 };
  const { rules, ruleCount, traced } = await harness.service.readRules({ files: RULES, data: bare, scaleSize: 3 });
  expect(ruleCount).toBeGreaterThan(2);
  expect(traced).toBeGreaterThan(0);
  const data = { ...bare, rules };
  const { world: _, ...settings } = tinyExperiment({ steps: 4, batchSize: 4 });
  const experiment = { ...settings, ...SCALE, data };
  const end = await harness.train({ from: { kind: 'experiment', experiment }, backend: 'wasm' });
  expect(end.kind).toBe('finished');
  return { store: harness.store, data };
}

function branchOn(data: Record<string, unknown>): unknown {
  const { world: _, ...settings } = tinyBranch({ steps: 2 }) as Record<string, unknown>;
  return { ...settings, data };
}

describe("a demonstration on the user's data", () => {
  it('starts from a checkpoint, uses the given rules, and stores the data with its branches', async () => {
    const { store, data } = await trained();
    const modelUrl = checkpointUrl([...store.saved.keys()].at(-1) ?? '');
    const harness = new GrpoHarness(store);
    // A worker that has not read the file finds it in the store.
    const over = harness.run({ MBO: branchOn(data) }, { modelUrl });
    await Promise.race([harness.next('finished'), over]);
    await harness.command({ kind: 'stop' });
    await over;
    expect(harness.events.filter(({ kind }) => kind === 'failed')).toEqual([]);
    const [prepared] = harness.of('prepared');
    expect(prepared?.rules.map(({ id }) => id)).toEqual(startInstruction(3).rules.map(({ id }) => id));
    expect(prepared?.labelNames).toHaveLength(3);
    expect(harness.of('step').map(({ step }) => step)).toEqual([1, 2]);
    const [, kept] = [...store.saved].at(-1) ?? [];
    expect(kept?.info).toMatchObject({ kind: 'grpo', worldHash: data['sha256'] });
  });

  it('reports rules of another scale, and reads pairs in its own worker', async () => {
    const { service } = new GrpoHarness();
    const { name, sha256, pairs } = await service.readData({ files: PAIRS });
    expect(pairs).toBe(80);
    const data = { kind: 'file', name, sha256 };
    const asked = service.readRules({ files: RULES, data, scaleSize: 4 });
    await expect(asked).rejects.toMatchObject({ code: 'bad-config' });
    await expect(service.readRules({ files: [...RULES, ...RULES], data, scaleSize: 3 })).rejects.toMatchObject({
      code: 'bad-file',
    });
  });
});
