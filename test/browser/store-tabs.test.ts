/**
 * The store in several tabs at once, of one version of the lab or of two, and on pages in an insecure context.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { describeBrowser } from '../setup/chromium.ts';
import { type ProfileBrowser, startProfileBrowser } from './profile-browser.ts';

const ORIGIN = 'https://store.test/';

describeBrowser('the checkpoint store in two tabs', () => {
  const profile = mkdtempSync(join(tmpdir(), 'afrl-lab-tabs-'));
  let browser: ProfileBrowser;
  let first: Page;
  let second: Page;
  beforeAll(async () => {
    browser = await startProfileBrowser(profile);
  });
  afterAll(async () => {
    await browser.close();
    rmSync(profile, { recursive: true, force: true });
  });
  beforeEach(async () => {
    first = await browser.openTab(ORIGIN);
    second = await browser.openTab(ORIGIN);
    await first.evaluate(() => lab.deleteDatabase('afrl-lab'));
  });
  afterEach(async () => {
    await first.close();
    await second.close();
  });

  it('lets both save and see what the other saved, under different names', async () => {
    const save = (page: Page, seed: number): Promise<string> =>
      page.evaluate(async (ownSeed) => {
        const store = await lab.openCheckpointStore();
        return (await store.save(lab.describeRun({ name: 'same' }), lab.randomBytes(17 * lab.MIB, ownSeed))).id;
      }, seed);
    const ids = await Promise.all([save(first, 1), save(second, 2)]);
    const seen = await first.evaluate(async ([ownId, otherId]) => {
      const store = await lab.openCheckpointStore();
      const { checkpoints } = await store.list();
      const own = lab.areEqual((await store.load(ownId)).payload, lab.randomBytes(17 * lab.MIB, 1));
      const other = lab.areEqual((await store.load(otherId)).payload, lab.randomBytes(17 * lab.MIB, 2));
      return { names: checkpoints.map(({ name }) => name).toSorted(), own, other };
    }, ids);
    expect(seen).toEqual({ names: ['same', 'same (2)'], own: true, other: true });
  });

  it('does not touch the save of the other tab, and removes it once that tab is closed', async () => {
    await first.evaluate(async () => void (await lab.holdSave(await lab.openCheckpointStore())));
    const during = await second.evaluate(async () => {
      await lab.openCheckpointStore();
      return lab.keysOf('afrl-lab');
    });
    expect(during).toMatchObject({ manifests: 0, pending: 1 });
    expect(during.chunks).toHaveLength(1);

    await first.close();
    const open = (): Promise<{ pending: number; chunks: string[] }> =>
      second.evaluate(async () => {
        await lab.openCheckpointStore();
        return lab.keysOf('afrl-lab');
      });
    await expect.poll(open).toMatchObject({ pending: 0, chunks: [] });
  });

  it('does not remove a save that ends during the search for abandoned ones', async () => {
    const result = await first.evaluate(async () => {
      const store = await lab.openCheckpointStore();
      const held = await lab.holdSave(store);
      // The save ends between reading the pending ones and reading the locks.
      const query = navigator.locks.query.bind(navigator.locks);
      navigator.locks.query = async () => {
        held.letGo();
        await held.ended;
        return query();
      };
      await lab.openCheckpointStore();
      const { checkpoints } = await store.list();
      return lab.failureOf(store.load(checkpoints[0]?.id ?? ''));
    });
    expect(result).toBeNull();
  });

  it('finishes a save that the other waited for', async () => {
    const save = await first.evaluateHandle(async () => lab.holdSave(await lab.openCheckpointStore()));
    await second.evaluate(() => lab.openCheckpointStore().then((store) => store.close()));
    const failure = await save.evaluate(({ letGo, ended }) => {
      letGo();
      return ended;
    });
    expect(failure).toBeNull();
    const { checkpoints } = await second.evaluate(async () => (await lab.openCheckpointStore()).list());
    expect(checkpoints).toHaveLength(1);
  });

  it('reports that the other tab deleted a checkpoint while it was read', async () => {
    const id = await first.evaluate(async () => {
      const store = await lab.openCheckpointStore();
      return (await store.save(lab.describeRun(), new Uint8Array(17 * lab.MIB))).id;
    });
    const failure = await second.evaluate(async (savedId) => {
      const store = await lab.openCheckpointStore();
      const other = await lab.openCheckpointStore();
      let deletion: Promise<void> | undefined;
      const onProgress = (): void => {
        deletion ??= other.remove(savedId);
      };
      return lab.failureOf(store.load(savedId, { onProgress }));
    }, id);
    expect(failure?.code).toBe('not-found');
    expect(failure?.message).toMatch(/deleted, here or in another tab/u);
  });

  it('offers an interrupted run in a tab only while no tab trains it', async () => {
    const run = { id: 'run-1', name: 'nano', kind: 'sft', configJson: '{}', totalSteps: 9, startedAt: 5 };
    await first.evaluate(async (openRun) => void (await (await lab.openCheckpointStore()).runs.start(openRun)), run);
    const stateSeen = (): Promise<string | undefined> =>
      second.evaluate(async () => (await (await lab.openCheckpointStore()).runs.list())[0]?.state);
    expect(await stateSeen()).toBe('alive');
    await first.close();
    await expect.poll(stateSeen).toBe('interrupted');
  });

  it('reports that nothing can be stored in a frame without storage access', async () => {
    await first.setContent('<iframe sandbox="allow-scripts" src="/"></iframe>');
    const [, frame] = first.frames();
    await frame?.waitForFunction(() => 'lab' in globalThis);
    const failure = await frame?.evaluate(() => lab.failureOf(lab.openCheckpointStore()));
    expect(failure?.code).not.toBe('not a LabError');
    expect(failure?.message).toMatch(/keeps no checkpoints for this page.*Allow this page to store data/su);
  });

  describe('of two versions', () => {
    it('lets the newer one migrate, and tells the older one to reload', async () => {
      const { id, failures, saving } = await first.evaluate(async () => {
        const store = await lab.openCheckpointStore();
        const { id } = await store.save(lab.describeRun(), new Uint8Array([1, 2, 3]));
        const held = await lab.holdSave(store);
        await lab.openCheckpointStore({ migrations: [...lab.MIGRATIONS, lab.nextMigration] });
        held.letGo();
        const saving = await held.ended;
        return { id, saving, failures: [await lab.failureOf(store.list()), await lab.failureOf(store.load(id))] };
      });
      for (const failure of [saving, ...failures]) {
        expect(failure?.message).toMatch(/saved by a newer version of the lab.*Reload the page/su);
      }
      const older = await second.evaluate(() => lab.failureOf(lab.openCheckpointStore()));
      const versions = await second.evaluate(() => lab.MIGRATIONS.length);
      expect(older?.message).toContain(`newer version of the lab. Expected a database of version ${versions} or older`);
      const kept = await second.evaluate(async (savedId) => {
        const store = await lab.openCheckpointStore({ migrations: [...lab.MIGRATIONS, lab.nextMigration] });
        return { payload: [...(await store.load(savedId)).payload], list: await store.list() };
      }, id);
      expect(kept.payload).toEqual([1, 2, 3]);
      expect(kept.list.checkpoints).toHaveLength(1);
    });

    it('opens again after the data of the page was cleared, and saves nothing by halves', async () => {
      const result = await first.evaluate(async () => {
        const store = await lab.openCheckpointStore();
        const { id } = await store.save(lab.describeRun({ name: 'before' }), new Uint8Array([1]));
        const held = await lab.holdSave(store, { name: 'half' });
        const deleted = indexedDB.deleteDatabase('afrl-lab');
        await new Promise((resolve) => deleted.addEventListener('success', resolve));
        held.letGo();
        const half = await held.ended;
        const after = await store.save(lab.describeRun({ name: 'after' }), new Uint8Array([2, 3]));
        const names = (await store.list()).checkpoints.map(({ name }) => name);
        const payload = [...(await store.load(after.id)).payload];
        return { half, names, payload, gone: await lab.failureOf(store.load(id)), keys: await lab.keysOf('afrl-lab') };
      });
      expect(result.half).not.toBeNull();
      expect(result.names).toEqual(['after']);
      expect(result.payload).toEqual([2, 3]);
      expect(result.gone?.code).toBe('not-found');
      expect(result.keys).toMatchObject({ manifests: 1, pending: 0 });
      expect(result.keys.chunks).toHaveLength(1);
    });

    it('gives up while a tab holds the database, and works once it is released', async () => {
      await first.evaluate(async () => {
        (await lab.openCheckpointStore()).close();
        const stubborn = indexedDB.open('afrl-lab', lab.MIGRATIONS.length);
        await new Promise((resolve) => stubborn.addEventListener('success', resolve));
      });
      const open = (versionsAhead: number): Promise<{ message: string } | null> =>
        second.evaluate((ahead) => {
          const migrations = [...lab.MIGRATIONS, lab.nextMigration, () => undefined].slice(
            0,
            lab.MIGRATIONS.length + ahead,
          );
          return lab.failureOf(lab.openCheckpointStore({ migrations, blockedAfterMs: 200 }));
        }, versionsAhead);
      const next = 1 + (await second.evaluate(() => lab.MIGRATIONS.length));
      expect((await open(1))?.message).toContain(`prevents the checkpoint store from being updated to version ${next}`);
      await first.close();
      // One version further: the connection that came too late for the first attempt does not block it.
      await expect.poll(() => open(2)).toBeNull();
    });
  });
});
