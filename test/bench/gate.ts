/**
 * Holds a run of the lab before each of its steps, so that a benchmark can have one step at a time.
 */

/** Where a run waits until it may make its next update. */
export class Gate {
  #arrival = new Signal();
  #departure = new Signal();

  /** Called by the run: says that it is here, and waits. */
  async wait(): Promise<void> {
    this.#departure = new Signal();
    this.#arrival.give();
    await this.#departure.given;
  }

  /** Resolves when the run is here. */
  async reached(): Promise<void> {
    await this.#arrival.given;
  }

  /** Lets the run go on to its next arrival. */
  open(): void {
    this.#arrival = new Signal();
    this.#departure.give();
  }
}

/** A promise to be resolved from outside. */
class Signal {
  readonly given: Promise<void>;
  give: () => void = () => undefined;

  constructor() {
    this.given = new Promise((resolve) => {
      this.give = resolve;
    });
  }
}
