/** The demonstration costs nothing for visitors who never open it, and runs offline once it has run online. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connectChromium, describeBrowser } from '../setup/chromium.ts';
import { BUILT_PAGE, serveFolder } from './static-host.ts';
import { runTiny } from './tiny-demonstration.ts';
import { answered, visit } from './visit.ts';

describeBrowser('the demonstration in the page', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await connectChromium();
  });
  afterAll(() => browser.close());

  it('costs nothing for a visitor who does not open it, and runs offline once it has run', async () => {
    const host = await serveFolder(BUILT_PAGE);
    const { page, complaints } = await visit(browser, `${host.url}?backend=wasm`);
    await answered(page);
    await page.getByText('Works offline.').waitFor();
    expect(host.answers.filter((line) => line.includes('lab-nano-start'))).toEqual([]);
    // From here on the offline copy answers.
    await page.reload();
    await answered(page);
    await page.getByRole('link', { name: 'Collapse' }).click();
    await runTiny(page, { Steps: '1' });
    await page.getByText('all branches have ended').waitFor();
    expect(host.answers.filter((line) => line.startsWith('200 models/lab-nano-start/'))).toHaveLength(5);

    await page.context().setOffline(true);
    await page.reload();
    await page.getByRole('button', { name: 'New demonstration' }).click();
    await runTiny(page, { Steps: '1' });
    await page.getByText('all branches have ended').waitFor();
    expect(complaints).toEqual([]);
    await host.close();
  });
});
