/**
 * A finished run of an earlier visit: what it told then makes the state that the page showed.
 */
import * as v from 'valibot';
import type { RecordView } from '../../protocol/checkpoints.ts';
import type { CheckpointClient } from './checkpoint-client.ts';

/** Null where there is none, or it was written by another version; never rejects, since its loss is told nowhere else. */
export async function recalled<Schema extends v.GenericSchema>(
  store: CheckpointClient,
  view: RecordView,
  schema: Schema,
): Promise<readonly v.InferOutput<Schema>[] | null> {
  try {
    const record = await store.record(view);
    const read = v.safeParse(v.array(schema), record?.events ?? null);
    return read.success ? read.output : null;
  } catch {
    return null;
  }
}
