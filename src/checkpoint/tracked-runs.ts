/**
 * The records of all runs that this browser has made or imported, from their first step on, whatever became of their
 * checkpoints. A record is small, so it is written whole with every checkpoint.
 */
import * as v from 'valibot';
import { LabError } from '../common/errors.ts';
import { parseConfig } from '../config/parse.ts';
import { type RunChange, RunChangeSchema, type TrackedRun, TrackedRunSchema } from '../protocol/tracked-run.ts';
import { firstProblem } from './manifest.ts';
import { OpenRuns } from './open-runs.ts';
import type { StoreDatabase, WriteTransaction } from './store-database.ts';
import { heldLocks } from '../common/tab-locks.ts';

/** The fields of a run that its session writes; a person's remarks survive them. */
export type TrackedProgress = Omit<
  TrackedRun,
  'schemaVersion' | 'queuedAt' | 'note' | 'tags' | 'isPinned' | 'isArchived'
>;

/** All records, and those that cannot be read. */
export interface TrackedList {
  /** The last started first. */
  readonly runs: readonly TrackedRun[];
  /** Ids of runs that some tab is making now; undefined if the browser cannot tell. */
  readonly alive: ReadonlySet<string> | undefined;
  readonly damaged: readonly { readonly id: string; readonly problem: string }[];
}

const NEW = { schemaVersion: 1, queuedAt: null, note: '', tags: [], isPinned: false, isArchived: false } as const;

/** The records of one database; reached as `tracked` of a CheckpointStore. */
export class TrackedRuns {
  readonly #database: StoreDatabase;

  constructor(database: StoreDatabase) {
    this.#database = database;
  }

  /** Writes how far a run has come. Its first start, its name and a person's remarks are kept. */
  async progress(progress: TrackedProgress): Promise<void> {
    await this.#write(async (transaction) => {
      const known = v.safeParse(TrackedRunSchema, await transaction.objectStore('tracked').get(progress.id));
      const before = known.success ? known.output : { ...NEW, ...progress };
      const { name, note, tags, isPinned, isArchived } = before;
      const { startedAt } = before.state === 'queued' ? progress : before;
      const queuedAt = progress.state === 'finished' || progress.state === 'failed' ? null : before.queuedAt;
      const run = { ...NEW, ...progress, name, startedAt, queuedAt, note, tags, isPinned, isArchived };
      await transaction.objectStore('tracked').put(parseConfig('The record of a run', TrackedRunSchema, run));
    });
  }

  async list(): Promise<TrackedList> {
    const { ids, values } = await this.#database.read('list the runs', ['tracked'], async (transaction) => {
      const store = transaction.objectStore('tracked');
      const [ids, values] = await Promise.all([store.getAllKeys(), store.getAll()]);
      return { ids, values };
    });
    const read = values.map((value) => v.safeParse(TrackedRunSchema, value));
    const locks = await heldLocks();
    const runs = read.flatMap(({ success, output }) => (success ? [output] : []));
    return {
      runs: runs.toSorted((a, b) => b.startedAt - a.startedAt),
      alive:
        locks && new Set(runs.map(({ id }) => id).filter((id) => locks.has(OpenRuns.lockName(this.#database, id)))),
      damaged: read.flatMap(({ success, issues }, i) =>
        success ? [] : [{ id: String(ids[i]), problem: firstProblem('run', issues) }],
      ),
    };
  }

  /** @throws {LabError} `not-found`, `bad-config` if the change cannot be accepted */
  async change(id: string, change: RunChange): Promise<void> {
    const checked = parseConfig('The change of a run', RunChangeSchema, change);
    await this.#write(async (transaction) => {
      const value: unknown = await transaction.objectStore('tracked').get(id);
      if (value === undefined) {
        throw new LabError('not-found', { message: 'This run is no longer here.', fix: 'It may have been deleted in another tab.' }); // prettier-ignore
      }
      await transaction.objectStore('tracked').put({ ...parseConfig('The run', TrackedRunSchema, value), ...checked });
    });
  }

  /** Takes a run that could not be begun or continued out of the queue, as failed. An unknown id is ignored. */
  async fail(id: string): Promise<void> {
    await this.#write(async (transaction) => {
      const known = v.safeParse(TrackedRunSchema, await transaction.objectStore('tracked').get(id));
      if (known.success)
        await transaction.objectStore('tracked').put({ ...known.output, state: 'failed', queuedAt: null });
    });
  }

  /** Adds runs as they are; one that is here already is left as it is. @returns the ids that were added */
  async add(runs: readonly TrackedRun[]): Promise<string[]> {
    const checked = runs.map((run) => parseConfig(`The run "${run.name}"`, TrackedRunSchema, run));
    const added: string[] = [];
    await this.#write(async (transaction) => {
      const store = transaction.objectStore('tracked');
      for (const run of checked) {
        if ((await store.count(run.id)) > 0) continue;
        await store.put(run);
        added.push(run.id);
      }
    });
    return added;
  }

  /** Deletes records; unknown ids are ignored. Checkpoints are kept. */
  async remove(ids: readonly string[]): Promise<void> {
    await this.#write(async (transaction) => {
      for (const id of ids) await transaction.objectStore('tracked').delete(id);
    });
  }

  async #write(work: (transaction: WriteTransaction) => Promise<void>): Promise<void> {
    await this.#database.write('write the runs', ['tracked'], work);
  }
}
