/**
 * The page's side of the training worker, as scoring-client.ts is of the scoring worker.
 */
import { proxy, wrap } from 'comlink';
import * as v from 'valibot';
import workerUrl from '../../../workers/train.worker.ts?worker&url';
import {
  type DataSummary,
  DataSummarySchema,
  type ReadDataRequest,
  type ReadRulesRequest,
  type RulesSummary,
  RulesSummarySchema,
} from '../../protocol/imported-data.ts';
import {
  type PlanRequest,
  type TrainingApi,
  type TrainingCommand,
  type TrainingEvent,
  TrainingEventSchema,
  type TrainingPlan,
  TrainingPlanSchema,
  type TrainRequest,
} from '../../protocol/training.ts';
import { trustedScriptUrl } from './trusted-script-url.ts';
import { readMessage, whenBroken } from './worker-failure.ts';

/** Plans and trains one run at a time. */
export interface TrainingClient {
  /** Reads files of judged pairs for runs to learn from. @throws an error whose name is a LabErrorCode. */
  readData(request: ReadDataRequest): Promise<DataSummary>;
  /** Reads rules of one's own for such data. @throws an error whose name is a LabErrorCode. */
  readRules(request: ReadRulesRequest): Promise<RulesSummary>;
  /** What a run would take. @throws {LabError} or an error whose name is a LabErrorCode. */
  plan(request: PlanRequest): Promise<TrainingPlan>;
  /** Trains; every run ends with one `finished`, `stopped` or `failed` event. Rejects only if the thread itself broke. */
  train(request: TrainRequest, onEvent: (event: TrainingEvent) => void): Promise<void>;
  command(command: TrainingCommand): Promise<void>;
  /** Ends the thread and all its work. */
  close(): void;
}

/** Gives the thread that trains, started when it is first needed. */
export type OpenTraining = () => Promise<TrainingClient>;

/** Starts the worker. */
export function openTrainingWorker(): TrainingClient {
  const worker = new Worker(trustedScriptUrl(workerUrl), { type: 'module', name: 'train' });
  const api = wrap<TrainingApi>(worker);
  const broken = whenBroken(worker, 'training');
  return {
    readData: async (request) => v.parse(DataSummarySchema, await Promise.race([api.readData(request), broken])),
    readRules: async (request) => v.parse(RulesSummarySchema, await Promise.race([api.readRules(request), broken])),
    plan: async (request) => v.parse(TrainingPlanSchema, await Promise.race([api.plan(request), broken])),
    train: async (request, onEvent) => {
      const trained = api.train(
        request,
        proxy((event) => onEvent(readEvent(event))),
      );
      await Promise.race([trained, broken]);
    },
    command: (command) => api.command(command),
    close: () => worker.terminate(),
  };
}

/** An event of the worker, or the failure to understand it. */
function readEvent(message: unknown): TrainingEvent {
  const read = readMessage(TrainingEventSchema, message);
  if ('value' in read) return read.value;
  return { kind: 'failed', code: 'internal', message: read.problem, checkpointId: null };
}
