/** A newer version of the built page, for tests of what the page does about it. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';

/** Writes a version with another title into the folder, as a build would: the page and the list of files change. */
export async function release(folder: string, title: string): Promise<void> {
  const page = join(folder, 'index.html');
  await writeFile(page, (await readFile(page, 'utf8')).replace('<title>AFRL Lab<', `<title>${title}<`));
  const copy = join(folder, 'offline.worker.js');
  const script = await readFile(copy, 'utf8');
  const changed = script.replace(/"revision":"\w+"(?=,"url":"index\.html")/u, '"revision":"newer"');
  expect(changed).not.toBe(script);
  await writeFile(copy, changed);
}

/** What a browser does by itself at the next visit. */
export async function checkForUpdate(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const registration = await navigator.serviceWorker.ready;
    await registration.update();
  });
}
