/** The runs of a browser as the Runs view has them: rows, comparisons, sweeps, exports and imports. */
import { strFromU8, strToU8, unzipSync, zipSync } from 'fflate';
import { beforeEach, describe, expect, it } from 'vitest';
import { LabError } from '../../../src/common/errors.ts';
import type { Manifest } from '../../../src/checkpoint/manifest.ts';
import { parseGrpoExperiment } from '../../../src/protocol/grpo-experiment.ts';
import {
  ComparedCompletionsSchema,
  PresetsSchema,
  RunsComparisonSchema,
  RunsOverviewSchema,
} from '../../../src/protocol/runs.ts';
import { NO_REMARKS, type RunChange, type RunCompletions, type TrackedRun } from '../../../src/protocol/tracked-run.ts';
import { recordFiles } from '../../../src/runs/run-record.ts';
import { summariseGrpo } from '../../../src/runs/run-summary.ts';
import { RECIPES } from '../../../src/studies/recipes.ts';
import { REPORT_FILES } from '../../../src/studies/run-report.ts';
import { RunLibrary, type RunLibraryStore } from '../../../src/studies/run-library.ts';
import { parse } from 'valibot';

/** The records in memory. */
class MemoryTracked implements RunLibraryStore {
  runs = new Map<string, TrackedRun>();
  alive = new Set<string>();
  completions = new Map<string, RunCompletions[]>();
  checkpoints: Manifest[] = [];
  readonly tracked: RunLibraryStore['tracked'] = {
    list: () => {
      const runs = [...this.runs.values()].toSorted((a, b) => b.startedAt - a.startedAt);
      return Promise.resolve({ runs, alive: this.alive, damaged: [] });
    },
    change: (id, change: RunChange) => {
      const run = this.runs.get(id);
      if (run !== undefined) this.runs.set(id, { ...run, ...(change as Partial<TrackedRun>) });
      return Promise.resolve();
    },
    add: (runs, completions) => {
      const added = runs.filter(({ id }) => !this.runs.has(id));
      for (const run of added) this.runs.set(run.id, run);
      for (const { id } of added) this.completions.set(id, [...(completions?.get(id) ?? [])]);
      return Promise.resolve(added.map(({ id }) => id));
    },
    remove: (ids) => {
      for (const id of ids) this.runs.delete(id);
      return Promise.resolve();
    },
    completions: (ids) => Promise.resolve(new Map(ids.map((id) => [id, this.completions.get(id) ?? []]))),
    fail: (id) => this.tracked.change(id, { queuedAt: null }),
  };
  list = (): Promise<{ checkpoints: Manifest[] }> => Promise.resolve({ checkpoints: this.checkpoints });
}

function someRun(id: string, seed: number, lambda: number, rest: Partial<TrackedRun> = {}): TrackedRun {
  const experiment = parseGrpoExperiment('a test', { name: id, grpo: { seed, balance: { kind: 'additive', lambda } } });
  const curve = [0, 10].map((step) => ({
    step,
    measures: { probe: { reward: 0.4 + step / 100 }, heldOut: { accuracy: 0.5 + lambda / 10 + seed / 100 } },
  }));
  return {
    ...summariseGrpo({ step: 10, experiment, dataHash: 'd', startHash: 's', curve }),
    schemaVersion: 1, id, experiment, state: 'finished', parentId: null, startedAt: seed, updatedAt: seed + 1000,
    queuedAt: null, activeMs: 700, watch: null, best: null, startUrl: 'https://lab.test/models/start/', ...NO_REMARKS, ...rest,
  }; // prettier-ignore
}

let store: MemoryTracked;
let library: RunLibrary;
beforeEach(() => {
  store = new MemoryTracked();
  library = new RunLibrary(() => Promise.resolve(store));
});
const put = (...runs: TrackedRun[]): void => runs.forEach((run) => store.runs.set(run.id, run));

describe('rows', () => {
  it('say what differs from the parent, a pinned run, or the first of the kind', async () => {
    put(someRun('a', 1, 0), someRun('b', 2, 0.3), someRun('c', 3, 1, { parentId: 'b' }));
    const rows = async (): Promise<Record<string, unknown>> => {
      const overview = parse(RunsOverviewSchema, await library.overview());
      return Object.fromEntries(overview.runs.map(({ id, baseline, differs }) => [id, [baseline, ...differs]]));
    };
    expect(await rows()).toEqual({ a: [null], b: ['a', 'lambda 0.3'], c: ['b', 'lambda 1'] });
    put(someRun('b', 2, 0.3, { isPinned: true }));
    expect(await rows()).toEqual({ a: ['b', 'lambda 0'], b: [null], c: ['b', 'lambda 1'] });
  });

  it('call a run interrupted that began and that no tab makes any more', async () => {
    put(someRun('a', 1, 0, { state: 'running' }), someRun('b', 2, 0, { state: 'running' }));
    store.alive.add('b');
    const { runs } = await library.overview();
    expect(Object.fromEntries(runs.map(({ id, state }) => [id, state]))).toEqual({ a: 'interrupted', b: 'running' });
  });
});

describe('a comparison', () => {
  it('begins with the first run asked for, and has means by group', async () => {
    put(someRun('a', 1, 0), someRun('b', 2, 0), someRun('c', 1, 0.3), someRun('d', 2, 0.3));
    const comparison = parse(RunsComparisonSchema, await library.compare({ ids: ['c', 'a', 'b', 'd'] }));
    expect(comparison.groups).toEqual(['lambda 0.3', 'lambda 0']);
    const accuracy = comparison.panels.find(({ metric }) => metric === 'accuracy');
    expect(accuracy?.lines.map((line) => line.at(-1)?.mean)).toEqual([
      expect.closeTo(0.545, 10),
      expect.closeTo(0.515, 10),
    ]);
    // The figure of a panel has its curves alone, and a size to draw it in.
    expect(accuracy?.svg).toMatch(/^<svg [^>]*width="420" height="\d+".*<title>accuracy<\/title>/su);
    expect(accuracy?.svg.match(/stroke-width="2"/gu)).toHaveLength(2 + 2); // two groups and the legend
    await expect(library.compare({ ids: ['a', 'gone'] })).rejects.toMatchObject({ code: 'not-found' });
    // Steps where tokens were not recorded.
    expect(await library.compare({ ids: ['a'], axis: 'tokens' })).toMatchObject({ axis: 'step', axes: ['step'] });
  });

  it('has what runs completed, in the order asked for, under names that tell them apart', async () => {
    put(someRun('a', 1, 0, { name: 'same' }), someRun('b', 2, 0, { name: 'same' }));
    const steps = [{ step: 3, answers: [] }];
    store.completions.set('b', steps);
    const completions = parse(ComparedCompletionsSchema, await library.completions(['b', 'a']));
    expect(completions).toEqual([
      { name: 'same (b)', seed: 2, steps },
      { name: 'same (a)', seed: 1, steps: [] },
    ]);
  });
});

describe('a sweep', () => {
  const request = { baseId: 'base', set: ['grpo.balance.lambda=0, 0.3,1'], seeds: '1-2' };

  it('queues every combination with every seed, the first seed first, and hands them out in that order', async () => {
    put(someRun('base', 9, 0));
    expect(await library.planSweep(request)).toMatchObject({ names: { length: 6 }, baseMs: 700 });
    expect(store.runs.size).toBe(1);
    const watch = { metric: 'accuracy', patience: 3 };
    await library.queueSweep({ ...request, watch });
    expect([...store.runs.values()].slice(1).every((run) => run.watch?.patience === 3)).toBe(true);
    const made: unknown[] = [];
    for (let next = await library.nextQueued(); next !== null; next = await library.nextQueued()) {
      const { id, seed, experiment, startUrl, startHash, checkpointId } = next;
      const { grpo } = parseGrpoExperiment('the queue', experiment);
      made.push([seed, grpo.seed, grpo.balance]);
      expect([startUrl, startHash, checkpointId]).toEqual(['https://lab.test/models/start/', 's', null]);
      await library.fail(id);
    }
    const lambdas = [0, 0.3, 1].map((lambda) => ({ kind: 'additive', lambda }));
    expect(made).toEqual(
      [1, 2].flatMap((seed) => lambdas.map((balance) => [seed, seed, expect.objectContaining(balance) as unknown])),
    );
  });

  it('resumes a run at its last checkpoint, and leaves those of other tabs alone', async () => {
    put(someRun('a', 1, 0, { state: 'running', queuedAt: 1 }), someRun('b', 2, 0, { state: 'stopped', queuedAt: 2 }));
    store.alive.add('a');
    store.checkpoints = [5, 20, 10].map((step) => ({ id: `c${step}`, runId: 'b', step }) as Manifest);
    expect(await library.nextQueued()).toMatchObject({ id: 'b', checkpointId: 'c20' });
  });

  it.each([
    [{ ...request, set: ['grpo.balance.lambda=0,fast'] }, /grpo\.balance\.lambda cannot be fast/u],
    [{ ...request, set: ['grpo.lambda=0'] }, /no setting "grpo\.lambda"/u],
    [{ ...request, set: ['grpo.balance.lambda'] }, /cannot be read/u],
    [{ ...request, set: ['grpo.balance.lambda=0', 'grpo.balance.lambda=1'] }, /grpo\.balance\.lambda twice/u],
    [{ ...request, seeds: '2-1' }, /seeds cannot be read/u],
    [{ ...request, baseId: 'gone' }, /no longer here/u],
  ])('that cannot be read queues nothing (%#)', async (wrong, message) => {
    put(someRun('base', 9, 0));
    await expect(library.queueSweep(wrong)).rejects.toThrow(message);
    expect(store.runs.size).toBe(1);
  });

  it('offers the settings that the variants of its base have', async () => {
    put(someRun('base', 9, 0));
    const settings = await library.settings('base');
    expect(settings.find(({ path }) => path === 'grpo.balance.lambda')).toMatchObject({ value: '0' });
    expect(settings.map(({ path }) => path)).not.toContain('grpo.balance.mu');
    expect(settings.map(({ path }) => path)).not.toContain('grpo.seed');
  });
});

describe('the experiments of the lab', () => {
  it('are all listed, those that are no runs of the page with where they are made', async () => {
    const all = parse(PresetsSchema, await library.presets());
    expect(all.map(({ id }) => id)).toEqual(Array.from({ length: 12 }, (_, i) => `E${i}`));
    for (const { arms, instead } of all) expect(arms.length > 0).toBe(instead === null);
    expect(all.filter(({ instead }) => instead === null).map(({ id }) => id)).toEqual([
      'E1',
      'E2',
      'E3',
      'E4',
      'E5',
      'E7',
      'E8',
    ]);
  });

  it('queue every arm that can be queued, with settings that the arm has on the command line', async () => {
    for (const { id, arms } of (await library.presets()).filter(({ instead }) => instead === null)) {
      const request = { id, arms, seeds: '1-2', steps: null };
      expect((await library.planPreset(request)).names).toHaveLength(2 * arms.length);
      await library.queuePreset(request);
    }
    const runs = [...store.runs.values()];
    expect(
      runs.every(({ state, queuedAt, tags }) => state === 'queued' && queuedAt !== null && tags.length === 1),
    ).toBe(true);
    expect(new Set(runs.map(({ queuedAt }) => queuedAt)).size).toBe(runs.length);
    const e1 = runs.filter(({ tags, seed }) => tags[0] === 'E1' && seed === 2).map(({ experiment }) => experiment);
    const inRecipe = (RECIPES[0]?.arms ?? []).flatMap(({ name, run }) =>
      run.kind === 'grpo' ? [{ ...run.settings, name, grpo: { ...run.settings.grpo, seed: 2 } }] : [],
    );
    expect(e1).toEqual(
      inRecipe.map((settings) => parseGrpoExperiment('the recipe', { ...settings, data: { kind: 'world' } })),
    );
  });

  it('take other steps for a quick look, and refuse what they do not have', async () => {
    const request = { id: 'E1', arms: ['GRPO (head-heavy, plausible)'], seeds: '1', steps: 3 };
    await library.queuePreset(request);
    expect([...store.runs.values()].map(({ steps, name }) => [steps, name])).toEqual([
      [3, 'GRPO (head-heavy, plausible)'],
    ]);
    for (const wrong of [{ arms: [] }, { arms: ['SFT'] }, { id: 'E9' }, { id: 'E99' }, { steps: 0 }, { seeds: 'x' }]) {
      await expect(library.queuePreset({ ...request, ...wrong })).rejects.toMatchObject({ code: 'bad-config' });
    }
    expect(store.runs.size).toBe(1);
  });
});

describe('exports and imports', () => {
  it('give the same runs to another browser, once', async () => {
    const runs = [someRun('a', 1, 0), someRun('b', 2, 0.3, { name: '../../etc/passwd', tags: ['x'] })];
    put(...runs);
    const completions = [{ step: 10, answers: [{ query: 'q', title: 't', gold: 0, label: 1, completion: 'c' }] }];
    store.completions.set('a', completions);
    const { file } = await library.exportRuns({ ids: ['a', 'b'], as: 'zip' });
    expect(Object.keys(unzipSync(new Uint8Array(await file.arrayBuffer()))).join(' ')).not.toContain('..');
    const other = new MemoryTracked();
    const there = new RunLibrary(() => Promise.resolve(other));
    expect(await there.importRuns(file)).toMatchObject({ added: [runs[0]?.name, '../../etc/passwd'], known: 0 });
    expect([...other.runs.values()]).toEqual(runs.map((run) => JSON.parse(JSON.stringify(run)) as TrackedRun));
    expect(other.completions.get('a')).toEqual(completions);
    expect(await there.importRuns(file)).toMatchObject({ added: [], known: 2 });
  });

  it('bring no run into the queue, and none that is under way', async () => {
    const states = ['queued', 'running', 'stopped', 'finished', 'failed'] as const;
    put(...states.map((state, i) => someRun(state, i, 0, { state, queuedAt: i })));
    const { file } = await library.exportRuns({ ids: [...states], as: 'zip' });
    const other = new MemoryTracked();
    await new RunLibrary(() => Promise.resolve(other)).importRuns(file);
    expect([...other.runs.values()].map(({ state, queuedAt }) => [state, queuedAt])).toEqual([
      ['stopped', null],
      ['stopped', null],
      ['stopped', null],
      ['finished', null],
      ['failed', null],
    ]);
  });

  it('restores what was deleted', async () => {
    put(someRun('a', 1, 0), someRun('b', 2, 0));
    const before = new Map(store.runs);
    const completions = [{ step: 3, answers: [] }];
    store.completions.set('a', completions);
    const removed = await library.remove(['a']);
    expect([...store.runs.keys()]).toEqual(['b']);
    await library.restore(removed);
    expect(store.runs.get('a')).toEqual(before.get('a'));
    expect(store.completions.get('a')).toEqual(completions);
  });

  it('imports what it can of an archive, and says what it cannot', async () => {
    const folders = Object.entries(recordFiles({ run: someRun('a', 1, 0), completions: [] })).map(([name, text]) => [
      `x/${name}`,
      strToU8(text),
    ]);
    const broken = { 'y/run.json': strToU8('{}'), 'y/config.json': strToU8('{}'), 'y/metrics.jsonl': strToU8('') };
    const archive = zipSync({
      ...(Object.fromEntries(folders) as Record<string, Uint8Array>),
      ...broken,
      'z/notes.txt': strToU8('hi'),
    });
    const { added, problems } = await library.importRuns(new Blob([archive]));
    expect([added, problems]).toEqual([['a'], [expect.stringContaining('y/run.json')]]);
  });

  it.each([
    ['no archive', new Blob(['hello'])],
    ['an archive without a run', new Blob([zipSync({ 'a.txt': strToU8('a') })])],
    ['an archive that is cut short', new Blob([zipSync({ 'a/run.json': strToU8('{}') }).slice(0, 40)])],
  ])('refuses %s', async (_, file) => {
    await expect(library.importRuns(file)).rejects.toThrow(LabError);
  });

  it.each([
    ['an archive that claims more than records can have, before it is unpacked', 2 ** 28 + 1, /too large/u],
    ['a member that is larger than its archive says', 3, /more than 3 bytes/u],
  ])('refuses %s', async (_, claimed, message) => {
    const archive = zipSync({ 'a/run.json': strToU8('{}'), 'a/metrics.jsonl': strToU8('\n'.repeat(1000)) });
    const view = new DataView(archive.buffer);
    // The uncompressed size in the central directory.
    for (let at = 0; at < archive.length - 4; at++) {
      if (view.getUint32(at, true) === 0x02014b50) view.setUint32(at + 24, claimed, true);
    }
    const imported = library.importRuns(new Blob([archive])).then(({ added, problems }) => {
      expect(added).toEqual([]);
      throw new Error(problems.join());
    });
    await expect(imported).rejects.toThrow(message);
  });

  it('has every measurement as a row, and a comparison as a page', async () => {
    put(someRun('a', 1, 0));
    const csv = await (await library.exportRuns({ ids: ['a'], as: 'csv' })).file.text();
    expect(csv.split('\r\n')[0]).toBe('run,kind,group,seed,step,metric,value,tokens,activeMs');
    expect(csv.trim().split('\r\n')).toHaveLength(1 + 4);
    const page = await (await library.exportRuns({ ids: ['a'], as: 'html' })).file.text();
    expect(page).toContain('<h1>Runs compared</h1>');
    const bibtex = await library.exportRuns({ ids: ['a'], as: 'bibtex' });
    expect([bibtex.fileName, await bibtex.file.text()]).toEqual([
      'runs.bib',
      expect.stringContaining('@software{afrl-lab,'),
    ]);
  });

  it('have the report that the command line writes, in an archive', async () => {
    put(someRun('a', 1, 0), someRun('b', 1, 0.3));
    const { file } = await library.exportRuns({ ids: ['a', 'b'], as: 'report' });
    const files = unzipSync(new Uint8Array(await file.arrayBuffer()));
    expect(Object.keys(files).every((name) => REPORT_FILES.some((one) => one === name))).toBe(true);
    const figures = strFromU8(files['report.md'] ?? new Uint8Array()).match(/report-\w+\.svg/gu);
    expect(figures).toEqual(['report-labels.svg', 'report-reward.svg']);
    for (const figure of figures ?? [])
      expect(strFromU8(files[figure] ?? new Uint8Array())).toMatch(/^<svg.*<\/svg>\s*$/su);
  });
});
