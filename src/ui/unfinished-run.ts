/**
 * Whether the Train view has an unfinished run, for a page that opens on another view. Most visitors have never trained
 * anything: for them this costs only a look at the names of this origin's databases.
 */
import type { CheckpointClient } from './parts/sessions/checkpoint-client.ts';
import { isSingleRun } from './parts/sessions/run-kinds.ts';

/** Some browsers cannot list databases; there the run is found when the Train view is opened. */
type DatabaseList = Partial<Pick<IDBFactory, 'databases'>>;

/** Never rejects: an unreadable store is reported where it is needed. */
export async function hasUnfinishedRun(openStore: () => Promise<CheckpointClient>): Promise<boolean> {
  try {
    const databases: DatabaseList | undefined = globalThis.indexedDB;
    const names = (await databases?.databases?.()) ?? [];
    return names.length > 0 && (await (await openStore()).overview()).runs.some(({ kind }) => isSingleRun(kind));
  } catch {
    return false;
  }
}
