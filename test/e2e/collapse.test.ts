/** The demonstration in the built page on a real model: a few small steps, as a reader runs them. */
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { connectChromium, describeBrowser } from '../setup/chromium.ts';
import { whole } from '../setup/whole.ts';
import { BUILT_PAGE, serveFolder, type StaticHost } from './static-host.ts';
import { runTiny } from './tiny-demonstration.ts';
import { visit } from './visit.ts';

describeBrowser('the demonstration in the page', () => {
  let browser: Browser;
  let host: StaticHost;
  beforeAll(async () => {
    browser = await connectChromium();
  });
  afterEach(async () => {
    await host.close();
  });
  afterAll(() => browser.close());

  it('runs branches side by side, with curves, strips and completions, and a fork that is the same run', async () => {
    host = await serveFolder(BUILT_PAGE);
    const { page, complaints } = await visit(browser, `${host.url}?backend=wasm#/collapse`);
    await runTiny(page);
    const branches = page.locator('lab-branch');
    await page.getByText('all branches have ended').waitFor();
    await page.getByText('Everything measured').click();
    expect(await branches.locator('.place').allInnerTexts()).toEqual(Array(3).fill('step 3 of 3'));
    await page.getByRole('img', { name: /^Reward: Reward only from 0\.\d\d at step 0 to 0\.\d\d at step 3; Reward \+ examples/u }).first().waitFor(); // prettier-ignore
    const live = page.locator('lab-live');
    await live.getByRole('slider', { name: 'Where the answers went, rule by rule' }).waitFor();
    await live.locator('.branch').nth(1).click();
    await live.getByText('0.3 from step 1.').waitFor();
    expect(await branches.locator('lab-collapse-alarm .alarm').allInnerTexts()).toHaveLength(3);
    const strip = page.getByRole('slider', { name: 'Rules cited by Fair control' });
    expect(await strip.getAttribute('aria-valuetext')).toMatch(
      /^[a-z-]+, rare, cited \d+ times in 16 completions of step 3$/u,
    );
    expect(await page.locator('lab-completions .completion').count()).toBeGreaterThan(7);
    expect(await page.locator('lab-completions .completion').first().innerText()).toMatch(/reward \(plausible\)/u);

    await live.getByLabel(/^Fork Reward \+ examples/u).selectOption('1');
    await live.locator('lab-coefficient .fork > button').click();
    const fork = page.locator('lab-branch').nth(3);
    await fork.getByText('step 3 of 3, forked at 1').waitFor();
    // Nothing was changed, so every measurement equals that of its parent.
    await expect
      .poll(() => fork.locator('lab-collapse-alarm dl').innerText())
      .toBe(await branches.nth(1).locator('lab-collapse-alarm dl').innerText());
    await page.getByRole('button', { name: 'Reset' }).click();
    await page.getByRole('button', { name: 'Run the demonstration' }).waitFor();
    expect(complaints).toEqual([]);
  });

  whole('is offered after a reload during the run, and continues to its end from what was stored', async () => {
    host = await serveFolder(BUILT_PAGE);
    const { page, complaints } = await visit(browser, `${host.url}?backend=wasm#/collapse`);
    await runTiny(page, { Steps: '12' });
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByRole('button', { name: 'Continue' }).waitFor();
    // Single steps lead to a measurement at a later step, because its checkpoint is stored with it.
    const measured = page.getByRole('img', { name: /^Reward: Reward only .* at step (?:[3-9]|1\d); Reward \+/u });
    const figure = page.locator('lab-collapse-view .step');
    while ((await measured.count()) === 0) {
      const before = await figure.innerText();
      await page.getByRole('button', { name: 'One step each' }).click();
      await expect.poll(() => figure.innerText()).not.toBe(before);
    }
    await page.reload();
    await page.getByText(/^A demonstration stopped; it is kept up to step \d+/u).waitFor();
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByText('all branches have ended').waitFor();
    await page.getByText('Everything measured').click();
    const places = page.locator('lab-branch .place');
    expect(await places.allInnerTexts()).toEqual(Array(3).fill('step 12 of 12'));
    await page.getByRole('img', { name: /^Reward: Reward only from 0\.\d\d at step 0 to 0\.\d\d at step 12; Reward \+/u }).first().waitFor(); // prettier-ignore
    const readings = await page.locator('lab-collapse-alarm dl').allInnerTexts();
    await page.reload();
    await page.getByRole('button', { name: 'New demonstration' }).waitFor();
    await page.getByText('Everything measured').click();
    expect(await page.getByText(/^A demonstration stopped/u).count()).toBe(0);
    expect(await places.allInnerTexts()).toEqual(Array(3).fill('step 12 of 12'));
    expect(await page.locator('lab-collapse-alarm dl').allInnerTexts()).toEqual(readings);
    expect(await page.getByRole('slider', { name: 'Rules cited by Fair control' }).count()).toBe(1);
    expect(await page.locator('lab-completions .completion').count()).toBeGreaterThan(7);
    await page.getByRole('button', { name: 'New demonstration' }).click();
    await page.getByRole('button', { name: 'Run the demonstration' }).waitFor();
    await page.reload();
    await page.getByRole('button', { name: 'Run the demonstration' }).waitFor();
    expect(complaints).toEqual([]);
  });
});
