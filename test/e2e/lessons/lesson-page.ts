/** Where lessons are, and when one is there. */
import type { Page } from 'playwright-core';
import { inject } from 'vitest';

export const DESK = { viewport: { width: 1280, height: 720 } };

/** The address of a screen, counted from 1. */
export function lessonUrl(screen: number, id = 'collapse'): string {
  return `${inject('pageUrl')}#/lesson/${id}/${screen}`;
}

export async function opened(page: Page): Promise<void> {
  await page.locator('lab-lesson h2').waitFor();
}
