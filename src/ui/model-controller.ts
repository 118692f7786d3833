/**
 * Loads the model of one element and keeps what is known about it: how far it has come, its summary, or why it failed.
 */
import type { ReactiveController, ReactiveControllerHost } from 'lit';
import { type Failure, failureOf } from '../protocol/failure.ts';
import type { BackendChoice, LoadProgress, ModelSummary } from '../protocol/scoring.ts';
import type { ScoringClient } from './scoring-client.ts';

export type ModelState =
  | { readonly kind: 'loading'; readonly progress: LoadProgress }
  | { readonly kind: 'ready'; readonly summary: ModelSummary; readonly client: ScoringClient }
  | { readonly kind: 'failed'; readonly failure: Failure };

const STARTING: ModelState = {
  kind: 'loading',
  progress: { stage: 'backend', receivedBytes: 0, totalBytes: null },
};

export class ModelController implements ReactiveController {
  state: ModelState = STARTING;
  readonly #host: ReactiveControllerHost;
  #client: ScoringClient | undefined;

  constructor(host: ReactiveControllerHost) {
    this.#host = host;
    host.addController(this);
  }

  hostDisconnected(): void {
    this.#client?.close();
    this.#client = undefined;
  }

  /** Loads a model in a thread of its own; the one before is closed with everything it held. */
  async load(openClient: () => ScoringClient, modelUrl: string, backend: BackendChoice): Promise<void> {
    this.#client?.close();
    this.#client = undefined;
    this.#show(STARTING);
    try {
      const client = openClient();
      this.#client = client;
      const showProgress = (progress: LoadProgress): void => {
        if (client === this.#client && this.state.kind === 'loading') this.#show({ kind: 'loading', progress });
      };
      const summary = await client.load({ modelUrl, backend }, showProgress);
      if (client === this.#client) this.#show({ kind: 'ready', summary, client });
    } catch (thrown) {
      this.#show({ kind: 'failed', failure: failureOf(thrown) });
    }
  }

  #show(state: ModelState): void {
    this.state = state;
    this.#host.requestUpdate();
  }
}
