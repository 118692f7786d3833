/**
 * The training files that a reader chose: reads them in the training worker, and holds the summary or the failure for
 * one element. Handles of the files are kept, because a new worker has to read them again, as does a change of column
 * roles.
 */
import type { ReactiveController, ReactiveControllerHost } from 'lit';
import { LabError } from '../../../common/errors.ts';
import { type Failure, failureOf } from '../../../protocol/failure.ts';
import type { ColumnWishes, DataSummary, FileColumns } from '../../../protocol/imported-data.ts';
import type { TrainingClient } from '../sessions/training-client.ts';

/** Opens the worker that reads files. */
export type OpenDataReader = () => Promise<Pick<TrainingClient, 'readData' | 'readColumns'>>;

export interface DataState {
  /** Names of the files being read. */
  readonly reading: string | undefined;
  readonly summary: DataSummary | undefined;
  /** Why the last chosen files cannot be used; those chosen before stay in use. */
  readonly failure: Failure | undefined;
  /** The columns of the last chosen files; undefined where they could not be read. */
  readonly columns: FileColumns | undefined;
  /** The reader's column assignments, by role. */
  readonly wishes: ColumnWishes;
}

export const NO_DATA: DataState = {
  reading: undefined,
  summary: undefined,
  failure: undefined,
  columns: undefined,
  wishes: {},
};

/** Files with the reader's column assignments. */
interface Chosen {
  readonly files: readonly File[];
  readonly wishes: ColumnWishes;
}

/** Pairs in one file, documents in another. */
const MOST_FILES = 2;

export class DataController implements ReactiveController {
  state: DataState = NO_DATA;
  readonly #host: ReactiveControllerHost;
  /** The last choice, usable or not. */
  #chosen: Chosen = { files: [], wishes: {} };
  /** The last usable choice. */
  #usable: Chosen = { files: [], wishes: {} };
  #request = 0;

  constructor(host: ReactiveControllerHost) {
    this.#host = host;
    host.addController(this);
  }

  hostDisconnected(): void {
    this.#request += 1;
  }

  /** Reads files; resolves with undefined if they cannot be used or others were chosen in the meantime. */
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
      // Files with unreadable columns fail again below, where the failure is reported.
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

  /** Reads the last chosen files again with other column assignments. */
  async readWith(open: OpenDataReader, wishes: ColumnWishes): Promise<DataSummary | undefined> {
    return this.read(open, this.#chosen.files, wishes);
  }

  /** Reads the files in use again, in a worker that does not know them yet. */
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
    message: 'These files cannot be combined into a data set.',
    expected: 'one file of judged pairs, or one of pairs and one of documents',
    got: `${count} files`,
    fix: 'Put the pairs into one file.',
  });
}
