/** Sources of records made of others: changed one by one, or one after the other. */
import type { DataFile } from '../files/data-set-reader.ts';
import { readRecords } from '../files/record-reader.ts';
import { type FileRecord, isRowError, type RecordBatch, type RowError, RowProblem } from '../files/records.ts';

/**
 * A file with its records changed.
 *
 * @param change - gives the records that one becomes, of the same row; throws a RowProblem
 */
export function changedFile(file: DataFile, change: (record: FileRecord) => readonly FileRecord[]): DataFile {
  return changed(file, change, (error) => error);
}

/**
 * A file of which each record becomes up to `most`. They are numbered so that each has the same number however many
 * others become: `most` numbers belong to each row, of those that cannot be read too.
 */
export function multipliedFile(
  file: DataFile,
  most: number,
  change: (record: FileRecord) => readonly FileRecord['fields'][],
): DataFile {
  const numberOf = (row: number): number => most * (row - 1) + 1;
  return changed(
    file,
    (record) => {
      const all = change(record);
      if (all.length > most) throw new RowProblem('', 'too many pairs come of it', `at most ${most}`, all.length);
      return all.map((fields, i) => ({ row: numberOf(record.row) + i, fields }));
    },
    (error) => ({ ...error, row: numberOf(error.row), problem: `${error.problem} (number ${error.row} in the file)` }),
  );
}

function changed(
  file: DataFile,
  change: (record: FileRecord) => readonly FileRecord[],
  renumber: (error: RowError) => RowError,
): DataFile {
  const read = (record: FileRecord): RecordBatch => {
    try {
      return change(record);
    } catch (problem) {
      if (problem instanceof RowProblem) return [renumber(problem.at(record.row))];
      throw problem;
    }
  };
  return {
    name: file.name,
    open: () => ({
      records: async function* ({ signal }) {
        for await (const batch of readRecords(file.open(), { fileName: file.name, signal })) {
          yield batch.flatMap((item) => (isRowError(item) ? [renumber(item)] : read(item)));
        }
      },
    }),
  };
}

/**
 * Files one after the other, their rows numbered through; each record says which file it is of.
 *
 * @param step - how many numbers belong to each row of a file that {@link multipliedFile} gives
 */
export function concatenated(files: readonly DataFile[], name: string, step = 1): DataFile {
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
          before += step * Math.ceil(last / step);
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
