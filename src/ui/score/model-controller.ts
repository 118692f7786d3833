/**
 * Loads the model of one element and holds the loading progress, its summary or its failure. A model that loses its GPU
 * while it answers is loaded again, on another backend if necessary.
 */
import type { ReactiveController, ReactiveControllerHost } from 'lit';
import { type Failure, failureOf } from '../../protocol/failure.ts';
import type { BackendChoice, LoadProgress, LoadRequest, ModelSummary } from '../../protocol/scoring.ts';
import type { CheckpointClient } from '../parts/sessions/checkpoint-client.ts';
import type { ScoringClient } from './scoring-client.ts';

/** The origin of a model: a folder beside the page, or a checkpoint of this browser. */
export type ModelOrigin =
  | { readonly kind: 'folder'; readonly url: string }
  | { readonly kind: 'checkpoint'; readonly id: string; readonly openStore: () => Promise<CheckpointClient> };

export type ModelState =
  | {
      readonly kind: 'loading';
      readonly progress: LoadProgress;
      /** Why it is being loaded again. */
      readonly lost?: Failure | undefined;
    }
  | {
      readonly kind: 'ready';
      readonly summary: ModelSummary;
      readonly client: ScoringClient;
      /** The checkpoint that the model is from. */
      readonly checkpointName: string | undefined;
      /** Why it was loaded again. */
      readonly lost?: Failure | undefined;
    }
  | { readonly kind: 'failed'; readonly failure: Failure };

const STARTING: LoadProgress = { stage: 'backend', receivedBytes: 0, totalBytes: null };

/** The model to load. */
interface Wanted {
  readonly openClient: () => ScoringClient;
  readonly origin: ModelOrigin;
  readonly backend: BackendChoice;
}

export class ModelController implements ReactiveController {
  state: ModelState = { kind: 'loading', progress: STARTING };
  readonly #host: ReactiveControllerHost;
  #client: ScoringClient | undefined;
  /** Backends lost since the last complete answer. */
  #losses = 0;

  constructor(host: ReactiveControllerHost) {
    this.#host = host;
    host.addController(this);
  }

  hostDisconnected(): void {
    this.#client?.close();
    this.#client = undefined;
  }

  /** Loads a model in its own worker; the previous worker is closed and its memory freed. */
  async load(openClient: () => ScoringClient, origin: ModelOrigin, backend: BackendChoice): Promise<void> {
    this.#losses = 0;
    await this.#load({ openClient, origin, backend });
  }

  async #load(wanted: Wanted, lost?: Failure): Promise<void> {
    this.#client?.close();
    this.#show({ kind: 'loading', progress: STARTING, lost });
    let client: ScoringClient | undefined;
    try {
      client = wanted.openClient();
      this.#client = client;
      const { source, checkpointName } = await sourceOf(wanted.origin);
      if (client !== this.#client) return;
      const { backend } = wanted;
      const summary = await client.load({ source, backend: backendAfter(this.#losses, backend) }, (progress) => {
        if (client === this.#client && this.state.kind === 'loading') this.#show({ kind: 'loading', progress, lost });
      });
      if (client !== this.#client) return;
      this.#show({ kind: 'ready', summary, client: this.#watched(client, wanted), checkpointName, lost });
    } catch (thrown) {
      if (client === this.#client) await this.#failed(failureOf(thrown), wanted, lost);
    }
  }

  async #failed(failure: Failure, wanted: Wanted, lost: Failure | undefined): Promise<void> {
    const isLost = failure.code === 'backend-lost';
    const isGone = failure.code === 'no-backend' && lost !== undefined;
    if ((isLost || isGone) && this.#losses < MOST_LOSSES) {
      this.#losses += 1;
      await this.#load(wanted, isLost ? failure : lost);
    } else {
      this.#show({ kind: 'failed', failure });
    }
  }

  /** The client, wrapped so that the loss of its backend, and the end of its thread, are noticed. */
  #watched(client: ScoringClient, wanted: Wanted): ScoringClient {
    const lose = (failure: Failure): void => {
      if (client === this.#client) void this.#failed(failure, wanted, undefined);
    };
    const gone = (thrown: unknown): void => {
      // Answers end with an event; this one did not, because its thread has ended.
      if (client !== this.#client || this.#losses >= MOST_LOSSES) return;
      this.#losses += 1;
      void this.#load(wanted, failureOf(thrown));
    };
    return {
      ...client,
      answer: async (request, onEvent, signal) => {
        try {
          await client.answer(
            request,
            (event) => {
              if (event.kind === 'done') this.#losses = 0;
              onEvent(event);
              if (event.kind === 'failed' && event.code === 'backend-lost') {
                lose({ code: event.code, message: event.message });
              }
            },
            signal,
          );
        } catch (thrown) {
          gone(thrown);
          throw thrown;
        }
      },
      inside: async (request, signal) => {
        try {
          return await client.inside(request, signal);
        } catch (thrown) {
          const failure = failureOf(thrown);
          if (failure.code === 'backend-lost') lose(failure);
          throw thrown;
        }
      },
    };
  }

  #show(state: ModelState): void {
    this.state = state;
    this.#host.requestUpdate();
  }
}

/** The last attempt uses WebAssembly, which cannot be lost. */
const MOST_LOSSES = 3;

/** The same choice after the first loss, because the GPU may be back; then any backend; finally WebAssembly. */
function backendAfter(losses: number, asked: BackendChoice): BackendChoice {
  if (losses <= 1) return asked;
  return losses === 2 ? 'auto' : 'wasm';
}

/** The load request for a model. */
async function sourceOf(
  origin: ModelOrigin,
): Promise<{ readonly source: LoadRequest['source']; readonly checkpointName: string | undefined }> {
  if (origin.kind === 'folder') return { source: { kind: 'url', modelUrl: origin.url }, checkpointName: undefined };
  const { name, files } = await (await origin.openStore()).model(origin.id);
  return { source: { kind: 'files', files }, checkpointName: name };
}
