/** The work with the model of an open file: one at a time, and the model stays until it has ended. */
import { LabError } from '../../common/errors.ts';

export class ModelWork {
  /** What is under way; `ended` does not reject. */
  #work: { readonly stop: AbortController; readonly ended: Promise<unknown> } | undefined;

  get isBusy(): boolean {
    return this.#work !== undefined;
  }

  /** Does some work. @throws {LabError} `bad-config` while other work is under way */
  async exclusively<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (this.#work !== undefined) {
      throw new LabError('bad-config', {
        message: 'This file is being scored or checked already.',
        fix: 'Pause that first, or wait for its end.',
      });
    }
    const stop = new AbortController();
    const result = work(stop.signal);
    this.#work = { stop, ended: result.catch(() => undefined) };
    try {
      return await result;
    } finally {
      this.#work = undefined;
    }
  }

  /** Asks it to stop. */
  stop(): void {
    this.#work?.stop.abort();
  }

  /** Stops it, and waits for its end. */
  async halt(): Promise<void> {
    this.stop();
    await this.#work?.ended;
  }
}
