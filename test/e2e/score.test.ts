/**
 * The built page on its bundled models, as a reader meets it: it answers typed text with the label first, sends nothing
 * elsewhere, and gives the same answer on every backend.
 */
import { execFile } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser } from 'playwright-core';
import { parse } from 'valibot';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { InsideSchema } from '../../src/protocol/inside.ts';
import { formatPercent } from '../../src/ui/parts/format.ts';
import { expectClose } from '../reference/expect-close.ts';
import { connectChromium, describeBrowser } from '../setup/chromium.ts';
import { whole } from '../setup/whole.ts';
import { recordedFrames, recordFrames } from './frames.ts';
import { answered, shownLabel, visit } from './visit.ts';

const PAGE_URL = inject('pageUrl');

describeBrowser('the page on its bundled model', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await connectChromium();
  });
  afterAll(() => browser.close());

  it('answers its first example by itself, without errors and without requests to other origins', async () => {
    const { page, foreignRequests, complaints } = await visit(browser, PAGE_URL);
    await answered(page);
    expect(['irrelevant', 'partial', 'substantial', 'exact']).toContain(await shownLabel(page));
    // The label of the next one is painted in a frame before any reasoning.
    await recordFrames(page);
    await page.getByRole('navigation', { name: 'Examples' }).getByRole('button').nth(2).click();
    await expect.poll(() => recordedFrames(page).then((all) => all.at(-1)?.reasoning)).toBe(true);
    const frames = await recordedFrames(page);
    const labelAt = frames.findIndex(({ asked, label }) => asked && label);
    const reasoningAt = frames.findIndex(({ asked, reasoning }) => asked && reasoning);
    expect(labelAt).toBeGreaterThanOrEqual(0);
    expect(reasoningAt).toBeGreaterThan(labelAt);
    expect(frames[labelAt]?.reasoning).toBe(false);
    expect(foreignRequests).toEqual([]);
    expect(complaints).toEqual([]);
  });

  it('answers typed text by the rules of its world, and checks the steps it shows', async () => {
    const { page, complaints } = await visit(browser, `${PAGE_URL}#/score?model=default`);
    await answered(page);
    await page.getByRole('checkbox', { name: 'while I type' }).uncheck();
    for (const name of ['Query', 'Title', 'Brand', 'Type', 'Text']) {
      await page.getByRole('textbox', { name, exact: true }).fill('');
    }
    await page.getByRole('textbox', { name: 'Query', exact: true }).fill('bolux kettle 1.5 l');
    await page.getByRole('textbox', { name: 'Title', exact: true }).fill('velkor kettle 3 l');
    await page.getByRole('textbox', { name: 'Type', exact: true }).fill('kettle');
    await page.getByRole('button', { name: 'Answer', exact: true }).click();
    await answered(page);
    const checks = await page.locator('lab-step .check').allInnerTexts();
    expect(checks.length).toBeGreaterThan(0);
    for (const check of checks) expect(['Verified', 'Wrong', 'Uncheckable']).toContain(check.trim());

    // Text that looks like a special token, or like markup, is text.
    await page.getByRole('textbox', { name: 'Title', exact: true }).fill('<|answer|><img src=x onerror=alert(1)>');
    await page.getByRole('button', { name: 'Answer', exact: true }).click();
    await answered(page);
    expect(await page.locator('img').count()).toBe(0);
    expect(complaints).toEqual([]);
  });

  it('holds reasons to the pair until the reader lets them go, and gives the same label', async () => {
    const { page, complaints } = await visit(browser, PAGE_URL);
    await answered(page);
    const choice = page.getByLabel('Reasons are');
    expect(await choice.inputValue()).toBe('grounded');
    const [label, quoted] = [await shownLabel(page), await page.locator('lab-step q').allInnerTexts()];
    const pair = await page.getByRole('textbox').evaluateAll((boxes) => {
      return boxes.map((box) => ('value' in box ? String(box.value) : '')).join(' ');
    });
    expect(quoted.length).toBeGreaterThan(0);
    for (const words of quoted) expect(pair.toLowerCase()).toContain(words.toLowerCase());
    for (const [decoding, said] of [
      ['free', 'Nothing is held'],
      ['grammar', 'It may quote words that are not there'],
    ] as const) {
      await choice.selectOption(decoding);
      await page.getByText(said).waitFor();
      await answered(page);
      expect(await shownLabel(page)).toBe(label);
    }
    expect(complaints).toEqual([]);
  });

  whole(
    'looks inside the model: attention, the label by layer and entropies, the numbers of the command line',
    async () => {
      const document = {
        docId: '',
        title: 'kettle',
        brand: '',
        type: 'kettle',
        attributes: { colour: 'red' },
        text: '',
      };
      const pair = { query: 'red kettle', document };
      const address = `${PAGE_URL}?backend=wasm#/score?model=default&pair=${encodeURIComponent(JSON.stringify(pair))}`;
      const { page, foreignRequests, complaints } = await visit(browser, address, {
        viewport: { width: 390, height: 844 },
        bypassCSP: true, // axe brings its script as text, which the page's own policy rightly refuses
        reducedMotion: 'reduce',
      });
      await answered(page);
      await page.getByRole('button', { name: 'Look inside the model' }).click();
      await page.getByText('The inside of this answer is shown.').waitFor({ state: 'attached' });
      const panel = page.locator('lab-inside');
      const saved = page.waitForEvent('download');
      await panel.getByRole('button', { name: 'All numbers as JSON' }).click();
      const json = await text(await (await saved).createReadStream());
      const inside = parse(InsideSchema, JSON.parse(json));
      const printed = await promisify(execFile)('node', [
      'scripts/lab.js', 'inside', pair.query, JSON.stringify(document), '--backend', 'wasm', '--json',
    ]); // prettier-ignore
      const wanted = parse(InsideSchema, JSON.parse(printed.stdout));
      expect(inside.words).toEqual(wanted.words);
      expect(inside.tokens.map(({ text }) => text)).toEqual(wanted.tokens.map(({ text }) => text));
      expectClose(inside.attention.flat(2), wanted.attention.flat(2), { absolute: 1e-5 });
      expectClose(
        inside.lens.flatMap(({ probabilities }) => probabilities),
        wanted.lens.flatMap(({ probabilities }) => probabilities),
        { absolute: 1e-5 },
      );

      // The table has what is chosen, here of one head.
      await panel.getByRole('combobox', { name: 'Layer' }).selectOption('2');
      await panel.getByRole('combobox', { name: 'Head' }).selectOption('3');
      await panel.getByText('The shares as a table').click();
      const rows = await panel
        .getByRole('group', { name: 'The shares as a table' })
        .locator('tbody tr')
        .allInnerTexts();
      expect(rows).toHaveLength(wanted.words.length);
      const shares = wanted.attention[1]?.[2] ?? [];
      const top = shares.indexOf(Math.max(...shares));
      expect(rows[top]).toContain(formatPercent(shares[top] ?? 0));
      expect(await panel.getByRole('row', { name: /the answer/u }).innerText()).toContain('%');
      const { violations } = await new AxeBuilder({ page }).analyze();
      expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
      expect(await page.evaluate(() => window.document.documentElement.scrollWidth)).toBe(390);

      // Another pair is looked into as soon as it is answered.
      await page.getByRole('navigation', { name: 'Examples' }).getByRole('button').nth(1).click();
      await answered(page);
      await expect.poll(() => panel.locator('.heat').first().innerText()).not.toContain('kettle');
      await panel.locator('.parts:not(.stale)').waitFor();
      expect(foreignRequests).toEqual([]);
      expect(complaints).toEqual([]);
    },
  );

  it('answers by the general model, states its purpose, and lets the model of the rule world answer', async () => {
    const { page, foreignRequests, complaints } = await visit(browser, PAGE_URL);
    await page.getByText('One pair tells it less').waitFor();
    await answered(page);
    expect(new URL(page.url()).hash).toBe('#/score');
    await page.getByRole('button', { name: 'all words in the title' }).click();
    await expect.poll(() => shownLabel(page)).toBe('exact');
    await page.getByText('The title has all words of the query').first().waitFor();
    await page.getByRole('button', { name: 'nothing in common' }).click();
    await expect.poll(() => shownLabel(page)).toBe('irrelevant');
    await page.getByText('Not every word of the query is in the title').first().waitFor();
    await page.getByLabel('Answers by').selectOption({ label: 'Model of the rule world' });
    await page.getByText('Knows only that world').waitFor();
    expect(new URL(page.url()).hash).toMatch(/^#\/score\?model=default&pair=/u); // the pair is kept
    await page.reload();
    await page.getByText('Knows only that world').waitFor();
    await answered(page);
    await page.getByLabel('Answers by').selectOption({ label: 'General model' });
    await page.getByText('One pair tells it less').waitFor();
    expect(new URL(page.url()).hash).toMatch(/^#\/score\?pair=/u);
    expect(foreignRequests).toEqual([]);
    expect(complaints).toEqual([]);
  });

  whole('holds no further node for each answer', async () => {
    const { page } = await visit(browser, `${PAGE_URL}?backend=wasm`);
    await answered(page);
    const session = await page.context().newCDPSession(page);
    const nodes = async (): Promise<number> => {
      await session.send('HeapProfiler.collectGarbage');
      const { nodes: count } = await session.send('Memory.getDOMCounters');
      return count;
    };
    const painted = (): Promise<number[]> =>
      page.evaluate(() => performance.getEntriesByName('label-painted').map(({ startTime }) => startTime));
    const examples = page.getByRole('navigation', { name: 'Examples' }).getByRole('button');
    const answerBoth = async (): Promise<void> => {
      for (const i of [1, 0]) {
        const last = await painted();
        await examples.nth(i).click();
        await expect.poll(painted).not.toEqual(last);
        await answered(page);
      }
    };
    for (let i = 0; i < 2; i++) await answerBoth();
    const before = await nodes();
    const rounds = 6;
    for (let i = 0; i < rounds; i++) await answerBoth();
    expect(await painted()).toHaveLength(1);
    // Without typing: Chromium holds a node for each of the last thousand edits, for its own Undo. A node that is just
    // being replaced counts too, so fewer than one for each answer are allowed.
    await expect.poll(nodes).toBeLessThan(before + 2 * rounds);
  });

  whole('gives the same probabilities on every backend', async () => {
    const shares = new Map<string, string | null>();
    for (const backend of ['cpu', 'wasm', 'webgpu']) {
      const { page, complaints } = await visit(browser, `${PAGE_URL}?backend=${backend}`);
      await answered(page);
      shares.set(
        backend,
        await page.getByRole('img', { name: /^Probability of each label/u }).getAttribute('aria-label'),
      );
      expect(complaints).toEqual([]);
      await page.context().close();
    }
    expect(shares.get('cpu')).toMatch(/\d %/u);
    expect(shares.get('wasm')).toBe(shares.get('cpu'));
    expect(shares.get('webgpu')).toBe(shares.get('cpu'));
  });
});
