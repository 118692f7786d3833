/**
 * One visit to the page: a new browser context, with a record of everything the page must not do.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { inject, onTestFinished } from 'vitest';

/** WebGPU on a software adapter takes seconds where a GPU takes milliseconds. */
export const LONGEST_WAIT_MS = 120_000;

/** The page's violations. Each list must stay empty. */
export interface Misdeeds {
  /** Requests to another origin. */
  readonly foreignRequests: string[];
  /** Violations of the page's Content-Security-Policy, and errors written to the console. */
  readonly complaints: string[];
}

export interface Visit extends Misdeeds {
  readonly page: Page;
}

/**
 * Opens a page in a fresh context, which ends with the test; `options` as for playwright's `newContext`. An address
 * without a view is that of the scoring view; `#/` is the front door.
 */
export async function visit(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Visit> {
  const context = await browser.newContext(options);
  onTestFinished(() => context.close());
  context.setDefaultTimeout(LONGEST_WAIT_MS);
  const page = await context.newPage();
  const foreignRequests: string[] = [];
  const complaints: string[] = [];
  const { origin } = new URL(url);
  context.on('request', (request) => {
    const requested = new URL(request.url());
    const isLocal = requested.protocol === 'data:' || requested.protocol === 'blob:';
    if (!isLocal && requested.origin !== origin) foreignRequests.push(request.url());
  });
  // Violations are written to the console as errors, in workers too.
  context.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  context.on('weberror', (error) => complaints.push(error.error().message));
  await page.goto(url.includes('#') ? url : `${url}#/score`);
  return { page, foreignRequests, complaints };
}

/** Drops a file on an element. */
export async function dropFile(target: Locator, name: string, text: string): Promise<void> {
  const dataTransfer = await target.page().evaluateHandle(
    ([fileName, contents]) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([contents ?? ''], fileName ?? ''));
      return transfer;
    },
    [name, text],
  );
  await target.dispatchEvent('drop', { dataTransfer });
}

/** Chooses files in the input of an open dialog. */
export async function chooseFiles(input: Locator, files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  await input.setInputFiles(
    Object.entries(files).map(([name, content]) => ({
      name,
      mimeType: 'application/octet-stream',
      buffer: Buffer.from(content),
    })),
  );
}

/** The text of the file that an action downloads. */
export async function downloadedText(page: Page, act: () => Promise<unknown>): Promise<string> {
  const [download] = await Promise.all([page.waitForEvent('download'), act()]);
  const folder = mkdtempSync(join(tmpdir(), 'afrl-lab-download-'));
  try {
    const path = join(folder, 'file');
    await download.saveAs(path);
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(readFileSync(path));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Waits until the label of the last question is final and its reasoning has ended. */
export async function answered(page: Page): Promise<void> {
  await page.locator('lab-answer .fresh').waitFor();
  await page.locator('lab-trace .summary').waitFor();
}

/** The label on the page. */
export function shownLabel(page: Page): Promise<string> {
  return page.locator('lab-answer .label').innerText();
}

/** The screens on which whole views are examined: colour scheme, width and height in px. */
export const SCREENS = [
  ['light', 1280, 720],
  ['dark', 1280, 720],
  ['light', 390, 844],
  ['dark', 1920, 1080],
] as const;

/** The looks in which a state is examined: all in `npm run test:all`, otherwise one, alternating. */
export function looksOf<Look>(looks: readonly Look[], state: number): readonly Look[] {
  return inject('isWhole') ? looks : looks.filter((_, i) => i === state % looks.length);
}

/** Each item with its number. */
export function numbered<T>(items: readonly T[]): [T, number][] {
  return items.map((item, i) => [item, i]);
}
