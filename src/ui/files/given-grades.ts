/**
 * The grades that are given to the open file: shown at once, stored by the thread, and shown as they are stored when
 * another tab has given some or one could not be stored.
 */
import type { Correction } from '../../protocol/files.ts';
import type { FilesClient } from './thread/files-client.ts';
import type { JudgedTable } from './judged-table.ts';

export interface GradesHooks {
  readonly table: () => JudgedTable | undefined;
  /** Asks the thread and shows a failure. @param again - as for FilesThread @returns undefined if it failed */
  readonly given: <T>(ask: (thread: FilesClient) => Promise<T>, again?: boolean) => Promise<T | undefined>;
  /** Called when the grades that are shown have changed. */
  readonly changed: () => void;
  /** Called when a change is stored. */
  readonly stored: () => void;
  /** Called when another tab has read or scored the file in another way. */
  readonly other: () => void;
}

export class GivenGrades {
  readonly #hooks: GradesHooks;
  /** How many grades were given or undone here. */
  #count = 0;

  constructor(hooks: GradesHooks) {
    this.#hooks = hooks;
  }

  async correct(place: number, label: number | null, author: string): Promise<void> {
    const table = this.#hooks.table();
    if (table === undefined) return;
    const correction = { row: table.file.rows[place] ?? 0, label, author, at: Date.now() };
    table.correct(correction);
    await this.#keep((thread) => thread.correct(correction));
  }

  /** Removes the last grade that was given here. @returns the place of its pair */
  undo(): number | undefined {
    const table = this.#hooks.table();
    const undone: Correction | undefined = table?.lastOwn;
    if (table === undefined || undone === undefined) return undefined;
    const place = table.undoCorrection();
    void this.#keep((thread) => thread.undoCorrection(undone));
    return place;
  }

  /** Shows what other tabs have changed. */
  async catchUp(): Promise<void> {
    const { table, given, changed, other } = this.#hooks;
    const shown = table();
    for (;;) {
      const count = this.#count;
      const caughtUp = await given((thread) => thread.catchUp(), true);
      if (caughtUp === undefined || table() !== shown) return;
      if (caughtUp.isOther) return other();
      if (shown === undefined) return;
      if (count !== this.#count) continue; // what was given meanwhile is in the next answer
      if (shown.takeStored(caughtUp.corrections)) changed();
      return;
    }
  }

  async #keep(store: (thread: FilesClient) => Promise<void>): Promise<void> {
    this.#count += 1;
    this.#hooks.changed();
    const isStored = await this.#hooks.given((thread) => store(thread).then(() => true), true);
    if (isStored === true) this.#hooks.stored();
    else await this.catchUp(); // a grade that is not stored is not shown
  }
}
