/**
 * The built page on a plain static host, under a path, offline: after one visit it opens and answers although the host
 * is gone, with every backend; and a newer version is offered, never forced.
 */
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectChromium, describeBrowser } from '../setup/chromium.ts';
import { checkForUpdate, release } from './newer-version.ts';
import { BUILT_PAGE, ISOLATION, serveFolder, type StaticHost } from './static-host.ts';
import { answered, shownLabel, visit } from './visit.ts';

const UNDER = '/some/path/';

describeBrowser('the page without a network', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await connectChromium();
  });
  afterAll(() => browser.close());

  it.each([
    { host: 'a plain host', headers: {}, isIsolated: false },
    { host: 'an isolated host', headers: ISOLATION, isIsolated: true },
  ])('answers after one visit to $host', async ({ headers, isIsolated }) => {
    const host = await serveFolder(BUILT_PAGE, { under: UNDER, headers });
    const { page, complaints, foreignRequests } = await visit(browser, host.url);
    await answered(page);
    const label = await shownLabel(page);
    await page.getByText('Works offline.').waitFor();
    await host.close();
    await page.context().setOffline(true);

    await page.reload();
    await answered(page);
    expect(await shownLabel(page)).toBe(label);
    await page.getByRole('navigation', { name: 'Examples' }).getByRole('button').nth(1).click();
    await answered(page);
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(isIsolated);
    for (const backend of ['wasm', 'cpu']) {
      await page.goto(`${host.url}?backend=${backend}#/score`);
      await answered(page);
      expect(await shownLabel(page)).toBe(label);
    }
    // Training, whose files the first visit did not request: its worker starts and predicts the time of a run.
    await page.goto(`${host.url}#/train`);
    await page.getByRole('heading', { name: 'Before it starts' }).waitFor();
    await page.locator('lab-run-plan button.primary:enabled').waitFor();
    expect(complaints).toEqual([]);
    expect(foreignRequests).toEqual([]);
  });

  describe('when there is a newer version', () => {
    let folder: string;
    let host: StaticHost;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'afrl-lab-'));
      await cp(BUILT_PAGE, folder, { recursive: true });
      host = await serveFolder(folder, { under: UNDER });
    });
    afterAll(async () => {
      await host.close();
      await rm(folder, { recursive: true });
    });

    it('offers it, keeps using the old one until then, and switches from the only tab', async () => {
      const { page, complaints } = await visit(browser, host.url);
      await page.getByText('Works offline.').waitFor();
      const other = await page.context().newPage();
      await other.goto(`${host.url}#/score`);
      await answered(other);

      await release(folder, 'A newer lab');
      const answersBefore = host.answers.length;
      await checkForUpdate(page);
      await page.getByText('A newer version is here').waitFor();
      const fetched = host.answers.slice(answersBefore).filter((line) => line.startsWith('200'));
      expect(fetched).toEqual(['200 offline.worker.js', '200 index.html']);

      await page.reload();
      await answered(page);
      expect(await page.title()).toBe('AFRL Lab');
      await page.getByRole('button', { name: 'Use the new version' }).click();
      await page.getByText('Other tabs of the lab are using this version').waitFor();
      expect(await page.title()).toBe('AFRL Lab');

      await other.close();
      await page.getByRole('button', { name: 'Use the new version' }).click();
      await page.waitForFunction(() => document.title === 'A newer lab');
      await answered(page);
      expect(await page.getByText('A newer version is here').count()).toBe(0);
      expect(complaints).toEqual([]);
    });
  });
});
