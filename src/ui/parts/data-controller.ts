/**
 * The files that a reader chose to train on: reads them in the thread that trains, and keeps what was found, or why they
 * cannot be used, for one element. The files are kept as handles, for a thread that has to begin anew.
 */
import type { ReactiveController, ReactiveControllerHost } from 'lit';
import { LabError } from '../../common/errors.ts';
import { type Failure, failureOf } from '../../protocol/failure.ts';
import type { DataSummary } from '../../protocol/imported-data.ts';
import type { TrainingClient } from './training-client.ts';

/** Gives the thread that reads. */
export type OpenDataReader = () => Promise<Pick<TrainingClient, 'readData'>>;

export interface DataState {
  /** Names of the files being read. */
  readonly reading: string | undefined;
  readonly summary: DataSummary | undefined;
  readonly failure: Failure | undefined;
}

/** Pairs in one file, documents in another. */
const MOST_FILES = 2;

export class DataController implements ReactiveController {
  state: DataState = { reading: undefined, summary: undefined, failure: undefined };
  readonly #host: ReactiveControllerHost;
  #files: readonly File[] = [];
  #request = 0;

  constructor(host: ReactiveControllerHost) {
    this.#host = host;
    host.addController(this);
  }

  hostDisconnected(): void {
    this.#request += 1;
  }

  /** Reads files; gives what was found, or undefined if they cannot be used or others were chosen meanwhile. */
  async read(open: OpenDataReader, files: readonly File[]): Promise<DataSummary | undefined> {
    this.#request += 1;
    const request = this.#request;
    const names = files.map(({ name }) => name).join(' and ');
    this.#show({ ...this.state, reading: names, failure: undefined });
    try {
      if (files.length > MOST_FILES) throw tooMany(files.length);
      const client = await open();
      const summary = await client.readData({ files: files.map((file) => ({ name: file.name, blob: file })) });
      if (request !== this.#request) return undefined;
      this.#files = files;
      this.#show({ reading: undefined, summary, failure: undefined });
      return summary;
    } catch (thrown) {
      if (request === this.#request) this.#show({ ...this.state, reading: undefined, failure: failureOf(thrown) });
      return undefined;
    }
  }

  /** Reads the files that stand once more, in a thread that does not know them yet. */
  async readAgain(open: OpenDataReader): Promise<void> {
    if (this.#files.length > 0) await this.read(open, this.#files);
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
