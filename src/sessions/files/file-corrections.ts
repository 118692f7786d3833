/**
 * The corrections of the open file. The store has them, because other tabs give some too; what is in memory is read from
 * it again before it is used.
 */
import type { JudgedFiles } from '../../checkpoint/judged-files.ts';
import type { KeptCorrection } from '../../checkpoint/judged-parts.ts';
import { Turns } from '../../common/turns.ts';
import { parseConfig } from '../../config/parse.ts';
import { CorrectionSchema } from '../../protocol/files.ts';
import { type OpenFile, scoresIn } from './open-file.ts';
import { checkReadAlike } from './other-tabs.ts';

/** Where corrections are kept. */
type OpenCorrections = () => Promise<Pick<JudgedFiles, 'addCorrection' | 'dropCorrection' | 'corrections'>>;

export class FileCorrections {
  readonly #store: OpenCorrections;
  /** Corrections are stored in the order in which they were given, and read once they are stored. */
  readonly #turns = new Turns();

  constructor(store: OpenCorrections) {
    this.#store = store;
  }

  /** @throws {LabError} `bad-config` if another tab has given the grades another meaning; `storage-full` */
  async give(open: OpenFile, correction: unknown): Promise<void> {
    const checked = parseConfig('A correction', CorrectionSchema, correction);
    scoresIn(open);
    await this.#turns.take(async () => {
      const store = await this.#store();
      await store.addCorrection(open.record.id, checked, (now) => checkReadAlike(open.record, now));
    });
  }

  /** Removes a correction; nothing happens if another tab has removed it already. */
  async takeBack(open: OpenFile, correction: unknown): Promise<void> {
    const checked = parseConfig('A correction', CorrectionSchema, correction);
    await this.#turns.take(async () => (await this.#store()).dropCorrection(open.record.id, checked));
  }

  /** Reads the corrections of a file, those of other tabs too, into its scores, if it has any. */
  read(open: OpenFile): Promise<readonly KeptCorrection[]> {
    return this.#turns.take(async () => {
      const corrections = await (await this.#store()).corrections(open.record.id);
      if (open.scores !== undefined) open.scores.corrections = corrections;
      return corrections;
    });
  }
}
