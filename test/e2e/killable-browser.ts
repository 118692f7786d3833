/** A Chromium that can be killed, opened at the built page, with a record of what the page must not do. */
import { inject } from 'vitest';
import { type KillableChromium, startChromium } from '../setup/killable-chromium.ts';
import { recordContext } from '../setup/request-record.ts';
import { LONGEST_WAIT_MS } from './visit.ts';

/** A running browser with one page. */
export interface KillableBrowser extends Omit<KillableChromium, 'context'> {
  /** Errors of the page and its workers, including policy violations. */
  readonly complaints: readonly string[];
}

/** Starts the browser on a profile, and opens a page. */
export async function startKillableBrowser(profileFolder: string, url: string): Promise<KillableBrowser> {
  const executablePath = inject('chromium');
  if (executablePath === null) throw new Error('startKillableBrowser: no browser. Wrap the tests in describeBrowser.');
  const { context, ...browser } = await startChromium(executablePath, profileFolder);
  context.setDefaultTimeout(LONGEST_WAIT_MS);
  recordContext(context);
  const complaints: string[] = [];
  context.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  context.on('weberror', (error) => complaints.push(error.error().message));
  await browser.page.goto(url);
  return { ...browser, complaints };
}
