/**
 * Text files that are read line by line, or by the tags that their documents are between, as records.
 */
import { MAX_ROW_LENGTH, type FileRecord, type RecordBatch, type RecordSource, RowProblem } from '../files/records.ts';
import { throwIfAborted } from '../../common/errors.ts';
import type { OpenedFile } from '../kinds/open-given.ts';
import { textOf } from './look.ts';

/** The values of one line by name. */
export type LineFields = readonly (readonly [name: string, value: string | number])[];

/**
 * The records of lines; empty lines are counted and skipped.
 *
 * @param read - throws a RowProblem for a line that it cannot read
 */
export function lineRecords(file: OpenedFile, read: (line: string) => LineFields): RecordSource {
  return piecesAsRecords(file, '\n', (line) => {
    const text = line.replace(/^\ufeff/u, '').replace(/\r$/u, '');
    return text.trim() === '' ? undefined : read(text);
  });
}

/** The records between tags such as `</DOC>`, in whatever case. */
export function taggedRecords(file: OpenedFile, endTag: string, read: (text: string) => LineFields): RecordSource {
  return piecesAsRecords(file, endTag, (text) => (text.trim() === '' ? undefined : read(text)));
}

function piecesAsRecords(file: OpenedFile, end: string, read: (text: string) => LineFields | undefined): RecordSource {
  return {
    records: async function* ({ signal }) {
      let row = 0;
      let rest = '';
      let isTooLong = false;
      const take = (text: string): RecordBatch => {
        row += 1;
        const wasTooLong = isTooLong || text.length > MAX_ROW_LENGTH;
        isTooLong = false;
        const expected = `at most ${MAX_ROW_LENGTH} characters`;
        if (wasTooLong) return [{ row, column: '', problem: 'it is too long', expected, got: 'more' }];
        return recordOf(text, row, read);
      };
      for await (const chunk of textOf(file)) {
        throwIfAborted(signal);
        const pieces = splitAt(rest + chunk, end);
        rest = pieces.pop() ?? '';
        yield pieces.flatMap(take);
        if (rest.length > MAX_ROW_LENGTH) {
          isTooLong = true;
          // The end may be cut in two.
          rest = rest.slice(-end.length);
        }
      }
      if (rest.trim() !== '' || isTooLong) yield take(rest);
    },
  };
}

function splitAt(text: string, end: string): string[] {
  if (end === '\n') return text.split('\n');
  // End tags have no characters that mean something else in a pattern.
  return text.split(new RegExp(end, 'iu'));
}

function recordOf(text: string, row: number, read: (text: string) => LineFields | undefined): RecordBatch {
  try {
    const fields = read(text);
    return fields === undefined ? [] : [{ row, fields: new Map(fields) } satisfies FileRecord];
  } catch (problem) {
    if (problem instanceof RowProblem) return [problem.at(row)];
    throw problem;
  }
}
