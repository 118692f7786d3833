/**
 * Checkpoint files, and moving them between stores: on a secure page, and on a plain http:// one, where the browser
 * offers neither hashing nor locks.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { describeBrowser } from '../setup/chromium.ts';
import { type ProfileBrowser, startProfileBrowser } from './profile-browser.ts';

const FIXTURE = readFileSync(new URL('../fixtures/store/file-v1.afrl-checkpoint', import.meta.url));

describeBrowser('files of checkpoints', () => {
  const profile = mkdtempSync(join(tmpdir(), 'afrl-lab-files-'));
  let browser: ProfileBrowser;
  let secure: Page;
  let plain: Page;
  beforeAll(async () => {
    browser = await startProfileBrowser(profile);
    secure = await browser.openTab('https://store.test/');
    plain = await browser.openTab('http://lab.test/');
  });
  afterAll(async () => {
    await browser.close();
    rmSync(profile, { recursive: true, force: true });
  });
  beforeEach(async () => {
    for (const page of [secure, plain]) {
      await page.reload();
      await page.waitForFunction(() => 'lab' in globalThis);
      await page.evaluate(() => lab.deleteDatabase('t'));
    }
  });

  it('are restored unchanged after the original is deleted, with their id and date', async () => {
    const result = await secure.evaluate(async () => {
      const store = await lab.openCheckpointStore({ name: 't' });
      const payload = lab.randomBytes(17 * lab.MIB, 1);
      const saved = await store.save(lab.describeRun({ name: 'größte: 1/2' }), payload);
      const { fileName, file } = await store.exportFile(saved.id);
      await store.remove(saved.id);
      const progress: number[] = [];
      const imported = await store.importFile(file, { onProgress: (done) => progress.push(done / lab.MIB) });
      const loaded = await store.load(saved.id);
      const isSame = lab.areEqual(loaded.payload, payload);
      return { saved, fileName, headBytes: file.size - payload.length, imported, isSame, progress };
    });
    expect(result.imported).toEqual({ ...result.saved, isAutomatic: false });
    expect(result.isSame).toBe(true);
    expect(result.progress).toEqual([8, 16, 17]);
    expect(result.fileName).toBe('größte-1-2.afrl-checkpoint');
    expect(result.headBytes).toBeLessThan(2000);
  });

  it('become copies with new ids and names if the original still exists', async () => {
    const result = await secure.evaluate(async () => {
      const store = await lab.openCheckpointStore({ name: 't' });
      const saved = await store.save(lab.describeRun({ name: 'best' }), new Uint8Array([1, 2]));
      const { file } = await store.exportFile(saved.id);
      const [second, third] = [await store.importFile(file), await store.importFile(file)];
      await store.rename(saved.id, 'other');
      const fourth = await store.importFile(file);
      await store.remove(saved.id);
      const payloads = [second, third, fourth].map(async ({ id }) => [...(await store.load(id)).payload]);
      return { ids: [saved, second, third, fourth], payloads: await Promise.all(payloads) };
    });
    expect(result.ids.map(({ name }) => name)).toEqual(['best', 'best (2)', 'best (3)', 'best']);
    expect(new Set(result.ids.map(({ id }) => id)).size).toBe(4);
    expect(result.payloads).toEqual([
      [1, 2],
      [1, 2],
      [1, 2],
    ]);
  });

  it('of version 1 are read, and still written the same', async () => {
    const result = await secure.evaluate(
      async (bytes) => {
        const store = await lab.openCheckpointStore({ name: 't' });
        const manifest = await store.importFile(new Blob([Uint8Array.from(bytes)]));
        const { file } = await store.exportFile(manifest.id);
        return { manifest, exported: [...new Uint8Array(await file.arrayBuffer())] };
      },
      [...FIXTURE],
    );
    expect(result.manifest).toMatchObject({ name: 'the good one (größer)', step: 250, sizeBytes: 200 });
    expect(Buffer.from(result.exported).equals(FIXTURE)).toBe(true);
  });

  it('with a changed chunk are rejected, and nothing of them is kept', async () => {
    const result = await secure.evaluate(async () => {
      const store = await lab.openCheckpointStore({ name: 't' });
      const { id } = await store.save(lab.describeRun(), lab.randomBytes(17 * lab.MIB, 2));
      const { file } = await store.exportFile(id);
      await store.remove(id);
      const at = file.size - 5;
      const last = new Uint8Array(await file.slice(at, at + 1).arrayBuffer());
      const changed = new Blob([file.slice(0, at), last.map((byte) => byte ^ 16), file.slice(at + 1)]);
      return { failure: await lab.failureOf(store.importFile(changed)), keys: await lab.keysOf('t') };
    });
    expect(result.failure?.code).toBe('bad-file');
    expect(result.failure?.message).toMatch(/chunk 3 of 3 has changed.*Nothing was imported/su);
    expect(result.keys).toEqual({ manifests: 0, pending: 0, runs: 0, chunks: [] });
  });

  describe('on a plain http:// page', () => {
    it('are read and written as well', async () => {
      const exported = await secure.evaluate(async () => {
        const store = await lab.openCheckpointStore({ name: 't' });
        const { id } = await store.save(lab.describeRun(), lab.randomBytes(lab.MIB, 3));
        const { file } = await store.exportFile(id);
        return new Promise<string>((resolve) => {
          const reader = new FileReader();
          reader.addEventListener('load', () => resolve(reader.result as string));
          reader.readAsDataURL(file);
        });
      });
      const result = await plain.evaluate(async (dataUrl) => {
        const isPlain = !isSecureContext && !('locks' in navigator) && !('subtle' in crypto);
        const store = await lab.openCheckpointStore({ name: 't' });
        const bytes = Uint8Array.from(atob(dataUrl.slice(dataUrl.indexOf(',') + 1)), (letter) => letter.charCodeAt(0));
        const imported = await store.importFile(new Blob([bytes]));
        const { payload } = await store.load(imported.id);
        const saved = await store.save(lab.describeRun(), payload);
        const { file } = await store.exportFile(imported.id);
        const isSame = lab.areEqual(new Uint8Array(await file.arrayBuffer()).subarray(-lab.MIB), payload);
        const isRight = lab.areEqual(payload, lab.randomBytes(lab.MIB, 3));
        return { isPlain, isSame, isRight, imported, saved };
      }, exported);
      expect(result).toMatchObject({ isPlain: true, isSame: true, isRight: true });
      expect(result.saved.chunks).toEqual(result.imported.chunks);
    });

    it('unfinished saves are removed by their age, and runs are of unknown state', async () => {
      const result = await plain.evaluate(async () => {
        const store = await lab.openCheckpointStore({ name: 't' });
        const run = { id: 'r', name: 'r', kind: 'sft', configJson: '{}', totalSteps: 1, startedAt: 1 };
        await store.runs.start(run);
        const held = await lab.holdSave(store);
        await lab.openCheckpointStore({ name: 't' });
        const young = await lab.keysOf('t');
        const hourAgo = Date.now() - 3_600_000;
        const [key = ''] = young.chunks;
        const [id] = JSON.parse(key) as [string];
        await lab.tamper('t', 'pending', id, (pending: object) => ({ ...pending, touchedAt: hourAgo }));
        await lab.openCheckpointStore({ name: 't' });
        const old = await lab.keysOf('t');
        held.letGo();
        return { young, old, ended: await held.ended, runs: await store.runs.list(), after: await lab.keysOf('t') };
      });
      expect(result.young).toMatchObject({ pending: 1, manifests: 0 });
      expect(result.old).toMatchObject({ pending: 0, chunks: [] });
      expect(result.ended?.message).toMatch(/suspended for so long.*Save again/su);
      expect(result.after).toMatchObject({ pending: 0, manifests: 0, chunks: [] });
      expect(result.runs).toMatchObject([{ state: 'unknown' }]);
    });

    it('a save removed after its last chunk is not listed', async () => {
      const result = await plain.evaluate(async () => {
        const store = await lab.openCheckpointStore({ name: 't' });
        const request = indexedDB.open('t');
        await new Promise((resolve) => request.addEventListener('success', resolve));
        const onProgress = (): void => {
          const sweep = request.result.transaction(['pending', 'chunks'], 'readwrite');
          sweep.objectStore('pending').clear();
          sweep.objectStore('chunks').clear();
        };
        const failure = await lab.failureOf(store.save(lab.describeRun(), new Uint8Array([1]), { onProgress }));
        return { failure, keys: await lab.keysOf('t') };
      });
      expect(result.failure?.message).toMatch(/suspended for so long/u);
      expect(result.keys).toMatchObject({ manifests: 0, pending: 0, chunks: [] });
    });

    it('the browser reports no storage space and makes no promise', async () => {
      const result = await plain.evaluate(async () => [await lab.readStorageSpace(), await lab.askToPersist()]);
      expect(result).toEqual([{ usedBytes: null, quotaBytes: null, isPersistent: null }, 'unavailable']);
    });
  });
});
