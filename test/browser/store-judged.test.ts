/**
 * Files that are judged, in the store of a real browser: bytes, scores and corrections come back as they went in, and
 * what was cut short leaves nothing behind.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeBrowser } from '../setup/chromium.ts';
import { type ProfileBrowser, startProfileBrowser } from './profile-browser.ts';

describeBrowser('files that are judged', () => {
  const profile = mkdtempSync(join(tmpdir(), 'afrl-lab-judged-'));
  let browser: ProfileBrowser;
  let page: Page;
  beforeAll(async () => {
    browser = await startProfileBrowser(profile);
    page = await browser.openTab('https://store.test/');
    await page.waitForFunction(() => 'lab' in globalThis);
  });
  afterAll(async () => {
    await browser.close();
    rmSync(profile, { recursive: true, force: true });
  });

  it('gives bytes, scores and corrections back, and deletes all of a file at once', async () => {
    const result = await page.evaluate(async () => {
      const { judged } = await lab.openCheckpointStore({ name: 'judged' });
      // Longer than one part.
      const bytes = Uint8Array.from({ length: 9 * 2 ** 20 }, (_, i) => i % 251);
      const record = await judged.add([{ name: 'a.csv', blob: new Blob([bytes]) }], { grades: 'Y=1,N=0' });
      const chunk = (places: number[]): Parameters<typeof judged.keepScores>[2] => ({
        places: Int32Array.from(places),
        probabilities: Float64Array.from(places.flatMap((place) => [1 / (place + 2), 1 - 1 / (place + 2)])),
        cut: new Uint8Array(places.length),
        unfit: [],
      });
      await judged.keepScores(record.id, 0, chunk([0, 1]), { scored: 2 });
      await judged.keepScores(record.id, 1, chunk([2]), { scored: 3 });
      await judged.addCorrection(record.id, { row: 5, label: null, author: 'judge', at: 7 });
      const again = (await lab.openCheckpointStore({ name: 'judged' })).judged;
      const [file] = await again.files(record);
      const back = new Uint8Array((await file?.blob.arrayBuffer()) ?? new ArrayBuffer());
      const scores = await again.scores(record.id);
      const kept = {
        isSame: lab.areEqual(back, bytes),
        places: scores.map(({ places }) => [...places]),
        probabilities: scores.flatMap(({ probabilities }) => [...probabilities]),
        corrections: await again.corrections(record.id),
        scored: (await again.get(record.id)).scored,
      };
      await again.remove(record.id);
      return { kept, left: await again.corrections(record.id), list: await again.list() };
    });
    expect(result.kept).toEqual({
      isSame: true,
      places: [[0, 1], [2]],
      probabilities: [1 / 2, 1 - 1 / 2, 1 / 3, 1 - 1 / 3, 1 / 4, 1 - 1 / 4],
      corrections: [{ row: 5, label: null, author: 'judge', at: 7 }],
      scored: 3,
    });
    expect(result.left).toEqual([]);
    expect(result.list).toEqual({ records: [], damaged: [] });
  });

  it('are changed by what is kept at that moment, and a change that then refuses changes nothing', async () => {
    const kept = await page.evaluate(async () => {
      const { judged } = await lab.openCheckpointStore({ name: 'judged' });
      const other = (await lab.openCheckpointStore({ name: 'judged' })).judged;
      const { id } = await judged.add([{ name: 'a.csv', blob: new Blob(['a']) }], { rules: ['first'] });
      const add = (rule: string) => (now: { readonly rules?: unknown }) => ({
        rules: [...(now.rules as string[]), rule],
      });
      await Promise.all([judged.update(id, add('second')), other.update(id, add('third'))]);
      const refused = await judged
        .dropScores(id, () => {
          throw new Error('not like this');
        })
        .catch((thrown: unknown) => String(thrown));
      const { rules } = await other.get(id);
      await judged.remove(id);
      return { refused, rules: (rules as string[]).toSorted() };
    });
    expect(kept).toEqual({
      refused: expect.stringContaining('not like this') as unknown,
      rules: ['first', 'second', 'third'],
    });
  });

  it('keep what two tabs say at once, each correction once, and undo no other', async () => {
    const kept = await page.evaluate(async () => {
      const { judged } = await lab.openCheckpointStore({ name: 'judged' });
      const other = (await lab.openCheckpointStore({ name: 'judged' })).judged;
      const { id } = await judged.add([{ name: 'a.csv', blob: new Blob(['a']) }], {});
      const said = (row: number, author: string) => ({ row, label: 1, author, at: row });
      const rows = Array.from({ length: 30 }, (_, row) => row);
      await Promise.all(
        rows.flatMap((row) => [judged.addCorrection(id, said(row, 'Ada')), other.addCorrection(id, said(row, 'Bo'))]),
      );
      const all = await other.corrections(id);
      const inOrder = (author: string): number[] => all.filter((one) => one.author === author).map(({ row }) => row);
      const last = said(40, 'Ada');
      await judged.addCorrection(id, last);
      await other.addCorrection(id, last);
      await other.addCorrection(id, said(41, 'Bo'));
      await judged.dropCorrection(id, last);
      await judged.dropCorrection(id, last);
      const refused = await judged
        .addCorrection(id, said(42, 'Ada'), ({ columns }) => {
          throw new Error(`not under ${Object.keys(columns).length} columns`);
        })
        .catch((thrown: unknown) => String(thrown));
      const end = (await judged.corrections(id)).slice(-2);
      await judged.remove(id);
      const gone = await lab.failureOf(judged.addCorrection(id, last));
      return { ada: inOrder('Ada'), bo: inOrder('Bo'), rows, end, refused, gone, left: await judged.corrections(id) };
    });
    expect(kept.ada).toEqual(kept.rows);
    expect(kept.bo).toEqual(kept.rows);
    expect(kept.end.map(({ row }) => row)).toEqual([29, 41]);
    expect(kept.refused).toContain('not under 0 columns');
    expect(kept.gone?.code).toBe('not-found');
    expect(kept.left).toEqual([]);
  });
});
