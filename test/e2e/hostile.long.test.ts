/**
 * Stored data and addresses may contain anything: other versions, damage, or malice. A bad item is reported in its
 * place, and everything else of the view works.
 */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { connectChromium, describeBrowser } from '../setup/chromium.ts';
import { visit } from './visit.ts';

const [PAGE_URL, HARNESS_URL] = [inject('pageUrl'), inject('harnessUrl')];

const CHUNK = { sizeBytes: 1, sha256: '0'.repeat(64) };
const MANIFEST = {
  id: 'good',
  name: 'good',
  note: '',
  kind: 'sft',
  isAutomatic: false,
  runId: null,
  parentId: null,
  modelName: 'm',
  worldHash: '',
  step: 1,
  configJson: '{}',
  createdAt: 1,
  sizeBytes: 1,
  chunks: [CHUNK],
};
const RUN = { id: 'run', name: 'run', kind: 'sft', configJson: '{}', totalSteps: 9, startedAt: 1, dataHash: '' };

/** Records that no version of the lab wrote; each is damaged in one place. */
const BAD_MANIFESTS = [
  { createdAt: 1e308 },
  { step: Number.NaN },
  { step: -1 },
  { step: 1e308 },
  { configJson: '{"sft":' },
  { sizeBytes: -5 },
  { chunks: [] },
  { name: '' },
  { kind: 7 },
  { runId: { toString: 'x' } },
  { added: 'by another version' },
].map((change, i) => ({ ...MANIFEST, ...change, id: `bad-${i}` }));
/** Valid but unusual records. */
const STRANGE_MANIFESTS = [
  { name: '\u202Egnirts \u{1F469}\u200D\u{1F52C} <img src=x onerror=alert(1)> __proto__' },
  { name: 'x'.repeat(200), note: 'y'.repeat(10_000) },
  { configJson: '{"sft":{"steps":1e308}}', step: Number.MAX_SAFE_INTEGER, createdAt: 8.64e15 },
  { configJson: '{"__proto__":{"sft":1},"sft":null}', step: -0, kind: '__proto__' },
  { configJson: '[]', kind: 'grpo-branch', worldHash: '\uD800' },
].map((change, i) => ({ ...MANIFEST, name: `strange ${i}`, ...change, id: `strange-${i}` }));
const RUNS = [
  { startedAt: -1 },
  { totalSteps: 1e308 },
  { kind: 'grpo-branch', configJson: '{"demonstration":5}' },
  { configJson: 'no JSON' },
].map((change, i) => ({ ...RUN, ...change, id: `run-${i}` }));

/** Puts records into the page's database, bypassing the lab's own code. */
async function plant(page: Page, records: Readonly<Record<string, readonly object[]>>): Promise<void> {
  await page.evaluate(async (all) => {
    const database = await new Promise<IDBDatabase>((resolve, reject) => {
      const request = indexedDB.open('afrl-lab');
      request.addEventListener('success', () => resolve(request.result));
      request.addEventListener('error', () => reject(request.error ?? new Error('no database')));
    });
    const transaction = database.transaction(Object.keys(all), 'readwrite');
    for (const [store, values] of Object.entries(all)) {
      for (const value of values) transaction.objectStore(store).put(value);
    }
    await new Promise((resolve) => transaction.addEventListener('complete', resolve));
    database.close();
  }, records);
}

describeBrowser('hostile contents', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await connectChromium();
  });
  afterAll(() => browser.close());

  it('of the database are listed as damaged and can be deleted; valid items stay usable', async () => {
    const { page, complaints } = await visit(browser, `${PAGE_URL}?backend=wasm#/train`);
    await page.getByText('Nothing is stored yet').waitFor();
    await plant(page, { manifests: [MANIFEST, ...BAD_MANIFESTS, ...STRANGE_MANIFESTS], runs: RUNS });
    await page.reload();
    const shelf = page.locator('lab-checkpoints');
    await expect.poll(() => shelf.locator('lab-checkpoint').count()).toBe(1 + STRANGE_MANIFESTS.length);
    // Only a run of another kind can be read; its settings have no known version, so nothing is offered.
    await expect.poll(() => shelf.getByText('A checkpoint that cannot be read').count()).toBe(BAD_MANIFESTS.length);
    await expect.poll(() => shelf.getByText('A run that cannot be read').count()).toBe(RUNS.length - 1);
    for (const what of ['A run', 'A checkpoint']) {
      const damaged = shelf.locator('.damaged', { hasText: `${what} that cannot be read` });
      const before = await damaged.count();
      await damaged.first().getByRole('button', { name: 'Delete' }).click();
      await expect.poll(() => damaged.count()).toBe(before - 1);
    }
    await page.getByRole('button', { name: 'Train a small model' }).waitFor();
    await page.getByRole('link', { name: 'Collapse' }).click();
    await page.getByRole('button', { name: /Run the demonstration/u }).waitFor();
    expect(await page.locator('lab-part-failure').count()).toBe(0);
    expect(complaints).toEqual([]);

    // An empty checkpoint cannot answer, and the page says why.
    await page.goto(`${PAGE_URL}?backend=wasm#/score?checkpoint=strange-3`);
    await page.locator('.reading').getByRole('alert').waitFor();
    await page.getByRole('link', { name: 'Use the bundled model' }).click();
    await page.locator('lab-answer .fresh').waitFor();
  });

  it('of stored files and of the records of runs are named in their views, and can be deleted', async () => {
    const { page, complaints } = await visit(browser, `${PAGE_URL}?backend=wasm#/train`);
    await page.getByText('Nothing is stored yet').waitFor();
    await page.getByRole('link', { name: 'Files', exact: true }).click();
    await page.getByRole('button', { name: 'Try a sample' }).waitFor();
    const ids = ['__proto__', 'constructor', 'of-another-version'];
    await plant(page, {
      judged: ids.map((id) => ({ id, createdAt: 1e308, files: { toString: 'x' } })),
      tracked: ids.map((id) => ({ id, schemaVersion: 1, kind: id, configJson: '{"sft":' })),
    });
    await page.reload();
    await page.getByRole('button', { name: 'Try a sample' }).waitFor();
    const files = page.getByText('A stored file can no longer be read.');
    await expect.poll(() => files.count()).toBe(ids.length);
    await page.getByRole('button', { name: 'Delete it', exact: true }).first().click();
    await page.getByRole('button', { name: 'Delete it with its scores and corrections' }).click();
    await expect.poll(() => files.count()).toBe(ids.length - 1);
    await page.getByRole('link', { name: 'Runs', exact: true }).click();
    const runs = page.locator('.damaged', { hasText: 'A run that cannot be read' });
    await expect.poll(() => runs.count()).toBe(ids.length);
    await runs.first().getByRole('button', { name: 'Delete' }).click();
    await expect.poll(() => runs.count()).toBe(ids.length - 1);
    expect(await page.locator('lab-part-failure').count()).toBe(0);
    expect(complaints).toEqual([]);
  });

  it('of finished runs are shown as far as possible, and can be dismissed', async () => {
    const { page, complaints } = await visit(browser, `${PAGE_URL}?backend=wasm#/train`);
    await page.getByText('Nothing is stored yet').waitFor();
    const point = (step: number, lossNats: number): object => ({ step, tokens: 0, lossNats });
    const count = Number.MAX_SAFE_INTEGER;
    const prepared = {
      kind: 'prepared',
      experiment: null,
      runId: '__proto__',
      dataHash: '',
      parameters: count,
      vocabSize: 0,
      trainPairs: 0,
      devPairs: 0,
      shortened: count,
      step: 7,
      steps: 0,
      curve: [point(count, 1e308), point(2, -1e308), point(2, 5), point(0, -0)],
      predicted: { stepMs: 1e308, runMs: 0, memoryBytes: 0 },
    };
    const finished = { kind: 'finished', step: count, tokens: count, weightsHash: '', checkpointId: null };
    // A demonstration with events of branches that it never announced.
    const ended = { kind: 'branch-ended', branch: 5, step: 1, weightsHash: null, failure: null };
    await plant(page, {
      records: [
        { view: 'train', endedAt: 1, events: [prepared, finished] },
        {
          view: 'collapse',
          endedAt: 1,
          events: [{ kind: 'checkpoint', branch: 5, step: 1 }, ended, { kind: 'finished' }],
        },
      ],
    });
    await page.reload();
    await page.getByRole('button', { name: 'New run' }).click();
    await page.getByRole('button', { name: 'Train a small model' }).waitFor();
    await page.getByRole('link', { name: 'Collapse' }).click();
    await page.locator('lab-collapse-view').getByRole('button').first().waitFor();
    await page.getByRole('link', { name: 'Score' }).click();
    await page.locator('lab-answer .fresh').waitFor();
    expect(await page.locator('lab-part-failure').count()).toBe(0);
    expect(complaints).toEqual([]);
  });

  it.each([
    '#/score?checkpoint=__proto__&with=__proto__,constructor',
    '#/score?model=%F0%28%8C%28&with=,,,%00',
    `#/score?with=${'checkpoint:x,'.repeat(2000)}`,
    '#/__proto__?%',
    `#/score?model=${'x'.repeat(50_000)}`,
  ])('of an address (%#) leave a view that answers or explains why not', async (hash) => {
    const { page } = await visit(browser, `${HARNESS_URL}?backend=%00&scene=__proto__${hash}`);
    await page.locator('lab-answer .label, .reading lab-notice').first().waitFor();
    expect(await page.locator('lab-part-failure').count()).toBe(0);
  });

  it.each(['', '#', '#/', '#/?with=__proto__'])(
    'of an address without a view ("%s") lead to the front door',
    async (hash) => {
      const { page } = await visit(browser, `${HARNESS_URL}?backend=%00`);
      await page.goto(`${HARNESS_URL}?backend=%00&scene=__proto__${hash}`);
      await page.locator('lab-front-door h2').first().waitFor();
      expect(await page.locator('lab-part-failure').count()).toBe(0);
    },
  );

  it('of the settings in storage are ignored', async () => {
    const { page, complaints } = await visit(browser, `${HARNESS_URL}?scene=verified`);
    await page.evaluate(() => localStorage.setItem('afrl-lab.theme', '{"__proto__":1}'));
    await page.reload();
    await page.locator('lab-answer .label').waitFor();
    expect(complaints).toEqual([]);
  });

  it('that break one part of the page leave the others intact, until it can be drawn again', async () => {
    const { page } = await visit(browser, `${HARNESS_URL}?scene=verified`);
    await page.locator('lab-trace .summary').waitFor();
    const card = page.locator('lab-model-card');
    const failure = card.getByText('This part of the page could not be shown');
    await card.evaluate((element) =>
      Object.assign(element, { kept: Reflect.get(element, 'model') as unknown, model: {} }),
    );
    await failure.waitFor();
    await card.getByRole('button', { name: 'Try again' }).click();
    await failure.waitFor();
    // The rest works, and the part returns with content that it can draw.
    await page.getByRole('button', { name: 'accessory' }).click();
    await expect
      .poll(() => page.getByRole('textbox', { name: 'Query', exact: true }).inputValue())
      .toBe('pot without lid');
    await page.locator('lab-trace .summary').waitFor();
    await card.evaluate((element) => Object.assign(element, { model: Reflect.get(element, 'kept') as unknown }));
    await expect.poll(() => failure.count()).toBe(0);
    await card.getByText(/^Model card/u).waitFor();
  });
});
