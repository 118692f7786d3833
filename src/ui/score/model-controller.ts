/**
 * Loads the model of one element and keeps what is known about it: how far it has come, its summary, or why it failed.
 */
import type { ReactiveController, ReactiveControllerHost } from 'lit';
import { type Failure, failureOf } from '../../protocol/failure.ts';
import type { BackendChoice, LoadProgress, LoadRequest, ModelSummary } from '../../protocol/scoring.ts';
import type { CheckpointClient } from '../parts/checkpoint-client.ts';
import type { ScoringClient } from './scoring-client.ts';

/** Where a model comes from: a folder beside the page, or a checkpoint of this browser. */
export type ModelOrigin =
  | { readonly kind: 'folder'; readonly url: string }
  | { readonly kind: 'checkpoint'; readonly id: string; readonly openStore: () => Promise<CheckpointClient> };

export type ModelState =
  | { readonly kind: 'loading'; readonly progress: LoadProgress }
  | {
      readonly kind: 'ready';
      readonly summary: ModelSummary;
      readonly client: ScoringClient;
      /** The checkpoint that the model is from. */
      readonly checkpointName: string | undefined;
    }
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
  async load(openClient: () => ScoringClient, origin: ModelOrigin, backend: BackendChoice): Promise<void> {
    this.#client?.close();
    this.#show(STARTING);
    let client: ScoringClient | undefined;
    try {
      client = openClient();
      this.#client = client;
      const { source, checkpointName } = await sourceOf(origin);
      if (client !== this.#client) return;
      const summary = await client.load({ source, backend }, (progress) => {
        if (client === this.#client && this.state.kind === 'loading') this.#show({ kind: 'loading', progress });
      });
      if (client === this.#client) this.#show({ kind: 'ready', summary, client, checkpointName });
    } catch (thrown) {
      if (client === this.#client) this.#show({ kind: 'failed', failure: failureOf(thrown) });
    }
  }

  #show(state: ModelState): void {
    this.state = state;
    this.#host.requestUpdate();
  }
}

/** What the worker is to load. */
async function sourceOf(
  origin: ModelOrigin,
): Promise<{ readonly source: LoadRequest['source']; readonly checkpointName: string | undefined }> {
  if (origin.kind === 'folder') return { source: { kind: 'url', modelUrl: origin.url }, checkpointName: undefined };
  const { name, files } = await (await origin.openStore()).model(origin.id);
  return { source: { kind: 'files', files }, checkpointName: name };
}
