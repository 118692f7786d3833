import type { Page } from 'playwright-core';
import { fillFields } from '../setup/fill-fields.ts';

/** A demonstration that takes seconds. */
const TINY = { Steps: '3', 'Measure every': '1', 'Prompts per step': '2', 'Held-out pairs': '12' };

/** Starts a demonstration on the page that shows its form. */
export async function runTiny(page: Page, change: Partial<typeof TINY> = {}): Promise<void> {
  await page.locator('lab-collapse-setup summary', { hasText: 'More settings' }).click();
  await fillFields(page.locator('lab-collapse-setup'), { ...TINY, ...change });
  await page.getByRole('button', { name: 'Run the demonstration' }).click();
}
