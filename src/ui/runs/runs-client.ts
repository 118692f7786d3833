/** The page's side of the worker that lists and compares runs. */
import * as v from 'valibot';
import workerUrl from '../../../workers/runs.worker.ts?worker&url';
import { ExportedFileSchema } from '../../protocol/checkpoints.ts';
import {
  ComparedCompletionsSchema,
  PresetsSchema,
  QueuedRunSchema,
  type RunsApi,
  RunsComparisonSchema,
  RunsImportedSchema,
  RunsOverviewSchema,
  SettingPathsSchema,
  SweepPlanSchema,
} from '../../protocol/runs.ts';
import { openWorker, type WorkerClient } from '../parts/sessions/open-worker.ts';

/** Access to the runs of this browser. */
export type RunsClient = WorkerClient<RunsApi>;
/** Starts the worker. */
export type OpenRuns = () => Promise<RunsClient>;

/** The worker ends after this time without calls, because opening its database again is quick. */
const IDLE_MS = 5 * 60_000;

export function openRunsWorker(): RunsClient {
  return openWorker<RunsApi>(
    workerUrl,
    {
      overview: { result: RunsOverviewSchema },
      change: {},
      remove: { result: v.instance(Blob) },
      restore: {},
      compare: { result: RunsComparisonSchema },
      completions: { result: ComparedCompletionsSchema },
      exportRuns: { result: ExportedFileSchema },
      importRuns: { result: RunsImportedSchema },
      settings: { result: SettingPathsSchema },
      planSweep: { result: SweepPlanSchema },
      queueSweep: {},
      presets: { result: PresetsSchema },
      planPreset: { result: SweepPlanSchema },
      queuePreset: {},
      nextQueued: { result: v.nullable(QueuedRunSchema) },
      fail: {},
      config: { result: v.string() },
    },
    { name: 'runs', idleMs: IDLE_MS },
  );
}
