/**
 * Keeps the list of runs up to date for the Runs view and makes changes to it, one after another. A failure is kept for
 * display, and what was deleted last can be brought back.
 */
import { Turns } from '../../common/turns.ts';
import type { ReactiveController, ReactiveControllerHost } from 'lit';
import { type Failure, failureOf } from '../../protocol/failure.ts';
import type { PresetRequest, RunExport, RunsImported, RunsOverview, SweepRequest } from '../../protocol/runs.ts';
import type { RunChange } from '../../protocol/tracked-run.ts';
import { download } from '../parts/download.ts';
import type { OpenRuns, RunsClient } from './runs-client.ts';

export interface RunsState {
  /** Undefined until the list was read for the first time. */
  readonly overview: RunsOverview | undefined;
  /** The last failure; cleared by the next action. */
  readonly failure: Failure | undefined;
  /** The present action, such as "Importing". */
  readonly doing: string | undefined;
  /** What was deleted last. */
  readonly removed: { readonly count: number; readonly runs: Blob } | undefined;
  /** The result of the last import. */
  readonly imported: RunsImported | undefined;
}

export class RunsController implements ReactiveController {
  state: RunsState = { overview: undefined, failure: undefined, doing: undefined, removed: undefined, imported: undefined }; // prettier-ignore
  readonly #host: ReactiveControllerHost;
  readonly #open: () => Promise<RunsClient>;
  #client: Promise<RunsClient> | undefined;
  readonly #turns = new Turns();
  /** A refresh that has not begun, and so covers all that happens until then. */
  #refresh: Promise<void> | undefined;

  /** @param open - starts the worker; called again after it has failed to start */
  constructor(host: ReactiveControllerHost, open: OpenRuns) {
    this.#host = host;
    this.#open = open;
    host.addController(this);
  }

  hostConnected(): void {
    document.addEventListener('visibilitychange', this.#seen);
  }

  hostDisconnected(): void {
    document.removeEventListener('visibilitychange', this.#seen);
    void this.#client?.then((client) => client.close()).catch(() => undefined);
    this.#client = undefined;
  }

  readonly client = (): Promise<RunsClient> => {
    this.#client ??= this.#open().catch((thrown: unknown) => {
      this.#client = undefined;
      throw thrown;
    });
    return this.#client;
  };

  refresh(): Promise<void> {
    this.#refresh ??= this.#act(undefined, async () => {
      this.#refresh = undefined;
      return Promise.resolve();
    });
    return this.#refresh;
  }

  change(id: string, change: RunChange): Promise<void> {
    return this.#act('Saving', (client) => client.change(id, change));
  }

  changeAll(ids: readonly string[], change: RunChange): Promise<void> {
    return this.changeEach(ids.map((id) => [id, change] as const));
  }

  changeEach(changes: readonly (readonly [id: string, change: RunChange])[]): Promise<void> {
    return this.#act('Saving', async (client) => {
      for (const [id, change] of changes) await client.change(id, change);
    });
  }

  /** @returns whether the runs are in the queue */
  async queueSweep(request: SweepRequest): Promise<boolean> {
    return this.#queue((client) => client.queueSweep(request));
  }

  /** @returns whether the runs are in the queue */
  async queuePreset(request: PresetRequest): Promise<boolean> {
    return this.#queue((client) => client.queuePreset(request));
  }

  async #queue(work: (client: RunsClient) => Promise<void>): Promise<boolean> {
    let isQueued = false; // even if the list cannot be read after that
    await this.#act('Queueing', async (client) => {
      await work(client);
      isQueued = true;
    });
    return isQueued;
  }

  remove(ids: readonly string[]): Promise<void> {
    return this.#act('Deleting', async (client) => {
      const runs = await client.remove(ids);
      this.#show({ removed: { count: ids.length, runs } });
    });
  }

  /** Brings back what was deleted last. */
  undo(): Promise<void> {
    const { removed } = this.state;
    if (removed === undefined) return Promise.resolve();
    return this.#act('Restoring', async (client) => {
      await client.restore(removed.runs);
      this.#show({ removed: undefined });
    });
  }

  exportRuns(ids: readonly string[], as: RunExport): Promise<void> {
    return this.#act('Exporting', async (client) => {
      const { file, fileName } = await client.exportRuns({ ids: [...ids], as });
      download(file, fileName);
    });
  }

  async exportConfig(id: string): Promise<void> {
    await this.#act('Exporting', async (client) => {
      download(new Blob([await client.config(id)], { type: 'application/json' }), 'config.json');
    });
  }

  importFile(file: Blob): Promise<void> {
    return this.#act('Importing', async (client) => {
      this.#show({ imported: undefined });
      this.#show({ imported: await client.importRuns(file) });
    });
  }

  #act(doing: string | undefined, work: (client: RunsClient) => Promise<void>): Promise<void> {
    return this.#turns.take(() => this.#actNow(doing, work));
  }

  async #actNow(doing: string | undefined, work: (client: RunsClient) => Promise<void>): Promise<void> {
    if (doing !== undefined) this.#show({ failure: undefined, doing });
    try {
      const client = await this.client();
      await work(client);
      this.#show({ overview: await client.overview() });
    } catch (thrown) {
      this.#show({ failure: failureOf(thrown) });
    }
    this.#show({ doing: undefined });
  }

  // Runs of other tabs may have come further while the page was hidden.
  readonly #seen = (): void => {
    if (document.visibilityState === 'visible' && this.#client !== undefined) void this.refresh();
  };

  #show(change: Partial<RunsState>): void {
    this.state = { ...this.state, ...change };
    this.#host.requestUpdate();
  }
}
