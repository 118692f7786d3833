/**
 * Keeps the list of this browser's checkpoints up to date for one element, and runs actions on them one after another
 * once their worker is available. A failure is kept for display. The list is read again after every change, including
 * those of other tabs.
 */
import { Turns } from '../../../common/turns.ts';
import type { ReactiveController, ReactiveControllerHost } from 'lit';
import type { CheckpointOverview } from '../../../protocol/checkpoints.ts';
import { type Failure, failureOf } from '../../../protocol/failure.ts';
import type { CheckpointClient } from './checkpoint-client.ts';

export interface CheckpointsState {
  /** Undefined until it has been read for the first time. */
  readonly overview: CheckpointOverview | undefined;
  /** The last failure; cleared by the next action. */
  readonly failure: Failure | undefined;
  /** The present action, such as "Importing". */
  readonly doing: string | undefined;
}

export class CheckpointsController implements ReactiveController {
  state: CheckpointsState = { overview: undefined, failure: undefined, doing: undefined };
  readonly #host: ReactiveControllerHost;
  #client: CheckpointClient | undefined;
  #clientCame: (client: CheckpointClient) => void = () => undefined;
  readonly #firstClient = new Promise<CheckpointClient>((resolve) => {
    this.#clientCame = resolve;
  });
  readonly #turns = new Turns();

  constructor(host: ReactiveControllerHost) {
    this.#host = host;
    host.addController(this);
  }

  hostConnected(): void {
    document.addEventListener('visibilitychange', this.#seen);
  }

  hostDisconnected(): void {
    document.removeEventListener('visibilitychange', this.#seen);
    this.#client = undefined;
  }

  /** Uses this client from now on. */
  use(client: CheckpointClient): void {
    this.#client = client;
    this.#clientCame(client);
    void this.refresh();
  }

  /** Reads the list again. */
  async refresh(): Promise<void> {
    const client = this.#client;
    if (client === undefined) return;
    try {
      const overview = await client.overview();
      if (client === this.#client) this.#show({ ...this.state, overview });
    } catch (thrown) {
      if (client === this.#client) this.#show({ ...this.state, failure: failureOf(thrown) });
    }
  }

  /**
   * Runs an action and reads the list again.
   *
   * @param doing - the name of the action, such as "Importing"
   * @returns the result of `work`, or undefined if it failed, with the failure in the state
   */
  act<T>(doing: string, work: (client: CheckpointClient) => Promise<T>): Promise<T | undefined> {
    return this.#turns.take(() => this.#act(doing, work));
  }

  async #act<T>(doing: string, work: (client: CheckpointClient) => Promise<T>): Promise<T | undefined> {
    const client = this.#client ?? (await this.#firstClient);
    this.#show({ ...this.state, failure: undefined, doing });
    let result: T | undefined;
    try {
      result = await work(client);
    } catch (thrown) {
      this.#show({ ...this.state, failure: failureOf(thrown) });
    }
    await this.refresh();
    this.#show({ ...this.state, doing: undefined });
    return result;
  }

  // Another tab may have changed the list while the page was hidden.
  readonly #seen = (): void => {
    if (document.visibilityState === 'visible') void this.refresh();
  };

  #show(state: CheckpointsState): void {
    this.state = state;
    this.#host.requestUpdate();
  }
}
