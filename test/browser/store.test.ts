/**
 * The checkpoint store on a real database: what is saved is read back byte for byte or not at all, whatever happens in
 * between.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { describeBrowser } from '../setup/chromium.ts';
import { type ProfileBrowser, startProfileBrowser } from './profile-browser.ts';

describeBrowser('the checkpoint store', () => {
  const profile = mkdtempSync(join(tmpdir(), 'afrl-lab-store-'));
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
    // Every test uses the database "t", and leaves it for inspection.
    await page.reload();
    await page.waitForFunction(() => 'lab' in globalThis);
    await page.evaluate(() => lab.deleteDatabase('t'));
  });

  it('returns 21 MiB unchanged, in chunks of at most 8', async () => {
    const result = await page.evaluate(async () => {
      const payload = lab.randomBytes(21 * lab.MIB + 5, 1);
      const store = await lab.openCheckpointStore({ name: 't' });
      const progress: number[] = [];
      const saved = await store.save(lab.describeRun(), payload, { onProgress: (done) => progress.push(done) });
      store.close();
      const reopened = await lab.openCheckpointStore({ name: 't' });
      const loaded = await reopened.load(saved.id);
      const isSame = lab.areEqual(loaded.payload, payload);
      return {
        saved,
        loaded: loaded.manifest,
        isSame,
        progress,
        list: await reopened.list(),
        keys: await lab.keysOf('t'),
      };
    });
    const MIB = 2 ** 20;
    expect(result.isSame).toBe(true);
    expect(result.loaded).toEqual(result.saved);
    expect(result.list).toEqual({ checkpoints: [result.saved], damaged: [] });
    expect(result.saved.chunks.map(({ sizeBytes }) => sizeBytes)).toEqual([8 * MIB, 8 * MIB, 5 * MIB + 5]);
    expect(result.progress).toEqual([8 * MIB, 16 * MIB, 21 * MIB + 5]);
    expect(result.keys).toMatchObject({ manifests: 1, pending: 0 });
    expect(result.keys.chunks).toHaveLength(3);
  });

  it('stores a view without the rest of its array', async () => {
    const { usedBytes, loaded } = await page.evaluate(async () => {
      const store = await lab.openCheckpointStore({ name: 't' });
      const before = (await lab.readStorageSpace()).usedBytes ?? 0;
      const { id } = await store.save(lab.describeRun(), lab.randomBytes(16 * lab.MIB, 2).subarray(7, 11));
      const after = (await lab.readStorageSpace()).usedBytes ?? 0;
      return { usedBytes: after - before, loaded: [...(await store.load(id)).payload] };
    });
    expect(loaded).toHaveLength(4);
    expect(usedBytes).toBeLessThan(100_000);
  });

  it('lists the newest first, with their lineage', async () => {
    const list = await page.evaluate(async () => {
      const store = await lab.openCheckpointStore({ name: 't' });
      const first = await store.save(lab.describeRun(), new Uint8Array([1]));
      const info = lab.describeRun({ name: 'nano step 500', step: 500, parentId: first.id, note: 'better' });
      await store.save(info, new Uint8Array([2]));
      return store.list();
    });
    const [second, first] = list.checkpoints;
    expect(second).toMatchObject({
      name: 'nano step 500',
      step: 500,
      parentId: first?.id,
      note: 'better',
      sizeBytes: 1,
    });
    expect(first).toMatchObject({ kind: 'sft', modelName: 'nano', worldHash: '3fa90c11', runId: 'run-1', note: '' });
    expect(first?.configJson).toBe('{"steps":1000}');
  });

  it('renames and annotates, keeps names unique, and deletes completely', async () => {
    const result = await page.evaluate(async () => {
      const store = await lab.openCheckpointStore({ name: 't' });
      const first = await store.save(lab.describeRun({ name: 'best' }), new Uint8Array([1]));
      const second = await store.save(lab.describeRun({ name: 'best' }), new Uint8Array([2]));
      const clash = await lab.failureOf(store.rename(second.id, 'best'));
      const empty = await lab.failureOf(store.rename(second.id, '  '));
      const renamed = await store.rename(second.id, ' second best ');
      const annotated = await store.annotate(first.id, 'from Tuesday');
      await store.remove(first.id);
      await store.remove('never-there');
      const gone = [await lab.failureOf(store.load(first.id)), await lab.failureOf(store.annotate(first.id, ''))];
      return { second, clash, empty, renamed, annotated, gone, list: await store.list(), keys: await lab.keysOf('t') };
    });
    expect(result.second.name).toBe('best (2)');
    expect(result.clash).toMatchObject({
      code: 'bad-config',
      message: expect.stringContaining('already a checkpoint named "best"') as string,
    });
    expect(result.empty).toMatchObject({ code: 'bad-config' });
    expect(result.renamed).toEqual({ ...result.second, name: 'second best', isAutomatic: false });
    expect(result.annotated).toMatchObject({ name: 'best', note: 'from Tuesday', isAutomatic: false });
    expect(result.gone).toEqual([
      expect.objectContaining({ code: 'not-found' }),
      expect.objectContaining({ code: 'not-found' }),
    ]);
    expect(result.list.checkpoints).toEqual([result.renamed]);
    expect(result.keys.chunks).toEqual([JSON.stringify([result.second.id, 0])]);
  });

  it('keeps the last automatic checkpoints of a run, and all that a person has named', async () => {
    const result = await page.evaluate(async () => {
      const store = await lab.openCheckpointStore({ name: 't' });
      const save = (step: number, runId: string) =>
        store.save(lab.describeRun({ name: `${runId} ${step}`, step, runId }), new Uint8Array([step]), { keepLast: 2 });
      await save(1, 'other');
      const named = await save(1, 'run');
      await store.rename(named.id, 'a good one');
      for (const step of [2, 3, 4, 5]) await save(step, 'run');
      const { checkpoints } = await store.list();
      return { names: checkpoints.map(({ name }) => name), chunks: (await lab.keysOf('t')).chunks.length };
    });
    expect(result.names.toSorted()).toEqual(['a good one', 'other 1', 'run 4', 'run 5']);
    expect(result.chunks).toBe(4);
  });

  it('stops on request between two chunks and leaves nothing', async () => {
    const result = await page.evaluate(async () => {
      const store = await lab.openCheckpointStore({ name: 't' });
      const payload = new Uint8Array(20 * lab.MIB);
      const stop = new AbortController();
      const onProgress = (): void => stop.abort();
      const saving = await lab.failureOf(store.save(lab.describeRun(), payload, { signal: stop.signal, onProgress }));
      const keys = await lab.keysOf('t');
      const { id } = await store.save(lab.describeRun(), payload);
      const stopped = { signal: AbortSignal.abort() };
      const others = [
        await lab.failureOf(store.load(id, stopped)),
        await lab.failureOf(store.exportFile(id, stopped)),
        await lab.failureOf(store.exportFile(id).then(({ file }) => store.importFile(file, stopped))),
      ];
      return { saving, keys, others, list: await store.list() };
    });
    expect(result.saving?.code).toBe('aborted');
    expect(result.keys).toEqual({ manifests: 0, pending: 0, runs: 0, chunks: [] });
    expect(result.others.map((failure) => failure?.code)).toEqual(['aborted', 'aborted', 'aborted']);
    expect(result.list.checkpoints).toHaveLength(1);
  });

  it('rejects a manifest or payload that cannot be stored', async () => {
    const failures = await page.evaluate(async () => {
      const store = await lab.openCheckpointStore({ name: 't' });
      const one = new Uint8Array([1]);
      const huge = { sizeBytes: 2 ** 31 + 1, read: () => Promise.resolve(one) };
      return Promise.all([
        lab.failureOf(store.save(lab.describeRun({ name: '' }), one)),
        lab.failureOf(store.save(lab.describeRun({ configJson: '{' }), one)),
        lab.failureOf(store.save(lab.describeRun({ step: -1 }), one)),
        lab.failureOf(store.save(lab.describeRun(), one, { keepLast: 0 })),
        lab.failureOf(store.save(lab.describeRun(), new Uint8Array())),
        lab.failureOf(store.save(lab.describeRun(), huge)),
      ]);
    });
    const codes = ['bad-config', 'bad-config', 'bad-config', 'bad-config', 'bad-checkpoint', 'bad-checkpoint'];
    expect(failures.map((failure) => failure?.code)).toEqual(codes);
  });

  describe('when its database was tampered with', () => {
    it.each([
      ['changed', /chunk 2 of 2 of "nano step 250" is damaged\. Expected SHA-256/u],
      ['cut', /Expected 1048576 bytes\. Got 1048575/u],
      ['replaced', /Expected bytes\. Got string/u],
      ['missing', /Expected a chunk in the database\. Got nothing/u],
    ])('finds a %s chunk', async (change, message) => {
      const result = await page.evaluate(async (how) => {
        const store = await lab.openCheckpointStore({ name: 't' });
        const { id } = await store.save(lab.describeRun(), lab.randomBytes(9 * lab.MIB, 3));
        await lab.tamper('t', 'chunks', [id, 1], (chunk: Uint8Array) => {
          if (how === 'missing') return undefined;
          if (how === 'replaced') return 'text';
          if (how === 'cut') return chunk.slice(1);
          return chunk.with(1000, (chunk[1000] ?? 0) ^ 1);
        });
        const failures = [await lab.failureOf(store.load(id)), await lab.failureOf(store.exportFile(id))];
        await store.remove(id);
        return { failures, keys: await lab.keysOf('t') };
      }, change);
      for (const failure of result.failures) {
        expect(failure?.code).toBe('bad-checkpoint');
        expect(failure?.message).toMatch(message);
        expect(failure?.message).toMatch(/Use another checkpoint/u);
      }
      expect(result.keys).toMatchObject({ manifests: 0, chunks: [] });
    });

    it('lists a damaged record separately, and can delete it', async () => {
      const result = await page.evaluate(async () => {
        const store = await lab.openCheckpointStore({ name: 't' });
        const good = await store.save(lab.describeRun({ name: 'good' }), new Uint8Array([1]));
        const bad = await store.save(lab.describeRun({ name: 'bad' }), new Uint8Array([2]));
        await lab.tamper('t', 'manifests', bad.id, (manifest: object) => ({ ...manifest, sizeBytes: 7 }));
        const list = await store.list();
        const loading = await lab.failureOf(store.load(bad.id));
        await store.remove(bad.id);
        return { good, bad, list, loading, after: await store.list(), keys: await lab.keysOf('t') };
      });
      expect(result.list.checkpoints).toEqual([result.good]);
      expect(result.list.damaged).toEqual([{ id: result.bad.id, problem: expect.stringContaining('sum') as string }]);
      expect(result.loading?.code).toBe('bad-checkpoint');
      expect(result.after).toEqual({ checkpoints: [result.good], damaged: [] });
      expect(result.keys.chunks).toHaveLength(1);
    });
  });

  it('reports full storage, keeps what was stored, and can save again after a deletion', async () => {
    const full = await browser.openTab('https://full.test/');
    const session = await browser.context.newCDPSession(full);
    await session.send('Storage.overrideQuotaForOrigin', { origin: 'https://full.test/', quotaSize: 40 * 2 ** 20 });
    const result = await full.evaluate(async () => {
      const store = await lab.openCheckpointStore({ name: 't' });
      const old = lab.randomBytes(18 * lab.MIB, 4);
      const { id } = await store.save(lab.describeRun({ name: 'old' }), old);
      const failure = await lab.failureOf(
        store.save(lab.describeRun({ name: 'new' }), lab.randomBytes(30 * lab.MIB, 5)),
      );
      const { checkpoints } = await store.list();
      const isIntact = lab.areEqual((await store.load(id)).payload, old);
      return { id, failure, names: checkpoints.map(({ name }) => name), isIntact, keys: await lab.keysOf('t') };
    });
    expect(result.failure?.code).toBe('storage-full');
    expect(result.failure?.message).toMatch(/storage for this page is full.*Delete or export/su);
    expect(result).toMatchObject({ names: ['old'], isIntact: true, keys: { manifests: 1, pending: 0 } });
    expect(result.keys.chunks).toHaveLength(3);
    // The browser frees deleted data asynchronously.
    const saveAgain = (): Promise<unknown> =>
      full.evaluate(async (id) => {
        const store = await lab.openCheckpointStore({ name: 't' });
        await store.remove(id);
        return lab.failureOf(store.save(lab.describeRun({ name: 'new' }), lab.randomBytes(30 * lab.MIB, 5)));
      }, result.id);
    await expect.poll(saveAgain, { interval: 500 }).toBeNull();
    await full.close();
  });

  it('keeps the record of open runs and their newest checkpoint until they are finished', async () => {
    const result = await page.evaluate(async () => {
      const store = await lab.openCheckpointStore({ name: 't' });
      const run = lab.OPEN_RUN;
      const lease = await store.runs.start(run);
      const started = await store.runs.list();
      const twice = await lab.failureOf(store.runs.start(run));
      await store.save(lab.describeRun({ step: 250 }), new Uint8Array([1]));
      const last = await store.save(lab.describeRun({ step: 500, name: 'nano step 500' }), new Uint8Array([2]));
      await store.save(lab.describeRun({ step: 750, name: 'other', runId: 'run-2' }), new Uint8Array([3]));
      lease.release();
      const closed = await lab.openCheckpointStore({ name: 't' });
      closed.close();
      const unsaved = await lab.failureOf(closed.runs.start(run)); // must not keep the lock
      const released = await store.runs.list();
      const again = await store.runs.start({ ...run, totalSteps: 2000 });
      const resumed = await store.runs.list();
      await again.finish();
      return { run, started, twice, unsaved, last, released, resumed, finished: await store.runs.list() };
    });
    expect(result.started).toEqual([{ run: result.run, state: 'alive', lastCheckpoint: null }]);
    expect(result.twice?.message).toMatch(/"nano" is being trained in another tab/u);
    expect(result.unsaved?.message).toMatch(/store was closed: this page closed it/u);
    expect(result.released).toEqual([{ run: result.run, state: 'interrupted', lastCheckpoint: result.last }]);
    expect(result.resumed).toMatchObject([{ run: { totalSteps: 2000 }, state: 'alive' }]);
    expect(result.finished).toEqual([]);
  });

  it('reports how much is stored, and whether storage is persistent', async () => {
    const { space, asked } = await page.evaluate(async () => {
      const store = await lab.openCheckpointStore({ name: 't' });
      await store.save(lab.describeRun(), lab.randomBytes(3 * lab.MIB, 6));
      return { space: await lab.readStorageSpace(), asked: await lab.askToPersist() };
    });
    expect(space.usedBytes).toBeGreaterThan(3 * 2 ** 20);
    expect(space.quotaBytes).toBeGreaterThan(space.usedBytes ?? Infinity);
    expect(space.isPersistent).toBe(false);
    expect(['granted', 'refused']).toContain(asked);
  });
});
