/** The page's side of the scoring worker. */
import workerUrl from '../../../workers/score.worker.ts?worker&url';
import {
  type AnswerRequest,
  LoadProgressSchema,
  ModelSummarySchema,
  type ScoringApi,
  type ScoringEvent,
  ScoringEventSchema,
} from '../../protocol/scoring.ts';
import { type Inside, InsideSchema } from '../../protocol/inside.ts';
import { openWorker, type WorkerClient } from '../parts/sessions/open-worker.ts';

/** Loads one model and answers with it. */
export interface ScoringClient extends Pick<WorkerClient<ScoringApi>, 'load' | 'close'> {
  /** Answers one pair; every answer ends with one `done` or `failed` event. Aborting the signal stops the model. */
  answer(request: AnswerRequest, onEvent: (event: ScoringEvent) => void, signal: AbortSignal): Promise<void>;
  /** Answers one pair and looks inside. Aborting the signal stops the model. */
  inside(request: AnswerRequest, signal: AbortSignal): Promise<Inside>;
}

export function openScoringWorker(): ScoringClient {
  const { load, close, answer, inside, cancel } = openWorker<ScoringApi>(
    workerUrl,
    {
      load: {
        result: ModelSummarySchema,
        event: LoadProgressSchema,
        gives: ({ source }) => (source.kind === 'files' ? Object.values(source.files).map(({ buffer }) => buffer) : []),
      },
      answer: { event: ScoringEventSchema, malformed: (message) => ({ kind: 'failed', code: 'internal', message }) },
      inside: { result: InsideSchema },
      cancel: {},
    },
    { name: 'scoring' },
  );
  let lastId = 0;
  const cancellable = async <T>(signal: AbortSignal, work: (id: number) => Promise<T>): Promise<T> => {
    const id = ++lastId;
    const stop = (): void => void cancel(id).catch(() => undefined);
    signal.addEventListener('abort', stop, { once: true });
    return work(id).finally(() => signal.removeEventListener('abort', stop));
  };
  return {
    load,
    close,
    answer: (request, onEvent, signal) => cancellable(signal, (id) => answer(id, request, onEvent)),
    inside: (request, signal) => cancellable(signal, (id) => inside(id, request)),
  };
}
