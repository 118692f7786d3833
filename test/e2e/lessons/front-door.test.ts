/** The front door as visitors meet it: it moves by itself, stands still for those who want no motion, and leads on. */
import { readFileSync } from 'node:fs';
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { parseRecording } from '../../../src/protocol/recording.ts';
import { connectChromium, describeBrowser } from '../../setup/chromium.ts';
import { looksOf, SCREENS, visit } from '../visit.ts';
import { DESK } from './lesson-page.ts';

const PAGE_URL = inject('pageUrl');

describeBrowser('the front door', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await connectChromium();
  });
  afterAll(() => browser.close());

  it('moves by itself, without an engine, and has three ways in', async () => {
    const { page, complaints, foreignRequests } = await visit(browser, `${PAGE_URL}#/`, DESK);
    const slider = page.getByRole('slider', { name: 'Step of the run' });
    await slider.waitFor();
    // What the page itself has fetched; its offline copy comes after that.
    const fetched = await page.evaluate(() => performance.getEntriesByType('resource').map(({ name }) => name));
    expect(fetched.filter((url) => /\.wasm|models\//u.test(url))).toEqual([]);
    expect(page.workers()).toEqual([]);
    await expect.poll(() => slider.inputValue()).not.toBe('0');
    await page.getByRole('button', { name: 'Pause' }).click();
    const paused = await slider.inputValue();
    await page
      .getByText(/^step \d+ of 160: reward 0\.\d\d, \d+ rules cited, \d+ of them decide an answer$/u)
      .first()
      .waitFor();
    expect(await slider.inputValue()).toBe(paused);
    const doors = page.locator('lab-front-door li a');
    expect(await doors.evaluateAll((links) => links.map((link) => link.getAttribute('href')))).toEqual([
      '#/lesson/collapse/1',
      '#/files',
      '#/collapse',
    ]);
    await page.getByRole('link', { name: /See a model collapse/u }).click();
    await page.getByRole('heading', { name: 'One pair, before and after' }).waitFor();
    await page.getByRole('link', { name: 'AFRL Lab' }).click();
    await page.getByRole('heading', { name: /answers first/u }).waitFor();
    expect(complaints).toEqual([]);
    expect(foreignRequests).toEqual([]);
  });

  it('stands still, at the end of the run, for those who want no motion', async () => {
    const { page, complaints } = await visit(browser, `${PAGE_URL}#/`, { ...DESK, reducedMotion: 'reduce' });
    const multiples = page.locator('lab-flow .multiples button');
    await expect.poll(() => multiples.count()).toBe(4);
    expect(await page.getByRole('button', { name: /^(?:Play|Pause)$/u }).count()).toBe(0);
    const slider = page.getByRole('slider', { name: 'Step of the run' });
    const recorded = readFileSync('public/recordings/grpo.json', 'utf8');
    const last = parseRecording('grpo.json', recorded).frames.length - 1;
    expect(await slider.inputValue()).toBe(String(last));
    await multiples.first().click();
    await expect.poll(() => slider.inputValue()).toBe('0');
    expect(complaints).toEqual([]);
  });

  it.each(looksOf(SCREENS, 0))('the front door is accessible: %s at %d by %d', async (colorScheme, width, height) => {
    const options = { colorScheme, viewport: { width, height }, bypassCSP: true, reducedMotion: 'reduce' } as const;
    const { page } = await visit(browser, `${PAGE_URL}#/`, options);
    await page.locator('lab-flow .multiples').waitFor();
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
  });
});
