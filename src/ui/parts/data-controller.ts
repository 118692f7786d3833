/**
 * The files that a reader chose to train on: reads them in the thread that trains, and keeps what was found, or why they
 * cannot be used, for one element. The files are kept as handles, for a thread that has to begin anew, and for being read
 * again when the reader says which column is what.
 */
import type { ReactiveController, ReactiveControllerHost } from 'lit';
import { LabError } from '../../common/errors.ts';
import { type Failure, failureOf } from '../../protocol/failure.ts';
import type { ColumnWishes, DataSummary, FileColumns } from '../../protocol/imported-data.ts';
import type { TrainingClient } from './training-client.ts';

/** Gives the thread that reads. */
export type OpenDataReader = () => Promise<Pick<TrainingClient, 'readData' | 'readColumns'>>;

export interface DataState {
  /** Names of the files being read. */
  readonly reading: string | undefined;
  readonly summary: DataSummary | undefined;
  /** Why the files chosen last cannot be used; those before them stay. */
  readonly failure: Failure | undefined;
  /** Of the files chosen last; undefined where they could not be found. */
  readonly columns: FileColumns | undefined;
  /** What the reader said about them, by role. */
  readonly wishes: ColumnWishes;
}

export const NO_DATA: DataState = {
  reading: undefined,
  summary: undefined,
  failure: undefined,
  columns: undefined,
  wishes: {},
};

/** Files with what the reader said about their columns. */
interface Chosen {
  readonly files: readonly File[];
  readonly wishes: ColumnWishes;
}

/** Pairs in one file, documents in another. */
const MOST_FILES = 2;

export class DataController implements ReactiveController {
  state: DataState = NO_DATA;
  readonly #host: ReactiveControllerHost;
  /** Chosen last, whether they can be used or not. */
  #chosen: Chosen = { files: [], wishes: {} };
  /** Chosen last of those that can be used. */
  #usable: Chosen = { files: [], wishes: {} };
  #request = 0;

  constructor(host: ReactiveControllerHost) {
    this.#host = host;
    host.addController(this);
  }

  hostDisconnected(): void {
    this.#request += 1;
  }

  /** Reads files; gives what was found, or undefined if they cannot be used or others were chosen meanwhile. */
  async read(
    open: OpenDataReader,
    files: readonly File[],
    wishes: ColumnWishes = {},
  ): Promise<DataSummary | undefined> {
    this.#request += 1;
    const request = this.#request;
    this.#chosen = { files, wishes };
    const names = files.map(({ name }) => name).join(' and ');
    this.#show({ ...this.state, reading: names, failure: undefined, columns: undefined, wishes });
    let columns: FileColumns | undefined;
    try {
      if (files.length > MOST_FILES) throw tooMany(files.length);
      const client = await open();
      const given = { files: files.map((file) => ({ name: file.name, blob: file })), columns: { ...wishes } };
      // Files without usable columns fail here as they do below, where it is said.
      columns = await client.readColumns(given).catch(() => undefined);
      const summary = await client.readData(given);
      if (request !== this.#request) return undefined;
      this.#usable = this.#chosen;
      this.#show({ reading: undefined, summary, failure: undefined, columns, wishes });
      return summary;
    } catch (thrown) {
      if (request !== this.#request) return undefined;
      this.#show({ ...this.state, reading: undefined, failure: failureOf(thrown), columns });
      return undefined;
    }
  }

  /** Reads the files chosen last once more, with other words about their columns. */
  async readWith(open: OpenDataReader, wishes: ColumnWishes): Promise<DataSummary | undefined> {
    return this.read(open, this.#chosen.files, wishes);
  }

  /** Reads the files that stand once more, in a thread that does not know them yet. */
  async readAgain(open: OpenDataReader): Promise<void> {
    if (this.#usable.files.length > 0) await this.read(open, this.#usable.files, this.#usable.wishes);
  }

  #show(state: DataState): void {
    this.state = state;
    this.#host.requestUpdate();
  }
}

function tooMany(count: number): LabError {
  return new LabError('bad-file', {
    message: 'A data set cannot be made of these files.',
    expected: 'one file of judged pairs, or one of pairs and one of documents',
    got: `${count} files`,
    fix: 'Put the pairs into one file.',
  });
}
