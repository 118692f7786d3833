/**
 * The page's side of the scoring worker. Elements see only {@link ScoringClient}; that there is a thread, and comlink
 * between, is known here alone. Every message is parsed before it is believed.
 */
import { proxy, transfer, wrap } from 'comlink';
import * as v from 'valibot';
import workerUrl from '../../../workers/score.worker.ts?worker&url';
import {
  type AnswerRequest,
  type LoadProgress,
  LoadProgressSchema,
  type LoadRequest,
  type ModelSummary,
  ModelSummarySchema,
  type ScoringApi,
  type ScoringEvent,
  ScoringEventSchema,
} from '../../protocol/scoring.ts';
import { trustedScriptUrl } from '../parts/trusted-script-url.ts';
import { readMessage, whenBroken } from '../parts/worker-failure.ts';

/** Loads one model and answers with it. */
export interface ScoringClient {
  /** @throws {LabError} or an error whose name is a LabErrorCode. */
  load(request: LoadRequest, onProgress: (progress: LoadProgress) => void): Promise<ModelSummary>;
  /** Answers one pair; every answer ends with one `done` or `failed` event. Aborting the signal stops the model. */
  answer(request: AnswerRequest, onEvent: (event: ScoringEvent) => void, signal: AbortSignal): Promise<void>;
  /** Ends the thread and all its work. */
  close(): void;
}

/** Starts the worker. */
export function openScoringWorker(): ScoringClient {
  const worker = new Worker(trustedScriptUrl(workerUrl), { type: 'module', name: 'score' });
  const api = wrap<ScoringApi>(worker);
  const broken = whenBroken(worker, 'scoring');
  let lastId = 0;

  return {
    async load(request, onProgress) {
      const summary = api.load(
        handOver(request),
        proxy((progress) => onProgress(v.parse(LoadProgressSchema, progress))),
      );
      return v.parse(ModelSummarySchema, await Promise.race([summary, broken]));
    },
    async answer(request, onEvent, signal) {
      const id = ++lastId;
      const stop = (): void => void api.cancel(id);
      signal.addEventListener('abort', stop, { once: true });
      const answered = api.answer(
        id,
        request,
        proxy((event) => onEvent(readEvent(event))),
      );
      await Promise.race([answered, broken]).finally(() => signal.removeEventListener('abort', stop));
    },
    close: () => worker.terminate(),
  };
}

/** The request, with the files in it moved to the worker and not copied. */
function handOver(request: LoadRequest): LoadRequest {
  if (request.source.kind !== 'files') return request;
  return transfer(
    request,
    Object.values(request.source.files).map(({ buffer }) => buffer),
  );
}

/** An event of the worker, or the failure to understand it. */
function readEvent(message: unknown): ScoringEvent {
  const read = readMessage(ScoringEventSchema, message);
  return 'value' in read ? read.value : { kind: 'failed', code: 'internal', message: read.problem };
}
