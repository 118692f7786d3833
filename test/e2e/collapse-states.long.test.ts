/**
 * The Collapse view on scripted workers: the display of a collapse, the controls, and the reports of failures. Also
 * what holds in every state: it is accessible on any screen.
 */
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { GRPO_SCENES, type GrpoScene } from '../harness/scripted-grpo.ts';
import { connectChromium, describeBrowser } from '../setup/chromium.ts';
import { looksOf, numbered, visit, type Visit } from './visit.ts';

const HARNESS_URL = inject('harnessUrl');

describeBrowser('the collapse view on scripted threads', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await connectChromium();
  });
  afterAll(() => browser.close());
  const show = (scene: GrpoScene, options = {}): Promise<Visit> =>
    visit(browser, `${HARNESS_URL}?grpo=${scene}#/collapse`, options);
  const started = async (scene: GrpoScene, isUnfolded = false): Promise<Page> => {
    const { page } = await show(scene);
    await page.getByRole('button', { name: 'Run the demonstration' }).click();
    if (isUnfolded) await page.getByText('Everything measured').click();
    return page;
  };

  it('runs by one click with the matched, full control, and states plainly what that shows', async () => {
    const page = await started('learning', true);
    await expect
      .poll(() => page.locator('lab-live .branch b').allInnerTexts())
      .toEqual(['Reward only', 'Reward + examples', 'Fair control']);
    expect(await page.locator('lab-branch header').allInnerTexts()).toEqual([
      expect.stringMatching(/^Reward only\s+GRPO \(head-heavy, plausible\)/u),
      expect.stringMatching(/^Reward \+ examples\s+MBO 0\.3 \(head-heavy, plausible\)/u),
      expect.stringMatching(/^Fair control\s+GRPO \(matched, full\)/u),
    ]);
    await page.getByText('Head-heavy prompts favour mode balance by construction').waitFor();
    await page.getByText('A single live run proves nothing').waitFor();
    await page.getByRole('img', { name: /^Recall of rare rules: Reward only from 64 % at step 0 to 51 %/u }).waitFor();
  });

  it('raises the alarm in the collapsed branch with all three numbers, and shows how far the others are', async () => {
    const page = await started('collapsed', true);
    await page.getByText('Step 50: Reward only has collapsed.').waitFor();
    await page.getByRole('img', { name: /^Rare rules cited: .*; collapse of Reward only at step 50\.$/u }).waitFor();
    const [collapsed, balanced] = [page.locator('lab-branch').nth(0), page.locator('lab-branch').nth(1)];
    await collapsed
      .getByText(/earns 0\.09 more reward .* fell by 0\.42, and 44 % .* First seen at step 50/su)
      .waitFor();
    expect(await collapsed.locator('lab-collapse-alarm dd').allInnerTexts()).toEqual([
      expect.stringMatching(/\+0\.09\s+of \+0\.05, met/u),
      expect.stringMatching(/\u22120\.42\s+of \u22120\.20, met/u),
      expect.stringMatching(/\u221244 %\s+of \u221230 %, met/u),
    ]);
    await balanced.getByText('No collapse up to step 70.').waitFor();
    expect(await balanced.locator('lab-collapse-alarm dd').nth(1).innerText()).toMatch(
      /\u22120\.03\s+of \u22120\.20$/u,
    );
  });

  it('shows the gradient and the activation of a chosen module, branch by branch', async () => {
    const page = await started('learning', true);
    const inside = page.getByRole('region', { name: 'Inside the model' });
    const three = (heading: string): RegExp => new RegExp(`^${heading}: Reward only from .*; Fair control from `, 'u');
    await inside.getByRole('img', { name: three('Gradient norm') }).waitFor();
    // Activations are of modules, and there is none of the whole model.
    expect(await inside.getByRole('img', { name: /^Activation/u }).count()).toBe(0);
    await inside.getByRole('combobox', { name: 'Of the module' }).selectOption('model.layers.0.mlp');
    await inside.getByRole('img', { name: three('Activation, root mean square') }).waitFor();
    await inside.getByRole('img', { name: three('Gradient norm') }).waitFor();
  });

  it('pauses, steps, continues, and discards everything on reset', async () => {
    const page = await started('learning');
    const readout = page.locator('lab-collapse-view .now');
    await readout.getByText('Step 22').waitFor();
    await page.getByRole('button', { name: 'Pause' }).click();
    await readout.getByText('of 100, paused').waitFor();
    await page.getByRole('button', { name: 'One step each' }).click();
    await readout.getByText('Step 23').waitFor();
    await page.getByRole('button', { name: 'Continue' }).click();
    await readout.getByText('left').waitFor();
    await page.getByRole('button', { name: 'Reset' }).click();
    await page.getByRole('button', { name: 'Run the demonstration' }).waitFor();
    await expect.poll(() => page.locator('lab-branch').count()).toBe(0);
  });

  it('changes a coefficient from the next step on, lists its changes, and forks at a checkpoint', async () => {
    const page = await started('learning');
    const branch = page.locator('lab-live');
    await branch.getByRole('slider', { name: /weight of the expert loss/u }).fill('0.5');
    await branch.getByText('the change applies from the next step').waitFor();
    await page.getByRole('button', { name: 'One step each' }).click();
    await branch.getByText('0 from step 1, 0.5 from step 23.').waitFor();

    expect(await branch.getByLabel('Coefficient of the fork').inputValue()).toBe('');
    await branch.getByLabel('Fork Reward only from step').selectOption('10');
    // What is no number forks nothing, and says so.
    await branch.getByLabel('Coefficient of the fork').fill('0,3');
    await page.locator('lab-coefficient .fork > button').click();
    await branch.getByText('\u201c0,3\u201d is neither, so nothing was forked.').waitFor();
    expect(await page.locator('lab-live .branch').count()).toBe(3);
    await branch.getByLabel('Coefficient of the fork').fill('9');
    await page.locator('lab-coefficient .fork > button').click();
    await page.getByText('That cannot be done').waitFor();
    await branch.getByLabel('Coefficient of the fork').fill('1');
    await page.locator('lab-coefficient .fork > button').click();
    // It is announced, shown in place of its parent, and in sight.
    await page.getByText('Reward only was forked at step 10; the copy, Reward only, from step 10, \u03bb 1, is shown now.').waitFor(); // prettier-ignore
    await page.locator('lab-live .sides b', { hasText: 'from step 10' }).waitFor();
    expect(await page.locator('lab-live .branch').nth(3).locator('input').isChecked()).toBe(true);
    await page.getByText('Everything measured').click();
    await page.getByText('step 10 of 100, forked at 10').waitFor();
    await expect.poll(() => page.getByText('That cannot be done').count()).toBe(0);
  });

  it('is one screen while it runs, plays the answers of any branch, and says what its words mean', async () => {
    const { page } = await show('collapsed', { viewport: { width: 1280, height: 720 } });
    await page.getByRole('button', { name: 'Run the demonstration' }).click();
    await page.getByRole('slider', { name: 'Step of the run' }).waitFor();
    // Story, figure, curves, coefficient and fork: all of them end above the lower edge of the window.
    const ends = await page.locator('lab-live').evaluate((live) => live.getBoundingClientRect().bottom);
    expect(ends).toBeLessThanOrEqual(720);
    await page
      .getByText(/^step 70 of 70: reward 0\.49, 15 rules cited, 15 of them decide an answer$/u)
      .first()
      .waitFor();
    await page.locator('lab-live .branch').nth(2).click();
    await page
      .getByText(/^step 70 of 70: reward 0\.49, 26 rules cited, 26 of them decide an answer$/u)
      .first()
      .waitFor();
    await page.getByRole('button', { name: 'rare rules' }).click();
    await page.getByText('Rules that decide few pairs.').waitFor();
    await page.keyboard.press('Escape');
    await expect.poll(() => page.getByText('Rules that decide few pairs.').isVisible()).toBe(false);
  });

  it('never loses the focus: what is gone gives it to the heading, what changes its name keeps it', async () => {
    const { page } = await show('learning');
    const focused = (): Promise<string> =>
      page.evaluate(() => {
        let at = document.activeElement;
        while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
        return at?.textContent?.trim() ?? '';
      });
    await page.getByRole('button', { name: 'Run the demonstration' }).focus();
    await page.keyboard.press('Enter');
    await expect.poll(focused).toBe('The demonstration');
    await page.getByRole('button', { name: 'Pause' }).focus();
    await page.keyboard.press('Enter');
    await expect.poll(focused).toBe('Continue');
    await page.keyboard.press('Enter');
    await expect.poll(focused).toBe('Pause');
    await page.getByRole('button', { name: 'Reset' }).focus();
    await page.keyboard.press('Enter');
    await expect.poll(focused).toBe('Watch a model forget while its reward climbs');
  });

  it('names rules by pointer, by keyboard and in a table, and follows one of them', async () => {
    const page = await started('collapsed', true);
    const strip = page.getByRole('slider', { name: 'Rules cited by Reward only' });
    await strip.hover({ position: { x: 20, y: 3 } });
    await page.locator('lab-rule-strip .caption').first().getByText('brand-other-0').waitFor();
    await strip.focus();
    await page.keyboard.press('End');
    await expect
      .poll(() => strip.getAttribute('aria-valuetext'))
      .toMatch(/^quantity-near-with-a-longer-name-31, rare, cited/u);
    const autopsy = page.locator('lab-rule-autopsy');
    await expect.poll(() => autopsy.getByRole('combobox').inputValue()).toBe('31');
    await autopsy.getByRole('img', { name: /^Citations per 100 completions: Reward only/u }).waitFor();
    await page.locator('lab-rule-strip summary').first().click();
    await expect.poll(() => page.locator('lab-rule-strip tbody tr').count()).toBe(32);
  });

  it('shows completions with their rewards, rule by rule and token by token', async () => {
    const page = await started('collapsed', true);
    const samples = page.locator('lab-completions');
    await samples.getByText('brand-other-27 (rare): not in gold; omitting it would have earned 0.10').first().waitFor();
    await samples.getByText('Rejected as a whole, reward 0: it does not parse at segment 3').waitFor();
    await samples.locator('summary', { hasText: 'Advantage and ratio' }).first().click();
    expect(await samples.locator('tbody tr').first().innerText()).toMatch(/partial\s+1\.20\s+1\.090/u);
  });

  it('ends a branch that failed and says why, while the others continue', async () => {
    const page = await started('broken', true);
    await page.locator('lab-branch').first().getByText('The other branches continue').waitFor();
    await page.locator('lab-branch').nth(1).getByText('step 41 of 100').waitFor();
  });

  it('says what is missing, and can be tried again', async () => {
    const page = await started('missing');
    await page.getByRole('alert').getByText('The model was not found').waitFor();
    await page.getByRole('button', { name: 'Reset' }).click();
    await page.getByRole('button', { name: 'Run the demonstration' }).waitFor();
  });

  it('fits a Gaussian while its target is dragged, by pointer or by keyboard', async () => {
    const { page } = await show('learning');
    const forward = page.locator('lab-mixture-fit li').first();
    await forward.getByText('mean -0.40').waitFor();
    const left = page.getByRole('slider', { name: 'Left component' });
    await left.focus();
    await page.keyboard.press('ArrowRight');
    await forward.getByText('mean -0.34').waitFor(); // 0.6 x -1.9 + 0.4 x 2
    const box = await left.boundingBox();
    if (box === null) throw new Error('The handle has no place.');
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width / 2 + 60, box.y + box.height / 2);
    await page.mouse.up();
    expect(Number(await left.getAttribute('aria-valuenow'))).toBeGreaterThan(-1.5);
  });

  it('shows which stage of a curriculum a branch is in, and since when', async () => {
    const page = await started('learning', true);
    const [random, staged] = [page.locator('lab-branch').nth(0), page.locator('lab-branch').nth(1)];
    await staged.getByText('stage 2 of 3 since step 11: prompts that it labels right less often').waitFor();
    expect(await random.getByText(/^stage/u).count()).toBe(0);
  });

  it('accepts the user\u2019s own file in place of the rule world, and explains why one cannot be read', async () => {
    const { page } = await show('learning');
    const run = page.getByRole('button', { name: 'Run the demonstration' });
    await page.getByLabel('Your own file').check();
    await page.getByText('This start has never seen such pairs').waitFor();
    await expect.poll(() => run.isDisabled()).toBe(true);
    const files = [{ name: 'mine.tsv', mimeType: 'text/plain', buffer: Buffer.from('query\ttitle\tgrade') }];
    await page.locator('lab-data-choice input.pairs').setInputFiles(files);
    await page.getByText('No file is read on a stage').waitFor();
    await page.getByLabel('Rule world').check();
    await expect.poll(() => run.isDisabled()).toBe(false);
  });

  it('rejects entries that are not numbers', async () => {
    const { page } = await show('learning');
    await page.locator('lab-collapse-setup summary', { hasText: 'More settings' }).click();
    await page.getByLabel('Steps', { exact: true }).fill('many');
    await page.getByText('Give a whole number from 1 to 10,000,000.').waitFor();
    await expect.poll(() => page.getByRole('button', { name: 'Run the demonstration' }).isDisabled()).toBe(true);
  });

  const looks = [
    ['light', 1440],
    ['dark', 360],
  ] as const;
  describe.each(numbered([...GRPO_SCENES, 'idle'] as const))('in the state "%s"', (scene, number) => {
    it.each(looksOf(looks, number))('%s at %d px, is accessible and fits', async (colorScheme, width) => {
      // axe brings its script as text, which the page's own policy rightly refuses.
      const options = { colorScheme, viewport: { width, height: 900 }, bypassCSP: true, reducedMotion: 'reduce' };
      const { page, complaints } = await show(scene === 'idle' ? 'learning' : scene, options);
      const run = page.getByRole('button', { name: 'Run the demonstration' });
      await run.waitFor();
      if (scene !== 'idle') await run.click();
      await page.locator('lab-theory table').waitFor();
      for (const summary of await page.locator('lab-collapse-view summary').all()) await summary.click();
      const { violations } = await new AxeBuilder({ page }).analyze();
      const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
      expect(serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)).toEqual([]);
      const overflowPx = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      expect(overflowPx).toBeLessThanOrEqual(0);
      expect(complaints).toEqual([]);
    });
  });
});
