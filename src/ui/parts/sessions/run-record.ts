/**
 * A finished run of an earlier visit: its recorded events restore the state that the page showed.
 */
import * as v from 'valibot';
import type { RecordView } from '../../../protocol/checkpoints.ts';
import { renameOldKeys } from '../../../protocol/renamed-keys.ts';
import type { CheckpointClient } from './checkpoint-client.ts';

/** Null if there is none or its version is unknown; never rejects, because a lost recording needs no report. */
export async function recalled<Schema extends v.GenericSchema>(
  store: CheckpointClient,
  view: RecordView,
  schema: Schema,
): Promise<readonly v.InferOutput<Schema>[] | null> {
  try {
    const record = await store.record(view);
    const read = v.safeParse(v.array(schema), renameOldKeys(record?.events ?? null));
    return read.success ? read.output : null;
  } catch {
    return null;
  }
}
