/**
 * The thread that judges files, as the controller uses it: started with the first request, and once more after it has
 * ended or has lost its GPU, which it cannot get back.
 */
import { LabError, type LabErrorCode } from '../../../common/errors.ts';
import { failureOf } from '../../../protocol/failure.ts';
import type { FilesClient, OpenFiles } from './files-client.ts';

/** What the controller adds. */
export interface ThreadHooks {
  /** How a thread is started; undefined where the page was given none. */
  readonly openFiles: () => OpenFiles | undefined;
  /** The file that is open, and whether its scores are; a new thread opens both again. */
  readonly shown: () => { readonly id: string | undefined; readonly isScored: boolean };
  /** Called when a thread is gone, with the model that it had loaded. */
  readonly onGone: () => void;
}

/** A thread with one of these failures has no backend that works, and may get none. */
const WITHOUT_BACKEND: ReadonlySet<LabErrorCode> = new Set(['backend-lost', 'no-backend']);

export class FilesThread {
  readonly #hooks: ThreadHooks;
  #client: Promise<FilesClient> | undefined;
  readonly #ended = new WeakSet<Promise<FilesClient>>();

  constructor(hooks: ThreadHooks) {
    this.#hooks = hooks;
  }

  /**
   * The answer to a request.
   *
   * @param again - whether to ask another thread if this one ends meanwhile: for what may be done twice
   * @throws what the thread throws
   */
  async ask<T>(ask: (client: FilesClient) => Promise<T>, again = false): Promise<T> {
    const asked = (this.#client ??= this.#start());
    try {
      return await ask(await asked);
    } catch (thrown) {
      // The end of a thread is reported to its calls first.
      await new Promise((resolve) => void setTimeout(resolve));
      if (again && this.#ended.has(asked)) return this.ask(ask);
      if (WITHOUT_BACKEND.has(failureOf(thrown).code)) this.#drop(asked);
      throw thrown;
    }
  }

  /** Ends the thread. */
  close(): void {
    void this.#client?.then((client) => client.close()).catch(() => undefined);
    this.#client = undefined;
  }

  #start(): Promise<FilesClient> {
    const started = this.#started(() => {
      this.#ended.add(started);
      this.#drop(started);
    });
    started.catch(() => {
      if (this.#client === started) this.#client = undefined;
    });
    return started;
  }

  async #started(drop: () => void): Promise<FilesClient> {
    const openFiles = this.#hooks.openFiles();
    if (openFiles === undefined) {
      throw new LabError('internal', { message: 'The page was given no thread for files.' });
    }
    const client = await openFiles();
    void client.broken?.then(drop);
    // A file that cannot be opened any more is reported by the request that needs it.
    await this.#restore(client).catch(() => undefined);
    return client;
  }

  async #restore(client: FilesClient): Promise<void> {
    const { id, isScored } = this.#hooks.shown();
    if (id === undefined) return;
    await client.open(id);
    if (isScored) await client.table();
  }

  #drop(gone: Promise<FilesClient>): void {
    if (gone !== this.#client) return;
    this.close();
    this.#hooks.onGone();
  }
}
