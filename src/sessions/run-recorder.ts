/**
 * Writes down what a session tells, for the page to show it once more after a reload.
 */
import type { RunStore } from './run-store.ts';

/** Of log entries; with more of them every second is left out. A chart shows as many points. */
const MAX_LOGS = 1000;
/** What says how a session moves, and nothing about what it has learned. */
const PASSING: ReadonlySet<string> = new Set(['preparing', 'paused', 'resumed', 'recovering', 'refused', 'unsaved']);

export class RunRecorder<Event extends { readonly kind: string }> {
  readonly #view: string;
  readonly #openStore: (() => Promise<RunStore>) | undefined;
  #events: Event[] = [];
  #logs = 0;
  #keptEvery = 1;
  #seen = 0;
  #written: Promise<void> = Promise.resolve();

  /** @param view - that shows the session; undefined `openStore` keeps nothing */
  constructor(view: string, openStore: (() => Promise<RunStore>) | undefined) {
    this.#view = view;
    this.#openStore = openStore;
  }

  note(event: Event): void {
    if (PASSING.has(event.kind)) return;
    if (event.kind === 'log') {
      this.#seen += 1;
      if (this.#seen % this.#keptEvery !== 0) return;
      this.#logs += 1;
    }
    this.#events.push(event);
    if (this.#logs > MAX_LOGS) this.#thin();
  }

  /** Keeps all that was noted, and a last event; nothing of a session that never came to learn. */
  async keep(last: Event): Promise<void> {
    if (!this.#events.some(({ kind }) => kind === 'prepared')) return;
    const events = [...this.#events, last];
    await this.#write((store) => store.records.keep({ view: this.#view, endedAt: Date.now(), events }));
  }

  /** Forgets what is kept of the view: something else is shown from now on. */
  async drop(): Promise<void> {
    await this.#write((store) => store.records.drop(this.#view));
  }

  /** One after the other, in the order they were asked for. That there is no room for it takes nothing from the run. */
  async #write(work: (store: RunStore) => Promise<void>): Promise<void> {
    const openStore = this.#openStore;
    if (openStore === undefined) return;
    this.#written = this.#written.then(async () => work(await openStore())).catch(() => undefined);
    await this.#written;
  }

  #thin(): void {
    this.#keptEvery *= 2;
    let log = 0;
    this.#events = this.#events.filter(({ kind }) => kind !== 'log' || log++ % 2 === 1);
    this.#logs >>= 1;
  }
}
