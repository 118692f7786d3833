/**
 * Lessons as visitors meet them: with a pointer, with the keyboard alone, in front of a room. Every number on a screen
 * is one of the recording or of a results file.
 */
import { readFileSync } from 'node:fs';
import { buffer, text } from 'node:stream/consumers';
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, Download } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { parseRecording } from '../../../src/protocol/recording.ts';
import { LESSONS } from '../../../src/ui/lessons/lessons.ts';
import { connectChromium, describeBrowser } from '../../setup/chromium.ts';
import { looksOf, numbered, SCREENS, visit } from '../visit.ts';
import { DESK, lessonUrl, opened } from './lesson-page.ts';

const PAGE_URL = inject('pageUrl');
const RECORDED = 'public/recordings/grpo.json';

function recording(): ReturnType<typeof parseRecording> {
  return parseRecording(RECORDED, readFileSync(RECORDED, 'utf8'));
}

/** What the page gave to the reader. */
const contentsOf = async (download: Download): Promise<string> => text(await download.createReadStream());

describeBrowser('the lesson on mode collapse', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await connectChromium();
  });
  afterAll(() => browser.close());

  it('asks before it shows, screen by screen, and holds guesses against what was measured', async () => {
    const { page, complaints, foreignRequests } = await visit(browser, lessonUrl(1), DESK);
    const { frames, pairs } = recording();
    const truth = page.locator('lab-lesson .truth');
    const next = page.getByRole('link', { name: 'Next' });
    await opened(page);
    expect(await page.locator('.answer').nth(1).innerText()).toContain('?');
    await page.getByRole('button', { name: 'Right, and surer' }).click();
    await truth.getByText(`${frames[0]?.measures.probe.reward.toFixed(2)} to ${frames.at(-1)?.measures.probe.reward.toFixed(2)}`).waitFor(); // prettier-ignore
    await page.locator('.answer.is-wrong').waitFor();
    await page.getByText(/Recorded, not live: seed 4, 160 steps/u).waitFor();

    await next.click();
    const show = page.getByRole('button', { name: 'Show what happened' });
    expect(await show.isDisabled()).toBe(true);
    const box = await page.locator('lab-drawn-curve svg').boundingBox();
    if (box === null) expect.fail('no drawing');
    await page.mouse.move(box.x + 0.2 * box.width, box.y + 0.3 * box.height);
    await page.mouse.down();
    await page.mouse.move(box.x + 0.9 * box.width, box.y + 0.5 * box.height, { steps: 12 });
    await page.mouse.up();
    await show.click();
    const rules = frames.at(-1)?.measures.heldOut.distinctRules;
    await truth.getByText(new RegExp(`27 at first, ${rules} in the end`, 'u')).waitFor();
    await expect.poll(() => page.locator('lab-drawn-curve .faint').count()).toBe(5);

    await next.click();
    await page.getByRole('button', { name: 'Both' }).click();
    await truth.getByText(new RegExp(`over all ${pairs.length} pairs`, 'u')).waitFor();
    await truth.getByText(/^Merged: /u).waitFor();
    await truth.getByText(/^Vanished: /u).waitFor();

    await next.click();
    const status = page.locator('lab-toy-arms [role=status]');
    const before = await status.innerText();
    await page.getByLabel('\u03bb, examples').fill('0.3');
    await expect.poll(() => status.innerText()).not.toBe(before);
    await expect.poll(() => status.innerText()).toMatch(/100 times: 0 runs lost an arm/u);
    await expect.poll(() => page.locator('.group tbody tr').count()).toBe(8);

    await next.click();
    await expect.poll(() => page.locator('lab-seed-dots .dot').count()).toBe(5);
    await page.getByRole('button', { name: '\u03bb 1', exact: true }).click();
    await truth.getByText(/More is kept by SFT continued/u).waitFor();
    await expect.poll(() => page.locator('lab-seed-dots .dot').count()).toBeGreaterThan(50);

    await next.click();
    expect(await page.getByRole('link', { name: 'Run it here' }).getAttribute('href')).toBe('#/collapse?preset=lesson');
    await next.click();
    const rows = page.locator('.guesses tbody tr');
    expect(await rows.first().innerText()).toMatch(/Right, and surer\s+Wrong, and surer/u);
    expect(await rows.nth(3).innerText()).toMatch(/\u03bb 1\s+SFT continued, \d\d %/u);
    // They are kept in this browser.
    await page.reload();
    await expect.poll(() => rows.first().innerText()).toContain('Right, and surer');
    await page.getByRole('button', { name: 'Forget my guesses' }).click();
    await expect.poll(() => rows.first().innerText()).not.toContain('Right, and surer');
    expect(complaints).toEqual([]);
    expect(foreignRequests).toEqual([]);
  });

  it('leads to the live view with the settings that it names', async () => {
    const { page } = await visit(browser, lessonUrl(6), DESK);
    await page.getByRole('link', { name: 'Run it here' }).click();
    await page.getByRole('button', { name: 'Run the demonstration' }).waitFor();
    expect(await page.getByLabel(/^Seed/u).first().inputValue()).toBe('4');
    expect(
      await page
        .getByLabel(/^Steps/u)
        .first()
        .inputValue(),
    ).toBe('120');
    await page.getByText('Set as in the lesson, with seed 4').waitFor();
  });

  it('can be read with the keyboard alone', async () => {
    const { page, complaints } = await visit(browser, lessonUrl(1), DESK);
    const heading = page.locator('lab-lesson h2');
    await opened(page);
    const tabTo = async (name: RegExp): Promise<void> => {
      const focused = (): Promise<string> =>
        page.evaluate(() => {
          let at = document.activeElement;
          while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
          return `${at?.getAttribute('aria-label') ?? ''} ${at?.textContent ?? ''}`;
        });
      for (let i = 0; i < 40 && !name.test(await focused()); i++) await page.keyboard.press('Tab');
      expect(await focused()).toMatch(name);
    };
    await tabTo(/Wrong, and surer/u);
    await page.keyboard.press('Enter');
    await page.locator('.answer.is-wrong').waitFor();
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => heading.innerText()).toBe('How many reasons are left?');
    await tabTo(/At step 160/u);
    const value = (): Promise<string | null> => page.getByRole('slider', { name: 'At step 160' }).getAttribute('aria-valuenow'); // prettier-ignore
    expect(await value()).toBe('27');
    for (let i = 0; i < 3; i++) await page.keyboard.press('ArrowDown');
    await expect.poll(value).toBe('24');
    await tabTo(/Where the answers went|Show what happened|Back/u);
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => heading.innerText()).toBe('Where the answers went');
    await tabTo(/rule by rule/u);
    await page.keyboard.press('End');
    await page.keyboard.press('ArrowUp');
    await page.locator('lab-flow .caption strong', { hasText: 'worn' }).waitFor();
    await page.keyboard.press('ArrowLeft');
    await expect.poll(() => heading.innerText()).toBe('How many reasons are left?');
    for (let i = 0; i < 9; i++) await page.keyboard.press('PageDown');
    await expect.poll(() => heading.innerText()).toBe('What this proves, and what not');
    expect(complaints).toEqual([]);
  });

  it('plays a recording of one\u2019s own, and refuses what is none', async () => {
    const { page, complaints } = await visit(browser, lessonUrl(7), DESK);
    await opened(page);
    const input = page.getByLabel('Open a recording');
    const mine = JSON.parse(readFileSync(RECORDED, 'utf8')) as Record<string, unknown>;
    const file = (name: string, value: unknown): { name: string; mimeType: string; buffer: Buffer } => {
      return { name, mimeType: 'application/json', buffer: Buffer.from(JSON.stringify(value)) };
    };
    await input.setInputFiles(file('bad.json', { ...mine, pairs: [] }));
    await page.getByText(/bad\.json is not usable: pairs/u).waitFor();
    // So that the same file can be chosen again once it is mended.
    await expect.poll(() => input.inputValue()).toBe('');
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'The recording' }).click(),
    ]);
    const saved = await contentsOf(download);
    expect(parseRecording('saved', saved)).toEqual(recording());
    await input.setInputFiles(file('mine.json', { ...mine, name: '<img src=x>', seed: 77 }));
    await page.getByText('The lesson now plays mine.json: <img src=x>.').waitFor();
    await page.getByText(/Recorded, not live: seed 77/u).waitFor();
    await page.getByRole('button', { name: 'Link and QR code' }).click();
    await page.getByRole('img', { name: 'QR code of the link' }).waitFor();
    await page.getByText('This address is of this machine alone').waitFor();
    await page.getByRole('button', { name: 'Close' }).click();
    await page.getByText('This address is of this machine alone').waitFor({ state: 'hidden' });
    expect(complaints).toEqual([]);
  });

  it('gives the figure of a screen as SVG, PNG and CSV', async () => {
    const { page, complaints } = await visit(browser, lessonUrl(5), DESK);
    await opened(page);
    const saved = async (format: string): Promise<Buffer> => {
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('button', { name: `Figure as ${format}` }).click(),
      ]);
      expect(download.suggestedFilename()).toMatch(new RegExp(`^collapse-\\d\\.${format.toLowerCase()}$`, 'u'));
      return buffer(await download.createReadStream());
    };
    await page.getByRole('button', { name: '\u03bb 1', exact: true }).click();
    const drawn = (await saved('SVG')).toString('utf8');
    expect(drawn).toMatch(/^<svg [^>]*xmlns="http:\/\/www\.w3\.org\/2000\/svg"/u);
    expect(drawn).toMatch(/<text [^>]*>SFT continued<\/text>/u);
    expect(drawn).not.toMatch(/oklch|var\(|class=/u);
    expect((await saved('PNG')).subarray(1, 4).toString('latin1')).toBe('PNG');
    const lines = (await saved('CSV')).toString('utf8').trimEnd().split('\n');
    expect(lines[0]).toBe('row,seed,metric,value');
    expect(lines).toHaveLength(1 + (await page.locator('lab-seed-dots .dot').count()));
    // The map of all rules is a drawing within the figure.
    await page.goto(lessonUrl(3));
    await page.locator('lab-flow .plot text').first().waitFor();
    const map = (await saved('SVG')).toString('utf8');
    expect(map.match(/<circle /gu)?.length).toBeGreaterThan(2 * recording().pairs.length);
    expect(map).not.toMatch(/>Play<|oklch/u);
    expect(complaints).toEqual([]);
  });

  describe.each(numbered(LESSONS.map(({ id }) => id)).slice(...(inject('isWhole') ? [0] : [1, 2])))(
    '%s',
    (id, number) => {
      it.each(looksOf(SCREENS, number))(
        'every screen is accessible and fits, before and after its question: %s at %d by %d',
        async (colorScheme, width, height) => {
          const options = {
            colorScheme,
            viewport: { width, height },
            bypassCSP: true,
            reducedMotion: 'reduce',
          } as const;
          const { page, complaints } = await visit(browser, lessonUrl(1, id), options);
          await opened(page);
          const screens = await page.locator('lab-lesson nav li').count();
          expect(screens).toBeGreaterThan(3);
          const looked = async (): Promise<void> => {
            const { violations } = await new AxeBuilder({ page }).analyze();
            expect(
              violations.map(({ id: rule, nodes }) => `${rule}: ${nodes.map(({ html }) => html).join(' ')}`),
            ).toEqual([]);
            const over = await page.evaluate(() => {
              const { scrollWidth, scrollHeight } = document.documentElement;
              return { x: scrollWidth - innerWidth, y: scrollHeight - innerHeight };
            });
            const at = await page.locator('lab-lesson h2').innerText();
            expect(over.x, at).toBeLessThanOrEqual(0);
            if (width >= 1280) expect(over.y, at).toBeLessThanOrEqual(0);
          };
          for (let screen = 1; screen <= screens; screen++) {
            await page.getByRole('link', { name: new RegExp(`^${screen}: `, 'u') }).click();
            await page.locator(`lab-lesson section[aria-label^="Screen ${screen} "]`).waitFor();
            await looked();
            const answers = page.locator('lab-lesson fieldset button');
            const draw = page.getByRole('slider', { name: /^At step/u });
            if ((await answers.count()) > 0) await answers.first().click();
            else if ((await draw.count()) > 0) {
              await draw.first().press('ArrowDown');
              await page.getByRole('button', { name: 'Show what happened' }).click();
            } else continue;
            await page.locator('lab-lesson .truth').getByText(/\S/u).first().waitFor();
            await looked();
          }
          // What was guessed is beside what was measured, and nothing is left open.
          const rows = await page.locator('.guesses tbody tr').allInnerTexts();
          expect(rows.length).toBeGreaterThan(1);
          expect(rows.filter((row) => /\u2013\s/u.test(row))).toEqual([]);
          expect(complaints).toEqual([]);
        },
      );
    },
  );

  it('lists the lessons, and prints a handout of all screens with what was measured', async () => {
    const { page, complaints } = await visit(browser, `${PAGE_URL}#/lesson`, DESK);
    await page.locator('lab-lesson-list li').first().waitFor();
    expect(await page.locator('lab-lesson-list li').count()).toBe(LESSONS.length);
    await page.getByRole('link', { name: /Paid for the wrong thing/u }).click();
    await opened(page);
    expect(await page.locator('lab-lesson section').count()).toBe(1);
    await page.emulateMedia({ media: 'print' });
    await page.evaluate(() => dispatchEvent(new Event('beforeprint')));
    await expect.poll(() => page.locator('lab-lesson section').count()).toBe(4);
    expect(await page.locator('lab-lesson .truth p').count()).toBeGreaterThan(2);
    expect(await page.locator('lab-lesson nav').isVisible()).toBe(false);
    for (const part of ['header', 'footer']) expect(await page.locator(`lab-app > ${part}`).isVisible()).toBe(false);
    await page.evaluate(() => dispatchEvent(new Event('afterprint')));
    await expect.poll(() => page.locator('lab-lesson section').count()).toBe(1);
    // From the front of a room it prints the same.
    await page.keyboard.press('p');
    await page.evaluate(() => dispatchEvent(new Event('beforeprint')));
    await expect.poll(() => page.locator('lab-lesson section').count()).toBe(4);
    expect(await page.locator('lab-lesson').getAttribute('presenting')).toBeNull();
    await page.evaluate(() => dispatchEvent(new Event('afterprint')));
    await expect.poll(() => page.locator('lab-lesson').getAttribute('presenting')).toBe('');
    expect(complaints).toEqual([]);
  });
});
