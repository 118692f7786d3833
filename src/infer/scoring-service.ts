/**
 * The scoring side of the thread boundary: loads a model folder from the page's own origin and answers pairs, one at a
 * time, as a stream of events.
 */
import { LabError, messageOf } from '../common/errors.ts';
import { parseConfig } from '../config/parse.ts';
import { countParameters } from '../config/model-config.ts';
import { openBackend, type BackendRequest } from '../gpu/device.ts';
import {
  AnswerRequestSchema,
  type AnswerRequest,
  LoadRequestSchema,
  type LoadProgress,
  type LoadRequest,
  type ModelFiles,
  type ModelSummary,
  type ScoringApi,
  type ScoringEvent,
} from '../protocol/scoring.ts';
import { failureOf } from '../protocol/failure.ts';
import { chunksOf } from '../data/text-stream.ts';
import { answerPair } from './answer.ts';
import { disposeLabModel, type LabModel, loadLabModel, MODEL_FILES, type ModelFileName } from './lab-model.ts';
import { cardRows } from './model-card.ts';

/** No file of a bundled model is larger than this; checked before anything is kept. */
const MAX_FILE_BYTES = 512 * 1024 * 1024;

/** Where tfjs's files are, and how a backend is checked before it is believed. */
type ScoringBackend = Pick<BackendRequest, 'wasmPaths' | 'findFault'>;

/** Answers pairs with one model at a time. */
export class ScoringService implements ScoringApi {
  readonly #backend: ScoringBackend;
  readonly #running = new Map<number, AbortController>();
  #model: LabModel | undefined;
  // Answers share one GPU queue; each waits for the one before it, which a newer request has usually cancelled.
  #queue: Promise<void> = Promise.resolve();

  constructor(backend: ScoringBackend) {
    this.#backend = backend;
  }

  async load(request: LoadRequest, onProgress: (progress: LoadProgress) => void): Promise<ModelSummary> {
    const { source, backend } = parseConfig('The load request', LoadRequestSchema, request);
    onProgress({ stage: 'backend', receivedBytes: 0, totalBytes: null });
    const opened = await openBackend({ ...this.#backend, backend: backend === 'auto' ? undefined : backend });
    const files = source.kind === 'url' ? await fetchModel(source.modelUrl, onProgress) : givenFiles(source.files);
    onProgress({ stage: 'warm-up', receivedBytes: 0, totalBytes: null });
    const model = loadLabModel(files);
    await this.#queue; // an answer may still be using the old model
    if (this.#model !== undefined) disposeLabModel(this.#model);
    this.#model = model;
    await warmUp(model);
    return {
      name: model.card.name,
      backend: opened.backend,
      backendReason: [`${opened.device}: ${opened.reason}`, ...opened.problems].join('. '),
      parameters: countParameters(model.transformer.config),
      scale: { names: [...model.scale.names], rubric: [...model.scale.rubric] },
      card: cardRows(model.card),
      examples: model.examples,
    };
  }

  async answer(id: number, request: AnswerRequest, emit: (event: ScoringEvent) => void): Promise<void> {
    const controller = new AbortController();
    this.#running.set(id, controller);
    const turn = this.#takeTurn(async () => {
      try {
        const { pair, reason } = parseConfig('The answer request', AnswerRequestSchema, request);
        if (this.#model === undefined) {
          throw new LabError('not-found', { message: 'No model is loaded.', fix: 'Load a model first.' });
        }
        await answerPair(this.#model, pair, { reason, signal: controller.signal, emit });
      } catch (error) {
        emit({ kind: 'failed', ...failureOf(error) });
      } finally {
        this.#running.delete(id);
      }
    });
    await turn;
  }

  /** Runs a task after all that were given before it; `task` must not throw. */
  #takeTurn(task: () => Promise<void>): Promise<void> {
    const before = this.#queue;
    const turn = (async () => {
      await before;
      await task();
    })();
    this.#queue = turn;
    return turn;
  }

  async cancel(id: number): Promise<void> {
    this.#running.get(id)?.abort();
    await Promise.resolve();
  }
}

// The first pass compiles shaders and fills caches; better before the first question than during it.
async function warmUp(model: LabModel): Promise<void> {
  const [example] = model.examples;
  if (example !== undefined) await answerPair(model, example.pair, { emit: () => undefined });
}

/** Files that came with the request; loading finds out which are missing. */
function givenFiles(files: ModelFiles): Map<ModelFileName, Uint8Array> {
  return new Map(MODEL_FILES.flatMap((name) => (files[name] === undefined ? [] : [[name, files[name]]])));
}

async function fetchModel(
  modelUrl: string,
  onProgress: (progress: LoadProgress) => void,
): Promise<Map<ModelFileName, Uint8Array>> {
  const responses = await Promise.all(MODEL_FILES.map((name) => fetchFile(modelUrl, name)));
  const sizes = responses.map((response) => Number(response.headers.get('content-length') ?? NaN));
  const sum = sizes.reduce((total, size) => total + size, 0);
  // With compressed transfer the length counts other bytes than arrive; then the total is not known.
  const isCompressed = responses.some((response) => response.headers.has('content-encoding'));
  const totalBytes = Number.isFinite(sum) && !isCompressed ? sum : null;
  let receivedBytes = 0;
  const files = new Map<ModelFileName, Uint8Array>();
  for (const [index, name] of MODEL_FILES.entries()) {
    const response = responses[index];
    if (response === undefined) continue;
    files.set(
      name,
      await readBody(response, name, (bytes) => {
        receivedBytes += bytes;
        onProgress({ stage: 'files', receivedBytes, totalBytes });
      }),
    );
  }
  return files;
}

async function fetchFile(modelUrl: string, name: ModelFileName): Promise<Response> {
  const url = new URL(name, modelUrl);
  let response: Response;
  try {
    response = await fetch(url);
  } catch (cause) {
    throw new LabError('not-found', {
      message: `The model file ${name} could not be fetched: ${messageOf(cause)}.`,
      fix: 'Check the connection and reload the page.',
      cause,
    });
  }
  // A development or single-page server answers a missing file with its index page.
  const isPage = (response.headers.get('content-type') ?? '').startsWith('text/html');
  if (response.ok && !isPage) return response;
  throw new LabError('not-found', {
    message: `The model file ${name} is not there.`,
    expected: `a file at ${url.pathname}`,
    got: isPage ? 'a web page' : `status ${response.status}`,
  });
}

async function readBody(response: Response, name: string, onBytes: (bytes: number) => void): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  if (response.body === null) return new Uint8Array();
  // Leaving the loop by an error cancels the download.
  for await (const value of chunksOf(response.body)) {
    length += value.length;
    if (length > MAX_FILE_BYTES) {
      throw new LabError('bad-file', {
        message: `The model file ${name} is too large.`,
        expected: `at most ${MAX_FILE_BYTES} bytes`,
        got: 'more',
      });
    }
    chunks.push(value);
    onBytes(value.length);
  }
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}
