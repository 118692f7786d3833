/** What scores the open file, asked again after a loss of its GPU, a few times. */
import { type Failure, failureOf } from '../../../protocol/failure.ts';
import type { FileScoring } from '../../../protocol/files.ts';
import type { ModelChoice } from '../../../protocol/model-choice.ts';
import type { BackendChoice } from '../../../protocol/scoring.ts';
import type { FilesClient } from './files-client.ts';

/** After more losses than this, a person must continue the scoring. */
const MAX_LOSSES = 2;

export interface ScorerHooks {
  /** What is loaded, and why the last attempt to load something failed. */
  readonly state: () => { readonly prepared: FileScoring | undefined; readonly failure: Failure | undefined };
  /** @returns whether it is loaded */
  readonly prepare: (choice: ModelChoice, backend: BackendChoice) => Promise<boolean>;
  /** @throws what the thread throws */
  readonly ask: <T>(ask: (thread: FilesClient) => Promise<T>) => Promise<T>;
}

export class AskedScorer {
  readonly #hooks: ScorerHooks;
  #losses = 0;
  #preparing: { readonly wanted: string; readonly done: Promise<boolean> } | undefined;

  constructor(hooks: ScorerHooks) {
    this.#hooks = hooks;
  }

  /** Counts losses from here on, because something was scored. */
  forgetLosses(): void {
    this.#losses = 0;
  }

  /**
   * Prepares what has scored a file, unless it is prepared, again if its GPU is lost. Requests at the same time share
   * one preparation, because a second one would end the first.
   *
   * @returns whether it is
   */
  async isPrepared({ choice, modelHash, backend }: FileScoring): Promise<boolean> {
    const { prepared } = this.#hooks.state();
    if (prepared?.modelHash === modelHash && prepared.backend === backend) return true;
    const wanted = `${modelHash} ${backend}`;
    if (this.#preparing?.wanted !== wanted) this.#preparing = { wanted, done: this.#prepare(choice, backend) };
    const { done } = this.#preparing;
    try {
      return await done;
    } finally {
      if (this.#preparing?.done === done) this.#preparing = undefined;
    }
  }

  async #prepare(choice: ModelChoice, backend: BackendChoice): Promise<boolean> {
    const { state, prepare } = this.#hooks;
    while (!(await prepare(choice, backend))) if (!this.mayRetry(state().failure)) return false;
    return true;
  }

  /** Asks it, again if its GPU was lost meanwhile; undefined if it cannot be prepared. @throws what the thread throws */
  async ask<T>(scoring: FileScoring, ask: (thread: FilesClient) => Promise<T>): Promise<T | undefined> {
    for (;;) {
      if (!(await this.isPrepared(scoring))) return undefined;
      try {
        const answer = await this.#hooks.ask(ask);
        this.#losses = 0;
        return answer;
      } catch (thrown) {
        if (!this.mayRetry(failureOf(thrown))) throw thrown;
      }
    }
  }

  /** Whether to try once more after a failure, because it may be that of a GPU that comes back. */
  mayRetry(failure: Failure | undefined): boolean {
    const isLoss = failure?.code === 'backend-lost' || (failure?.code === 'no-backend' && this.#losses > 0);
    if (isLoss) this.#losses += 1;
    return isLoss && this.#losses <= MAX_LOSSES;
  }
}
