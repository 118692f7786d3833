/**
 * Reads the records of a file of any format, detected from the file's name or, if that is ambiguous, from its start.
 */
import { readDelimited } from './delimited-records.ts';
import { readJsonArray, readJsonLines } from './json-records.ts';
import type { FileFormat, RecordBatch, RowSource } from './records.ts';
import { readText, type TextOptions } from './text-stream.ts';

export interface RecordOptions extends TextOptions {
  /** Default: detected from the name and the start of the file. */
  readonly format?: FileFormat | undefined;
}

/**
 * Reads a file in batches of records; see {@link FileRecord} for the numbering.
 *
 * @param checkHeader - called with the column names of a table before its first record; may throw
 * @throws {LabError} `bad-file` if the file as a whole cannot be read; `aborted` on request.
 */
export async function* readRecords(
  source: RowSource,
  options: RecordOptions,
  checkHeader: (names: readonly string[]) => void = () => undefined,
): AsyncGenerator<RecordBatch> {
  if ('records' in source) {
    yield* source.records(options, checkHeader);
    return;
  }
  const { fileName } = options;
  const chunks = readText(source, options);
  const head = await readHead(chunks);
  const text = join(head, chunks);
  const format = options.format ?? detectFormat(fileName, head.at(-1) ?? '');
  switch (format) {
    case 'csv':
      yield* readDelimited(text, { fileName, checkHeader });
      break;
    case 'tsv':
      yield* readDelimited(text, { fileName, checkHeader, delimiter: '\t' });
      break;
    case 'jsonl':
      yield* readJsonLines(text, fileName);
      break;
    case 'json':
      yield* readJsonArray(text, fileName);
      break;
    default:
      format satisfies never;
  }
}

/** The format of a file by its name, or by its first character if the name is ambiguous (`.json`, `.txt`, none). */
export function detectFormat(fileName: string, head: string): FileFormat {
  const [, extension] = /\.(\w+?)(\.gz)?$/i.exec(fileName.toLowerCase()) ?? [];
  if (extension === 'csv' || extension === 'tsv' || extension === 'jsonl') return extension;
  if (extension === 'ndjson') return 'jsonl';
  const first = head.trimStart().charAt(0);
  if (first === '[') return 'json';
  return first === '{' ? 'jsonl' : 'csv';
}

/**
 * The chunks up to and including the first that is not blank. They are not joined, because there can be very many blank
 * ones.
 */
async function readHead(chunks: AsyncGenerator<string>): Promise<string[]> {
  const head: string[] = [];
  while ((head.at(-1) ?? '').trim() === '') {
    const next = await chunks.next();
    if (next.done === true) break;
    head.push(next.value);
  }
  return head;
}

async function* join(head: readonly string[], rest: AsyncIterable<string>): AsyncGenerator<string> {
  yield* head;
  yield* rest;
}
