/**
 * The records of all runs that this browser has made or imported, from their first step on, whatever became of their
 * checkpoints. A record is small, so it is written whole with every checkpoint; completions are stored beside it, a
 * value for each step at which they were drawn.
 */
import * as v from 'valibot';
import { LabError } from '../common/errors.ts';
import { parseConfig } from '../config/parse.ts';
import {
  NO_REMARKS,
  type RunChange,
  RunChangeSchema,
  type RunCompletions,
  RunCompletionsSchema,
  type TrackedRun,
  TrackedRunSchema,
} from '../protocol/tracked-run.ts';
import { firstProblem } from './manifest.ts';
import { OpenRuns } from './open-runs.ts';
import type { StoreDatabase, WriteTransaction } from './store-database.ts';
import { heldLocks, tryLock } from '../common/tab-locks.ts';

/** The fields of a run that its session writes; a person's remarks survive them. */
export type TrackedProgress = Omit<
  TrackedRun,
  'schemaVersion' | 'queuedAt' | 'watch' | 'note' | 'tags' | 'isPinned' | 'isArchived'
>;

/** All records, and those that cannot be read. */
export interface TrackedList {
  /** The last started first. */
  readonly runs: readonly TrackedRun[];
  /** Ids of runs that some tab is making now; undefined if the browser cannot tell. */
  readonly alive: ReadonlySet<string> | undefined;
  readonly damaged: readonly { readonly id: string; readonly problem: string }[];
}

const NEW = { schemaVersion: 1 as const, queuedAt: null, watch: null, ...NO_REMARKS };

/** All keys of the completions of a run; [id, []] is above every [id, step]. */
const completionsOf = (id: string): IDBKeyRange => IDBKeyRange.bound([id], [id, []]);

/** The records of one database; reached as `tracked` of a CheckpointStore. */
export class TrackedRuns {
  readonly #database: StoreDatabase;

  constructor(database: StoreDatabase) {
    this.#database = database;
  }

  /**
   * Records a run that begins here, or continues at the step of its checkpoint, from which on it is drawn anew. Its
   * first start, its name and a person's remarks are kept.
   *
   * @returns the record as it was; undefined if there was none
   */
  async begin(progress: TrackedProgress): Promise<TrackedRun | undefined> {
    return this.#write(async (transaction) => {
      const before = await readable(transaction, progress.id);
      await transaction.objectStore('tracked').put(merged(before ?? { ...NEW, ...progress }, progress));
      const repeated = IDBKeyRange.bound([progress.id, progress.step], [progress.id, []], true);
      await transaction.objectStore('completions').delete(repeated);
      return before;
    });
  }

  /**
   * Writes how far a run has come, and what it has completed since. A record that was deleted meanwhile stays deleted,
   * because what a person added to it comes back only with an undo.
   */
  async progress(progress: TrackedProgress, completions: readonly RunCompletions[] = []): Promise<void> {
    await this.#write(async (transaction) => {
      const before = await readable(transaction, progress.id);
      if (before === undefined) return;
      await transaction.objectStore('tracked').put(merged(before, progress));
      await putCompletions(transaction, progress.id, completions);
    });
  }

  /** What runs have completed, by id, in the order of steps. Values that cannot be read are left out. */
  async completions(ids: readonly string[]): Promise<Map<string, RunCompletions[]>> {
    return this.#database.read('read the completions', ['completions'], async (transaction) => {
      const store = transaction.objectStore('completions');
      const values = await Promise.all(ids.map((id) => store.getAll(completionsOf(id))));
      return new Map(
        ids.map((id, i) => {
          const read = (values[i] ?? []).map((value) => v.safeParse(RunCompletionsSchema, value));
          return [id, read.flatMap(({ success, output }) => (success ? [output] : []))];
        }),
      );
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

  /**
   * Takes a run that could not be begun or continued out of the queue, as failed. An unknown id is ignored, and so is a
   * run that some tab is making.
   */
  async fail(id: string): Promise<void> {
    const release = await tryLock(OpenRuns.lockName(this.#database, id));
    if (release === undefined) return;
    try {
      await this.#write(async (transaction) => {
        const run = await readable(transaction, id);
        if (run !== undefined)
          await transaction.objectStore('tracked').put({ ...run, state: 'failed', queuedAt: null });
      });
    } finally {
      release();
    }
  }

  /**
   * Adds runs as they are; one that is here already is left as it is.
   *
   * @param completions - by id
   * @returns the ids that were added
   */
  async add(
    runs: readonly TrackedRun[],
    completions: ReadonlyMap<string, readonly RunCompletions[]> = new Map(),
  ): Promise<string[]> {
    const checked = runs.map((run) => parseConfig(`The run "${run.name}"`, TrackedRunSchema, run));
    return this.#write(async (transaction) => {
      const added: string[] = [];
      const store = transaction.objectStore('tracked');
      for (const run of checked) {
        if ((await store.count(run.id)) > 0) continue;
        await store.put(run);
        await putCompletions(transaction, run.id, completions.get(run.id) ?? []);
        added.push(run.id);
      }
      return added;
    });
  }

  /**
   * Deletes records; unknown ids are ignored. Checkpoints are kept, and the data of runs of the queue too, until other
   * data is deleted, so that the deletion can be undone.
   */
  async remove(ids: readonly string[]): Promise<void> {
    await this.#write(async (transaction) => {
      for (const id of ids) {
        await transaction.objectStore('tracked').delete(id);
        await transaction.objectStore('completions').delete(completionsOf(id));
      }
    });
  }

  async #write<T>(work: (transaction: WriteTransaction) => Promise<T>): Promise<T> {
    return this.#database.write('write the runs', ['tracked', 'completions'], work);
  }
}

/** The record of a run; undefined if there is none or it cannot be read. */
async function readable(transaction: WriteTransaction, id: string): Promise<TrackedRun | undefined> {
  const { success, output } = v.safeParse(TrackedRunSchema, await transaction.objectStore('tracked').get(id));
  return success ? output : undefined;
}

/**
 * A record with the progress of its run; what a person added to it is kept, and so is where its start is, which a run
 * that resumes from a checkpoint no longer knows.
 */
function merged(before: TrackedRun, progress: TrackedProgress): TrackedRun {
  const { name, watch, note, tags, isPinned, isArchived } = before;
  const { startedAt } = before.state === 'queued' ? progress : before;
  const queuedAt = progress.state === 'finished' || progress.state === 'failed' ? null : before.queuedAt;
  const startUrl = progress.startUrl ?? before.startUrl;
  const run = { ...NEW, ...progress, startUrl, name, startedAt, queuedAt, watch, note, tags, isPinned, isArchived };
  return parseConfig('The record of a run', TrackedRunSchema, run);
}

async function putCompletions(
  transaction: WriteTransaction,
  id: string,
  completions: readonly RunCompletions[],
): Promise<void> {
  const store = transaction.objectStore('completions');
  for (const one of completions) await store.put(parseConfig('Completions', RunCompletionsSchema, one), [id, one.step]);
}
