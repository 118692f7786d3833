/** The page's side of the worker that stores checkpoints. */
import * as v from 'valibot';
import workerUrl from '../../../../workers/checkpoint.worker.ts?worker&url';
import {
  type CheckpointApi,
  CheckpointModelSchema,
  CheckpointOverviewSchema,
  ExportedFileSchema,
  RunRecordSchema,
} from '../../../protocol/checkpoints.ts';
import { openWorker, type WorkerClient } from './open-worker.ts';

/** Access to the checkpoints of this browser. */
export type CheckpointClient = WorkerClient<CheckpointApi>;

/** The worker ends after this time without calls, because opening its database again is quick. */
const IDLE_MS = 5 * 60_000;

export function openCheckpointWorker(): CheckpointClient {
  return openWorker<CheckpointApi>(
    workerUrl,
    {
      overview: { result: CheckpointOverviewSchema },
      rename: {},
      annotate: {},
      remove: {},
      exportFile: { result: ExportedFileSchema },
      importFile: { result: v.string() },
      importModel: { result: v.string() },
      forgetRun: {},
      record: { result: v.nullable(RunRecordSchema) },
      dropRecord: {},
      model: { result: CheckpointModelSchema },
    },
    { name: 'checkpoint', idleMs: IDLE_MS },
  );
}
