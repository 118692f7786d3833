/**
 * Imported data in the store: kept as long as a run or a checkpoint refers to it, deleted with the last of them, and
 * checked whenever it is read.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { describeBrowser } from '../setup/chromium.ts';
import { type ProfileBrowser, startProfileBrowser } from './profile-browser.ts';

describeBrowser('imported data in the store', () => {
  const profile = mkdtempSync(join(tmpdir(), 'afrl-lab-data-'));
  let browser: ProfileBrowser;
  let page: Page;
  beforeAll(async () => {
    browser = await startProfileBrowser(profile);
    page = await browser.openTab('https://store.test/');
  });
  afterAll(async () => {
    await browser.close();
    rmSync(profile, { recursive: true, force: true });
  });
  beforeEach(async () => {
    await page.reload();
    await page.waitForFunction(() => 'lab' in globalThis);
    await page.evaluate(() => lab.deleteDatabase('t'));
  });

  it('is stored with the run that needs it, kept for its checkpoints, and deleted with the last of them', async () => {
    const kept = await page.evaluate(async () => {
      const store = await lab.openCheckpointStore({ name: 't' });
      const data = await lab.someData(1, 9 * lab.MIB); // two chunks
      const run = { name: 'r', kind: 'sft', configJson: '{}', totalSteps: 9, startedAt: 1 };
      const isKept = async (): Promise<boolean> => {
        const loaded = await store.data.load(data.sha256);
        return loaded !== undefined && loaded.name === data.name && lab.areEqual(loaded.bytes, data.bytes);
      };
      const seen = [await isKept()];
      const lease = await store.runs.start({ ...run, id: 'r1' }, data);
      seen.push(await isKept());
      const info = lab.describeRun({ runId: 'r1', worldHash: data.sha256 });
      const first = await store.save(info, new Uint8Array([1]));
      const second = await store.save(info, new Uint8Array([2]));
      await lease.finish();
      seen.push(await isKept());
      await store.runs.start({ ...run, id: 'r2' }, { ...data, name: 'the same by another name' });
      await store.remove(first.id);
      await store.remove(second.id);
      seen.push(await isKept()); // the second run needs it
      await store.runs.forget('r2');
      seen.push(await isKept());
      return { seen, keys: await lab.keysOf('t') };
    });
    expect(kept.seen).toEqual([false, true, true, true, false]);
    expect(kept.keys).toMatchObject({ manifests: 0, runs: 0, pending: 0, chunks: [] });
  });

  it('stays for a run of the queue, which has neither a checkpoint nor begun', async () => {
    const kept = await page.evaluate(async () => {
      const store = await lab.openCheckpointStore({ name: 't' });
      const data = await lab.someData(1, 10);
      const lease = await store.runs.start({ id: 'r1', name: 'r', kind: 'sft', configJson: '{}', totalSteps: 9, startedAt: 1 }, data); // prettier-ignore
      const queued = {
        schemaVersion: 1, id: 'q1', kind: 'sft', name: 'q', seed: 1, step: 0, steps: 9, settings: {}, curve: [],
        state: 'queued', parentId: null, startedAt: 1, updatedAt: 1, queuedAt: 1, activeMs: null, watch: null, best: null, startUrl: null,
        experiment: { data: { kind: 'file', sha256: data.sha256 } }, note: '', tags: [] as string[], isPinned: false,
        isArchived: false,
      } satisfies Parameters<typeof store.tracked.add>[0][number]; // prettier-ignore
      await store.tracked.add([queued]);
      const isKept = async (): Promise<boolean> => (await store.data.load(data.sha256)) !== undefined;
      await lease.finish();
      const whileQueued = await isKept();
      await store.tracked.change('q1', { queuedAt: null });
      await store.runs.forget('r1');
      return [whileQueued, await isKept()];
    });
    expect(kept).toEqual([true, false]);
  });

  it('leaves other data alone, and runs without data', async () => {
    const left = await page.evaluate(async () => {
      const store = await lab.openCheckpointStore({ name: 't' });
      const [one, other] = [await lab.someData(1), await lab.someData(2)];
      const run = { name: 'r', kind: 'sft', configJson: '{}', totalSteps: 9, startedAt: 1 };
      await store.runs.start({ ...run, id: 'a' }, one);
      await store.runs.start({ ...run, id: 'b' }, other);
      const third = await store.runs.start({ ...run, id: 'c' });
      await third.finish();
      await store.runs.forget('a');
      store.close();
      // Opened again, the data referred to is still there.
      const again = await lab.openCheckpointStore({ name: 't' });
      const loaded = [await again.data.load(one.sha256), await again.data.load(other.sha256)];
      return loaded.map((data) => data?.name ?? null);
    });
    expect(left).toEqual([null, 'file-2.tsv']);
  });

  it('reports damage instead of returning other bytes or allocating the size claimed by a record', async () => {
    const failures = await page.evaluate(async () => {
      const store = await lab.openCheckpointStore({ name: 't' });
      const data = await lab.someData(1);
      await store.runs.start({ id: 'r', name: 'r', kind: 'sft', configJson: '{}', totalSteps: 9, startedAt: 1 }, data);
      const damages: ((value: never) => unknown)[] = [
        (record: object) => ({ ...record, sizeBytes: 2 ** 40 }),
        (record: object) => ({ ...record, sizeBytes: 64 }),
      ];
      const found = [];
      for (const damage of damages) {
        await lab.tamper('t', 'datasets', data.sha256, damage);
        found.push((await lab.failureOf(store.data.load(data.sha256)))?.message ?? '');
      }
      await lab.tamper('t', 'chunks', [data.sha256, 0], (bytes: Uint8Array) => bytes.map((byte) => byte ^ 1));
      found.push((await lab.failureOf(store.data.load(data.sha256)))?.message ?? '');
      return found;
    });
    expect(failures[0]).toMatch(/data set .* is damaged.*Choose its file again/su);
    expect(failures[1]).toBe('');
    expect(failures[2]).toMatch(/file-1\.tsv" is damaged.*SHA-256/su);
  });
});
