/**
 * Lessons in front of a room: large, led by keys, with notes in a window of their own, and on small projectors.
 */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LESSONS } from '../../../src/ui/lessons/lessons.ts';
import { connectChromium, describeBrowser } from '../../setup/chromium.ts';
import { visit } from '../visit.ts';
import { DESK, lessonUrl, opened } from './lesson-page.ts';

describeBrowser('a lesson in front of a room', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await connectChromium();
  });
  afterAll(() => browser.close());

  it('can be shown to a room: large, played by Space, blanked by B', async () => {
    const { page, complaints } = await visit(browser, lessonUrl(3), { viewport: { width: 1920, height: 1080 } });
    await opened(page);
    await page.keyboard.press('p');
    const sizes = await page.evaluate(() => {
      const shown = document.querySelector('lab-app')?.shadowRoot?.querySelector('lab-lesson');
      const flow = shown?.shadowRoot?.querySelector('lab-flow');
      const px = (element: Element | null | undefined): number =>
        element === null || element === undefined ? 0 : Number.parseFloat(getComputedStyle(element).fontSize);
      const names = [...(flow?.shadowRoot?.querySelectorAll('text') ?? [])];
      return {
        text: Math.min(
          ...['.lead', 'legend', 'fieldset button', 'h2'].map((at) => px(shown?.shadowRoot?.querySelector(at))),
        ),
        figure: flow?.clientHeight ?? 0,
        names: Math.min(...names.map((name) => Number(name.getAttribute('font-size')))),
      };
    });
    expect(sizes.text).toBeGreaterThanOrEqual(28);
    // The question is in sight beside its figure.
    const answer = page.getByRole('button', { name: 'Neither by name' });
    expect((await answer.boundingBox())?.y).toBeLessThan(1080 - 100);
    expect(sizes.figure).toBeGreaterThanOrEqual(0.6 * 1080);
    await expect.poll(() => page.evaluate(() => {
      const shown = document.querySelector('lab-app')?.shadowRoot?.querySelector('lab-lesson');
      const flow = shown?.shadowRoot?.querySelector('lab-flow');
      return Math.min(...[...(flow?.shadowRoot?.querySelectorAll('.plot text') ?? [])].map((name) => Number(name.getAttribute('font-size'))));
    })).toBeGreaterThanOrEqual(20); // prettier-ignore
    const slider = page.getByRole('slider', { name: 'Step of the run' });
    await page.keyboard.press('Space');
    await expect.poll(() => slider.inputValue()).not.toBe('0');
    await page.keyboard.press('Space');
    await page.keyboard.press('b');
    await page.locator('lab-lesson .blank').waitFor();
    await page.keyboard.press('b');
    await expect.poll(() => page.locator('lab-lesson .blank').count()).toBe(0);

    // 1 to 4 count the votes of the room beside the answers, 0 clears them.
    const votes = page.locator('fieldset .votes');
    for (const key of ['2', '4', '4', '9']) await page.keyboard.press(key);
    await expect.poll(() => votes.allInnerTexts()).toEqual(['0', '1', '0', '2']);

    // The notes follow in a window of their own, and turn the screen from there.
    const [notes] = await Promise.all([page.waitForEvent('popup'), page.keyboard.press('n')]);
    await notes.getByRole('heading', { name: 'Where the answers went' }).waitFor();
    await notes.getByText('Votes so far: 0, 1, 0, 2').waitFor();
    await notes.keyboard.press('ArrowRight');
    await page.getByRole('heading', { name: 'Why: chance is learned' }).waitFor();
    await notes.getByRole('heading', { name: 'Why: chance is learned' }).waitFor();
    // Another lesson in another tab has notes of its own.
    const other = await page.context().newPage();
    await other.goto(lessonUrl(2, 'seeds'));
    await opened(other);
    await other.keyboard.press('ArrowRight');
    await other.locator('lab-lesson section[aria-label^="Screen 3 "]').waitFor();
    await notes.keyboard.press('ArrowRight');
    await notes.getByRole('heading', { name: 'What examples beside the reward do' }).waitFor();
    await other.locator('lab-lesson section[aria-label^="Screen 3 "]').waitFor();
    await other.close();
    await notes.keyboard.press('ArrowLeft');
    await notes.getByRole('heading', { name: 'Why: chance is learned' }).waitFor();
    await notes.close();
    await page.keyboard.press('ArrowLeft');
    await page.getByRole('heading', { name: 'Where the answers went' }).waitFor();
    await page.keyboard.press('0');
    await expect.poll(() => votes.allInnerTexts()).toEqual(['0', '0', '0', '0']);
    // Other figures are as readable: the drawn curve, the charts and their labels.
    for (const [screen, at] of [
      [2, 'lab-drawn-curve text'],
      [4, 'lab-toy-arms .key'],
      [5, 'lab-seed-dots th'],
      [6, 'lab-chart .plot'],
      [6, 'lab-chart li'],
    ] as const) {
      await page.getByRole('link', { name: new RegExp(`^${screen}: `, 'u') }).click();
      const figure = page.locator(at).first();
      await expect
        .poll(() => figure.evaluate((element) => Number.parseFloat(getComputedStyle(element).fontSize)))
        .toBeGreaterThanOrEqual(20);
    }
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Present (P)' }).waitFor();
    // Whoever presents again finds the keys without the notes, and can forget what was answered before.
    await page.getByRole('link', { name: /^1: /u }).click();
    await page.getByRole('button', { name: 'Right, and surer' }).click();
    await page.keyboard.press('p');
    await page.getByRole('button', { name: 'Keys' }).click();
    await page.getByText('N opens the notes').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Present (P)' }).click();
    await page.getByRole('button', { name: 'Forget my guesses' }).click();
    await expect.poll(() => page.getByRole('button', { name: 'Forget my guesses' }).count()).toBe(0);
    await page.getByText('What becomes of the answer?').waitFor();
    expect(await page.locator('.answer').nth(1).innerText()).toContain('?');
    expect(complaints).toEqual([]);
  });

  it('shows each question with its answers on a small projector, without scrolling', async () => {
    const { page, complaints } = await visit(browser, lessonUrl(1), DESK);
    const hidden: string[] = [];
    let asked = 0;
    for (const { id } of LESSONS) {
      await page.goto(lessonUrl(1, id));
      await opened(page);
      if ((await page.locator('lab-lesson[presenting]').count()) === 0) await page.keyboard.press('p');
      const screens = await page.locator('lab-lesson nav li').count();
      for (let screen = 1; screen <= screens; screen++) {
        await page.getByRole('link', { name: new RegExp(`^${screen}: `, 'u') }).click();
        const section = page.locator(`lab-lesson section[aria-label^="Screen ${screen} "]`);
        await section.waitFor();
        const bar = await page.locator('lab-lesson nav').boundingBox();
        for (const part of await section.locator('legend, fieldset button').all()) {
          const box = await part.boundingBox();
          asked += 1;
          if (bar !== null && box !== null && box.y >= 0 && box.y + box.height <= bar.y) continue;
          hidden.push(`${id}/${screen}: ${await part.innerText()}`);
        }
      }
    }
    expect(hidden).toEqual([]);
    expect(asked).toBeGreaterThan(50);
    expect(complaints).toEqual([]);
  });
});
