/** Sources of records made of others: changed one by one, or one after the other. */
import type { DataFile } from '../files/data-set-reader.ts';
import { readRecords } from '../files/record-reader.ts';
import { type FileRecord, isRowError, type RecordBatch, RowProblem } from '../files/records.ts';

/**
 * A file with its records changed.
 *
 * @param change - gives the records that one becomes, numbered anew if there can be several; throws a RowProblem
 */
export function changedFile(file: DataFile, change: (record: FileRecord) => readonly FileRecord[]): DataFile {
  const read = (record: FileRecord): RecordBatch => {
    try {
      return change(record);
    } catch (problem) {
      if (problem instanceof RowProblem) return [problem.at(record.row)];
      throw problem;
    }
  };
  return {
    name: file.name,
    open: () => ({
      records: async function* ({ signal }) {
        for await (const batch of readRecords(file.open(), { fileName: file.name, signal })) {
          yield batch.flatMap((item) => (isRowError(item) ? [item] : read(item)));
        }
      },
    }),
  };
}

/** Files one after the other, their rows numbered through; each record says which file it is of. */
export function concatenated(files: readonly DataFile[], name: string): DataFile {
  const [first] = files;
  if (files.length === 1 && first !== undefined) return first;
  return {
    name,
    open: () => ({
      records: async function* ({ signal }) {
        let before = 0;
        for (const file of files) {
          let last = 0;
          for await (const batch of readRecords(file.open(), { fileName: file.name, signal })) {
            for (const { row } of batch) last = Math.max(last, row);
            yield batch.map((item) => {
              const row = before + item.row;
              if (isRowError(item))
                return { ...item, row, problem: `${item.problem} (row ${item.row} of ${file.name})` };
              return { row, fields: new Map([...item.fields, ['file', file.name]]) };
            });
          }
          before += last;
        }
      },
    }),
  };
}

/** A value as an id; empty for none. */
export function idOf(value: unknown): string {
  if (typeof value === 'string') return value.trim();
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}
