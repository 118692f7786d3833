/** A run of the Train view that takes seconds, driven by clicks as a reader does. */
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { fillFields } from '../../setup/fill-fields.ts';

/** Little data, small batches, one evaluation at the end. */
export const TINY = {
  'Training queries': '12',
  'Held-out pairs': '4',
  Steps: '24',
  'Batch size': '4',
  'Evaluate every': '12',
  'Save every': '4',
};

/** Fills the named fields and starts the run. */
export async function startRun(page: Page, settings: Readonly<Record<string, string>>): Promise<void> {
  await fillFields(page, settings);
  await page.getByRole('button', { name: 'Start training' }).click();
}

/** The hash of all weights at the end of the run. */
export function finishedHash(page: Page): Promise<string> {
  return page.locator('lab-run-monitor .weights').innerText();
}

export async function shownStep(page: Page): Promise<number> {
  return Number(/[\d,]+/u.exec(await page.locator('lab-run-monitor .figure').innerText())?.[0].replaceAll(',', ''));
}

/**
 * Pauses a run that has just started, and leads it by single steps to the one after its next checkpoint, so that a page
 * that ends now loses work, however fast the machine.
 * @param saveEvery Steps from one checkpoint to the next, at least 2.
 * @returns The step of that checkpoint.
 */
export async function pauseAfterCheckpoint(page: Page, name: string, saveEvery: number): Promise<number> {
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.getByRole('button', { name: 'Continue' }).waitFor();
  const paused = await shownStep(page);
  const saved = paused + saveEvery - (paused % saveEvery);
  for (let step = paused + 1; step <= saved + 1; step++) {
    await page.getByRole('button', { name: 'One step' }).click();
    await expect.poll(() => shownStep(page)).toBe(step);
  }
  await page.getByRole('heading', { name: `${name}, step ${saved}`, exact: true }).waitFor();
  return saved;
}
