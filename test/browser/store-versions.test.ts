/**
 * Databases of every published version, from committed fixtures: the present code opens each with nothing lost and
 * still writes its version's format, and migration to a next version works.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { MIGRATIONS } from '../../src/checkpoint/store-schema.ts';
import { describeBrowser } from '../setup/chromium.ts';
import type { DatabaseDump } from './database-dump.ts';
import { type ProfileBrowser, startProfileBrowser } from './profile-browser.ts';

const VERSIONS = MIGRATIONS.map((_, index) => index + 1);
const CURRENT = MIGRATIONS.length;

describeBrowser('databases of published versions', () => {
  const profile = mkdtempSync(join(tmpdir(), 'afrl-lab-versions-'));
  let browser: ProfileBrowser;
  let page: Page;
  beforeAll(async () => {
    browser = await startProfileBrowser(profile);
    page = await browser.openTab('https://store.test/');
  });
  afterAll(async () => {
    await browser.close();
    rmSync(profile, { recursive: true, force: true });
  });
  beforeEach(async () => {
    await page.reload();
    await page.waitForFunction(() => 'lab' in globalThis);
    await page.evaluate(() => lab.deleteDatabase('t'));
  });

  it.each(VERSIONS)(
    'opens version %i: every checkpoint and run is there, and what was unfinished is swept',
    async (version) => {
      const result = await page.evaluate(async (dump) => {
        await lab.restoreDatabase('t', dump);
        const store = await lab.openCheckpointStore({ name: 't' });
        const list = await store.list();
        const payloads = await Promise.all(list.checkpoints.map(async ({ id }) => [...(await store.load(id)).payload]));
        const runs = await store.runs.list();
        const data = await Promise.all(
          runs.map(async ({ run }) => [...((await store.data.load(run.dataHash))?.bytes ?? [])]),
        );
        store.close();
        return { list, payloads, runs, data, keys: await lab.keysOf('t'), dump: await lab.dumpDatabase('t') };
      }, readDump(version));
      expect(result.list.damaged).toEqual([]);
      expect(result.list.checkpoints.map(({ name, step, note }) => ({ name, step, note }))).toEqual([
        { name: 'nano step 500', step: 500, note: '' },
        { name: 'the good one (größer)', step: 250, note: 'Tail recall was best here.' },
      ]);
      expect(result.payloads).toEqual([pattern(300, 11), pattern(200, 7)]);
      // Since version 2: a run that learns from a file, and its data.
      const onFile = version >= 2 ? [{ run: { name: 'own file' }, lastCheckpoint: null }] : [];
      const nano = { run: { name: 'nano', dataHash: '' }, lastCheckpoint: { step: 500 } };
      expect(result.runs).toMatchObject([...onFile, nano]);
      expect(result.data).toEqual([...onFile.map(() => pattern(400, 13)), []]);
      expect(result.keys).toMatchObject({ manifests: 2, pending: 0, runs: 1 + onFile.length });
      expect(result.keys.chunks).toHaveLength(2 + onFile.length);
      // A version's fixture lacks what it did not know.
      const formless = [
        ...(version >= 2 ? [] : ['datasets']),
        ...(version >= 3 ? [] : ['records']),
        ...(version >= 4 ? [] : ['judged', 'judgedParts']),
        ...(version >= 6 ? [] : ['completions', 'tracked']), // 6 added fields of runs too
      ];
      expect(formOf(result.dump, formless)).toEqual(formOf(readDump(CURRENT), formless));
    },
  );

  it('writes the format of its version: other records need another version', async () => {
    const dump = await page.evaluate(async () => {
      const store = await lab.openCheckpointStore({ name: 't' });
      const run = { id: 'r', name: 'r', kind: 'sft', configJson: '{}', totalSteps: 1, startedAt: 1 };
      await store.runs.start(run, await lab.someData(3));
      const first = await store.save(lab.describeRun({ runId: 'r' }), new Uint8Array([1]));
      await store.save(lab.describeRun({ runId: 'r', parentId: first.id, note: 'n' }), new Uint8Array([2]));
      await store.rename(first.id, 'a');
      await store.records.keep({ view: 'train', endedAt: 1, events: [{ kind: 'finished' }] });
      const file = { name: 'pairs.tsv', blob: new Blob(['query\ttitle\n']) };
      const { id } = await store.judged.add([file], { columns: { grade: 'grade' }, isMapped: true });
      const summary = {
        kind: 'sft',
        name: 'r',
        seed: 1,
        step: 2,
        steps: 4,
        settings: { 'grpo.balance.kind': 'additive', 'grpo.balance.lambda': 1 },
      } as const;
      const curve = [{ step: 2, measures: { reward: 0.5 }, tokens: 9, activeMs: 7 }];
      const state = {
        state: 'running',
        parentId: null,
        startedAt: 1,
        updatedAt: 2,
        startUrl: null,
        activeMs: 8,
        best: null,
      } as const;
      const progress = { id: 'r', ...summary, curve, ...state, experiment: { name: 'r' } };
      const answers = [{ query: 'q', title: 't', gold: 0, label: 1, completion: 'c' }];
      await store.tracked.begin(progress);
      await store.tracked.progress(progress, [{ step: 2, answers }]);
      await store.tracked.change('r', { tags: ['a'] });
      await store.judged.addCorrection(id, { row: 2, label: 1, author: 'judge', at: 1 });
      return lab.dumpDatabase('t');
    });
    expect(dump.version).toBe(CURRENT);
    expect(formOf(dump)).toEqual(formOf(readDump(CURRENT)));
  });

  it('migrates to a next version with all records, and never does so twice', async () => {
    const result = await page.evaluate(async (dump) => {
      await lab.restoreDatabase('t', dump);
      const migrations = [...lab.MIGRATIONS, lab.nextMigration];
      const store = await lab.openCheckpointStore({ name: 't', migrations });
      const migrated = await store.list();
      for (const { id } of migrated.checkpoints) await store.load(id);
      await store.annotate(migrated.checkpoints[0]?.id ?? '', 'since then');
      store.close();
      const again = await (await lab.openCheckpointStore({ name: 't', migrations })).list();
      return { migrated, again, dump: await lab.dumpDatabase('t') };
    }, readDump(CURRENT));
    const notesOf = ({ checkpoints }: { checkpoints: readonly { note: string }[] }): string[] =>
      checkpoints.map(({ note }) => note);
    expect(notesOf(result.migrated)).toEqual(['migrated', 'migrated']);
    expect(notesOf(result.again)).toEqual(['since then', 'migrated']);
    expect(result.dump.version).toBe(CURRENT + 1);
    expect(indexesOf(result.dump, 'manifests')).toEqual(['by-run', 'by-world']);
  });

  it('undoes a migration that fails, and reports it', async () => {
    const before = readDump(CURRENT);
    const { failure, after } = await page.evaluate(async (dump) => {
      await lab.restoreDatabase('t', dump);
      const migrations = [...lab.MIGRATIONS, lab.brokenMigration];
      const failure = await lab.failureOf(lab.openCheckpointStore({ name: 't', migrations }));
      return { failure, after: await lab.dumpDatabase('t') };
    }, before);
    expect(failure?.message).toMatch(
      new RegExp(`could not be brought to version ${CURRENT + 1}: the migration has a bug.*Nothing was changed`, 'su'),
    );
    expect(after).toEqual(before);
  });
});

function readDump(version: number): DatabaseDump {
  const file = new URL(`../fixtures/store/database-v${version}.json`, import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')) as DatabaseDump;
}

function pattern(length: number, factor: number): number[] {
  return Array.from({ length }, (_, i) => (i * factor) % 251);
}

function indexesOf({ stores }: DatabaseDump, storeName: string): string[] {
  return stores.filter(({ name }) => name === storeName).flatMap(({ indexes }) => indexes.map(({ name }) => name));
}

/** A database without its contents: stores, indexes, and the types of records, except for the given stores. */
function formOf({ version, stores }: DatabaseDump, formless: readonly string[] = []): unknown {
  return {
    version,
    stores: stores
      .filter(({ name }) => name !== 'pending') // empty when nothing is being saved
      .map(({ name, keyPath, indexes, records }) => {
        const forms = records.map(({ key, value }) => JSON.stringify({ key: typesIn(key), value: typesIn(value) }));
        return { name, keyPath, indexes, forms: formless.includes(name) ? [] : [...new Set(forms)].toSorted() };
      }),
  };
}

function typesIn(value: unknown): unknown {
  if (Array.isArray(value)) return [...new Set(value.map((item) => JSON.stringify(typesIn(item))))];
  if (typeof value !== 'object' || value === null) return value === null ? 'null' : typeof value;
  const fields = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(fields.map(([name, field]) => [name, typesIn(field)]));
}
