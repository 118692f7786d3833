/** The page's side of the training worker, for demonstrations. */
import workerUrl from '../../../../workers/grpo.worker.ts?worker&url';
import { type GrpoApi, GrpoEventSchema } from '../../../protocol/grpo.ts';
import { DataSummarySchema, FileColumnsSchema, RulesSummarySchema } from '../../../protocol/imported-data.ts';
import { openWorker, type WorkerClient } from './open-worker.ts';

/** Runs one demonstration at a time. */
export type GrpoClient = WorkerClient<GrpoApi>;

/** Opens the worker at its first use. */
export type OpenGrpo = () => Promise<GrpoClient>;

export function openGrpoWorker(): GrpoClient {
  return openWorker<GrpoApi>(
    workerUrl,
    {
      readData: { result: DataSummarySchema },
      readColumns: { result: FileColumnsSchema },
      readRules: { result: RulesSummarySchema },
      run: { event: GrpoEventSchema, malformed: (message) => ({ kind: 'failed', code: 'internal', message }) },
      command: {},
    },
    { name: 'reinforcement' },
  );
}
