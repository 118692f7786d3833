/**
 * The page's side of the scoring worker. Elements see only {@link ScoringClient}; that there is a thread, and comlink
 * between, is known here alone. Every message is parsed before it is believed.
 */
import { proxy, wrap } from 'comlink';
import * as v from 'valibot';
import workerUrl from '../../workers/score.worker.ts?worker&url';
import { LabError } from '../common/errors.ts';
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
} from '../protocol/scoring.ts';
import { trustedScriptUrl } from './trusted-script-url.ts';

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
  // A script that cannot be fetched or parsed never answers: without this a load would wait for ever.
  const broken = new Promise<never>((_, reject) => {
    worker.addEventListener('error', (event) => {
      const message = event.message || 'its script could not be loaded';
      reject(new LabError('internal', { message: `The scoring worker failed: ${message}.`, fix: 'Reload the page.' }));
    });
  });
  broken.catch(() => undefined);
  let lastId = 0;

  return {
    async load(request, onProgress) {
      const summary = api.load(
        request,
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

/** An event of the worker, or the failure to understand it. */
function readEvent(message: unknown): ScoringEvent {
  const result = v.safeParse(ScoringEventSchema, message);
  if (result.success) return result.output;
  const problems = result.issues.map((issue) => `${v.getDotPath(issue) ?? 'event'}: ${issue.message}`);
  return { kind: 'failed', code: 'internal', message: `The worker sent a malformed event (${problems.join('; ')}).` };
}
