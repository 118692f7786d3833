/**
 * The events of finished runs, so that a page can show them after a reload: the last run of each view, until it is
 * dismissed or replaced. The store does not interpret the events.
 */
import * as v from 'valibot';
import { parseConfig } from '../config/parse.ts';
import { TimeSchema } from './manifest.ts';
import type { StoreDatabase } from './store-database.ts';

const RunRecordSchema = v.strictObject({
  /** The view that shows it. */
  view: v.pipe(v.string(), v.nonEmpty(), v.maxLength(40)),
  endedAt: TimeSchema,
  events: v.array(v.unknown()),
});
export type RunRecord = v.InferOutput<typeof RunRecordSchema>;

/** The records of one database; reached as `records` of a CheckpointStore. */
export class RunRecords {
  readonly #database: StoreDatabase;

  constructor(database: StoreDatabase) {
    this.#database = database;
  }

  /** Keeps a record and replaces the previous one of its view. @throws {LabError} `storage-full` */
  async keep(record: RunRecord): Promise<void> {
    const checked = parseConfig('The record of a finished run', RunRecordSchema, record);
    await this.#database.write('keep the finished run', ['records'], (transaction) =>
      transaction.objectStore('records').put(checked),
    );
  }

  /** The record of a view; undefined if there is none or it cannot be parsed. */
  async load(view: string): Promise<RunRecord | undefined> {
    const value = await this.#database.read('read the finished run', ['records'], (transaction) =>
      transaction.objectStore('records').get(view),
    );
    const read = v.safeParse(RunRecordSchema, value);
    return read.success ? read.output : undefined;
  }

  async drop(view: string): Promise<void> {
    await this.#database.write('forget the finished run', ['records'], (transaction) =>
      transaction.objectStore('records').delete(view),
    );
  }
}
