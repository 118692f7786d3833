/**
 * Records the events of a session, so that the page can show it again after a reload.
 */
import type { RunStore } from './run-store.ts';

/** The limit of log entries; beyond it every second one is dropped. A chart shows as many points. */
const MAX_LOGS = 1000;
/** Events about the session's progress, which say nothing about the results. */
const PASSING: ReadonlySet<string> = new Set(['preparing', 'paused', 'resumed', 'recovering', 'refused', 'unsaved']);

export class RunRecorder<Event extends { readonly kind: string }> {
  readonly #view: string;
  readonly #openStore: (() => Promise<RunStore>) | undefined;
  #events: Event[] = [];
  #logs = 0;
  #keptEvery = 1;
  #seen = 0;
  #written: Promise<void> = Promise.resolve();

  /** @param view - that shows the session; without `openStore` nothing is stored */
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

  /** Stores all recorded events and a last one; nothing if the session ended before it was prepared. */
  async keep(last: Event): Promise<void> {
    if (!this.#events.some(({ kind }) => kind === 'prepared')) return;
    const events = [...this.#events, last];
    await this.#write((store) => store.records.keep({ view: this.#view, endedAt: Date.now(), events }));
  }

  /** Deletes the stored recording, because the view now shows something else. */
  async drop(): Promise<void> {
    await this.#write((store) => store.records.drop(this.#view));
  }

  /** Writes in the order of the calls. A full store does not affect the run. */
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
