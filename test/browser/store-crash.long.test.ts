/**
 * The store under sudden ends: the browser's process is killed during a save, a worker is terminated, database files
 * are damaged on disk.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { describeBrowser } from '../setup/chromium.ts';
import { type ProfileBrowser, startProfileBrowser } from './profile-browser.ts';

const ORIGIN = 'https://store.test/';
const OLD = { name: 'old', sizeBytes: 9 * 2 ** 20, seed: 7 };

describeBrowser('the checkpoint store in a browser that is killed', () => {
  let profile: string;
  let browser: ProfileBrowser;
  beforeEach(async () => {
    profile = mkdtempSync(join(tmpdir(), 'afrl-lab-crash-'));
    browser = await startProfileBrowser(profile);
  });
  afterEach(async () => {
    await browser.close();
    rmSync(profile, { recursive: true, force: true });
  });

  async function restart(): Promise<Page> {
    browser = await startProfileBrowser(profile);
    return browser.openTab(ORIGIN);
  }

  it('keeps the old checkpoint, lists no partial one and removes its chunks when killed during a save', async () => {
    const page = await browser.openTab(ORIGIN);
    const old = await saveOld(page);
    const run = await page.evaluate(async () => {
      const store = await lab.openCheckpointStore();
      await store.runs.start(lab.OPEN_RUN);
      await lab.holdSave(store, { name: 'half' });
      return lab.OPEN_RUN;
    });
    await browser.kill();

    const reopened = await restart();
    const left = await reopened.evaluate(() => lab.keysOf('afrl-lab'));
    expect(left).toMatchObject({ manifests: 1, pending: 1, runs: 1 });
    expect(left.chunks).toHaveLength(2 + 1);

    const after = await look(reopened);
    expect(after).toMatchObject({ names: ['old'], damaged: [], oldIsIntact: true });
    expect(after.keys).toEqual({ manifests: 1, pending: 0, runs: 1, chunks: chunkKeys(old.id, 2) });
    expect(after.runs).toEqual([{ run, state: 'interrupted', lastCheckpoint: old }]);
  });

  it('lists a checkpoint completely or not at all, at whatever point of a save it is killed', async () => {
    const { id } = await saveOld(await browser.openTab(ORIGIN));
    for (const delayMs of [0, 60, 180]) {
      await browser.kill();
      const page = await restart();
      const before = await look(page);
      expect(before).toMatchObject({ damaged: [], oldIsIntact: true, keys: { pending: 0 } });
      expect(before.brokenNames).toEqual([]);
      expect(before.keys.chunks).toHaveLength(before.chunksListed);
      await page.evaluate(async () => {
        const store = await lab.openCheckpointStore();
        const payload = lab.randomBytes(40 * lab.MIB, 9);
        void store.save(lab.describeRun({ name: 'new' }), payload);
      });
      await new Promise((resolve) => setTimeout(resolve, delayMs));
    }
    await browser.kill();
    const last = await look(await restart());
    expect(last).toMatchObject({ damaged: [], oldIsIntact: true, brokenNames: [] });
    expect(last.keys.chunks).toEqual(expect.arrayContaining(chunkKeys(id, 2)));
  });

  it('removes the save of a worker that was terminated while its page lives on', async () => {
    const page = await browser.openTab(ORIGIN);
    const { during, swept } = await page.evaluate(async () => {
      const text = `import '${location.origin}/store-harness.js';
        await lab.holdSave(await lab.openCheckpointStore());
        postMessage('held');`;
      const url = URL.createObjectURL(new Blob([text], { type: 'text/javascript' }));
      const worker = new Worker(url, { type: 'module' });
      await new Promise((resolve) => worker.addEventListener('message', resolve, { once: true }));
      await lab.openCheckpointStore(); // must not touch a save in progress
      const during = await lab.keysOf('afrl-lab');
      worker.terminate();
      const deadline = Date.now() + 120_000;
      let swept = during;
      while (swept.pending > 0 && Date.now() < deadline) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        await lab.openCheckpointStore();
        swept = await lab.keysOf('afrl-lab');
      }
      return { during, swept };
    });
    expect(during).toMatchObject({ manifests: 0, pending: 1 });
    expect(during.chunks).toHaveLength(1);
    expect(swept).toEqual({ manifests: 0, pending: 0, runs: 0, chunks: [] });
  });

  it.each(['changed', 'emptied', 'deleted'] as const)('finds a file that was %s on disk', async (how) => {
    const { id } = await saveOld(await browser.openTab(ORIGIN));
    await browser.close();
    for (const file of largeFiles(join(profile, 'Default', 'IndexedDB'))) damageFile(file, how);

    const failure = await (
      await restart()
    ).evaluate(async (oldId) => {
      const store = await lab.openCheckpointStore();
      return lab.failureOf(store.load(oldId));
    }, id);
    expect(failure?.code).toBe('bad-checkpoint');
  });
});

async function saveOld(page: Page): Promise<{ id: string }> {
  return page.evaluate(async ({ name, sizeBytes, seed }) => {
    const store = await lab.openCheckpointStore();
    return store.save(lab.describeRun({ name }), lab.randomBytes(sizeBytes, seed));
  }, OLD);
}

/** The store's own report, and the contents of its database. */
async function look(page: Page): Promise<{
  names: string[];
  brokenNames: string[];
  damaged: readonly unknown[];
  runs: unknown[];
  oldIsIntact: boolean;
  chunksListed: number;
  keys: { pending: number; chunks: string[] };
}> {
  return page.evaluate(async ({ name: oldName, sizeBytes, seed }) => {
    const store = await lab.openCheckpointStore();
    const { checkpoints, damaged } = await store.list();
    const brokenNames: string[] = [];
    let oldIsIntact = false;
    for (const { id, name } of checkpoints) {
      try {
        const { payload } = await store.load(id);
        if (name === oldName) oldIsIntact = lab.areEqual(payload, lab.randomBytes(sizeBytes, seed));
      } catch {
        brokenNames.push(name);
      }
    }
    return {
      names: checkpoints.map(({ name }) => name),
      brokenNames,
      damaged,
      runs: await store.runs.list(),
      oldIsIntact,
      chunksListed: checkpoints.reduce((sum, { chunks }) => sum + chunks.length, 0),
      keys: await lab.keysOf('afrl-lab'),
    };
  }, OLD);
}

function chunkKeys(id: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => JSON.stringify([id, index]));
}

/** The files that hold payloads. */
function largeFiles(folder: string): string[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name));
  const large = files.filter((file) => statSync(file).isFile() && statSync(file).size > 2 ** 19);
  expect(large.length).toBeGreaterThan(0);
  return large;
}

function damageFile(file: string, how: 'changed' | 'emptied' | 'deleted'): void {
  if (how === 'deleted') {
    rmSync(file);
    return;
  }
  const bytes = readFileSync(file);
  const middle = bytes.length >> 1;
  bytes.set([(bytes[middle] ?? 0) ^ 255], middle);
  writeFileSync(file, how === 'emptied' ? '' : bytes);
}
