/**
 * The page's side of the worker that runs reinforcement, as training-client.ts is of the one that trains.
 */
import { proxy, wrap } from 'comlink';
import * as v from 'valibot';
import workerUrl from '../../../workers/grpo.worker.ts?worker&url';
import {
  type DataSummary,
  DataSummarySchema,
  type ReadDataRequest,
  type ReadRulesRequest,
  type RulesSummary,
  RulesSummarySchema,
} from '../../protocol/imported-data.ts';
import {
  type GrpoApi,
  type GrpoCommand,
  type GrpoEvent,
  GrpoEventSchema,
  type GrpoRequest,
} from '../../protocol/grpo.ts';
import { trustedScriptUrl } from '../parts/trusted-script-url.ts';
import { readMessage, whenBroken } from '../parts/worker-failure.ts';

/** Runs one demonstration at a time. */
export interface GrpoClient {
  /** Reads files of judged pairs for branches to learn from. @throws an error whose name is a LabErrorCode. */
  readData(request: ReadDataRequest): Promise<DataSummary>;
  /** Reads rules of one's own for such data. @throws an error whose name is a LabErrorCode. */
  readRules(request: ReadRulesRequest): Promise<RulesSummary>;
  /** Resolves after its last event, `stopped` or `failed`. Rejects only if the thread itself broke. */
  run(request: GrpoRequest, onEvent: (event: GrpoEvent) => void): Promise<void>;
  command(command: GrpoCommand): Promise<void>;
  /** Ends the thread and all its work. */
  close(): void;
}

/** Gives the thread, started when it is first needed. */
export type OpenGrpo = () => Promise<GrpoClient>;

/** Starts the worker. */
export function openGrpoWorker(): GrpoClient {
  const worker = new Worker(trustedScriptUrl(workerUrl), { type: 'module', name: 'grpo' });
  const api = wrap<GrpoApi>(worker);
  const broken = whenBroken(worker, 'reinforcement');
  return {
    readData: async (request) => v.parse(DataSummarySchema, await Promise.race([api.readData(request), broken])),
    readRules: async (request) => v.parse(RulesSummarySchema, await Promise.race([api.readRules(request), broken])),
    run: async (request, onEvent) => {
      const ran = api.run(
        request,
        proxy((event) => onEvent(readEvent(event))),
      );
      await Promise.race([ran, broken]);
    },
    command: (command) => api.command(command),
    close: () => worker.terminate(),
  };
}

/** An event of the worker, or the failure to understand it. */
function readEvent(message: unknown): GrpoEvent {
  const read = readMessage(GrpoEventSchema, message);
  return 'value' in read ? read.value : { kind: 'failed', code: 'internal', message: read.problem };
}
