/**
 * The page's side of the worker that runs reinforcement, as training-client.ts is of the one that trains.
 */
import { proxy, wrap } from 'comlink';
import workerUrl from '../../workers/grpo.worker.ts?worker&url';
import { type GrpoApi, type GrpoCommand, type GrpoEvent, GrpoEventSchema, type GrpoRequest } from '../protocol/grpo.ts';
import { trustedScriptUrl } from './trusted-script-url.ts';
import { readMessage, whenBroken } from './worker-failure.ts';

/** Runs one demonstration at a time. */
export interface GrpoClient {
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
