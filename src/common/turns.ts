/** Tasks of one thing that must not overlap, one after another in the order in which they were asked for. */
export class Turns {
  /** It does not reject. */
  #last: Promise<unknown> = Promise.resolve();

  /** Resolves once all tasks so far have ended. */
  get ended(): Promise<unknown> {
    return this.#last;
  }

  /** Does a task after all earlier ones, whether they have succeeded or not. */
  take<T>(task: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(task);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}
