/** The records of runs in the store of a real browser: what sessions write, what people add, and what is damaged. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { TrackedProgress } from '../../src/checkpoint/tracked-runs.ts';
import { describeBrowser } from '../setup/chromium.ts';
import { type ProfileBrowser, startProfileBrowser } from './profile-browser.ts';

const PROGRESS: TrackedProgress = {
  id: 'r1', kind: 'sft', name: 'first', seed: 1, step: 2, steps: 4, settings: { 'sft.learningRate': 0.01 },
  curve: [], state: 'running', parentId: null, startedAt: 10, updatedAt: 10, startUrl: null, activeMs: 7, best: null, experiment: { name: 'first' },
}; // prettier-ignore

describeBrowser('records of runs', () => {
  const profile = mkdtempSync(join(tmpdir(), 'afrl-lab-tracked-'));
  let browser: ProfileBrowser;
  let page: Page;
  beforeAll(async () => {
    browser = await startProfileBrowser(profile);
    page = await browser.openTab('https://store.test/');
    await page.waitForFunction(() => 'lab' in globalThis);
  });
  afterAll(async () => {
    await browser.close();
    rmSync(profile, { recursive: true, force: true });
  });

  it('keep what a person added and the first start, however far the run comes', async () => {
    const list = await page.evaluate(async (progress) => {
      const { tracked } = await lab.openCheckpointStore({ name: 'tracked' });
      await tracked.begin(progress);
      await tracked.change('r1', { name: 'renamed', tags: ['lesson'], note: 'n', isPinned: true });
      await tracked.progress({ ...progress, step: 4, state: 'finished', startedAt: 99, updatedAt: 99 });
      return (await tracked.list()).runs;
    }, PROGRESS);
    expect(list).toEqual([
      {
        ...PROGRESS, schemaVersion: 1, name: 'renamed', step: 4, state: 'finished', updatedAt: 99, queuedAt: null, watch: null,
        tags: ['lesson'], note: 'n', isPinned: true, isArchived: false,
      },
    ]); // prettier-ignore
  });

  it('keep where the start of a run is when it resumes without knowing it', async () => {
    const urls = await page.evaluate(async (progress) => {
      const { tracked } = await lab.openCheckpointStore({ name: 'starts' });
      const found: (string | null | undefined)[] = [];
      await tracked.begin({ ...progress, startUrl: 'https://store.test/models/general/' });
      await tracked.begin(progress);
      found.push((await tracked.list()).runs[0]?.startUrl);
      await tracked.progress({ ...progress, step: 3 });
      found.push((await tracked.list()).runs[0]?.startUrl);
      return found;
    }, PROGRESS);
    expect(urls).toEqual(['https://store.test/models/general/', 'https://store.test/models/general/']);
  });

  it('leave the queue when the run ends, and start when it does', async () => {
    const states = await page.evaluate(async (progress) => {
      const { tracked } = await lab.openCheckpointStore({ name: 'queue' });
      const queued = { ...progress, schemaVersion: 1, queuedAt: 3, watch: null, state: 'queued', note: '', tags: [] as string[], isPinned: false, isArchived: false } as const; // prettier-ignore
      const added = await tracked.add([queued, { ...queued, id: 'r2' }]);
      const again = await tracked.add([queued]);
      await tracked.begin({ ...progress, state: 'running', startedAt: 50 });
      const running = (await tracked.list()).runs.find(({ id }) => id === 'r1');
      await tracked.progress({ ...progress, state: 'stopped', startedAt: 60 });
      const stopped = (await tracked.list()).runs.find(({ id }) => id === 'r1');
      await tracked.progress({ ...progress, state: 'finished', startedAt: 70 });
      const finished = (await tracked.list()).runs.find(({ id }) => id === 'r1');
      await tracked.fail('r2');
      const failed = (await tracked.list()).runs.find(({ id }) => id === 'r2');
      await tracked.remove(['r1', 'r2', 'unknown']);
      const left = (await tracked.list()).runs.length;
      const of = (run: typeof running): unknown => [run?.state, run?.startedAt, run?.queuedAt];
      return { added, again, states: [running, stopped, finished, failed].map(of), left };
    }, PROGRESS);
    expect(states).toEqual({
      added: ['r1', 'r2'],
      again: [],
      states: [
        ['running', 50, 3],
        ['stopped', 50, 3],
        ['finished', 50, null],
        ['failed', 10, null],
      ],
      left: 0,
    });
  });

  it('stay deleted while the run goes on, and come back with what a person had added', async () => {
    const seen = await page.evaluate(async (progress) => {
      const { tracked } = await lab.openCheckpointStore({ name: 'deleted' });
      await tracked.begin(progress);
      await tracked.change('r1', { note: 'mine' });
      const { runs } = await tracked.list();
      await tracked.remove(['r1']);
      await tracked.progress({ ...progress, step: 3 });
      const meanwhile = (await tracked.list()).runs.length;
      await tracked.add(runs);
      await tracked.progress({ ...progress, step: 4, state: 'finished' });
      return { meanwhile, after: (await tracked.list()).runs.map(({ step, note }) => [step, note]) };
    }, PROGRESS);
    expect(seen).toEqual({ meanwhile: 0, after: [[4, 'mine']] });
  });

  it('have completions, which are cut where the run continues and go with the record', async () => {
    const seen = await page.evaluate(async (progress) => {
      const { tracked } = await lab.openCheckpointStore({ name: 'completions' });
      const at = (step: number, completion: string): Parameters<typeof tracked.progress>[1] => [
        { step, answers: [{ query: 'q', title: 't', gold: 0, label: 1, completion }] },
      ];
      const stepsOf = async (id: string): Promise<unknown> =>
        (await tracked.completions([id])).get(id)?.map(({ step, answers }) => [step, answers[0]?.completion]);
      await tracked.begin(progress);
      await tracked.begin({ ...progress, id: 'r12' });
      await tracked.progress({ ...progress, id: 'r12' }, at(9, 'other'));
      for (const step of [10, 2, 4]) await tracked.progress(progress, at(step, 'old'));
      const whole = await stepsOf('r1');
      const before = await tracked.begin({ ...progress, step: 4 });
      await tracked.progress(progress, at(10, 'new'));
      const resumed = await stepsOf('r1');
      await tracked.remove(['r1']);
      return { whole, resumed, before: before?.step, removed: await stepsOf('r1'), other: await stepsOf('r12') };
    }, PROGRESS);
    expect(seen).toEqual({
      whole: [[2, 'old'], [4, 'old'], [10, 'old']],
      resumed: [[2, 'old'], [4, 'old'], [10, 'new']],
      before: 2,
      removed: [],
      other: [[9, 'other']],
    }); // prettier-ignore
  });

  it('are not failed from outside while some tab makes the run', async () => {
    const states = await page.evaluate(async (progress) => {
      const store = await lab.openCheckpointStore({ name: 'held' });
      await store.tracked.begin(progress);
      const lease = await store.runs.start({
        id: 'r1',
        name: 'r',
        kind: 'sft',
        configJson: '{}',
        totalSteps: 4,
        startedAt: 1,
      });
      const stateNow = async (): Promise<unknown> => (await store.tracked.list()).runs[0]?.state;
      await store.tracked.fail('r1');
      const held = await stateNow();
      await lease.finish();
      await store.tracked.fail('r1');
      return [held, await stateNow()];
    }, PROGRESS);
    expect(states).toEqual(['running', 'failed']);
  });

  it('are listed apart where they are damaged, and refuse impossible changes', async () => {
    const result = await page.evaluate(async (progress) => {
      const name = 'damaged';
      const { tracked } = await lab.openCheckpointStore({ name });
      await tracked.begin(progress);
      await lab.tamper(name, 'tracked', 'bad', () => ({ id: 'bad', startedAt: 'yesterday' }));
      const list = await tracked.list();
      const tooLong = await lab.failureOf(tracked.change('r1', { name: '' }));
      const gone = await lab.failureOf(tracked.change('nothing', { note: 'x' }));
      await tracked.remove(['bad']);
      return { list, after: await tracked.list(), tooLong, gone };
    }, PROGRESS);
    expect(result.list.runs).toHaveLength(1);
    expect(result.list.damaged).toMatchObject([{ id: 'bad' }]);
    expect(result.after.damaged).toEqual([]);
    expect(result.tooLong).toMatchObject({ code: 'bad-config', message: expect.stringContaining('name') as string });
    expect(result.gone).toMatchObject({ code: 'not-found' });
  });
});
