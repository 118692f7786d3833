/**
 * Faults of the browser and the machine while something runs, and the sentence that a person reads of each: an update,
 * a frozen page, no memory left, a driver that cannot compile or that computes wrongly. No work is lost by any.
 */
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import { connectChromium, describeBrowser, launchChromium } from '../setup/chromium.ts';
import { openFreezable } from '../setup/freezable-page.ts';
import { checkForUpdate, release } from './newer-version.ts';
import { BUILT_PAGE, serveFolder } from './static-host.ts';
import { startRun, TINY } from './train/tiny-run.ts';
import { answered, LONGEST_WAIT_MS, shownLabel, visit } from './visit.ts';

const TRAIN_URL = `${inject('pageUrl')}?backend=wasm#/train`;

describeBrowser('a fault', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await connectChromium();
  });
  afterAll(() => browser.close());

  it('an update in mid-run waits until the run has ended', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'afrl-lab-'));
    await cp(BUILT_PAGE, folder, { recursive: true });
    const host = await serveFolder(folder);
    onTestFinished(async () => {
      await host.close();
      await rm(folder, { recursive: true });
    });
    const { page, complaints } = await visit(browser, `${host.url}?backend=wasm#/train`);
    await page.getByText('Works offline.').waitFor();
    await startRun(page, { ...TINY, Steps: '1000000', 'Save every': '5' });
    await firstCheckpoint(page);
    await release(folder, 'A newer lab');
    await checkForUpdate(page);
    await page.getByText('Something is running in this tab, so the new version waits.').waitFor();
    const use = page.getByRole('button', { name: 'Use the new version' });
    expect(await use.count()).toBe(0);
    // A paused run is one as well.
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByRole('button', { name: 'Continue' }).waitFor();
    expect(await use.count()).toBe(0);
    await page.getByRole('button', { name: 'Stop' }).click();
    await use.click();
    await page.waitForFunction(() => document.title === 'A newer lab');
    await page
      .getByRole('heading', { name: /^first-model, step \d+$/u })
      .first()
      .waitFor();
    expect(complaints).toEqual([]);
  });

  it('a page that is hidden in mid-run goes on; frozen it stands still, and continues when it is looked at again', async () => {
    const own = await launchChromium();
    onTestFinished(() => own.close());
    const page = await openFreezable(own, TRAIN_URL);
    const step = async (): Promise<number> =>
      Number(/^Step ([\d,]+)/u.exec(String(await page.evaluate("find('.figure')?.textContent")))?.[1] ?? 0);
    await expect.poll(() => page.evaluate("find('button:enabled', 'Train a small model') !== undefined")).toBe(true);
    await page.evaluate(`
      globalThis.heard = [];
      for (const name of ['freeze', 'resume']) document.addEventListener(name, () => heard.push(name));
      find('button', 'Train a small model').click();
    `);
    await expect.poll(step).toBeGreaterThan(0);
    // Hidden, it goes on; the browser slows its timers down, and draws no frames.
    await page.hide();
    const hiddenAt = await step();
    await expect.poll(step).toBeGreaterThan(hiddenAt + 2);
    await page.thaw();
    await page.evaluate('heard.length = 0');
    for (const times of [1, 2]) {
      await page.freeze();
      await expect.poll(() => page.evaluate('heard.length')).toBe(2 * times - 1);
      // It draws nothing any more: what it says is what it said.
      const frozenAt = await step();
      for (let i = 0; i < 20; i++) expect(await step()).toBe(frozenAt);
      await page.thaw();
      await expect.poll(step).toBeGreaterThan(frozenAt);
    }
    expect(await page.evaluate('heard.join()')).toBe('freeze,resume,freeze,resume');
    await page.evaluate("find('button', 'Stop').click()");
    await expect.poll(() => page.evaluate("find('a', 'Score with this model') !== undefined")).toBe(true);
    expect(await page.evaluate("find('lab-notice[kind=failure]') === undefined")).toBe(true);
  });

  it('a thread without memory says so, and its run continues from what it saved', async () => {
    const { page } = await visit(browser, TRAIN_URL);
    await startRun(page, { ...TINY, Steps: '80', 'Save every': '5' });
    await firstCheckpoint(page);
    await exhaust(page, 'train.worker');
    await page.getByText('The model does not fit into memory').waitFor();
    await page.getByText('Memory ran out: Array buffer allocation failed. Use a smaller batch').waitFor();
    // The failed run is shown again; its checkpoint is offered where the reload was quicker than the run's record.
    await page.reload();
    await page.getByRole('button', { name: 'Continue' }).click();
    expect(await page.locator('lab-run-monitor .weights').innerText()).toMatch(/^[0-9a-f]{8,}$/u);
  });

  it('a model without memory says so, and answers again once there is some', async () => {
    const { page } = await visit(browser, `${inject('pageUrl')}?backend=wasm#/score`);
    await answered(page);
    const restore = await exhaust(page, 'score.worker');
    await page.getByRole('textbox', { name: 'Query', exact: true }).fill('blue kettle');
    await page.getByText('The model does not fit into memory').waitFor();
    await page.getByText('Close other tabs and programs, and try again.').waitFor();
    await restore();
    await page.getByRole('textbox', { name: 'Query', exact: true }).fill('blue mug');
    await answered(page);
    expect(await page.getByText('The model does not fit into memory').count()).toBe(0);
  });

  it('a page whose process ends, as for want of memory, offers its run to the next one', async () => {
    const { page } = await visit(browser, TRAIN_URL);
    await startRun(page, { ...TINY, Steps: '80', 'Save every': '5' });
    await firstCheckpoint(page);
    const crashed = page.waitForEvent('crash');
    await Promise.all([crashed, page.goto('chrome://crash').catch(() => undefined)]);
    const next = await page.context().newPage();
    await next.goto(TRAIN_URL);
    await next.getByText(/^A run stopped at step \d+ of 80$/u).waitFor();
    await next.getByRole('button', { name: 'Continue' }).click();
    expect(await next.locator('lab-run-monitor .weights').innerText()).toMatch(/^[0-9a-f]{8,}$/u);
  });

  it('threads that do not start are done without', async () => {
    const context = await browser.newContext({ serviceWorkers: 'block' });
    context.setDefaultTimeout(LONGEST_WAIT_MS);
    onTestFinished(() => context.close());
    const page = await context.newPage();
    // Their script never arrives; tfjs itself would wait for ever.
    let asked = 0;
    await page.route(/tfjs-thread-[\w-]+\.js$/u, () => {
      asked += 1;
    });
    await page.goto(`${inject('pageUrl')}?backend=wasm#/score`);
    await answered(page);
    await page.locator('.reading').getByText('on one thread because others do not start').waitFor();
    expect(asked).toBeGreaterThan(0);
  });

  describe('of a driver', () => {
    it.each([
      ['that cannot compile', "{ ...descriptor, code: 'this is no shader' }", /The webgpu backend (?:is not used|does not start): /u], // prettier-ignore
      ['that computes wrongly', "{ ...descriptor, code: descriptor.code.replaceAll('exp(', 'exp2(') }", /The webgpu backend is not used: it computes a known case wrong/u], // prettier-ignore
    ])('%s is passed over, and the model answers on WebAssembly', async (_, descriptor, says) => {
      const options = { serviceWorkers: 'block' } as const;
      const context = await browser.newContext(options);
      context.setDefaultTimeout(LONGEST_WAIT_MS);
      onTestFinished(() => context.close());
      const page = await context.newPage();
      // The adapter says that it is a real one, because software is passed over anyway.
      const breakDriver = `
        Object.defineProperty(GPUAdapter.prototype, 'info', { get: () => ({ vendor: 'a', architecture: 'b', device: '', description: '' }) });
        const compile = GPUDevice.prototype.createShaderModule;
        GPUDevice.prototype.createShaderModule = function (descriptor) { return compile.call(this, ${descriptor}); };
      `;
      await page.route(/score\.worker-[\w-]+\.js$/u, async (route) => {
        const response = await route.fetch();
        await route.fulfill({ response, body: breakDriver + (await response.text()) });
      });
      await page.goto(`${inject('pageUrl')}#/score`);
      await answered(page);
      const reading = page.locator('.reading');
      await reading.getByText('Runs on WebAssembly').waitFor();
      await reading.getByText(says).waitFor();
      expect(['irrelevant', 'partial', 'substantial', 'exact']).toContain(await shownLabel(page));
    });
  });
});

/** Lets a thread make no arrays of numbers any more, as a browser does that has no room for them. @returns the way back */
async function exhaust(page: Page, name: string): Promise<() => Promise<void>> {
  const worker = page.workers().find((each) => each.url().includes(name));
  if (worker === undefined) throw new Error(`There is no thread ${name}.`);
  await worker.evaluate(() => {
    globalThis.Float32Array = new Proxy(Float32Array, {
      construct: (made: Float32ArrayConstructor, given: unknown[]) => {
        if ('exhausted' in globalThis) throw new RangeError('Array buffer allocation failed');
        return Reflect.construct(made, given) as Float32Array;
      },
    });
    Object.assign(globalThis, { exhausted: true });
  });
  return () =>
    worker.evaluate(() => {
      Reflect.deleteProperty(globalThis, 'exhausted');
    });
}

/** Waits until a checkpoint is listed: which one, a busy machine decides, because only the last few are kept. */
function firstCheckpoint(page: Page): Promise<void> {
  return page
    .getByRole('heading', { name: /^first-model, step \d+$/u })
    .first()
    .waitFor();
}
