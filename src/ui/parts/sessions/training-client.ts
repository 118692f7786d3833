/** The page's side of the training worker, for single runs. */
import workerUrl from '../../../../workers/train.worker.ts?worker&url';
import { DataSummarySchema, FileColumnsSchema, RulesSummarySchema } from '../../../protocol/imported-data.ts';
import { type TrainingApi, TrainingEventSchema, TrainingPlanSchema } from '../../../protocol/training.ts';
import { openWorker, type WorkerClient } from './open-worker.ts';

/** Plans and trains one run at a time. */
export type TrainingClient = WorkerClient<TrainingApi>;

/** Opens the training worker, started at its first use. */
export type OpenTraining = () => Promise<TrainingClient>;

export function openTrainingWorker(): TrainingClient {
  return openWorker<TrainingApi>(
    workerUrl,
    {
      readData: { result: DataSummarySchema },
      readColumns: { result: FileColumnsSchema },
      readRules: { result: RulesSummarySchema },
      plan: { result: TrainingPlanSchema },
      run: {
        event: TrainingEventSchema,
        malformed: (message) => ({ kind: 'failed', code: 'internal', message, checkpointId: null }),
      },
      command: {},
    },
    { name: 'training' },
  );
}
