/**
 * Whether there is a run of the Train view to go on with, for a page that opens on another view. Most visitors have never trained anything:
 * they pay for nothing but a look at the names of this origin's databases.
 */
import type { CheckpointClient } from './parts/checkpoint-client.ts';
import { isSingleRun } from './parts/run-kinds.ts';

/** Not all browsers can list databases; there a reader finds the run when they come to the training view. */
type DatabaseList = Partial<Pick<IDBFactory, 'databases'>>;

/** Never rejects: a store that cannot be read is told where it is needed. */
export async function hasUnfinishedRun(openStore: () => Promise<CheckpointClient>): Promise<boolean> {
  try {
    const databases: DatabaseList | undefined = globalThis.indexedDB;
    const names = (await databases?.databases?.()) ?? [];
    return names.length > 0 && (await (await openStore()).overview()).runs.some(({ kind }) => isSingleRun(kind));
  } catch {
    return false;
  }
}
