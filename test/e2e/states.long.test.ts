/**
 * The page on a scripted model, in states that a real model rarely reaches: wrong, unsure, broken or slow has to be as
 * clear as success. Also what holds in every state: it is accessible on any screen.
 */
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { connectChromium, describeBrowser } from '../setup/chromium.ts';
import { SCENES } from '../harness/scripted-client.ts';
import { recordedFrames, recordFrames } from './frames.ts';
import { looksOf, numbered, shownLabel, visit, type Visit } from './visit.ts';

const HARNESS_URL = inject('harnessUrl');

describeBrowser('the page on a scripted model', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await connectChromium();
  });
  afterAll(() => browser.close());
  const show = (scene: string, options = {}): Promise<Visit> =>
    visit(browser, `${HARNESS_URL}?scene=${scene}`, options);

  it('marks each step as verified, wrong or uncheckable, with the reason', async () => {
    const { page } = await show('mixed');
    await page.getByText('14 tokens in').waitFor();
    expect(await page.locator('lab-step .check').allInnerTexts()).toEqual(['Verified', 'Wrong', 'Uncheckable']);
    await page.getByText('The rule does not fire: the document says "steel" under material').waitFor();
  });

  it('paints the label in an earlier frame, even when label and reasoning arrive together', async () => {
    const { page } = await show('verified');
    await page.locator('lab-trace .summary').waitFor();
    await recordFrames(page);
    await page.getByRole('button', { name: 'accessory' }).click();
    await expect.poll(() => recordedFrames(page).then((all) => all.at(-1)?.reasoning)).toBe(true);
    const frames = await recordedFrames(page);
    expect(frames.some(({ reasoning }) => !reasoning)).toBe(true);
    expect(frames.find(({ reasoning }) => !reasoning)?.label).toBe(true);
  });

  it('shows evidence in place, more strongly for the step pointed at', async () => {
    const { page } = await show('mixed');
    const marks = page.locator('lab-field mark');
    await expect.poll(() => marks.allInnerTexts()).toEqual(['steel', '1.5 l', 'kettle', 'kettle', '1700 ml']);
    await page.locator('lab-step').nth(0).hover();
    await expect.poll(() => page.locator('lab-field mark.active').allInnerTexts()).toEqual(['1.5 l', '1700 ml']);
    await page.locator('lab-step article').nth(1).focus();
    await expect.poll(() => page.locator('lab-field mark.active').allInnerTexts()).toContain('steel');
  });

  it('shows no evidence in text that has changed since', async () => {
    const { page } = await show('mixed');
    await page.locator('lab-field mark').first().waitFor();
    await page.getByRole('checkbox', { name: 'while I type' }).uncheck();
    await page.getByRole('textbox', { name: 'Query', exact: true }).fill('pan');
    await expect.poll(() => page.locator('lab-field mark').allInnerTexts()).toEqual(['kettle', 'kettle', '1700 ml']);
  });

  it('reports when label and reasoning disagree, and when the reasoning broke off', async () => {
    const disagreeing = await show('disagree');
    await disagreeing.page.getByText('Label and reasoning disagree').waitFor();
    const broken = await show('broken');
    await broken.page.getByText('The reasoning broke off').waitFor();
    await broken.page.getByText(/do not rely on this answer/u).waitFor();
    expect(await shownLabel(broken.page)).toBe('substantial');
  });

  it('keeps the label when the reasoning fails, and reports the failure', async () => {
    const { page } = await show('failed');
    await page.getByText('Logits of layer 1 are NaN.').waitFor();
    expect(await shownLabel(page)).toBe('substantial');
  });

  it('stops on request, by button or by Escape', async () => {
    const { page } = await show('slow');
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByText('Stopped. The label was complete before.').waitFor();
    await page.getByRole('button', { name: 'Answer', exact: true }).click();
    await page.getByRole('button', { name: 'Stop' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByText('Stopped. The label was complete before.').waitFor();
  });

  it('shows how far loading has come, and offers to try again where it failed', async () => {
    const loading = await show('loading');
    await loading.page.getByRole('progressbar', { name: 'Loading the model: 412 kB of 668 kB' }).waitFor();
    const missing = await show('missing');
    await missing.page.getByRole('alert').getByText('The model was not found').waitFor();
    await missing.page.getByRole('button', { name: 'Try again' }).click();
    await missing.page.getByRole('alert').getByText('The model was not found').waitFor();
  });

  it('edits attributes: adds, renames, removes', async () => {
    const { page } = await show('verified');
    await page.getByRole('button', { name: 'Add an attribute' }).click();
    await page.getByRole('textbox', { name: 'Name of attribute 4' }).fill('colour');
    await page.getByRole('textbox', { name: 'Value of colour' }).fill('black');
    await page.getByRole('button', { name: 'Remove material' }).click();
    expect(await page.getByRole('group', { name: /^Attribute/u }).count()).toBe(3);
    expect(await page.getByRole('textbox', { name: 'Value of colour' }).inputValue()).toBe('black');
  });

  it('announces the label once it is final', async () => {
    const { page } = await show('verified');
    await page.getByRole('status').getByText('Answer: substantial, 74 % sure.').waitFor({ state: 'attached' });
  });

  it('remembers the theme that was chosen', async () => {
    const { page } = await show('verified', { colorScheme: 'light' });
    const ground = (): Promise<string> =>
      page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    const light = await ground();
    await page.getByRole('button', { name: 'Switch to the dark theme' }).click();
    const dark = await ground();
    expect(dark).not.toBe(light);
    await page.reload();
    await page.getByRole('button', { name: 'Switch to the light theme' }).waitFor();
    expect(await ground()).toBe(dark);
  });

  const looks = [
    ['light', 1440],
    ['dark', 360],
  ] as const;
  describe.each(numbered(SCENES))('in the state "%s"', (scene, number) => {
    it.each(looksOf(looks, number))('%s at %d px, is accessible and fits', async (colorScheme, width) => {
      // axe brings its script as text, which the page's own policy rightly refuses.
      const options = { colorScheme, viewport: { width, height: 900 }, bypassCSP: true, reducedMotion: 'reduce' };
      const { page, complaints } = await show(scene, options);
      await page.locator('lab-trace .summary, lab-trace .pending, lab-notice, progress').first().waitFor();
      const { violations } = await new AxeBuilder({ page }).analyze();
      const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
      expect(serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)).toEqual([]);
      const overflowPx = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      expect(overflowPx).toBeLessThanOrEqual(0);
      expect(complaints).toEqual([]);
    });
  });
});
