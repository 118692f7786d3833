/** Choices of kernel variants in a real browser: kept by any tab for all, and as if there were none where they are damaged. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeBrowser } from '../setup/chromium.ts';
import { type ProfileBrowser, startProfileBrowser } from './profile-browser.ts';

const ORIGIN = 'https://choices.test/';

describeBrowser('choices of kernel variants', () => {
  const profile = mkdtempSync(join(tmpdir(), 'afrl-lab-choices-'));
  let browser: ProfileBrowser;
  beforeAll(async () => {
    browser = await startProfileBrowser(profile);
  });
  afterAll(async () => {
    await browser.close();
    rmSync(profile, { recursive: true, force: true });
  });

  it('of two tabs at once are all there after a reload, and nothing damaged is taken', async () => {
    const tabs = [await browser.openTab(ORIGIN), await browser.openTab(ORIGIN)];
    await Promise.all(
      tabs.map((tab, t) =>
        tab.evaluate(async (index) => {
          const { save } = lab.variantChoices('c');
          for (let i = 0; i < 20; i++) await save(new Map([[`${index} ${i}`, { variant: 'lanes', build: 'b' }]]));
        }, t),
      ),
    );
    const [tab] = tabs;
    await tab?.reload();
    await tab?.waitForFunction(() => 'lab' in globalThis);
    const kept = await tab?.evaluate(() => lab.variantChoices('c').load());
    expect(kept).toHaveLength(40);
    expect(kept).toContainEqual(['1 19', { variant: 'lanes', build: 'b' }]);

    const after = await tab?.evaluate(async () => {
      const { load, save, overwrite } = lab.variantChoices('c');
      await overwrite([{ device: 1 }]);
      const damaged = await load();
      await save(new Map([['again', { variant: 'blocks', build: 'b' }]]));
      return { damaged, again: await load() };
    });
    expect(after).toEqual({ damaged: [], again: [['again', { variant: 'blocks', build: 'b' }]] });
  });
});
