/**
 * The Train view on scripted workers, in states that a real run reaches rarely or slowly. Also what holds in every
 * state: it is accessible on any screen.
 */
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { STORE_SCENES, type StoreScene } from '../../harness/scripted-store.ts';
import { RUN_SCENES, type RunScene } from '../../harness/scripted-training.ts';
import { connectChromium, describeBrowser } from '../../setup/chromium.ts';
import { looksOf, numbered, visit, type Visit } from '../visit.ts';

const HARNESS_URL = inject('harnessUrl');
/** Scenes in which no run can be started. */
const WITHOUT_RUN: ReadonlySet<RunScene> = new Set<RunScene>(['no-backend', 'too-large']);

describeBrowser('the training view on scripted threads', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await connectChromium();
  });
  afterAll(() => browser.close());
  const show = (run: RunScene, store: StoreScene = 'kept', options = {}): Promise<Visit> =>
    visit(browser, `${HARNESS_URL}?run=${run}&store=${store}#/train`, options);
  const started = async (run: RunScene, store?: StoreScene): Promise<Page> => {
    const { page } = await show(run, store);
    await start(page);
    return page;
  };

  it('pauses, makes single steps, continues and stops', async () => {
    const page = await started('running');
    const readout = page.locator('lab-run-monitor .readout');
    await readout.getByText('Step 340').waitFor();
    await page.getByRole('button', { name: 'Pause' }).click();
    await readout.getByText('of 500, paused').waitFor();
    await page.getByRole('button', { name: 'One step' }).click();
    await readout.getByText('Step 341').waitFor();
    await page.getByRole('button', { name: 'Continue' }).click();
    await readout.getByText('left').waitFor();
    await page.getByRole('button', { name: 'Evaluate' }).click();
    await page.getByText('held-out pairs at step 341').waitFor();
    await page.getByRole('button', { name: 'Stop' }).click();
    await readout.getByText('of 500, stopped').waitFor();
    expect(await page.getByRole('link', { name: 'Score with this model' }).getAttribute('href')).toBe(
      '#/score?checkpoint=at-341',
    );
    await page.getByRole('button', { name: 'New run' }).click();
    await page.getByText('Before it starts').waitFor();
  });

  it('describes its curves to screen readers, and announces no single steps', async () => {
    const page = await started('running');
    await page
      .getByRole('img', { name: /^Accuracy: Held-out from 56 % at step 100 to 74 % at step 300\.$/u })
      .waitFor();
    await page
      .getByRole('img', { name: /^Loss, nats: Training from [\d.]+ at step 5 to [\d.]+ at step 340; /u })
      .waitFor();
    const status = page.locator('lab-run-monitor [role="status"]').first();
    expect(await status.innerText()).toBe('Step 300: 74 % of held-out labels right.');
  });

  it.each(['light', 'dark'] as const)(
    'really draws its curves, in the %s colours of their keys',
    async (colorScheme) => {
      const { page } = await show('running', 'kept', { colorScheme });
      await start(page);
      await expect.poll(() => share(page, 'steady')).toBeGreaterThan(0.001);
      await expect.poll(() => share(page, 'measured')).toBeGreaterThan(0.001);
    },
  );

  it('keeps running while the Score view is open, and shows its progress', async () => {
    const page = await started('running');
    await page.locator('lab-run-monitor').getByText('Step 340').waitFor();
    await page.getByRole('link', { name: 'Score', exact: true }).click();
    await page.getByRole('link', { name: 'Train 68 %' }).click();
    await page.locator('lab-run-monitor').getByText('Step 340').waitFor();
  });

  it('reports a failure with its fix, and offers to continue', async () => {
    const page = await started('failed');
    await failureOn(page)
      .getByText(/Lower the learning rate/u)
      .waitFor();
    await page.getByRole('button', { name: 'Continue' }).waitFor();
  });

  it('warns about a checkpoint that could not be stored, and keeps training', async () => {
    const page = await started('unsaved');
    await page.getByText('The checkpoint of step 345 could not be kept').waitFor();
    await page.getByRole('button', { name: 'Pause' }).waitFor();
  });

  it('starts no run that does not fit or has no backend, and says why', async () => {
    const large = await show('too-large');
    await large.page.getByText('This run does not fit into memory').waitFor();
    expect(await large.page.getByRole('button', { name: 'Train a small model' }).isDisabled()).toBe(true);
    const none = await show('no-backend');
    await failureOn(none.page)
      .getByText(/computes a known case wrong/u)
      .waitFor();
    await none.page.getByRole('button', { name: 'Try again' }).click();
    await failureOn(none.page)
      .getByText(/computes a known case wrong/u)
      .waitFor();
  });

  it('reports a wrong setting at its field, unfolds the section, and starts nothing', async () => {
    const { page } = await show('running');
    await page.locator('lab-run-plan .figure').waitFor();
    const steps = page.getByLabel('Steps', { exact: true });
    await steps.fill('-3');
    await page.getByText('Give a whole number from 1 to 10,000,000.').waitFor();
    expect(await steps.getAttribute('aria-invalid')).toBe('true');
    expect(await page.getByRole('button', { name: 'Start training' }).isDisabled()).toBe(true);
    await steps.fill('500');
    expect(await steps.getAttribute('aria-invalid')).toBe('false');
    await page.getByText('More settings').click();
    await page.getByLabel('AdamW beta 1').fill('2');
    await page.getByText('Give a number from 0 to 1.').waitFor();
    await page.getByLabel('AdamW beta 1').fill('0.9');
    await page.getByRole('button', { name: 'Train a small model' }).waitFor();
  });

  it('locks the settings of a run under way', async () => {
    const page = await started('running');
    await page.locator('lab-run-monitor').waitFor();
    expect(await page.getByLabel('Steps', { exact: true }).isDisabled()).toBe(true);
  });

  it('offers to continue an interrupted run, or to discard it', async () => {
    const { page } = await show('running', 'offers');
    await page.getByText('A run stopped at step 450 of 500').waitFor();
    await page.getByText('A run is under way in another tab').waitFor();
    await page.getByRole('button', { name: 'Discard' }).click();
    await page.getByText('A run stopped at step 450 of 500').waitFor({ state: 'detached' });
    await page.getByText('A run is under way in another tab').waitFor();
  });

  it('explains why a checkpoint cannot be renamed, and keeps its name', async () => {
    const { page } = await show('running');
    const row = page.locator('lab-checkpoint').nth(1);
    await row.getByRole('button', { name: 'Name and note' }).click();
    const name = row.getByLabel('Name', { exact: true });
    expect(await name.evaluate((input) => input.matches(':focus'))).toBe(true);
    await name.fill('first-model, step 500');
    await row.getByRole('button', { name: 'Save' }).click();
    await failureOn(page)
      .getByText(/already a checkpoint named "first-model, step 500"/u)
      .waitFor();
    await row.getByRole('heading', { name: 'first-model, step 450' }).waitFor();
  });

  it('answers with a checkpoint, says so, and returns to the bundled model', async () => {
    const { page } = await show('running');
    await page.locator('lab-checkpoint').nth(2).getByRole('link', { name: 'Score with it' }).click();
    await page.locator('.origin').getByText('best without hints').waitFor();
    await page.locator('lab-answer .fresh').waitFor();
    await page.getByRole('link', { name: 'Train' }).click();
    await page.locator('lab-checkpoint').nth(2).getByText('answers now').waitFor();
    await page.getByRole('link', { name: 'Score', exact: true }).click();
    await page.locator('.origin').getByText('best without hints').waitFor();
    await page.getByRole('link', { name: 'Use the bundled model' }).click();
    await page.locator('.origin').waitFor({ state: 'detached' });
  });

  const looks = [
    ['light', 1440],
    ['dark', 390],
  ] as const;

  describe.each(numbered(RUN_SCENES))('with the run "%s"', (scene, number) => {
    it.each(looksOf(looks, number))('%s at %d px, is accessible and fits', async (colorScheme, width) => {
      const seen = await show(scene, 'kept', looking(colorScheme, width));
      if (!WITHOUT_RUN.has(scene)) await start(seen.page);
      await seen.page.locator('lab-run-monitor, lab-run-plan lab-notice').first().waitFor();
      await expectFit(seen);
    });
  });

  describe.each(numbered(STORE_SCENES))('with the shelf "%s"', (scene, number) => {
    it.each(looksOf(looks, number))('%s at %d px, is accessible and fits', async (colorScheme, width) => {
      const seen = await show('running', scene, looking(colorScheme, width));
      await seen.page.locator('lab-checkpoints').locator('.space, lab-notice').first().waitFor();
      for (const summary of await seen.page.locator('lab-settings summary').all()) await summary.click();
      const rows = seen.page.locator('lab-checkpoint');
      if ((await rows.count()) > 1) {
        await rows.first().getByRole('button', { name: 'Name and note' }).click();
        await rows.nth(1).getByRole('button', { name: 'Delete' }).click();
      }
      await expectFit(seen);
    });
  });
});

async function start(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Train a small model' }).click();
}

/** axe brings its script as text, which the page's own policy rightly refuses. */
function looking(colorScheme: 'light' | 'dark', width: number): Record<string, unknown> {
  return { colorScheme, viewport: { width, height: 900 }, bypassCSP: true, reducedMotion: 'reduce' };
}

async function expectFit({ page, complaints }: Visit): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  expect(serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)).toEqual([]);
  const overflowPx = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect(overflowPx).toBeLessThanOrEqual(0);
  expect(complaints).toEqual([]);
}

/** Notices that are announced at once; their texts are slotted. */
function failureOn(page: Page): Locator {
  return page.locator('lab-notice[kind="failure"]');
}

/** The share of the first chart's pixels that have the colour of a curve's key. */
async function share(page: Page, look: 'steady' | 'measured'): Promise<number> {
  return page
    .locator('lab-chart')
    .first()
    .evaluate((chart, key) => {
      const canvas = chart.shadowRoot?.querySelector('canvas');
      const place = chart.shadowRoot?.querySelector(`.${key}`);
      const drawn = canvas?.getContext('2d');
      if (!canvas || !place || !drawn) return 0;
      // A pixel of the key's colour, as the browser paints it, is what to look for.
      const sample = new OffscreenCanvas(1, 1).getContext('2d');
      if (sample === null) return 0;
      sample.fillStyle = getComputedStyle(place).color;
      sample.fillRect(0, 0, 1, 1);
      const wanted = sample.getImageData(0, 0, 1, 1).data;
      const { data } = drawn.getImageData(0, 0, canvas.width, canvas.height);
      let count = 0;
      for (let i = 0; i < data.length; i += 4) {
        const isWanted = [0, 1, 2].every((c) => Math.abs((data[i + c] ?? 0) - (wanted[c] ?? 0)) < 12);
        if (isWanted && (data[i + 3] ?? 0) > 200) count += 1;
      }
      return (4 * count) / data.length;
    }, look);
}
