/**
 * `npm run shots`: makes the pictures of the README in docs/pictures. The animated one is drawn from the results of an
 * experiment; the other is a screenshot of the built page in Chromium, so `npm run build` must be run first.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { chromium } from 'playwright-core';
import { parse } from 'valibot';
import { preview } from 'vite';
import { ExperimentResultsSchema } from '../src/protocol/experiment-results.ts';
import { HEADLESS_FLAGS } from '../test/setup/chromium-flags.ts';
import { findChromium } from '../test/setup/system-packages.ts';
import { collapsePicture } from './collapse-picture.ts';

const FOLDER = 'docs/pictures';
await mkdir(FOLDER, { recursive: true });

const results = parse(ExperimentResultsSchema, JSON.parse(await readFile('docs/results/E3.json', 'utf8')));
await writeFile(`${FOLDER}/collapse.svg`, collapsePicture(results));

const found = findChromium();
if ('missing' in found) throw new Error(found.missing);
const server = await preview({ preview: { port: 0, open: false }, logLevel: 'warn' });
const browser = await chromium.launch({ executablePath: found.path, args: HEADLESS_FLAGS });
try {
  const page = await browser.newPage({ viewport: { width: 1120, height: 1000 } });
  await page.goto(`${server.resolvedUrls?.local[0] ?? ''}#/score`);
  await page.getByText('Restated at the end').waitFor({ timeout: 120_000 });
  await page.screenshot({ path: `${FOLDER}/answer.png` });
} finally {
  await browser.close();
  await server.close();
}
process.exit(0); // otherwise vite's preview server keeps the process alive
