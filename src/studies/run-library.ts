/**
 * The worker side of the Runs view: lists, compares, exports and imports the runs of this browser.
 */
import * as v from 'valibot';
import type { CheckpointList } from '../checkpoint/store.ts';
import type { TrackedList, TrackedRuns } from '../checkpoint/tracked-runs.ts';
import { LabError } from '../common/errors.ts';
import { openedOnce } from '../common/opened-once.ts';
import { parseConfig } from '../config/parse.ts';
import type { ExportedFile } from '../protocol/checkpoints.ts';
import {
  type ComparedCompletions,
  type CompareRequest,
  CompareRequestSchema,
  type ComparisonAxis,
  type ExportRequest,
  ExportRequestSchema,
  type Preset,
  type PresetRequest,
  PresetRequestSchema,
  type QueuedRun,
  type RunExport,
  type RunRow,
  type RunsApi,
  type RunsComparison,
  type RunsImported,
  type RunsOverview,
  type SettingPaths,
  SHOWN_METRICS,
  type SweepPlan,
  type SweepRequest,
  SweepRequestSchema,
} from '../protocol/runs.ts';
import { type RunChange, RunCompletionsSchema, type TrackedRun, TrackedRunSchema } from '../protocol/tracked-run.ts';
import { type RecordRun, recordFiles } from '../runs/run-record.ts';
import { EVENT_FILE, tensorboardEvents } from '../runs/tensorboard.ts';
import { archive, readArchive, zipped } from './run-archive.ts';
import { presetRuns, presets } from './presets.ts';
import { type Inline, type ReportBlock, reportHtml } from './report.ts';
import { compareRuns, comparisonReport, differencesFrom } from './run-comparison.ts';
import { plotSvg } from './plot.ts';
import { measurementsCsv, runReportFiles, runsBibtex } from './run-report.ts';
import { sweepable, sweepRuns } from './sweep-runs.ts';

/** A store with the records of runs. */
export interface RunLibraryStore {
  readonly tracked: Pick<TrackedRuns, 'list' | 'change' | 'add' | 'remove' | 'fail' | 'completions'>;
  /** Every checkpoint. */
  list(): Promise<Pick<CheckpointList, 'checkpoints'>>;
}

export class RunLibrary implements RunsApi {
  readonly #open: () => Promise<RunLibraryStore>;

  constructor(openStore: () => Promise<RunLibraryStore>) {
    this.#open = openedOnce(openStore);
  }

  async overview(): Promise<RunsOverview> {
    const list = await (await this.#open()).tracked.list();
    return { runs: list.runs.map((run) => rowOf(run, list)), damaged: [...list.damaged] };
  }

  async change(id: string, change: RunChange): Promise<void> {
    await (await this.#open()).tracked.change(id, change);
  }

  async remove(ids: readonly string[]): Promise<Blob> {
    const { tracked } = await this.#open();
    const { runs } = await tracked.list();
    const removed = await withCompletions(
      tracked,
      runs.filter(({ id }) => ids.includes(id)),
    );
    await tracked.remove(ids);
    return new Blob([JSON.stringify(removed)], { type: 'application/json' });
  }

  async restore(removed: Blob): Promise<void> {
    const text = await parseConfig('The removed runs', v.instance(Blob), removed).text();
    await add((await this.#open()).tracked, parseConfig('The removed runs', RemovedSchema, text));
  }

  async compare(request: CompareRequest): Promise<RunsComparison> {
    const { ids, metrics, axis } = parseConfig('The comparison', CompareRequestSchema, request);
    return comparisonOf(await this.#find(ids), axis, metrics);
  }

  async completions(ids: readonly string[]): Promise<ComparedCompletions> {
    const runs = comparable(await this.#find(ids));
    const records = await withCompletions((await this.#open()).tracked, runs);
    return records.map(({ completions }, i) => ({
      name: runs[i]?.path ?? '',
      seed: runs[i]?.seed ?? 0,
      steps: [...completions],
    }));
  }

  async exportRuns(request: ExportRequest): Promise<ExportedFile> {
    const { ids, as } = parseConfig('The export', ExportRequestSchema, request);
    const runs = await this.#find(ids);
    return exported(await withCompletions((await this.#open()).tracked, runs), as);
  }

  async importRuns(file: Blob): Promise<RunsImported> {
    const archive = parseConfig('The file to import', v.instance(Blob), file);
    const { records, problems } = await readArchive(archive);
    // The queue and the tabs of another browser are not those of this one.
    const here = records.map(({ run, completions }) => {
      const state = run.state === 'finished' || run.state === 'failed' ? run.state : ('stopped' as const);
      return { run: { ...run, state, queuedAt: null }, completions };
    });
    const added = await add((await this.#open()).tracked, here);
    const names = here.flatMap(({ run }) => (added.includes(run.id) ? [run.name] : []));
    return { added: names, known: here.length - added.length, problems };
  }

  async settings(baseId: string): Promise<SettingPaths> {
    const [base] = await this.#find([baseId]);
    return base === undefined ? [] : sweepable(base);
  }

  async planSweep(request: SweepRequest): Promise<SweepPlan> {
    const { base, runs } = await this.#sweep(request);
    const { state, activeMs } = base;
    return {
      names: runs.map(({ name, seed }) => `${name}, seed ${seed}`),
      baseMs: state === 'finished' ? activeMs : null,
    };
  }

  async queueSweep(request: SweepRequest): Promise<void> {
    const { runs } = await this.#sweep(request);
    await (await this.#open()).tracked.add(runs);
  }

  presets(): Promise<Preset[]> {
    return Promise.resolve(presets());
  }

  async planPreset(request: PresetRequest): Promise<SweepPlan> {
    const runs = await this.#preset(request);
    return { names: runs.map(({ name, seed }) => `${name}, seed ${seed}`), baseMs: null };
  }

  async queuePreset(request: PresetRequest): Promise<void> {
    const runs = await this.#preset(request);
    await (await this.#open()).tracked.add(runs);
  }

  async nextQueued(): Promise<QueuedRun | null> {
    const store = await this.#open();
    const { runs, alive } = await store.tracked.list();
    const waiting = runs.filter(({ id, queuedAt }) => queuedAt !== null && alive?.has(id) !== true);
    const [next] = waiting.toSorted((a, b) => (a.queuedAt ?? 0) - (b.queuedAt ?? 0));
    if (next === undefined) return null;
    const { id, kind, name, seed, experiment, startUrl, settings } = next;
    const hash = settings['start'] ?? settings['teacher'];
    const kept = (await store.list()).checkpoints.filter(({ runId }) => runId === id);
    const last = kept.toSorted((a, b) => b.step - a.step)[0];
    const startHash = typeof hash === 'string' && hash !== '' ? hash : null;
    return { id, kind, name, seed, experiment, startUrl, startHash, checkpointId: last?.id ?? null };
  }

  async fail(id: string): Promise<void> {
    await (await this.#open()).tracked.fail(id);
  }

  async config(id: string): Promise<string> {
    const [run] = await this.#find([id]);
    return `${JSON.stringify(run?.experiment ?? null, null, 1)}\n`;
  }

  async #sweep(request: SweepRequest): Promise<{ readonly base: TrackedRun; readonly runs: TrackedRun[] }> {
    const parsed = parseConfig('The sweep', SweepRequestSchema, request);
    const { runs } = await (await this.#open()).tracked.list();
    const [base] = await this.#find([parsed.baseId]);
    if (base === undefined) throw new LabError('not-found', { message: 'The run of the sweep is no longer here.' });
    return { base, runs: sweepRuns(base, parsed, placeAfter(runs)) };
  }

  async #preset(request: PresetRequest): Promise<TrackedRun[]> {
    const parsed = parseConfig('The experiment', PresetRequestSchema, request);
    const { runs } = await (await this.#open()).tracked.list();
    return presetRuns(parsed, placeAfter(runs));
  }

  /** In the order of the ids. @throws {LabError} `not-found` */
  async #find(ids: readonly string[]): Promise<TrackedRun[]> {
    const { runs } = await (await this.#open()).tracked.list();
    return [...new Set(ids)].map((id) => {
      const run = runs.find((one) => one.id === id);
      if (run !== undefined) return run;
      throw new LabError('not-found', {
        message: 'A run is no longer here.',
        got: id,
        fix: 'It may have been deleted in another tab; choose the runs again.',
      });
    });
  }
}

/** The place in the queue behind all runs. */
function placeAfter(runs: readonly TrackedRun[]): number {
  return 1 + Math.max(0, ...runs.map(({ queuedAt }) => queuedAt ?? 0));
}

function rowOf(run: TrackedRun, { runs, alive }: TrackedList): RunRow {
  const {
    schemaVersion: _version,
    experiment: _experiment,
    settings: _settings,
    curve,
    state,
    startUrl: _url,
    ...described
  } = run;
  const base = baselineOf(run, runs);
  const names = new Set(curve.flatMap(({ measures }) => Object.keys(measures)));
  const courses = new Map([...names].map((name) => [name, courseOf(run, name)]));
  const last = [...courses].flatMap(([name, course]) => course.slice(-1).map(({ value }) => [name, value] as const));
  const shown = SHOWN_METRICS.map((metric) => [metric, courses.get(metric) ?? []] as const);
  return {
    ...described,
    state: state === 'running' && alive?.has(run.id) === false ? 'interrupted' : state,
    differs: base === run ? [] : differencesFrom(base, run),
    baseline: base === run ? null : base.name,
    last: Object.fromEntries(last),
    courses: Object.fromEntries(shown.filter(([, course]) => course.length > 0)),
  };
}

/** Its parent, or the first run of its kind: a pinned one before others. */
function baselineOf(run: TrackedRun, runs: readonly TrackedRun[]): TrackedRun {
  const parent = runs.find(({ id }) => id === run.parentId);
  if (parent !== undefined) return parent;
  const candidates = runs.filter(({ kind, isArchived }) => kind === run.kind && !isArchived);
  return candidates.findLast(({ isPinned }) => isPinned) ?? candidates.at(-1) ?? run;
}

function courseOf({ curve }: TrackedRun, metric: string): { step: number; value: number }[] {
  return curve.flatMap(({ step, measures }) => {
    const value = measures[metric] ?? null;
    return value === null ? [] : [{ step, value }];
  });
}

/** Runs under names that tell them apart. */
function comparable(runs: readonly TrackedRun[]): (TrackedRun & { readonly path: string })[] {
  const isShared = (run: TrackedRun): boolean => runs.some(({ id, name }) => id !== run.id && name === run.name);
  return runs.map((run) => ({ ...run, path: isShared(run) ? `${run.name} (${run.id.slice(0, 8)})` : run.name }));
}

function comparisonOf(runs: readonly TrackedRun[], wanted: ComparisonAxis, asked?: readonly string[]): RunsComparison {
  const comparison = compareRuns(comparable(runs));
  const axis = comparison.axes.includes(wanted) ? wanted : 'step';
  const known = asked?.filter((metric) => comparison.metrics.includes(metric)) ?? [];
  const { blocks } = comparisonReport(comparison, known.length === 0 ? undefined : known, axis);
  const panels = blocks.flatMap((block) => {
    if (block.kind !== 'plot' || block.plot.kind !== 'curves') return [];
    const { plot } = block;
    return plot.panels.map(({ heading: metric, lines }) => {
      const svg = plotSvg({ ...plot, title: metric, panels: [{ heading: metric, lines }] }, 1);
      return {
        metric,
        svg,
        lines: lines.map((line) => line.map((point) => ({ least: point.low, most: point.high, ...point }))),
      };
    });
  });
  return {
    metrics: [...comparison.metrics],
    axes: [...comparison.axes],
    axis,
    parts: blocks.flatMap(partOf),
    groups: comparison.groups.map(({ name }) => name),
    panels,
  };
}

function partOf(block: ReportBlock): RunsComparison['parts'] {
  switch (block.kind) {
    case 'heading':
      return [{ kind: 'heading', text: block.text }];
    case 'paragraph':
      return [{ kind: 'paragraph', text: plain(block.text) }];
    case 'list':
      return [{ kind: 'list', items: block.items.map(plain) }];
    case 'table':
      return [{ kind: 'table', head: [...block.head], rows: block.rows.map((row) => [...row]) }];
    case 'plot':
      return [];
    default:
      return block satisfies never;
  }
}

function plain(pieces: readonly Inline[]): string {
  return pieces.map((piece) => (typeof piece === 'string' ? piece : Object.values(piece).join(''))).join('');
}

const RemovedSchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.array(v.strictObject({ run: TrackedRunSchema, completions: v.array(RunCompletionsSchema) })),
);

async function withCompletions(
  tracked: Pick<TrackedRuns, 'completions'>,
  runs: readonly TrackedRun[],
): Promise<RecordRun[]> {
  const completions = await tracked.completions(runs.map(({ id }) => id));
  return runs.map((run) => ({ run, completions: completions.get(run.id) ?? [] }));
}

/** @returns the ids of those that were not here */
function add(tracked: Pick<TrackedRuns, 'add'>, records: readonly RecordRun[]): Promise<string[]> {
  const completions = new Map(records.map(({ run, completions }) => [run.id, completions]));
  return tracked.add(
    records.map(({ run }) => run),
    completions,
  );
}

function exported(records: readonly RecordRun[], as: RunExport): ExportedFile {
  const runs = records.map(({ run }) => run);
  switch (as) {
    case 'zip':
      return archive('runs.zip', records, recordFiles);
    case 'tensorboard':
      return archive('tensorboard.zip', records, ({ run }) => ({ [EVENT_FILE]: tensorboardEvents(run) }));
    case 'csv': {
      const csv = measurementsCsv(compareRuns(comparable(runs)));
      return { fileName: 'runs.csv', file: new Blob([csv], { type: 'text/csv' }) };
    }
    case 'report': {
      const files = runReportFiles(compareRuns(comparable(runs)));
      return { fileName: 'report.zip', file: zipped(Object.fromEntries(files)) };
    }
    case 'bibtex': {
      const bibtex = runsBibtex(compareRuns(comparable(runs)));
      return { fileName: 'runs.bib', file: new Blob([bibtex], { type: 'application/x-bibtex' }) };
    }
    case 'html': {
      const page = reportHtml(comparisonReport(compareRuns(comparable(runs))));
      return { fileName: 'runs.html', file: new Blob([page], { type: 'text/html' }) };
    }
    default:
      return as satisfies never;
  }
}
