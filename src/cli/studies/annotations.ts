/**
 * The grades of several annotators for one pair, where a file of judged pairs contains them.
 */
import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import * as v from 'valibot';
import { readRecords } from '../../data/files/record-reader.ts';
import { isRowError } from '../../data/files/records.ts';
import { normaliseQuery } from '../../data/splits.ts';

const annotatedSchema = v.object({ query: v.string(), docId: v.string(), annotators: v.array(v.number()) });

/** Individual judgments by pair. */
export interface Annotations {
  readonly size: number;
  readonly of: (queryId: string, docId: string) => readonly number[] | undefined;
}

/** Reads the grades of each annotator, where a row has a list of them. */
export async function readAnnotations(path: string): Promise<Annotations> {
  const grades = new Map<string, readonly number[]>();
  for await (const batch of readRecords(createReadStream(path), { fileName: basename(path) })) {
    for (const item of batch) {
      const row = isRowError(item) ? undefined : Object.fromEntries(item.fields);
      if (!v.is(annotatedSchema, row)) continue;
      grades.set(keyOf(normaliseQuery(row.query), row.docId), row.annotators);
    }
  }
  return { size: grades.size, of: (queryId, docId) => grades.get(keyOf(queryId, docId)) };
}

function keyOf(queryId: string, docId: string): string {
  return JSON.stringify([queryId, docId]);
}
