/**
 * Training runs that have started and not finished. A run interrupted by a reload, a closed tab or a crash leaves its
 * record behind; the record and the newest checkpoint of the run are all that a page needs to resume it.
 *
 * A tab holds a lock while it trains a run, so that no other tab offers to resume it.
 */
import * as v from 'valibot';
import { LabError } from '../common/errors.ts';
import { parseConfig } from '../config/parse.ts';
import {
  ConfigJsonSchema,
  firstProblem,
  IdSchema,
  type Manifest,
  NameSchema,
  newestFirst,
  readManifest,
  TimeSchema,
} from './manifest.ts';
import { type DataToKeep, DATA_STORES, dropUnusedData, keepData } from './kept-data.ts';
import type { StoreDatabase, WriteTransaction } from './store-database.ts';
import { heldLocks, tryLock } from '../common/tab-locks.ts';

/** The record of a run. */
export const OpenRunSchema = v.strictObject({
  /** Equal to `runId` in the manifests of its checkpoints. */
  id: IdSchema,
  name: NameSchema,
  /** Identifies the code that resumes it, such as `sft`. */
  kind: v.pipe(v.string(), v.nonEmpty(), v.maxLength(200)),
  configJson: ConfigJsonSchema,
  /** Planned number of updates. */
  totalSteps: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  /** Time of the first start if it was resumed. */
  startedAt: TimeSchema,
  /** The SHA-256 of the imported data set it learns from; empty if it needs none. */
  dataHash: v.optional(v.pipe(v.string(), v.maxLength(64)), ''),
});
export type OpenRun = v.InferOutput<typeof OpenRunSchema>;
export type OpenRunInput = v.InferInput<typeof OpenRunSchema>;

/** A recorded run and its state. */
export interface OpenRunStatus {
  readonly run: OpenRun;
  /**
   * `alive`: some tab or worker is training it. `interrupted`: none is. `unknown`: the browser cannot tell, because the
   * page is not secure.
   */
  readonly state: 'alive' | 'interrupted' | 'unknown';
  /** Its newest checkpoint; null if it was interrupted before the first. */
  readonly lastCheckpoint: Manifest | null;
}

/** The right to train a run, held by this tab. */
export interface RunLease {
  /** Replaces all that is needed to restart the run, as JSON. Nothing happens where the record is gone. */
  amend(configJson: string): Promise<void>;
  /** Deletes the record: the run is complete or was abandoned. */
  finish(): Promise<void>;
  /** Keeps the record, so that the run can be resumed here or in another tab. */
  release(): void;
}

/** The runs of one database; reached as `runs` of a CheckpointStore. */
export class OpenRuns {
  readonly #database: StoreDatabase;

  constructor(database: StoreDatabase) {
    this.#database = database;
  }

  /**
   * Records a run that starts or resumes here, and keeps the data it learns from.
   *
   * @param data - an imported data set; absent if the run needs none
   * @throws {LabError} if another tab is training it, or the data does not fit into the storage
   */
  async start(run: OpenRunInput, data?: DataToKeep): Promise<RunLease> {
    const dataHash = data?.sha256 ?? '';
    const checked = parseConfig('The record of a run', OpenRunSchema, { ...run, dataHash });
    const release = await tryLock(OpenRuns.lockName(this.#database, checked.id));
    if (release === undefined) {
      throw new LabError('internal', {
        message: `The run "${checked.name}" is being trained in another tab.`,
        fix: 'Continue it there, or stop it there first.',
      });
    }
    try {
      const remember = (transaction: WriteTransaction): Promise<unknown> =>
        transaction.objectStore('runs').put(checked);
      if (data === undefined) await this.#database.write('remember the run', ['runs'], remember);
      else await keepData(this.#database, data, remember);
    } catch (thrown) {
      release();
      throw thrown;
    }
    const finish = async (): Promise<void> => {
      try {
        await this.forget(checked.id);
      } finally {
        release();
      }
    };
    const amend = async (configJson: string): Promise<void> => {
      const amended = parseConfig('The record of a run', OpenRunSchema, { ...checked, configJson });
      await this.#database.write('amend the run', ['runs'], async (transaction) => {
        const records = transaction.objectStore('runs');
        if ((await records.getKey(checked.id)) !== undefined) await records.put(amended);
      });
    };
    return { amend, finish, release };
  }

  /** Records of runs that cannot be parsed; they can only be deleted. */
  async damaged(): Promise<{ readonly id: string; readonly problem: string }[]> {
    return this.#database.read('read the open runs', ['runs'], async (transaction) => {
      const records = transaction.objectStore('runs');
      const [ids, values] = await Promise.all([records.getAllKeys(), records.getAll()]);
      return values.flatMap((value, index) => {
        const result = v.safeParse(OpenRunSchema, value);
        return result.success ? [] : [{ id: String(ids[index]), problem: firstProblem('run', result.issues) }];
      });
    });
  }

  /** Every valid record, latest start first. */
  async list(): Promise<OpenRunStatus[]> {
    const found = await this.#database.read('read the open runs', ['runs', 'manifests'], async (transaction) => {
      const records = await transaction.objectStore('runs').getAll();
      const runs = records.flatMap((record) => {
        const result = v.safeParse(OpenRunSchema, record);
        return result.success ? [result.output] : [];
      });
      const byRun = transaction.objectStore('manifests').index('by-run');
      return Promise.all(runs.map(async (run) => ({ run, manifests: await byRun.getAll(run.id) })));
    });
    // Queried after the records are read, because a run takes its lock before it writes its record.
    const held = await heldLocks();
    return found
      .map(({ run, manifests }): OpenRunStatus => {
        const readable = manifests.map(readManifest).filter((manifest) => typeof manifest !== 'string');
        const state =
          held === undefined
            ? 'unknown'
            : held.has(OpenRuns.lockName(this.#database, run.id))
              ? 'alive'
              : 'interrupted';
        return { run, state, lastCheckpoint: readable.toSorted(newestFirst)[0] ?? null };
      })
      .toSorted((a, b) => b.run.startedAt - a.run.startedAt);
  }

  /**
   * Deletes the record of a run. Its checkpoints stay, and its data as long as they refer to it. An unknown id is
   * ignored.
   */
  async forget(id: string): Promise<void> {
    await this.#database.write('forget the run', [...DATA_STORES], async (transaction) => {
      await transaction.objectStore('runs').delete(id);
      await dropUnusedData(transaction);
    });
  }

  /** The lock that a tab holds while it trains a run. */
  static lockName({ name }: Pick<StoreDatabase, 'name'>, id: string): string {
    return `${name}/run/${id}`;
  }
}
