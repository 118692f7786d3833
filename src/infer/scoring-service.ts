/**
 * The scoring side of the thread boundary: loads a model folder from the page's own origin and answers pairs, one at a
 * time, as a stream of events.
 */
import { LabError } from '../common/errors.ts';
import { Turns } from '../common/turns.ts';
import { parseConfig } from '../config/parse.ts';
import { countParameters } from '../config/model-config.ts';
import { type BackendHealth, watchBackend } from '../gpu/current-backend.ts';
import { openBackend, type BackendRequest } from '../gpu/device.ts';
import {
  AnswerRequestSchema,
  type AnswerRequest,
  LoadRequestSchema,
  type LoadProgress,
  type LoadRequest,
  type ModelSummary,
  type ScoringApi,
  type ScoringEvent,
} from '../protocol/scoring.ts';
import type { Inside } from '../protocol/inside.ts';
import { untilDelivered } from '../protocol/delivery.ts';
import { failureOf } from '../protocol/failure.ts';
import { answerPair } from './answer.ts';
import { disposeLabModel, givenModelFiles, type LabModel, loadLabModel } from './lab-model.ts';
import { cardRows } from './model-card.ts';
import { describeMemory } from '../model/memory.ts';
import { fetchModel } from './model-fetch.ts';
import { checkSound, onSoundBackend } from './sound-backend.ts';

/** The location of tfjs's files, and the check of a backend before it is used. */
type ScoringBackend = Pick<BackendRequest, 'wasmPaths' | 'findFault'>;

/** A model and the state of its backend. */
interface LoadedModel {
  readonly model: LabModel;
  readonly health: BackendHealth;
}

/**
 * Answers pairs with one model at a time. A model whose backend broke must be loaded again in another thread.
 */
export class ScoringService implements ScoringApi {
  readonly #backend: ScoringBackend;
  readonly #running = new Map<number, AbortController>();
  #loaded: LoadedModel | undefined;
  // Answers share one GPU queue; each waits for the previous one, which a newer request has usually cancelled.
  readonly #turns = new Turns();

  constructor(backend: ScoringBackend) {
    this.#backend = backend;
  }

  async load(request: LoadRequest, onProgress: (progress: LoadProgress) => void): Promise<ModelSummary> {
    const { source, backend } = parseConfig('The load request', LoadRequestSchema, request);
    onProgress({ stage: 'backend', receivedBytes: 0, totalBytes: null });
    const opened = await openBackend({ ...this.#backend, backend: backend === 'auto' ? undefined : backend });
    const health = watchBackend();
    const files = source.kind === 'url' ? await fetchModel(source.modelUrl, onProgress) : givenModelFiles(source.files);
    onProgress({ stage: 'warm-up', receivedBytes: 0, totalBytes: null });
    const model = await onSoundBackend(health, async () => {
      const loaded = await loadLabModel(files);
      await this.#turns.ended; // an answer may still be using the old model
      if (this.#loaded !== undefined) disposeLabModel(this.#loaded.model);
      this.#loaded = { model: loaded, health };
      await warmUp(loaded);
      return loaded;
    });
    return {
      name: model.card.name,
      backend: opened.backend,
      backendReason: [`${opened.device}: ${opened.reason}`, ...opened.problems].join('. '),
      parameters: countParameters(model.transformer.config),
      scale: { names: [...model.scale.names], rubric: [...model.scale.rubric] },
      givesReasons: model.instruction.rules.length > 0,
      card: [...cardRows(model.card), memoryRow(model.transformer)],
      examples: model.examples.slice(0, MOST_EXAMPLES),
    };
  }

  async answer(id: number, request: AnswerRequest, emit: (event: ScoringEvent) => void): Promise<void> {
    const controller = new AbortController();
    this.#running.set(id, controller);
    await untilDelivered(emit, (tell) => this.#turns.take(() => this.#answer(id, request, controller.signal, tell)));
  }

  async #answer(
    id: number,
    request: AnswerRequest,
    signal: AbortSignal,
    emit: (event: ScoringEvent) => void,
  ): Promise<void> {
    try {
      const { pair, reason, decoding } = parseConfig('The answer request', AnswerRequestSchema, request);
      const { model, health } = this.#ready();
      const emitSound = (event: ScoringEvent): void => {
        checkSound(health);
        emit(event);
      };
      await onSoundBackend(health, () => answerPair(model, pair, { reason, decoding, signal, emit: emitSound }));
    } catch (error) {
      emit({ kind: 'failed', ...failureOf(error) });
    } finally {
      this.#running.delete(id);
    }
  }

  async inside(id: number, request: AnswerRequest): Promise<Inside> {
    const controller = new AbortController();
    this.#running.set(id, controller);
    try {
      return await this.#turns.take(async () => {
        const { pair, decoding } = parseConfig('The request', AnswerRequestSchema, request);
        const { model, health } = this.#ready();
        const { lookInside } = await import('./inside.ts'); // few people ask for it
        return onSoundBackend(health, () => lookInside(model, pair, { decoding, signal: controller.signal }));
      });
    } finally {
      this.#running.delete(id);
    }
  }

  #ready(): LoadedModel {
    if (this.#loaded !== undefined) return this.#loaded;
    throw new LabError('not-found', { message: 'No model is loaded.', fix: 'Load a model first.' });
  }

  async cancel(id: number): Promise<void> {
    this.#running.get(id)?.abort();
    await Promise.resolve();
  }
}

/** The limit of examples that the page shows, because an imported file may have any number. */
const MOST_EXAMPLES = 40;

// The first pass compiles shaders and fills caches, so it is made before the first question.
async function warmUp(model: LabModel): Promise<void> {
  const [example] = model.examples;
  if (example !== undefined) await answerPair(model, example.pair, { emit: () => undefined });
}

function memoryRow(transformer: LabModel['transformer']): ModelSummary['card'][number] {
  return { name: 'Memory', value: describeMemory(transformer), code: false };
}
